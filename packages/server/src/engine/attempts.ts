import type { Logger } from 'pino'
import type { Clock } from '../base/clock.ts'
import type { CountedLines } from '../base/counted-lines.ts'
import { logPlain } from '../base/logger.ts'
import { scheduleInForce } from '../catalogue/retry-schedule.ts'
import type { Moved } from '../store/operations/deliveries/settlement.ts'
import type { LaneItem } from '../store/operations/lanes/lanes.ts'
import type { Store } from '../store/store.ts'
import { Attempt, type AttemptOwner } from './attempt/attempt.ts'
import { attemptLine, concludeAttempt, requestEnd } from './attempt/conclusion.ts'
import type { Destination, Destinations } from './attempt/destinations.ts'
import type { Handover } from './attempt/handover.ts'
import type { Sender } from './attempt/sender.ts'
import type { Bodies, Body } from './bodies.ts'
import type { HostWindows } from './host-windows.ts'
import type { CrashMode } from './lane/crash-mode.ts'
import type { Lane } from './lane/lane.ts'
import type { ProbeTurns } from './lane/probe-turns.ts'
import type { RateWindow } from './lane/rate.ts'
import type { RequestEnd } from './lane/recovery.ts'
import { type Lanes, readFailed, STORE_PAUSE_MS } from './lanes.ts'
import type { EngineOptions } from './options.ts'
import { InFlight } from './ownership/in-flight.ts'
import type { Partitions } from './ownership/partitions.ts'
import type { ReceiverHealth } from './receiver-health.ts'
import type { Rounds } from './rounds.ts'
import type { TypeSchedules } from './type-schedules.ts'

export type AttemptsParts = {
  readonly store: Store
  readonly clock: Clock
  readonly log: Logger
  /** For reads that failed. */
  readonly lines: CountedLines
  readonly options: Pick<EngineOptions, 'retrySchedule' | 'random'>
  readonly partitions: Partitions
  readonly rounds: Rounds
  readonly hostWindows: HostWindows
  readonly lanes: Lanes
  readonly destinations: Destinations
  readonly sender: Sender
  readonly handover: Handover
  readonly bodies: Bodies
  readonly health: ReceiverHealth
  readonly schedules: TypeSchedules
  readonly crashMode: CrashMode
  readonly probes: ProbeTurns
}

/** How long an endpoint's deliveries wait if no one listens to it, unless someone begins to. */
const UNHEARD_PAUSE_MS = 30_000

/**
 * The life of a delivery from its lane's turn until its outcome is stored: `dispatch` → `#begin` → (its request) →
 * `ended` → `#conclude` → (its commit) → `settled`, below from top to bottom. A delivery that could not be sent for an
 * internal reason is put back and read again.
 *
 * The ordinary way is free of promises. Attempts that end are gathered, and at the end of the turn of the event loop all
 * of them are concluded and handed to the store together (`#endTurn`); then each lane concerned, also by outcomes that
 * were stored in that turn, is considered once, and the rounds run once. Only what has to wait before its request (for
 * the store, in crash mode) takes a detour (`#prepare`).
 */
export class Attempts implements AttemptOwner {
  readonly #parts: AttemptsParts
  /** Attempts that have begun and are not settled yet. */
  readonly inFlight = new InFlight()
  /** What this process puts into requests has this id. Known before the first one. */
  senderId = 0
  /** Attempts that have ended in this turn of the event loop. */
  #ended: Attempt[] = []
  /** Lanes that have to be considered again at the end of this turn. */
  readonly #changed = new Set<Lane>()
  #isTurnWatched = false

  constructor(parts: AttemptsParts) {
    this.#parts = parts
  }

  /** Sends the lane's next delivery now that it is the lane's turn, or puts it back. */
  dispatch(lane: Lane, host: string): void {
    const attempt = new Attempt(this, lane, host, lane.takeNext())
    const { item } = attempt
    this.inFlight.begin(item.partition)
    const destination = this.#parts.destinations.get(item.endpoint)
    if (!destination || item.payload === null || lane.isInCrashMode) void this.#prepare(attempt)
    else {
      attempt.memory = this.#parts.bodies.begin(item.tenant, item.payload)
      this.#begin(attempt, destination, item.payload)
    }
  }

