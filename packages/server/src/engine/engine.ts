import type { Logger } from 'pino'
import type { Clock } from '../base/clock.ts'
import { logPlain } from '../base/logger.ts'
import type { TenantId } from '../base/model.ts'
import { scheduleInForce } from '../catalogue/retry-schedule.ts'
import type { Keyring } from '../secrets/keyring.ts'
import type { Change } from '../store/changes.ts'
import type { Settlement } from '../store/operations/deliveries/settlement.ts'
import type { LaneItem } from '../store/operations/lanes/lanes.ts'
import type { Store } from '../store/store.ts'
import { attemptLine, concludeAttempt } from './attempt/conclusion.ts'
import { Connections } from './attempt/connections.ts'
import { type Destination, Destinations } from './attempt/destinations.ts'
import { Handover } from './attempt/handover.ts'
import { Sender, type Sent } from './attempt/sender.ts'
import { Bodies, type Body } from './bodies.ts'
import { CrashMode } from './lane/crash-mode.ts'
import type { Lane } from './lane/lane.ts'
import { ProbeTurns } from './lane/probe-turns.ts'
import type { RateWindow } from './lane/rate.ts'
import { LONGEST_PROBE_PAUSE_MS } from './lane/recovery.ts'
import { Lanes, STORE_PAUSE_MS } from './lanes.ts'
import type { EngineOptions } from './options.ts'
import { InFlight } from './ownership/in-flight.ts'
import type { Partitions } from './ownership/partitions.ts'
import { Sweep } from './ownership/sweep.ts'
import { neverConnected, ReceiverHealth } from './receiver-health.ts'
import { Rounds } from './rounds.ts'
import { TypeSchedules } from './type-schedules.ts'

export type { EngineOptions } from './options.ts'

/** How long an endpoint's deliveries wait if no one listens to it, unless someone begins to. */
const UNHEARD_PAUSE_MS = 30_000

/**
 * Sends due deliveries. State lives in three places: the store is the source of truth, lanes hold the deliveries to be
 * sent next, and the rounds decide whose turn it is.
 *
 * The life of a delivery: it is committed (`#onChange`) or read from the store, and waits in its endpoint's lane
 * (lane/lane.ts). When it is due, the lane joins the rounds (lanes.ts, rounds.ts), which dispatch it in turn. The steps
 * after that are below, from top to bottom: `#dispatch` → `Sender.send` → `#conclude` → `#settle`. A delivery that
 * could not be sent for an internal reason is put back and read again.
 */
export class Engine {
  readonly #store: Store
  readonly #clock: Clock
  readonly #log: Logger
  readonly #options: EngineOptions
  readonly #destinations: Destinations
  readonly #connections: Connections
  readonly #handover: Handover
  readonly #sender: Sender
  readonly #rounds: Rounds
  readonly #lanes: Lanes
  readonly #partitions: Partitions
  readonly #sweep: Sweep
  /** Attempts that have begun and are not settled yet. The getter `inFlight` counts requests that have not ended. */
  readonly #inFlight = new InFlight()
  readonly #crashMode: CrashMode
  readonly #health: ReceiverHealth
  readonly #schedules: TypeSchedules
  readonly #probes = new ProbeTurns()
  readonly #bodies = new Bodies()
  /** The id of what this process puts into requests. Known before the first one. */
  #senderId = 0

