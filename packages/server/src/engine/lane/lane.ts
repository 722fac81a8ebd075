import type { DeliveryId, EndpointId, TenantId } from '../../base/model.ts'
import type { LaneItem } from '../../store/operations/lanes/lanes.ts'
import type { Budget } from './budget.ts'
import { HeldDeliveries } from './held-deliveries.ts'
import type { RateWindow } from './rate.ts'
import { Recovery, type RequestEnd } from './recovery.ts'

/** Rows of a read beside those that are held: eight thousand at once took 40 MB in the store's thread, and its time. */
const MAX_ROWS_READ = 2_048

/** For so many requests of the window, as much again of what is fresh: at 32, four times what is read at once. */
const FRESH_FOR_EACH = 8

/**
 * The queue of one endpoint in a node's memory. It holds the earliest due of the endpoint's pending deliveries; the
 * rest stay in the store and are read when there is room.
 *
 * A delivery that the lane holds is: waiting → in flight → settling → complete, or waiting again for its retry, or
 * released to the store.
 *
 * Invariants:
 * - Every pending delivery of the endpoint is held here, or falls due at `storeEarliestMs` or later. Infinity means
 *   that the store has nothing which is not held here.
 * - A delivery is held at most once: a read leaves out what is held, or was removed since the read began.
 * - inFlight ≤ window at each dispatch; 1 ≤ window ≤ maxWindow.
 * - In crash mode its window is one, and what was in flight is settled before the next is taken.
 *
 * The lane of an ordered endpoint holds the beginning of the endpoint's queue, as the store has it: what is fresh is
 * never taken in out of turn. It sends one at a time, the next only when the one before has ended; if it has not, or
 * nobody knows, all that waits is left to the store and read anew.
 *
 * What a person wants to go at once is urgent: it goes before the others, and although the receiver wants a pause. It is
 * urgent until it is taken, complete or released.
 */
export class Lane {
  readonly tenant: TenantId
  readonly endpoint: EndpointId
  readonly partition: number
  readonly #limits: LaneLimits
  readonly #held: HeldDeliveries
  #storeEarliestMs: number
  #read: LaneRead | undefined
  #inFlight = 0
  readonly #recovery: Recovery
  /** Nothing is sent before that, for a reason of ours. */
  #notBeforeMs = 0
  /** The receiver asked to be left alone until then (Retry-After). */
  #pausedUntilMs = 0
  #isInCrashMode = false
  /** Then what waits is in the order of the queue, due or not. */
  #isOrdered = false
  /** Ordered, and nothing is left in the store from before it was. */
  #isNumbered = false
  /** null: no limit. */
  #rate: RateWindow | null = null

  /** @param storeEarliestMs the earliest due time in the store; Infinity if it has nothing of this endpoint */
  constructor(tenant: TenantId, endpoint: EndpointId, partition: number, storeEarliestMs: number, limits: LaneLimits) {
    this.tenant = tenant
    this.endpoint = endpoint
    this.partition = partition
    this.#limits = limits
    this.#storeEarliestMs = storeEarliestMs
    this.#recovery = new Recovery(limits.maxWindow)
    this.#held = new HeldDeliveries(limits.items, limits.payloads)
  }

  get inFlight(): number {
    return this.#inFlight
  }

  get isOrdered(): boolean {
    return this.#isOrdered
  }

  get isNumbered(): boolean {
    return this.#isNumbered
  }

  get rate(): RateWindow | null {
    return this.#rate
  }

  get window(): number {
    return this.#isInCrashMode ? 1 : this.#recovery.window
  }

  /** Since a crash, nothing of it has been settled yet (docs/decisions/0011-crash-mode.md). */
  get isInCrashMode(): boolean {
    return this.#isInCrashMode
  }

  enterCrashMode(): void {
    this.#isInCrashMode = true
  }

  /** The first is settled: it goes on like any other. */
  leaveCrashMode(): void {
    this.#isInCrashMode = false
  }

