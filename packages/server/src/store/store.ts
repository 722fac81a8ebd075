import type { Clock } from '../base/clock.ts'
import { BlockedKeys, isSameKey } from './blocked-keys.ts'
import { Changes } from './changes.ts'
import type { Call, CallResult, Driver, HistoryReport } from './driver.ts'
import { doneBy, Observations, publishedIn } from './observations.ts'
import { type Arguments, CONFIGURATION_CHANGES, type OperationName, type Result } from './operations/index.ts'
import type { LaneItem, LaneQuery, OrderedLane, OrderedLaneQuery } from './operations/lanes.ts'
import { type PublishRequest, type PublishResult, type StoredResult, toPublishResult } from './operations/publish.ts'
import { type Moved, type Settlement, type SettleResult, toSettleArguments } from './operations/settle.ts'
import { StoreContended, StoreUnavailable } from './transaction.ts'

/** Work that waits for the commit now in flight, at most; what comes on top is refused (503). */
const MAX_WAITING_PUBLISHES = 10_000
/** And of their payloads together. */
const MAX_WAITING_PAYLOAD_BYTES = 64 * 1024 * 1024
/** Deliveries and outcomes in one transaction: more gains little and makes everybody wait longer. */
const MAX_ITEMS_A_COMMIT = 2_000
/**
 * After a commit of so many items the next waits a little, so that more goes along: under load a commit costs more than
 * what is in it (1,700 commits became 1,200 for the same 105,000 events).
 */
const BUSY_ITEMS = 32
const BUSY_PAUSE_MS = 6
/** A pause before outcomes of a failed commit are tried again. */
const SETTLE_RETRY_MS = 500

/** How long a commit waits for an event's key that somebody's own transaction holds: others share the commit. */
const KEY_WAIT_MS = 250
/** The same once it is known that some key in a batch is held, and sought which. */
const NEXT_KEY_WAIT_MS = 20
/** The search for held keys, at most; what is left then goes along with the next commit. */
const KEY_SEARCH_MS = 500

/** There is more waiting to be stored than is good: try again a little later. */
export class StoreOverloaded extends Error {}

type Waiting<Input, Output> = {
  readonly input: Input
  readonly size: number
  readonly resolve: (output: Output) => void
  readonly reject: (error: Error) => void
}

/**
 * The store as the rest of Posthorn sees it: typed calls, and group commit. One commit is in flight at a time; what
 * comes meanwhile (publishing, settling, configuration alike) makes up the next one, so the more there is to do, the
 * less a commit costs each.
 */
export class Store {
  readonly changes = new Changes()
  readonly observations = new Observations()
  readonly #driver: Driver
  readonly #clock: Clock
  readonly #publishes: Waiting<PublishRequest, PublishResult>[] = []
  /** Those that use keys which somebody holds: published one by one, beside the commits. */
  readonly #aside: Waiting<PublishRequest, PublishResult>[] = []
  readonly #blockedKeys = new BlockedKeys()
  readonly #settlements: Waiting<Settlement, Moved>[] = []
  readonly #calls: Waiting<Call, unknown>[] = []
  /** Calls that change the configuration. */
  readonly #configuring: Waiting<Call, unknown>[] = []
  #waitingPayloadBytes = 0
  #unsettled = 0
  /** While it isn't 0, changes wait: see `holdChanges`. */
  #holds = 0
  #isCommitting = false
  #isScheduled = false
  #isPublishingAside = false
  #idle: (() => void)[] = []

  constructor(driver: Driver, clock: Clock) {
    this.#driver = driver
    this.#clock = clock
  }

  get engine(): 'sqlite' | 'postgres' {
    return this.#driver.dialect.engine
  }

  /** The store's time, milliseconds since 1970: what ids are made from and deliveries fall due by. */
  now(): number {
    return this.#driver.now()
  }

  /** The same at the latest: what a wait is counted from that another node may end. */
  latest(): number {
    return this.#driver.latest()
  }

  /** Outcomes that are not stored yet. */
  get unsettled(): number {
    return this.#unsettled
  }

  read<Name extends OperationName>(name: Name, args: Arguments<Name>): Promise<Result<Name>> {
    return this.#driver.read(name, args)
  }

