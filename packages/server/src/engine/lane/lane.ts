import type { DeliveryId, EndpointId, TenantId } from '../../base/model.ts'
import type { Room } from '../../base/shared-budget.ts'
import type { LaneItem } from '../../store/operations/lanes/lanes.ts'
import { HeldDeliveries } from './held-deliveries.ts'
import type { RateWindow } from './rate.ts'
import { Recovery, type RequestEnd } from './recovery.ts'

/** Maximum rows of a read besides those held. Eight thousand took 40 MB and much time in the store's thread. */
const MAX_ROWS_READ = 2_048

/** Fresh deliveries can fill the capacity once for each this many requests of the window: four times at 32. */
const FRESH_FOR_EACH = 8

/**
 * The queue of one endpoint in a node's memory. It holds those of the endpoint's pending deliveries that are due first;
 * the rest stay in the store and are read when there is room.
 *
 * A held delivery is: waiting → in flight → settling → complete, or waiting again for its retry, or released to the
 * store.
 *
 * Invariants:
 * - Every pending delivery of the endpoint is held here, or is due at `storeEarliestMs` or later. Infinity means that
 *   the store has none that is not held here.
 * - A delivery is held at most once: a read skips deliveries that are held, or were removed since the read began.
 * - inFlight ≤ window at each dispatch; 1 ≤ window ≤ maxWindow.
 * - In crash mode the window is one, and a delivery in flight is settled before the next is taken.
 *
 * The lane of an ordered endpoint holds the beginning of the endpoint's queue as it is in the store, and never takes in
 * fresh deliveries out of turn. It sends one delivery at a time, the next only when the one before has ended. If that
 * one has not ended, or its state is unknown, the lane leaves all waiting deliveries to the store and reads again.
 *
 * Deliveries that someone wants sent immediately are urgent: they go before the others, even while the receiver wants a
 * pause. A delivery is urgent until it is taken, complete or released.
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
  /** Nothing is sent before this time, for an internal reason. */
  #notBeforeMs = 0
  /** The receiver asked Posthorn to wait until then (Retry-After). */
  #pausedUntilMs = 0
  #isInCrashMode = false
  /** If set, deliveries wait in the order of the endpoint's queue, whether they are due or not. */
  #isOrdered = false
  /** Ordered, and the store has no deliveries left from before that. */
  #isNumbered = false
  /** Null if the endpoint has no rate limit. */
  #rate: RateWindow | null = null

  /** @param storeEarliestMs the earliest due time in the store; Infinity if it has no deliveries of this endpoint */
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

  /** Whether nothing of the lane has been settled since a crash (docs/decisions/0011-crash-mode.md). */
  get isInCrashMode(): boolean {
    return this.#isInCrashMode
  }

  enterCrashMode(): void {
    this.#isInCrashMode = true
  }

  /** Leaves crash mode once the first delivery has settled; the lane then uses its normal window. */
  leaveCrashMode(): void {
    this.#isInCrashMode = false
  }

  /** How many deliveries to hold: what the window can use soon, so that a thousand dead endpoints don't fill memory. */
  get #capacity(): number {
    return this.#limits.items.isLeft ? this.window * this.#limits.depth : this.window
  }

  /**
   * With this many held or fewer it is time to read. They should last for the duration of a read, and be few, since the
   * read returns them once more.
   */
  get #readThreshold(): number {
    return Math.min(this.#capacity, MAX_ROWS_READ) / 4
  }

  /**
   * How many deliveries to hold when fresh ones arrive. More than usual, since a fresh delivery that is dropped has to
   * be read again later; how many more depends on how fast the receiver has proved to be.
   */
  get #freshCapacity(): number {
    if (!this.#limits.items.isLeft) return this.window
    return this.#capacity * Math.max(1, Math.floor(this.window / FRESH_FOR_EACH))
  }

  get storeEarliestMs(): number {
    return this.#storeEarliestMs
  }

  /** Whether nothing is held, in the store or being read, so that the lane can be forgotten. */
  get isEmpty(): boolean {
    return this.#held.size === 0 && this.#storeEarliestMs === Number.POSITIVE_INFINITY && this.#read === undefined
  }

  /** Controls how fast the lane sends. */
  get recovery(): Recovery {
    return this.#recovery
  }

  /** Deliveries that someone wants sent immediately and that have not been sent yet. */
  get urgent(): ReadonlySet<DeliveryId> {
    return this.#held.urgent
  }

  /** Applies the endpoint's current order and rate, and the pause that its receiver wants. */
  configure(isOrdered: boolean, rate: RateWindow | null, pausedUntilMs: number): void {
    this.#rate = rate
    this.#pausedUntilMs = pausedUntilMs
    if (isOrdered === this.#isOrdered) return
    this.#isOrdered = isOrdered
    this.reset()
  }

  /** Ends all pauses after the endpoint has changed: its receiver might be reachable now, or want no pause. */
  clearPause(): void {
    this.#pausedUntilMs = 0
    this.#recovery.endPause()
  }

  /** Takes in a delivery that was just committed, if there is room and the store has no earlier one. */
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

  /** When the lane next has something to dispatch or read. Infinity: never. */
  nextWakeMs(): number {
    const waitingMs = this.#held.first?.dueAtMs ?? Number.POSITIVE_INFINITY
    // Only the head of an ordered queue matters.
    const isFirstHeld = this.#isOrdered && this.#held.size > 0
    const firstMs = isFirstHeld ? waitingMs : Math.min(waitingMs, this.#storeEarliestMs)
    return Math.max(firstMs, this.#blockedUntilMs)
  }

  /** Until when nothing is sent or read. */
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

  /** Whether one more request can be in flight. */
  get #mayBegin(): boolean {
    // Only while nothing is in flight or settling.
    if (this.#isInCrashMode || this.#isOrdered) return this.#held.areAllWaiting
    return this.#inFlight < this.#recovery.window
  }

  /** Whether it is time to read: deliveries in the store are due, and the lane has room or can make some. */
  needsRead(nowMs: number): boolean {
    if (this.#read !== undefined || this.#storeEarliestMs > nowMs || this.#blockedUntilMs > nowMs) return false
    if (this.#isOrdered) return this.#held.size === 0
    const due = this.#held.countDue(nowMs)
    // Deliveries in flight can't be sent next, and with a wide window they alone exceed the threshold. But they do take
    // up room, and a read must find some.
    return due - this.#inFlight <= this.#readThreshold && due <= this.#capacity / 2
  }

  /** Takes the next delivery, which is in flight from here on. Call it only if `isReady`. */
  takeNext(): LaneItem {
    this.#inFlight++
    this.#rate?.reserve()
    return this.#held.takeFirst()
  }

  /** A request has ended; its outcome is yet to be settled. Null if it was not sent, which says nothing. */
  endRequest(end: RequestEnd | null): void {
    this.#inFlight--
    if (end !== null) this.#recovery.endRequest(end)
  }

  /** The delivery has ended, and leaves the lane. */
  complete(delivery: DeliveryId): void {
    this.#remove(delivery)
  }

  /** Settled, and due again. An urgent delivery goes first only if it is due: otherwise it would block the others. */
  retry(item: LaneItem, nowMs: number): void {
    const isUrgent = this.#held.urgent.has(item.delivery) && item.dueAtMs <= nowMs
    this.#remove(item.delivery)
    if (isUrgent) this.#held.markUrgent(item.delivery)
    // The delivery is the head of the queue again, before all waiting ones.
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
   * Leaves a delivery to the store, which knows its state, because it was not settled, or not by this lane. An ordered
   * lane reads again before it sends anything, but not before `untilMs`.
   */
  release(delivery: DeliveryId, untilMs: number): void {
    this.#remove(delivery)
    if (!this.#isOrdered) return
    this.reset()
    this.#notBeforeMs = Math.max(this.#notBeforeMs, untilMs)
  }

  /** Leaves a delivery, and all that wait, to the store until `untilMs`, unless the lane is reset before. */
  rest(delivery: DeliveryId, untilMs: number): void {
    this.#remove(delivery)
    this.reset()
    this.#notBeforeMs = untilMs
  }

  #remove(delivery: DeliveryId): void {
    this.#held.unmarkUrgent(delivery)
    this.#held.forget(delivery)
    this.#read?.removed.add(delivery)
  }

  /** Marks a delivery that someone wants sent immediately. `offerUrgent` hands it in as it is in the store. */
  markUrgent(delivery: DeliveryId): void {
    this.#held.markUrgent(delivery)
  }

  /** Takes in an urgent delivery as it is in the store; null if not pending. Ordered lanes read their queue instead. */
  offerUrgent(delivery: DeliveryId, item: LaneItem | null): void {
    if (item === null) this.#held.unmarkUrgent(delivery)
    // It has been sent by now, or is in flight and returns here if it fails.
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

  /** Takes in the rows of a read, in due or queue order. A read that a reset overtook is discarded. */
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

  /** Restores the state before a read that failed. */
  abandonRead(read: LaneRead): void {
    if (this.#read !== read) return
    this.#read = undefined
    this.#storeEarliestMs = Math.min(this.#storeEarliestMs, read.missedMs)
  }

  /** Forgets the waiting deliveries, to be read again, after the endpoint's deliveries were changed elsewhere. */
  reset(): void {
    this.#held.dropAllWaiting()
    this.#storeEarliestMs = 0
    this.#notBeforeMs = 0
    this.#isNumbered = false
    // A read in progress might have seen the state before the change.
    this.#read = undefined
  }

  /** A sweep found a delivery in the store. A lane that holds none reads when it is due. */
  noteStored(dueAtMs: number): void {
    // A delivery set aside before the endpoint was ordered might have been released.
    this.#isNumbered = false
    if (this.#held.size === 0) this.#leaveInStore(dueAtMs)
  }

  /** The store has a delivery that is due and that this lane might not know of. */
  wake(): void {
    this.#leaveInStore(0)
  }

  /** Forgets everything except requests in flight, because the endpoint is disabled or gone. */
  clear(): void {
    this.reset()
    this.#held.unmarkAllUrgent()
    this.#storeEarliestMs = Number.POSITIVE_INFINITY
  }

  /** Whether there is room for a delivery due then. The last waiting one gives way if it is due later. */
  #makeRoomFor(dueAtMs: number): boolean {
    if (this.#held.size < this.#freshCapacity) return true
    const { last } = this.#held
    if (last === undefined || last.dueAtMs <= dueAtMs) return false
    this.#dropLast()
    return true
  }

  /** Leaves the last waiting delivery to the store: retries after an outage must not keep out fresh deliveries. */
  #dropLast(): void {
    this.#leaveInStore(this.#held.dropLast().dueAtMs)
  }

  #leaveInStore(dueAtMs: number): void {
    this.#storeEarliestMs = Math.min(this.#storeEarliestMs, dueAtMs)
    if (this.#read !== undefined) this.#read.missedMs = Math.min(this.#read.missedMs, dueAtMs)
  }
}

export type LaneLimits = {
  /** Maximum number of requests in flight to the endpoint. */
  readonly maxWindow: number
  /** Maximum number of deliveries held per request of the window; several times as many if they are fresh. */
  readonly depth: number
  /** Places shared by all lanes. When they are used up, a lane holds no more than its window. */
  readonly items: Room
  /** Payload bytes shared by all lanes. When they are used up, payloads are left in the store until dispatch. */
  readonly payloads: Room
}

/** A read of the store in progress, and what has happened since it began. */
export type LaneRead = {
  /** How many rows to ask for: enough to include some that aren't held. */
  readonly limit: number
  /** Deliveries that the lane has removed since the read began. */
  readonly removed: Set<DeliveryId>
  /** The earliest due time of deliveries left in the store since the read began. Infinity: none. */
  missedMs: number
}

/** What a read of an ordered endpoint's queue found besides the rows. */
export type OrderedFinding = {
  readonly isNumbered: boolean
  /** When to read again although nothing was found. Infinity: not before a new delivery arrives. */
  readonly againMs: number
}