  /** Deliveries to hold: what the window can use soon, so that a thousand dead endpoints don't fill the memory. */
  get #capacity(): number {
    return this.#limits.items.isLeft ? this.window * this.#limits.depth : this.window
  }

  /** With so many it is time to read: enough for the time that a read takes, and few, since a read brings them once more. */
  get #readThreshold(): number {
    return Math.min(this.#capacity, MAX_ROWS_READ) / 4
  }

  /**
   * Of what was just committed, more is held: it is here already, and would have to be read again. The more, the faster
   * the receiver has shown to be.
   */
  get #freshCapacity(): number {
    if (!this.#limits.items.isLeft) return this.window
    return this.#capacity * Math.max(1, Math.floor(this.window / FRESH_FOR_EACH))
  }

  get storeEarliestMs(): number {
    return this.#storeEarliestMs
  }

  /** Nothing held, and nothing in the store: it can be forgotten. */
  get isEmpty(): boolean {
    return this.#held.size === 0 && this.#storeEarliestMs === Number.POSITIVE_INFINITY && this.#read === undefined
  }

  /** How fast it goes. */
  get recovery(): Recovery {
    return this.#recovery
  }

  /** What a person wants to go at once, and has not gone. */
  get urgent(): ReadonlySet<DeliveryId> {
    return this.#held.urgent
  }

  /** The endpoint's order and rate, and the pause that its receiver wants, as they are now. */
  configure(isOrdered: boolean, rate: RateWindow | null, pausedUntilMs: number): void {
    this.#rate = rate
    this.#pausedUntilMs = pausedUntilMs
    if (isOrdered === this.#isOrdered) return
    this.#isOrdered = isOrdered
    this.reset()
  }

  /** The endpoint has changed: whether its receiver wants a pause, or can't be reached, is to be found out anew. */
  clearPause(): void {
    this.#pausedUntilMs = 0
    this.#recovery.endPause()
  }

  /** Takes in a delivery that was just committed, if there is room and nothing earlier in the store. */
  offer(item: LaneItem): boolean {
    if (this.#held.has(item.delivery)) return true
    const isLater = this.#isOrdered || this.#read !== undefined || this.#storeEarliestMs <= item.dueAtMs
    if (isLater || !this.#makeRoomFor(item.dueAtMs)) {
      this.#leaveInStore(item.dueAtMs)
      return false
    }
    this.#held.hold(item, this.#isOrdered)
    return true
  }

  /** When there is something to do next: dispatch or read. Infinity: never. */
  nextWakeMs(): number {
    const waitingMs = this.#held.first?.dueAtMs ?? Number.POSITIVE_INFINITY
    // Behind the first of a queue, nothing matters.
    const isFirstHeld = this.#isOrdered && this.#held.size > 0
    const firstMs = isFirstHeld ? waitingMs : Math.min(waitingMs, this.#storeEarliestMs)
    return Math.max(firstMs, this.#blockedUntilMs)
  }

  /** Before that, nothing is sent or read. */
  get #blockedUntilMs(): number {
    const { first, urgent } = this.#held
    const isUrgent = first === undefined ? this.#isOrdered && urgent.size > 0 : urgent.has(first.delivery)
    return isUrgent ? this.#notBeforeMs : Math.max(this.#notBeforeMs, this.#pausedUntilMs, this.#recovery.notBeforeMs)
  }

  /** Whether a delivery can be dispatched now. */
  isReady(nowMs: number): boolean {
    const first = this.#held.first
    const isDue = first !== undefined && first.dueAtMs <= nowMs && this.#blockedUntilMs <= nowMs
    return isDue && this.#mayBegin && (this.#rate === null || this.#rate.isFree())
  }

  /** Whether one more may be in flight. */
  get #mayBegin(): boolean {
    // All that it holds waits: nothing is in flight or settling.
    if (this.#isInCrashMode || this.#isOrdered) return this.#held.areAllWaiting
    return this.#inFlight < this.#recovery.window
  }

  /** Whether it is time to read from the store: something there is due, and there is room, or can be made. */
  needsRead(nowMs: number): boolean {
    if (this.#read !== undefined || this.#storeEarliestMs > nowMs || this.#blockedUntilMs > nowMs) return false
    if (this.#isOrdered) return this.#held.size === 0
    const due = this.#held.countDue(nowMs)
    // What is in flight can't be sent next: with a wide window it alone is more than that. But it takes the lane's room, and
    // a read is to find some.
    return due - this.#inFlight <= this.#readThreshold && due <= this.#capacity / 2
  }

  /** The next delivery, which is in flight from here on. Only if `isReady`. */
  takeNext(): LaneItem {
    this.#inFlight++
    this.#rate?.reserve()
    return this.#held.takeFirst()
  }

  /** The request has ended; its outcome is yet to be settled. null: it was not sent, which tells nothing. */
  endRequest(end: RequestEnd | null): void {
    this.#inFlight--
    if (end !== null) this.#recovery.endRequest(end)
  }

  /** Settled for good: the lane has done with it. */
  complete(delivery: DeliveryId): void {
    this.#remove(delivery)
  }

  /** Settled, and due again. What a person wants to go at once goes first only if it is due: else it held up the others. */
  retry(item: LaneItem, nowMs: number): void {
    const isUrgent = this.#held.urgent.has(item.delivery) && item.dueAtMs <= nowMs
    this.#remove(item.delivery)
    if (isUrgent) this.#held.markUrgent(item.delivery)
    // It is the first again, before all that waits.
    while (this.#isOrdered && this.#held.first !== undefined) this.#dropLast()
    if (this.#isOrdered) this.#leaveInStore(item.dueAtMs)
    else if (
      isUrgent ||
      (this.#read === undefined && item.dueAtMs < this.#storeEarliestMs && this.#held.size < this.#capacity)
    ) {
      this.#held.hold(item, this.#isOrdered)
    } else this.#leaveInStore(item.dueAtMs)
  }

  /**
   * It was not settled, or not by us, and the store knows where it stands. An ordered lane reads anew before it sends
   * anything, and does so not before `untilMs`.
   */
  release(delivery: DeliveryId, untilMs: number): void {
    this.#remove(delivery)
    if (!this.#isOrdered) return
    this.reset()
    this.#notBeforeMs = Math.max(this.#notBeforeMs, untilMs)
  }

  #remove(delivery: DeliveryId): void {
    this.#held.unmarkUrgent(delivery)
    this.#held.forget(delivery)
    this.#read?.removed.add(delivery)
  }

  /** A person wants it to go at once: `offerUrgent` hands it in, as the store has it. */
  markUrgent(delivery: DeliveryId): void {
    this.#held.markUrgent(delivery)
  }

  /** What was marked urgent, as the store has it; null: it is not pending. Of an ordered lane the queue is read instead. */
  offerUrgent(delivery: DeliveryId, item: LaneItem | null): void {
    if (item === null) this.#held.unmarkUrgent(delivery)
    // It has gone by now, or is on its way and comes back here if it fails.
    if (item === null || !this.#held.urgent.has(delivery) || this.#isOrdered) return
    if (!this.#held.dropWaiting(delivery) && this.#held.has(delivery)) return
    this.#held.hold(item, this.#isOrdered)
  }

  beginRead(nowMs: number): LaneRead {
    while (this.#held.size > this.#readThreshold && (this.#held.last?.dueAtMs ?? nowMs) > nowMs) this.#dropLast()
    const limit = Math.max(Math.min(this.#capacity, this.#held.size + MAX_ROWS_READ), this.#held.size + 1)
    this.#read = { limit, removed: new Set(), missedMs: Number.POSITIVE_INFINITY }
    return this.#read
  }

  /** The rows of a read, sorted by due time, or as their queue is. One that a reset overtook is of no use any more. */
  completeRead(read: LaneRead, rows: readonly LaneItem[], ordered?: OrderedFinding): void {
    if (this.#read !== read) return
    this.#read = undefined
    let earliestLeftMs = Math.min(read.missedMs, ordered?.againMs ?? Number.POSITIVE_INFINITY)
    this.#isNumbered = ordered?.isNumbered ?? false
    for (const item of rows) {
      if (this.#held.has(item.delivery) || read.removed.has(item.delivery)) continue
      if (this.#held.size < this.#capacity) this.#held.hold(item, this.#isOrdered)
      else earliestLeftMs = Math.min(earliestLeftMs, item.dueAtMs)
    }
    if (rows.length >= read.limit) earliestLeftMs = Math.min(earliestLeftMs, rows.at(-1)!.dueAtMs)
    this.#storeEarliestMs = earliestLeftMs
  }

  /** The read failed: as before it. */
  abandonRead(read: LaneRead): void {
    if (this.#read !== read) return
    this.#read = undefined
    this.#storeEarliestMs = Math.min(this.#storeEarliestMs, read.missedMs)
  }

  /** Somebody else changed the endpoint's deliveries: what waits here is forgotten, and read anew. */
  reset(): void {
    this.#held.dropAllWaiting()
    this.#storeEarliestMs = 0
    this.#notBeforeMs = 0
    this.#isNumbered = false
    // A read that is under way may have looked before the change.
    this.#read = undefined
  }

  /** A sweep found a delivery in the store that is long due and that this lane knows nothing of. */
  noteStored(dueAtMs: number): void {
    // What was set aside before the endpoint was ordered may have been released.
    this.#isNumbered = false
    if (this.#held.size === 0) this.#leaveInStore(dueAtMs)
  }

  /** There is something in the store that this lane may know nothing of, and it is due. */
  wake(): void {
    this.#leaveInStore(0)
  }

  /** Nothing of it can be sent now (its endpoint is disabled or gone): forgets all but what is in flight. */
  clear(): void {
    this.reset()
    this.#held.unmarkAllUrgent()
    this.#storeEarliestMs = Number.POSITIVE_INFINITY
  }

  /** Whether there is room; what waits for a later time than this gives way. */
  #makeRoomFor(dueAtMs: number): boolean {
    if (this.#held.size < this.#freshCapacity) return true
    const { last } = this.#held
    if (last === undefined || last.dueAtMs <= dueAtMs) return false
    this.#dropLast()
    return true
  }

  /** Leaves what waits longest to the store: retries of a bad hour must not keep fresh deliveries out of the lane. */
  #dropLast(): void {
    this.#leaveInStore(this.#held.dropLast().dueAtMs)
  }

  #leaveInStore(dueAtMs: number): void {
    this.#storeEarliestMs = Math.min(this.#storeEarliestMs, dueAtMs)
    if (this.#read !== undefined) this.#read.missedMs = Math.min(this.#read.missedMs, dueAtMs)
  }
}

export type LaneLimits = {
  /** Requests at once to the endpoint, at most. */
  readonly maxWindow: number
  /** Deliveries held for each request of the window, at most; of what is fresh, some times as many. */
  readonly depth: number
  /** Deliveries held by all lanes: when it is used up, a lane holds no more than its window. */
  readonly items: Budget
  /** Payloads beyond it are left in the store until their dispatch. */
  readonly payloads: Budget
}

/** A read of the store that is under way, and what happened meanwhile. */
export type LaneRead = {
  /** Rows to ask for: so many that they bring enough which isn't held. */
  readonly limit: number
  /** What the lane has removed since the read began. */
  readonly removed: Set<DeliveryId>
  /** The earliest due time of what was left in the store meanwhile; Infinity: nothing was. */
  missedMs: number
}

/** What a read of an ordered endpoint's queue found beside the rows. */
export type OrderedFinding = {
  readonly isNumbered: boolean
  /** When to look again, although nothing was found; Infinity: not before something new comes. */
  readonly againMs: number
}
