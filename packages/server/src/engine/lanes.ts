import type { Logger } from 'pino'
import type { Clock } from '../base/clock.ts'
import type { DeliveryId, EndpointId } from '../base/model.ts'
import { holdAll } from '../store/in-steps.ts'
import type { LaneHead } from '../store/operations/lanes/lanes.ts'
import type { Store } from '../store/store.ts'
import type { Destination, Destinations } from './attempt/destinations.ts'
import { Budget } from './lane/budget.ts'
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

/** Deliveries that a lane holds for each request of its window. */
const LANE_DEPTH = 256
/** Deliveries that all lanes hold together; beyond it, each holds no more than its window. Some 300 bytes each. */
const MAX_ITEMS_IN_MEMORY = 200_000
/** With so many outcomes that can't be stored, no more are made. */
const MAX_UNSETTLED = 1_000
/** After a fault of the store, before it is tried again. */
export const STORE_PAUSE_MS = 1_000

/** Whose lane. */
export type LaneKey = Pick<Lane, 'tenant' | 'endpoint' | 'partition'>

export type LanesOptions = {
  readonly store: Store
  readonly clock: Clock
  readonly log: Logger
  readonly destinations: Destinations
  readonly health: ReceiverHealth
  readonly crashMode: CrashMode
  readonly partitions: Partitions
  readonly rounds: Rounds
  readonly limits: Pick<EngineOptions, 'laneWindow' | 'payloadMemoryBytes'>
}

/**
 * The lanes of the endpoints that this node sends for, and what each does next. `consider` looks at one, whenever
 * something about it may have changed, and puts it into one of these states:
 *
 * - resting: nothing is due. A timer considers it again; or, if it waits for a request's end, that does.
 * - loading: it has something to do, and its endpoint is being read.
 * - parked: its endpoint is disabled or gone. Nothing is held; it is forgotten once nothing is in flight.
 * - reading: something is due in the store, and there is room.
 * - in the rounds: something can be sent, and it waits for its turn. It can be reading at the same time.
 *
 * A lane is made when something is said to be due at its endpoint, and forgotten when it is empty. One whose partition
 * is another node's rests.
 */
export class Lanes {
  readonly #store: Store
  readonly #clock: Clock
  readonly #log: Logger
  readonly #destinations: Destinations
  readonly #health: ReceiverHealth
  readonly #crashMode: CrashMode
  readonly #partitions: Partitions
  readonly #rounds: Rounds
  readonly #pump: Pump
  readonly #reader: LaneReader
  readonly #rates: Rates
  readonly #timers: TimerQueue<Lane>
  /** For lanes whose rate is used up: by the monotonic clock, so that no jump of the other makes them wait. */
  readonly #rateTimers: TimerQueue<Lane>
  readonly #maxWindow: number
  readonly #items = new Budget(MAX_ITEMS_IN_MEMORY)
  readonly #payloads: Budget
  readonly #lanes = new Map<EndpointId, Lane>()
  #isRunning = false