  constructor(
    store: Store,
    keyring: Keyring,
    partitions: Partitions,
    clock: Clock,
    log: Logger,
    options: EngineOptions,
  ) {
    this.#store = store
    this.#partitions = partitions
    this.#clock = clock
    this.#log = log
    this.#options = options
    const now = () => store.now()
    this.#crashMode = new CrashMode(store, log)
    this.#health = new ReceiverHealth(store, clock, log, options)
    this.#schedules = new TypeSchedules(store, clock, log)
    this.#destinations = new Destinations(store, keyring, options, endpoint => this.#health.learn(endpoint))
    this.#connections = new Connections(options, clock, options.resolver, () => store.isShared)
    this.#handover = new Handover(store, clock, keyring)
    this.#sender = new Sender({
      connections: this.#connections,
      handover: this.#handover,
      clock,
      now,
      tokenTimeoutMs: options.responseTimeoutMs,
      maxTokenRequestsPerHost: options.maxInFlightPerHost,
      beginTrace: options.beginTrace,
    })
    const hostOf = (lane: Lane) => this.#destinations.get(lane.endpoint)?.route.origin ?? ''
    const dispatch = (lane: Lane, host: string) => void this.#dispatch(lane, host)
    const maySend = (tenant: TenantId) => store.hasRoomToSettle(tenant) && this.#bodies.hasRoom(tenant)
    this.#rounds = new Rounds(options, now, hostOf, dispatch, maySend)
    this.#lanes = new Lanes({
      store,
      clock,
      log,
      destinations: this.#destinations,
      health: this.#health,
      crashMode: this.#crashMode,
      partitions,
      rounds: this.#rounds,
      limits: options,
    })
    this.#sweep = new Sweep(store, clock, log, {
      isOurs: partition => this.#lanes.isOurs(partition),
      found: head => this.#lanes.noteStored(head),
      seen: partition => this.#crashMode.leave(partition),
      finished: () => {
        this.#lanes.forgetIdleRates()
        this.#probes.forgetPast(store.now())
        this.#crashMode.resumeWaiting()
        this.#health.review()
      },
    })
    store.changes.on(change => this.#onChange(change))
  }

  /** Number of requests in flight. */
  get inFlight(): number {
    return this.#rounds.inFlight
  }

  /** The lanes in memory. */
  get lanes(): Iterable<Pick<Lane, 'isInCrashMode' | 'isOrdered'>> {
    return this.#lanes.values()
  }

  /**
   * Takes over partitions. In the background, it then finishes endpoint changes that a crash interrupted and starts
   * sending pending deliveries; events published in the meantime are sent alongside.
   */
  async start(): Promise<void> {
    this.#lanes.start()
    const { userAgent, apiVersion } = this.#options
    this.#senderId = await this.#store.write('recordSender', { userAgent, apiVersion })
    await this.#schedules.start()
    this.#sweep.start()
    await this.#partitions.start({
      acquired: (partitions, afterCrash) => this.#onAcquired(partitions, afterCrash),
      lost: partitions => this.#onLost(partitions),
      drained: partition => this.#inFlight.untilNone(partition),
    })
  }

  /**
   * Starts no new attempts and waits up to `timeoutMs` for those in flight to end and to be settled, so that the next
   * owner of the partitions finds their outcomes. Unfinished attempts are sent again after the next startup.
   */
  async drain(timeoutMs: number): Promise<void> {
    this.#lanes.stop()
    const looked = Promise.all([this.#sweep.stop(), this.#schedules.stop()])
    this.#partitions.drain()
    const left = this.#handover.leave()
    const { promise: late, resolve: giveUp } = Promise.withResolvers<void>()
    const timer = this.#clock.after(timeoutMs, giveUp)
    await Promise.race([this.#inFlight.untilIdle(), late])
    timer.cancel()
    await left
    this.#connections.close()
    await this.#crashMode.cancelAllTrials()
    await this.#health.stop()
    await looked
    await this.#partitions.stop().catch(error => this.#log.warn({ err: error }, 'partitions could not be released'))
  }

  // Changes in the store

  #onChange(change: Change): void {
    if (change.kind === 'fresh') this.#offer(change.items)
    else if (change.kind === 'wake') this.#lanes.wake(change)
    else if (change.kind === 'lane') {
      this.#handover.noteChanged(change.endpoint)
      this.#lanes.reset(change, change.delivery)
    } else if (change.kind === 'endpoint') {
      this.#destinations.forget(change.endpoint)
      this.#sender.forget(change.endpoint)
      this.#health.forget(change.endpoint)
      this.#lanes.get(change.endpoint)?.clearPause()
      this.#lanes.reset(change)
    } else if (change.kind === 'answer') this.#handover.noteAnswered(change.delivery)
    else if (change.kind === 'messages') this.#sweep.setMessagesHeard(change.areHeard)
    else if (change.kind === 'doubt') this.#clock.after(STORE_PAUSE_MS, () => this.#startOver())
  }

  /** Hands deliveries that were just committed to their lanes. */
  #offer(fresh: readonly LaneItem[]): void {
    const items = fresh.filter(({ partition }) => this.#lanes.isOurs(partition))
    for (const item of items) {
      // Until the partition has been swept, the store might have deliveries of the endpoint that a new lane misses.
      const lane = this.#lanes.getOrMake(item, this.#sweep.isUnseen(item.partition) ? 0 : Number.POSITIVE_INFINITY)
      lane.offer(item)
      if (!item.test) continue
      // Someone is waiting for the result of a test.
      lane.markUrgent(item.delivery)
      lane.offerUrgent(item.delivery, item)
    }
    for (const item of items) this.#lanes.consider(this.#lanes.get(item.endpoint)!)
    this.#lanes.run()
  }

  /** Discards everything held in memory after a store failure, since it might be wrong, and reads it again. */
  #startOver(): void {
    this.#destinations.forgetAll()
    this.#lanes.resetAll()
    void this.#sweep.run()
  }

  // Partition ownership

  #onAcquired(partitions: readonly number[], afterCrash: readonly number[]): void {
    this.#crashMode.enter(afterCrash)
    this.#sweep.addUnseen(partitions)
    for (const lane of this.#lanes.values()) {
      if (this.#sweep.isUnseen(lane.partition)) lane.reset()
      if (this.#crashMode.appliesTo(lane.partition)) lane.enterCrashMode()
    }
  }

  /** Requests in flight still end and are settled, though under an epoch that might be over. */
  #onLost(partitions: readonly number[]): void {
    const lost = new Set(partitions)
    for (const partition of lost) this.#sweep.markSeen(partition)
    for (const lane of this.#lanes.values()) if (lost.has(lane.partition)) this.#lanes.park(lane)
    // If these endpoints come back, another node has sent to them since: read them again.
    for (const endpoint of this.#destinations.forgetIn(lost)) this.#health.forget(endpoint)
  }

  // The life of a delivery

  /** Sends the lane's next delivery now that it is the lane's turn, or puts it back. */
  async #dispatch(lane: Lane, host: string): Promise<void> {
    const item = lane.takeNext()
    const { rate } = lane
    this.#inFlight.begin(item.partition)
    if (lane.isInCrashMode && !(await this.#beginTrial(lane, host, item, rate))) return
    const memory = this.#bodies.begin(item.tenant, item.payload)
    let destination: Destination | null
    let body: Uint8Array | null
    try {
      destination = this.#destinations.get(item.endpoint) ?? (await this.#destinations.load(item.endpoint))
      body = item.payload ?? (await this.#readBody(item, memory))
    } catch (error) {
      this.#log.warn({ err: error }, 'store could not be read; retrying')
      memory.end()
      return this.#putBack(lane, host, item, rate)
    }
    // Checked last: a lease can expire while the store is read.
    const epoch = this.#partitions.epochOf(item.partition)
    if (destination === null || body === null || epoch === undefined) {
      memory.end()
      return this.#putBack(lane, host, item, rate)
    }
    rate?.begin()
    lane.recovery.beginRequest(this.#store.now())
    // This request might take long. The next one needn't wait for it, only for the rate and the recovery.
    if (rate !== null || lane.recovery.isSpaced) this.#lanes.consider(lane)
    const mayBegin = () =>
      this.#destinations.isCurrent(destination) && this.#partitions.epochOf(item.partition) === epoch
    const sent = await this.#sender.send(destination, item, body, mayBegin)
    memory.end()
    // Its place in the rate window stays taken: the attempt has begun as far as the rate is concerned.
    if (sent === null) return this.#putBack(lane, host, item, null)
    if (sent === 'unheard') return this.#waitForListener(lane, host, item)
    this.#conclude(lane, host, item, destination, sent, epoch)
  }

  async #readBody({ tenant, event }: LaneItem, memory: Body): Promise<Uint8Array | null> {
    const body = await this.#store.read('readPayload', { tenant, event })
    memory.resize(body?.length ?? 0)
    // It is nearly always smaller than what was reserved for it.
    this.#lanes.run()
    return body
  }

  /** Applies the result of a request to its delivery, lane and endpoint. */
  #conclude(lane: Lane, host: string, item: LaneItem, destination: Destination, sent: Sent, epoch: number): void {
    const { endpoint, requestVersion } = destination
    const sender = this.#senderId
    const schedule = scheduleInForce(endpoint.schedule, this.#schedules.of(item.type), this.#options.retrySchedule)
    // The latest it can be: another node, with a more accurate time, might make the next attempt (C12).
    const endedAtMs = this.#store.latest()
    const random = this.#options.random()
    const isCurrent = this.#destinations.isCurrent(destination)
    const input = { item, requestVersion, sender, schedule, sent, epoch, endedAtMs, random, isCurrent }
    const { settlement, error, detail, waitMs } = concludeAttempt(input)
    const attempted = { endpoint, delivery: item.delivery, error, endedAtMs, waitMs, epoch }
    const marks = isCurrent ? this.#health.record(attempted) : []
    const end = {
      isSuccess: error === null,
      neverConnected: neverConnected(error),
      nowMs: endedAtMs,
      random,
      longestPauseMs: Math.min(LONGEST_PROBE_PAUSE_MS, 1_000 * Math.min(...schedule)),
      takeTurn: (wantedMs: number, latestMs: number) => this.#probes.take(lane.tenant, wantedMs, latestMs),
    }
    // If no one was there, nothing is known about how many requests can be taken.
    lane.endRequest(error === 'no_listener' ? null : end)
    if (waitMs > 0) lane.recovery.markUnreachable()
    this.#lanes.configure(lane, destination)
    this.#rounds.endRequest(lane, host)
    logPlain(this.#log, 'attempt', attemptLine(item, settlement, detail, sent.exchange))
    const settled = this.#settle(lane, item, marks.length === 0 ? settlement : { ...settlement, marks })
    if (destination.isListener) void settled.then(() => this.#forgetHandedOver(settlement))
    this.#lanes.considerAndRun(lane)
  }

  /** Stores the outcome, and updates the lane according to the store's result. */
  async #settle(lane: Lane, item: LaneItem, settlement: Settlement): Promise<void> {
    const { delivery, endpoint, attempt } = settlement
    try {
      const moved = await this.#store.settle(settlement)
      if (this.#crashMode.endTrial(delivery, moved !== 'unmoved')) lane.leaveCrashMode()
      if (typeof moved === 'number') {
        lane.retry({ ...item, payload: null, attempts: attempt.number, dueAtMs: moved }, this.#store.latest())
      } else if (moved === 'ended') lane.complete(delivery)
      else lane.release(delivery, 0)
    } catch (error) {
      this.#log.error(
        { err: error, delivery, endpoint },
        'outcome could not be stored; the delivery will be sent again',
      )
      // The endpoint's marks were not stored either: read its state again.
      this.#destinations.forget(endpoint)
      this.#health.forget(endpoint)
      this.#crashMode.cancelTrial(delivery)
      this.#release(lane, item)
    }
    this.#inFlight.end(item.partition)
    this.#lanes.considerAndRun(lane)
  }

  // Deliveries that are not sent

  /** Whether to send a crash-mode lane's delivery now. If not, the delivery has left the lane or waits for its turn. */
  async #beginTrial(lane: Lane, host: string, item: LaneItem, rate: RateWindow | null): Promise<boolean> {
    const answer = await this.#crashMode.beginTrial(item, this.#partitions.epochOf(item.partition))
    if (answer === 'begun' || answer === 'last') return true
    const resume = () => {
      lane.release(item.delivery, 0)
      this.#lanes.reset(lane)
    }
    this.#endUnsent(lane, host, item, rate)
    if (answer === 'wait') this.#crashMode.whenLastIsFree(resume)
    else if (answer === 'set_aside') resume()
    else this.#clock.after(STORE_PAUSE_MS, resume)
    return false
  }

  /** Puts back a delivery that was not sent for an internal reason; the lane reads it again after a pause. */
  #putBack(lane: Lane, host: string, item: LaneItem, rate: RateWindow | null): void {
    this.#crashMode.cancelTrial(item.delivery)
    this.#endUnsent(lane, host, item, rate)
    this.#release(lane, item)
  }

  /** No one listens to the endpoint: its deliveries stay in the store until someone does. */
  #waitForListener(lane: Lane, host: string, item: LaneItem): void {
    this.#crashMode.cancelTrial(item.delivery)
    this.#endUnsent(lane, host, item, null)
    lane.rest(item.delivery, this.#store.now() + UNHEARD_PAUSE_MS)
    this.#lanes.consider(lane)
  }

  #forgetHandedOver({ tenant, delivery, attempt: { number } }: Settlement): void {
    this.#handover.forget({ tenant, delivery, number })
  }

  #endUnsent(lane: Lane, host: string, item: LaneItem, rate: RateWindow | null): void {
    rate?.release()
    lane.endRequest(null)
    this.#rounds.endRequest(lane, host)
    this.#inFlight.end(item.partition)
  }

  /** Leaves the delivery to the store, which knows its state; the lane reads it again after a pause. */
  #release(lane: Lane, { delivery }: LaneItem): void {
    lane.release(delivery, this.#store.now() + STORE_PAUSE_MS)
    this.#clock.after(STORE_PAUSE_MS, () => this.#lanes.reset(lane))
  }
}