  /** Notes a delivery of a lane in crash mode, and reads what isn't in memory. */
  async #prepare(attempt: Attempt): Promise<void> {
    const { lane, item, rate } = attempt
    const { bodies, destinations, lines } = this.#parts
    if (lane.isInCrashMode && !(await this.#beginTrial(attempt))) return
    const memory = bodies.begin(item.tenant, item.payload)
    attempt.memory = memory
    let destination: Destination | null
    let body: Uint8Array | null
    try {
      destination = await destinations.load(item)
      body = item.payload ?? (await this.#readBody(item, memory))
    } catch (error) {
      lines.add(...readFailed(error))
      return this.#putBack(attempt, rate)
    }
    if (destination === null || body === null) this.#putBack(attempt, rate)
    else this.#begin(attempt, destination, body)
  }

  async #readBody({ tenant, event }: LaneItem, memory: Body): Promise<Uint8Array | null> {
    const body = await this.#parts.store.read('readPayload', { tenant, event })
    memory.resize(body?.length ?? 0)
    // It is nearly always smaller than what was reserved for it.
    this.#parts.lanes.run()
    return body
  }

  /** Everything that the request needs is in memory. */
  #begin(attempt: Attempt, destination: Destination, body: Uint8Array): void {
    const { lane, item, rate } = attempt
    const { partitions, lanes, sender, store } = this.#parts
    // Checked last: a lease can expire while the store is read.
    const epoch = partitions.epochOf(item.partition)
    if (epoch === undefined) {
      this.#putBack(attempt, rate)
      return
    }
    rate?.begin()
    lane.recovery.beginRequest(store.now())
    // This request might take long. The next one needn't wait for it, only for the rate and the recovery.
    if (rate !== null || lane.recovery.isSpaced) lanes.consider(lane)
    attempt.begin(destination, epoch)
    sender.send(attempt, body)
  }

  mayBegin({ destination, item, epoch }: Attempt): boolean {
    const { destinations, partitions } = this.#parts
    return destinations.isCurrent(destination) && partitions.epochOf(item.partition) === epoch
  }

  ended(attempt: Attempt): void {
    this.#ended.push(attempt)
    this.#watchTurn()
  }