  constructor(options: LanesOptions) {
    const { store, clock, rounds, limits } = options
    this.#store = store
    this.#clock = clock
    this.#log = options.log
    this.#destinations = options.destinations
    this.#health = options.health
    this.#crashMode = options.crashMode
    this.#partitions = options.partitions
    this.#rounds = rounds
    this.#maxWindow = limits.laneWindow
    this.#payloads = new Budget(limits.payloadMemoryBytes)
    this.#pump = new Pump(rounds, () => this.#isRunning && store.unsettled < MAX_UNSETTLED)
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

  /** Nothing is read or sent any more. */
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
   * The endpoint's lane, made if there is none.
   * @param storeEarliestMs what a new one believes of the store: it has nothing that is due earlier
   */
  getOrMake(at: LaneKey, storeEarliestMs: number): Lane {
    let lane = this.#lanes.get(at.endpoint)
    if (lane === undefined) {
      const limits = { maxWindow: this.#maxWindow, depth: LANE_DEPTH, items: this.#items, payloads: this.#payloads }
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

  /** Sends what may go now, whosever turn it is. */
  run(): void {
    this.#pump.run()
  }

  considerAndRun(lane: Lane): void {
    this.consider(lane)
    this.#pump.run()
  }

  /** Looks what a lane has to do now: read, wait its turn, rest until later, or be forgotten. */
  consider(lane: Lane): void {
    if (!this.#isRunning || !this.isOurs(lane.partition)) return
    const nowMs = this.#store.now()
    const destination = this.#destinations.get(lane.endpoint)
    // Before anything is read or sent: only the endpoint says in which order, and how fast.
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

  /** The lane goes by its endpoint as it is now. */
  configure(lane: Lane, { endpoint: { id, ordered, rateLimit } }: Destination): void {
    lane.configure(ordered, this.#rates.of(id, rateLimit), this.#health.pausedUntilMs(id))
  }

  /** It has nothing to do now. What it waits for beside time, a request's end for one, has it considered again. */
  #rest(lane: Lane, nowMs: number): void {
    const wakeMs = lane.nextWakeMs()
    if (lane.isEmpty) this.#forget(lane)
    else if (wakeMs > nowMs) this.#timers.schedule(lane, wakeMs)
    else if (lane.rate?.isFree() === false) this.#rateTimers.schedule(lane, lane.rate.freeAtMs())
  }

  async #loadDestination(lane: Lane): Promise<void> {
    try {
      const destination = await this.#destinations.load(lane.endpoint)
      // Failing since before a restart, for one: its receiver is not to be flooded when it is back.
      if (this.#health.isSuspect(lane.endpoint)) lane.recovery.markUnreachable()
      if (destination !== null) return this.considerAndRun(lane)
      this.park(lane)
      // Disabled (by a 410, or by a node that died over it): what is pending is to be held.
      await holdAll(this.#store, lane)
    } catch (error) {
      this.#storeFailed(error, () => this.considerAndRun(lane))
    }
  }

  /** The endpoint is disabled, gone, or another node's: nothing of it is sent until that changes. */
  park(lane: Lane): void {
    lane.clear()
    if (lane.isEmpty) this.#forget(lane)
  }

  /** Only the lane that is known by that endpoint: a timer can still wake one that was forgotten before. */
  #forget(lane: Lane): void {
    if (this.#lanes.get(lane.endpoint) === lane) this.#lanes.delete(lane.endpoint)
  }

  #storeFailed(error: unknown, retry: () => void): void {
    this.#log.warn({ err: error }, 'store could not be read; retrying')
    this.#clock.after(STORE_PAUSE_MS, retry)
  }

  // What is said of the store

  /** Somebody else has stored something that is due. */
  wake(at: LaneKey): void {
    if (!this.isOurs(at.partition)) return
    const lane = this.getOrMake(at, 0)
    lane.wake()
    this.considerAndRun(lane)
  }

  /**
   * The sweep has found it. Whoever commits something earlier from here on tells of it, so a lane that is new believes
   * the sweep: it reads nothing before that is due. (A thousand lanes that each read their first rows, not due for hours,
   * took 350 MB and kept the first delivery after a start waiting for seconds.)
   */
  noteStored(head: LaneHead): void {
    if (!this.isOurs(head.partition)) return
    const known = this.#lanes.get(head.endpoint)
    known?.noteStored(head.dueAtMs)
    this.considerAndRun(known ?? this.getOrMake(head, head.dueAtMs))
  }

  /**
   * The lane's view of the store is out of date: it reads anew.
   * @param urgent a delivery that a person has changed: if it is pending, it goes at once
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

  /** After a fault of the store: nothing that is held is believed. */
  resetAll(): void {
    for (const lane of this.#lanes.values()) {
      lane.reset()
      this.considerAndRun(lane)
    }
  }

  /** Now and then: rates of endpoints that have no lane, and have begun nothing that still counts. */
  forgetIdleRates(): void {
    this.#rates.forgetIdle(endpoint => this.#lanes.has(endpoint))
  }
}