  /** The earliest due pending deliveries of an endpoint. Throws StoreUnavailable. */
  readLane(query: LaneQuery): Promise<LaneItem[]> {
    return this.read('readLane', query)
  }

  /** The next pending deliveries of an ordered endpoint. Throws StoreUnavailable. */
  readOrderedLane(query: OrderedLaneQuery): Promise<OrderedLane> {
    return this.read('readOrderedLane', query)
  }

  /** Resolves after the commit is durable. */
  write<Name extends OperationName>(name: Name, args: Arguments<Name>): Promise<Result<Name>> {
    const queue = CONFIGURATION_CHANGES.has(name) ? this.#configuring : this.#calls
    return this.#enqueue(queue, { name, args } as Call, 1) as Promise<Result<Name>>
  }

  /**
   * Beside the commit that is in flight, not after it: for what must not wait for a connection that hangs.
   *
   * @param timeoutMs how long each step of it can take
   */
  async writeApart<Name extends OperationName>(
    name: Name,
    args: Arguments<Name>,
    timeoutMs: number,
  ): Promise<Result<Name>> {
    const [result] = await this.#driver.write([{ name, args } as Call], timeoutMs)
    if (!result!.ok) throw result!.error
    return result!.value as Result<Name>
  }

  /** Resolves after the commit is durable. Throws StoreOverloaded, StoreContended, StoreUnavailable. */
  publish(request: PublishRequest): Promise<PublishResult> {
    let size = 0
    let payloadBytes = 0
    for (const event of request.events) {
      size += 1 + (event.deliveries?.length ?? 0)
      payloadBytes += event.payload.length
    }
    const waitingBytes = this.#waitingPayloadBytes + payloadBytes
    // One request always may, however large it is.
    const isFull = this.#publishes.length > 0 && waitingBytes > MAX_WAITING_PAYLOAD_BYTES
    if (isFull || this.#publishes.length + this.#aside.length >= MAX_WAITING_PUBLISHES) {
      return Promise.reject(new StoreOverloaded('Too many events are waiting to be stored'))
    }
    this.#waitingPayloadBytes = waitingBytes
    const stored = this.#blockedKeys.has(request)
      ? this.#enqueue(this.#aside, request, size, () => void this.#publishAside())
      : this.#enqueue(this.#publishes, request, size)
    return stored.finally(() => {
      this.#waitingPayloadBytes -= payloadBytes
    })
  }

  /**
   * Keeps this process's changes of the configuration from being committed until the answer is called: for whoever
   * found the configuration changed each time that what was matched against it came to be stored.
   */
  holdChanges(): () => void {
    this.#holds++
    return () => {
      this.#holds--
      if (this.#hasWork()) this.#schedule()
    }
  }

  /**
   * Resolves with what became of the delivery, however long the store is away: an outcome is not dropped for that.
   * Throws only what the outcome's own data provokes.
   */
  settle(settlement: Settlement): Promise<Moved> {
    this.#unsettled++
    return this.#enqueue(this.#settlements, settlement, 2).finally(() => this.#unsettled--)
  }

  durability(): Promise<Readonly<Record<string, string>>> {
    return this.#driver.durability()
  }

  /** See Driver. */
  makeHistory(fromMs: number, toMs: number): Promise<number> {
    return this.#driver.makeHistory(fromMs, toMs)
  }

  /** See Driver. Apart from the commits: dropping what is old waits for others, and they must not wait for it. */
  keepHistory(retentionDays: number): Promise<HistoryReport> {
    return this.#driver.keepHistory(retentionDays)
  }

  /** See Driver. */
  spanDays(retentionDays: number): number {
    return this.#driver.spanDays(retentionDays)
  }

  /** See Driver. */
  scrub(): Promise<boolean> {
    return this.#driver.scrub()
  }

  /** After everything that was handed in has been committed or refused. */
  async close(): Promise<void> {
    if (!this.#isIdle()) await new Promise<void>(resolve => this.#idle.push(resolve))
    await this.#driver.close()
  }

  #isIdle(): boolean {
    if (this.#isCommitting || this.#isPublishingAside) return false
    return this.#publishes.length + this.#settlements.length + this.#calls.length + this.#configuring.length === 0
  }

  #hasWork(): boolean {
    const configuring = this.#holds > 0 ? 0 : this.#configuring.length
    return this.#publishes.length + this.#settlements.length + this.#calls.length + configuring > 0
  }

  #enqueue<Input, Output>(
    queue: Waiting<Input, Output>[],
    input: Input,
    size: number,
    start = () => this.#schedule(),
  ): Promise<Output> {
    const { promise, resolve, reject } = Promise.withResolvers<Output>()
    queue.push({ input, size, resolve, reject })
    start()
    return promise
  }