  #consider(lane: Lane): void {
    this.#changed.add(lane)
    this.#watchTurn()
  }

  /** Everything that is readable in this turn of the event loop has been read by its end. */
  #watchTurn(): void {
    if (this.#isTurnWatched) return
    this.#isTurnWatched = true
    setImmediate(() => this.#endTurn())
  }

  #endTurn(): void {
    const { store, lanes } = this.#parts
    const ended = this.#ended
    this.#ended = []
    // The latest it can be: another node, with a more accurate time, might make the next attempts (C12).
    const endedAtMs = store.latest()
    const concluded = ended.filter(attempt => this.#conclude(attempt, endedAtMs))
    if (concluded.length > 0) store.settleMany(concluded)
    for (const lane of this.#changed) lanes.consider(lane)
    this.#changed.clear()
    // Whatever ends from here on is for the next turn.
    this.#isTurnWatched = false
    lanes.run()
  }

  /** Applies an attempt's result to its lane and endpoint. Returns whether there is an outcome to be stored. */
  #conclude(attempt: Attempt, endedAtMs: number): boolean {
    const { lane, item, destination, epoch, result } = attempt
    const { destinations, health, schedules, lanes, hostWindows, options, log, probes } = this.#parts
    if (result === null || result === 'unheard') {
      // Its place in the rate window stays taken: the attempt has begun as far as the rate is concerned.
      if (result === null) this.#putBack(attempt, null)
      else this.#waitForListener(attempt)
      return false
    }
    const { endpoint } = destination
    const schedule = scheduleInForce(endpoint.schedule, schedules.of(item.type), options.retrySchedule)
    const random = options.random()
    const isCurrent = destinations.isCurrent(destination)
    const circumstances = { sender: this.senderId, schedule, endedAtMs, random, isCurrent }
    const { settlement, error, detail, waitMs } = concludeAttempt(attempt, result, circumstances)
    const attempted = { endpoint, delivery: item.delivery, error, endedAtMs, waitMs, epoch }
    const marks = isCurrent ? health.record(attempted) : []
    if (result.status !== null) hostWindows.noteResponse(attempt.host)
    else if (error === 'connect_timeout') hostWindows.noteTimeout(attempt.host, endedAtMs)
    this.#endRequest(attempt, requestEnd(lane.tenant, error, circumstances, probes))
    if (waitMs > 0) lane.recovery.markUnreachable()
    lanes.configure(lane, destination)
    this.#consider(lane)
    logPlain(log, 'attempt', attemptLine(item, settlement, detail, result))
    attempt.result = null
    attempt.settlement = marks.length === 0 ? settlement : { ...settlement, marks }
    return true
  }

  /** The request has ended, or there was none: makes room for others. */
  #endRequest({ lane, host, memory }: Attempt, end: RequestEnd | null): void {
    memory?.end()
    lane.endRequest(end)
    this.#parts.rounds.endRequest(lane, host)
  }

  /** Updates the lane according to what the store did. */
  settled(attempt: Attempt, moved: Moved): void {
    const { lane, item, settlement } = attempt
    const { delivery } = item
    const { crashMode, store } = this.#parts
    if (crashMode.endTrial(delivery, moved !== 'unmoved')) lane.leaveCrashMode()
    if (typeof moved === 'number') {
      lane.retry({ ...item, payload: null, attempts: settlement.attempt.number, dueAtMs: moved }, store.latest())
    } else if (moved === 'ended') lane.complete(delivery)
    else lane.release(delivery, 0)
    this.#leave(attempt)
  }

  unsettled(attempt: Attempt, error: Error): void {
    const { delivery, endpoint } = attempt.item
    const { log, destinations, health, crashMode } = this.#parts
    log.error({ err: error, delivery, endpoint }, 'outcome could not be stored; the delivery will be sent again')
    // The endpoint's marks were not stored either: read its state again.
    destinations.forget(endpoint)
    health.forget(endpoint)
    crashMode.cancelTrial(delivery)
    this.#release(attempt)
    this.#leave(attempt)
  }

  #leave({ lane, item, destination }: Attempt): void {
    const { tenant, delivery, attempts, partition } = item
    if (destination.isListener) this.#parts.handover.forget({ tenant, delivery, number: attempts + 1 })
    this.inFlight.end(partition)
    this.#consider(lane)
  }

  // Deliveries that are not sent

  /** Whether to send a crash-mode lane's delivery now. If not, the delivery has left the lane or waits for its turn. */
  async #beginTrial(attempt: Attempt): Promise<boolean> {
    const { lane, item, rate } = attempt
    const { crashMode, partitions, lanes, clock } = this.#parts
    const answer = await crashMode.beginTrial(item, partitions.epochOf(item.partition))
    if (answer === 'begun' || answer === 'last') return true
    const resume = () => {
      lane.release(item.delivery, 0)
      lanes.reset(lane)
    }
    this.#endUnsent(attempt, rate)
    if (answer === 'wait') crashMode.whenLastIsFree(resume)
    else if (answer === 'set_aside') resume()
    else clock.after(STORE_PAUSE_MS, resume)
    return false
  }

  /** Puts back a delivery that was not sent for an internal reason; the lane reads it again after a pause. */
  #putBack(attempt: Attempt, rate: RateWindow | null): void {
    this.#parts.crashMode.cancelTrial(attempt.item.delivery)
    this.#endUnsent(attempt, rate)
    this.#release(attempt)
  }

  /** No one listens to the endpoint: its deliveries stay in the store until someone does. */
  #waitForListener(attempt: Attempt): void {
    const { crashMode, store } = this.#parts
    const { lane, item } = attempt
    crashMode.cancelTrial(item.delivery)
    this.#endUnsent(attempt, null)
    lane.rest(item.delivery, store.now() + UNHEARD_PAUSE_MS)
    this.#consider(lane)
  }

  /** @param rate where the attempt's place has to be released. Null: nowhere */
  #endUnsent(attempt: Attempt, rate: RateWindow | null): void {
    rate?.release()
    this.#endRequest(attempt, null)
    this.inFlight.end(attempt.item.partition)
  }

  /** Leaves the delivery to the store, which knows its state; the lane reads it again after a pause. */
  #release({ lane, item }: Attempt): void {
    const { store, clock, lanes } = this.#parts
    lane.release(item.delivery, store.now() + STORE_PAUSE_MS)
    clock.after(STORE_PAUSE_MS, () => lanes.reset(lane))
  }
}
