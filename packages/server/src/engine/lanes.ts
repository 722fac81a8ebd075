import type { Clock } from '../base/clock.ts'
import type { CountedLines } from '../base/counted-lines.ts'
import type { DeliveryId, EndpointId } from '../base/model.ts'
import { SharedBudget } from '../base/shared-budget.ts'
import { holdAll } from '../store/in-steps.ts'
import type { LaneHead } from '../store/operations/lanes/lanes.ts'
import type { Store } from '../store/store.ts'
import type { Destination, Destinations } from './attempt/destinations.ts'
import type { CrashMode } from './lane/crash-mode.ts'
import { Lane } from './lane/lane.ts'
import { LaneReader } from './lane/lane-reader.ts'
import { Rates } from './lane/rate.ts'
import { TimerQueue } from './lane/timer-queue.ts'
import type { EngineOptions } from './options.ts'
import type { Partitions } from './ownership/partitions.ts'
import { Pump } from './pump.ts'
import type { ReceiverHealth } from './receiver-health.ts'
import type { Rounds } from './rounds.ts'

/** How many deliveries a lane holds per request of its window. */
const LANE_DEPTH = 256
/** How many deliveries all lanes hold together, some 300 bytes each. Beyond that, a lane holds only its window. */
const MAX_ITEMS_IN_MEMORY = 200_000
/** How long to wait after a store failure before trying again, in milliseconds. */
export const STORE_PAUSE_MS = 1_000

/** What is logged of a read that failed, once a second. */
export const readFailed = (err: unknown) => ['store', 'warn', 'store could not be read; retrying', { err }] as const

/** Identifies a lane. */
export type LaneKey = Pick<Lane, 'tenant' | 'endpoint' | 'partition'>

export type LanesOptions = {
  readonly store: Store
  readonly clock: Clock
  /** For reads that failed: of one tenant's endpoints there can be thousands. */
  readonly lines: CountedLines
  readonly destinations: Destinations
  readonly health: ReceiverHealth
  readonly crashMode: CrashMode
  readonly partitions: Partitions
  readonly rounds: Rounds
  readonly limits: Pick<EngineOptions, 'laneWindow' | 'payloadMemoryBytes'>
}

/**
 * The lanes of the endpoints that this node sends to, and what each does next. Whenever something about a lane might
 * have changed, `consider` examines it and puts it into one of these states:
 *
 * - resting: nothing is due. A timer, or the end of the request that the lane waits for, has it considered again.
 * - loading: the lane has something to do, and its endpoint is being read.
 * - parked: the endpoint is disabled or gone. The lane holds nothing, and is forgotten once nothing is in flight.
 * - reading: deliveries are due in the store, and the lane has room.
 * - in the rounds: a delivery can be sent, and the lane waits for its turn. It can be reading at the same time.
 *
 * A lane is created when a delivery to its endpoint is reported, and forgotten when it is empty. A lane whose partition
 * belongs to another node rests.
 */
export class Lanes {
  readonly #store: Store
  readonly #clock: Clock
  readonly #lines: CountedLines
  readonly #destinations: Destinations
  readonly #health: ReceiverHealth
  readonly #crashMode: CrashMode
  readonly #partitions: Partitions
  readonly #rounds: Rounds
  readonly #pump: Pump
  readonly #reader: LaneReader
  readonly #rates: Rates
  readonly #timers: TimerQueue<Lane>
  /** For lanes whose rate is used up. On the monotonic clock, so that a jump of the wall clock can't delay them. */
  readonly #rateTimers: TimerQueue<Lane>
  readonly #maxWindow: number
  readonly #items = new SharedBudget(MAX_ITEMS_IN_MEMORY)
  readonly #payloads: SharedBudget
  readonly #lanes = new Map<EndpointId, Lane>()
  #isRunning = false