  /** At the end of this turn of the event loop, so that what arrives with it goes along. */
  #schedule(): void {
    if (this.#isCommitting || this.#isScheduled) return
    this.#isScheduled = true
    setImmediate(() => {
      this.#isScheduled = false
      void this.#commit()
    })
  }

  async #commit(): Promise<void> {
    this.#isCommitting = true
    const settlements = take(this.#settlements, MAX_ITEMS_A_COMMIT)
    const publishes = take(this.#publishes, MAX_ITEMS_A_COMMIT)
    const calls = this.#calls.splice(0)
    if (this.#holds === 0) calls.push(...this.#configuring.splice(0))
    const batch: Call[] = []
    if (settlements.length > 0)
      batch.push({ name: 'settle', args: toSettleArguments(settlements.map(({ input }) => input)) })
    if (publishes.length > 0) batch.push(toPublishCall(publishes, KEY_WAIT_MS))
    // Last: a change of the configuration must not make the events stale that it shares its commit with.
    batch.push(...calls.map(({ input }) => input))
    const begunAtMs = this.#clock.monotonicMs()
    const results = await this.#write(batch)
    const durationMs = this.#clock.monotonicMs() - begunAtMs
    const isFault = results.some(result => !result.ok && result.error instanceof StoreUnavailable)
    if (settlements.length > 0) await this.#concludeSettlements(settlements, results.shift()!)
    if (publishes.length > 0) await this.#concludePublishes(publishes, results.shift()!)
    for (const [index, { input, resolve, reject }] of calls.entries()) {
      const result = results[index]!
      if (result.ok) for (const observation of doneBy(input, result.value)) this.observations.emit(observation)
      conclude(result, resolve, reject)
    }
    const items = calls.length + settlements.length + publishes.reduce((sum, { size }) => sum + size, 0)
    this.observations.emit({ kind: 'commit', items, durationMs, isFault })
    if (items >= BUSY_ITEMS) await new Promise<void>(resolve => void this.#clock.after(BUSY_PAUSE_MS, resolve))
    this.#isCommitting = false
    if (this.#hasWork()) this.#schedule()
    else this.#tellIdle()
  }

  #tellIdle(): void {
    if (this.#isIdle()) for (const resolve of this.#idle.splice(0)) resolve()
  }

  async #write(batch: readonly Call[]): Promise<CallResult[]> {
    const results = await this.#driver.write(batch)
    if (results.some(result => !result.ok && result.error instanceof StoreUnavailable)) {
      this.changes.emit({ kind: 'doubt' })
    }
    return results
  }

  async #concludeSettlements(settlements: Waiting<Settlement, Moved>[], result: CallResult): Promise<void> {
    if (result.ok) {
      const { moved, disabled } = result.value as SettleResult
      this.observations.emit({ kind: 'settled', settlements: settlements.map(({ input }) => input), moved })
      for (const [index, { resolve }] of settlements.entries()) resolve(moved[index]!)
      for (const { tenant, endpoint } of disabled) {
        const { partition } = settlements.find(({ input }) => input.endpoint === endpoint)!.input
        this.changes.emit({ kind: 'endpoint', tenant, endpoint, partition })
      }
    } else if (isPassing(result.error)) {
      // First in line again, after a pause: the receiver's answer was had and must not get lost.
      this.#clock.after(SETTLE_RETRY_MS, () => {
        this.#settlements.unshift(...settlements)
        this.#schedule()
      })
    } else if (settlements.length === 1) settlements[0]!.reject(result.error)
    else {
      for (const waiting of settlements) {
        const [alone] = await this.#write([{ name: 'settle', args: toSettleArguments([waiting.input]) }])
        await this.#concludeSettlements([waiting], alone!)
      }
    }
  }