  constructor(options: LanesOptions) {
    const { store, clock, rounds, limits } = options
    this.#store = store
    this.#clock = clock
    this.#lines = options.lines
    this.#destinations = options.destinations
    this.#health = options.health
    this.#crashMode = options.crashMode
    this.#partitions = options.partitions
    this.#rounds = rounds
    this.#maxWindow = limits.laneWindow
    this.#payloads = new SharedBudget(limits.payloadMemoryBytes)
    this.#pump = new Pump(rounds, clock, () => this.#isRunning)
    this.#reader = new LaneReader(store, this.#payloads, {
      done: lane => this.considerAndRun(lane),
      failed: (error, retry) => this.#storeFailed(error, retry),
    })
    this.#rates = new Rates(clock)
    this.#timers = new TimerQueue(
      () => store.now(),
      clock,
      lane => this.considerAndRun(lane),
    )
    this.#rateTimers = new TimerQueue(
      () => clock.monotonicMs(),
      clock,
      lane => this.considerAndRun(lane),
    )
  }

  start(): void {
    this.#isRunning = true
  }

  /** Stops all reading and sending. */
  stop(): void {
    this.#isRunning = false
    this.#timers.stop()
    this.#rateTimers.stop()
  }

  values(): Iterable<Lane> {
    return this.#lanes.values()
  }

  get(endpoint: EndpointId): Lane | undefined {
    return this.#lanes.get(endpoint)
  }

  /**
   * Returns the endpoint's lane, and creates it if there is none.
   * @param storeEarliestMs what a new lane assumes: the store has nothing that is due earlier
   */
  getOrMake(at: LaneKey, storeEarliestMs: number): Lane {
    let lane = this.#lanes.get(at.endpoint)
    if (lane === undefined) {
      const [items, payloads] = [this.#items.of(at.tenant), this.#payloads.of(at.tenant)]
      const limits = { maxWindow: this.#maxWindow, depth: LANE_DEPTH, items, payloads }
      lane = new Lane(at.tenant, at.endpoint, at.partition, storeEarliestMs, limits)
      if (this.#crashMode.appliesTo(at.partition)) lane.enterCrashMode()
      if (this.#health.isSuspect(at.endpoint)) lane.recovery.markUnreachable()
      this.#lanes.set(at.endpoint, lane)
    }
    return lane
  }

  /** Whether this node sends for the partition. */
  isOurs(partition: number): boolean {
    return this.#partitions.epochOf(partition) !== undefined
  }

  /** Sends everything that can go now, in turn. */
  run(): void {
    this.#pump.run()
  }

  considerAndRun(lane: Lane): void {
    this.consider(lane)
    this.#pump.run()
  }

  /** Decides what a lane does now: read, wait for its turn, rest until later, or be forgotten. */
  consider(lane: Lane): void {
    if (!this.#isRunning || !this.isOurs(lane.partition)) return
    const nowMs = this.#store.now()
    const destination = this.#destinations.get(lane.endpoint)
    // Before anything is read or sent, since the endpoint determines order and rate.
    if (destination) this.configure(lane, destination)
    const isReadWanted = lane.needsRead(nowMs)
    const isReady = lane.isReady(nowMs)
    if (!isReadWanted && !isReady) this.#rest(lane, nowMs)
    else if (destination === undefined) void this.#loadDestination(lane)
    else if (destination === null) this.park(lane)
    else {
      if (isReadWanted) void this.#reader.read(lane)
      if (isReady) this.#rounds.enqueue(lane)
    }
  }

  /** Applies the endpoint's current order, rate and pause to its lane. */
  configure(lane: Lane, { endpoint: { id, ordered, rateLimit } }: Destination): void {
    lane.configure(ordered, this.#rates.of(id, rateLimit), this.#health.pausedUntilMs(id))
  }

  /** Lets a lane rest until it has something to do. Events such as a request's end wake it too. */
  #rest(lane: Lane, nowMs: number): void {
    const wakeMs = lane.nextWakeMs()
    if (lane.isEmpty) this.#forget(lane)
    else if (wakeMs > nowMs) this.#timers.schedule(lane, wakeMs)
    else if (lane.rate?.isFree() === false) this.#rateTimers.schedule(lane, lane.rate.freeAtMs())
  }

  async #loadDestination(lane: Lane): Promise<void> {
    try {
      const destination = await this.#destinations.load(lane)
      // It might have been failing since before a restart: don't flood the receiver when it is back.
      if (this.#health.isSuspect(lane.endpoint)) lane.recovery.markUnreachable()
      if (destination !== null) return this.considerAndRun(lane)
      this.park(lane)
      // Disabled, by a 410 or by a node that died before it finished: hold the pending deliveries.
      await holdAll(this.#store, lane)
    } catch (error) {
      this.#storeFailed(error, () => this.considerAndRun(lane))
    }
  }

  /** Stops sending to an endpoint that is disabled, gone, or another node's, until that changes. */
  park(lane: Lane): void {
    lane.clear()
    if (lane.isEmpty) this.#forget(lane)
  }

  /** Forgets a lane, but not a newer one of the same endpoint: a timer can still wake one that was forgotten before. */
  #forget(lane: Lane): void {
    if (this.#lanes.get(lane.endpoint) === lane) this.#lanes.delete(lane.endpoint)
  }

  #storeFailed(error: unknown, retry: () => void): void {
    this.#lines.add(...readFailed(error))
    this.#clock.after(STORE_PAUSE_MS, retry)
  }

  // Notifications about the store

  /** Another node has stored a delivery that is due. */
  wake(at: LaneKey): void {
    if (!this.isOurs(at.partition)) return
    const lane = this.getOrMake(at, 0)
    lane.wake()
    this.considerAndRun(lane)
  }

  /**
   * The sweep found a delivery. Every later commit of an earlier one is announced, so a new lane trusts the sweep and
   * reads nothing before this one is due. (A thousand lanes that each read their first rows, not due for hours, took
   * 350 MB and delayed the first delivery after a startup by seconds.)
   */
  noteStored(head: LaneHead): void {
    if (!this.isOurs(head.partition)) return
    const known = this.#lanes.get(head.endpoint)
    known?.noteStored(head.dueAtMs)
    this.considerAndRun(known ?? this.getOrMake(head, head.dueAtMs))
  }

  /**
   * Makes a lane whose view of the store is out of date read again.
   * @param urgent a delivery that someone changed manually; it is sent immediately if it is pending
   */
  reset(at: LaneKey, urgent?: DeliveryId): void {
    if (!this.isOurs(at.partition)) return
    const lane = this.getOrMake(at, 0)
    if (urgent !== undefined) lane.markUrgent(urgent)
    lane.reset()
    for (const delivery of lane.urgent) void this.#reader.readUrgent(lane, delivery)
    this.#rounds.unpark(lane)
    this.considerAndRun(lane)
  }

  /** After a store failure: discards what the lanes hold, since it might be wrong. */
  resetAll(): void {
    for (const lane of this.#lanes.values()) {
      lane.reset()
      this.considerAndRun(lane)
    }
  }

  /** Forgets the rates of endpoints that have no lane and no attempts in their rate window. Called after each sweep. */
  forgetIdleRates(): void {
    this.#rates.forgetIdle(endpoint => this.#lanes.has(endpoint))
  }
}