  async #concludePublishes(
    publishes: Waiting<PublishRequest, PublishResult>[],
    result: CallResult,
    searchUntilMs = Number.POSITIVE_INFINITY,
  ): Promise<void> {
    const isFinal = result.ok || result.error instanceof StoreUnavailable || publishes.length === 1
    if (!isFinal && result.error instanceof StoreContended) {
      return this.#searchBlocked(publishes, Math.min(searchUntilMs, this.#clock.monotonicMs() + KEY_SEARCH_MS))
    }
    if (isFinal) {
      if (!result.ok && result.error instanceof StoreContended) this.#blockedKeys.add(publishes[0]!.input)
      if (result.ok) {
        const requests = publishes.map(({ input }) => input)
        this.observations.emit(publishedIn(requests, result.value as StoredResult[]))
      }
      publishes.forEach(({ input, resolve, reject }, index) => {
        if (result.ok) resolve(toPublishResult(input, (result.value as StoredResult[])[index]!))
        else reject(result.error)
      })
      return
    }
    // Somebody's data made the batch fail: each request alone, so that only that one pays.
    for (const waiting of publishes) {
      const [alone] = await this.#write([toPublishCall([waiting], KEY_WAIT_MS)])
      await this.#concludePublishes([waiting], alone!)
    }
  }

  /** Some of these use keys that somebody holds: finds which by halves, so that the others are stored soon. */
  async #searchBlocked(publishes: Waiting<PublishRequest, PublishResult>[], untilMs: number): Promise<void> {
    const middle = Math.ceil(publishes.length / 2)
    for (const half of [publishes.slice(0, middle), publishes.slice(middle)]) {
      const free = half.filter(waiting => !this.#blockedKeys.has(waiting.input))
      this.#aside.push(...half.filter(waiting => !free.includes(waiting)))
      if (free.length === 0) continue
      if (this.#clock.monotonicMs() >= untilMs) this.#publishes.unshift(...free)
      else {
        const [result] = await this.#write([toPublishCall(free, NEXT_KEY_WAIT_MS)])
        await this.#concludePublishes(free, result!, untilMs)
      }
    }
    void this.#publishAside()
  }

  /** One at a time, since each may wait its full time. */
  async #publishAside(): Promise<void> {
    if (this.#isPublishingAside) return
    this.#isPublishingAside = true
    for (let waiting = this.#aside.shift(); waiting !== undefined; waiting = this.#aside.shift()) {
      const { input } = waiting
      const [result] = await this.#write([toPublishCall([waiting], KEY_WAIT_MS)])
      const isBlocked = !result!.ok && result!.error instanceof StoreContended
      // They would wait for the same, one after the other.
      const alike = isBlocked ? this.#aside.filter(other => isSameKey(input, other.input)) : []
      for (const other of alike) this.#aside.splice(this.#aside.indexOf(other), 1)
      if (!isBlocked) this.#blockedKeys.remove(input)
      for (const one of [waiting, ...alike]) await this.#concludePublishes([one], result!)
    }
    this.#isPublishingAside = false
    this.#tellIdle()
  }
}

function toPublishCall(publishes: readonly Waiting<PublishRequest, PublishResult>[], keyWaitMs: number): Call {
  return { name: 'publish', args: { requests: publishes.map(({ input }) => input), keyWaitMs } }
}

/** What goes by: an outcome is tried again after it. */
const isPassing = (error: Error): boolean => error instanceof StoreUnavailable || error instanceof StoreContended

/** Takes waiting work off the front, up to a number of items but at least one. */
function take<Input, Output>(queue: Waiting<Input, Output>[], maxItems: number): Waiting<Input, Output>[] {
  let items = 0
  let count = 0
  while (count < queue.length && (count === 0 || items + queue[count]!.size <= maxItems)) items += queue[count++]!.size
  return queue.splice(0, count)
}

function conclude(result: CallResult, resolve: (value: unknown) => void, reject: (error: Error) => void): void {
  if (result.ok) resolve(result.value)
  else reject(result.error)
}
