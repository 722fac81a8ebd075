import type { Logger } from 'pino'
import type { Clock } from '../base/clock.ts'
import { logPlain } from '../base/logger.ts'
import type { DeliveryId, EndpointId } from '../base/model.ts'
import type { Keyring } from '../secrets/keyring.ts'
import type { Change } from '../store/changes.ts'
import { holdAll } from '../store/in-steps.ts'
import type { Settlement } from '../store/operations/deliveries/settlement.ts'
import type { LaneHead, LaneItem } from '../store/operations/lanes/lanes.ts'
import type { Store } from '../store/store.ts'
import { attemptLine, concludeAttempt } from './attempt/conclusion.ts'
import { Connections } from './attempt/connections.ts'
import { type Destination, Destinations } from './attempt/destinations.ts'
import { Sender, type Sent } from './attempt/sender.ts'
import { Health, isUnreachable } from './health.ts'
import { Alarm } from './lane/alarm.ts'
import { Budget } from './lane/budget.ts'
import { CrashMode } from './lane/crash-mode.ts'
import { Lane } from './lane/lane.ts'
import { LaneReader } from './lane/lane-reader.ts'
import { Rates, type RateWindow } from './lane/rate.ts'
import { LONGEST_PROBE_PAUSE_MS } from './lane/recovery.ts'
import type { EngineOptions } from './options.ts'
import { InFlight } from './ownership/in-flight.ts'
import type { Partitions } from './ownership/partitions.ts'
import { Sweep } from './ownership/sweep.ts'
import { Pump } from './pump.ts'
import { Rounds } from './rounds.ts'
import { TypeSchedules } from './type-schedules.ts'

export type { EngineOptions } from './options.ts'

/** Deliveries that a lane holds for each request of its window. */
const LANE_DEPTH = 256
/** Deliveries that all lanes hold together; beyond it, each holds no more than its window. Some 300 bytes each. */
const MAX_ITEMS_IN_MEMORY = 200_000
/** With so many outcomes that can't be stored, no more are made. */
const MAX_UNSETTLED = 1_000
/** After a fault of the store, before it is tried again. */
const STORE_PAUSE_MS = 1_000

/**
 * Sends what is owed. State lives in three places: the store has the truth, lanes hold what is next, rounds say whose
 * turn it is. The way of a delivery through here: `#consider` (its lane has something due) → `#dispatch` → `deliver`
 * → `#conclude` → the store's settle → `#settled`.
 */
export class Engine {
  readonly #store: Store
  readonly #clock: Clock
  readonly #log: Logger
  readonly #options: EngineOptions
  readonly #targets: Destinations
  readonly #connections: Connections
  readonly #sender: Sender
  readonly #rounds: Rounds
  readonly #pump: Pump
  readonly #reader: LaneReader
  readonly #alarm: Alarm<Lane>
  readonly #rates: Rates
  /** For lanes whose rate is used up: by the monotonic clock, so that no jump of the other makes them wait. */
  readonly #rateAlarm: Alarm<Lane>
  readonly #lanes = new Map<EndpointId, Lane>()
  readonly #payloads: Budget
  readonly #items = new Budget(MAX_ITEMS_IN_MEMORY)
  readonly #partitions: Partitions
  readonly #sweep: Sweep
  readonly #busy = new InFlight()
  readonly #caution: CrashMode
  readonly #health: Health
  readonly #schedules: TypeSchedules
  #isRunning = false

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
    this.#caution = new CrashMode(store, log)
    this.#payloads = new Budget(options.payloadMemoryBytes)
    this.#health = new Health(store, clock, log, options)
    this.#schedules = new TypeSchedules(store, clock, log)
    this.#targets = new Destinations(store, keyring, options, endpoint => this.#health.learn(endpoint))
    this.#connections = new Connections(options, clock)
    const now = () => store.now()
    this.#sender = new Sender({
      connections: this.#connections,
      clock,
      now,
      tokenTimeoutMs: options.responseTimeoutMs,
      maxTokenRequestsPerHost: options.maxInFlightPerHost,
      beginTrace: options.beginTrace,
    })
    const hostOf = (lane: Lane) => this.#targets.get(lane.endpoint)?.route.origin ?? ''
    this.#rounds = new Rounds(options, now, hostOf, (lane, host) => void this.#dispatch(lane, host))
    this.#pump = new Pump(this.#rounds, () => this.#isRunning && store.unsettled < MAX_UNSETTLED)
    this.#reader = new LaneReader(store, this.#payloads, {
      done: lane => this.#considerAndPump(lane),
      failed: (error, retry) => this.#storeFailed(error, retry),
    })
    this.#alarm = new Alarm(now, clock, lane => this.#considerAndPump(lane))
    this.#rates = new Rates(clock)
    this.#rateAlarm = new Alarm(
      () => clock.monotonicMs(),
      clock,
      lane => this.#considerAndPump(lane),
    )
    this.#sweep = new Sweep(store, clock, log, {
      isOurs: partition => this.#isOurs(partition),
      found: head => this.#notice(head),
      seen: partition => this.#caution.end(partition),
      ended: () => {
        this.#rates.forgetIdle(endpoint => this.#lanes.has(endpoint))
        this.#caution.wake()
        this.#health.look()
      },
    })
    store.changes.on(change => this.#hear(change))
  }

  get inFlight(): number {
    return this.#rounds.inFlight
  }

  /** The lanes that have something to do. */
  get lanes(): Iterable<Pick<Lane, 'isInCrashMode' | 'isOrdered'>> {
    return this.#lanes.values()
  }

  /**
   * Takes over partitions, and begins to end what a crash left half done and to send what is pending: that takes its
   * time, and what is published meanwhile is sent beside it.
   */
  async start(): Promise<void> {
    this.#isRunning = true
    await this.#schedules.load()
    this.#sweep.start()
    await this.#partitions.start({
      gained: (partitions, afterCrash) => this.#gain(partitions, afterCrash),
      lost: partitions => this.#lose(partitions),
      landed: partition => this.#busy.untilNone(partition),
    })
  }

  /**
   * Sends nothing new, and waits until what is in flight has landed and is settled, at most so long: whoever takes the
   * partitions over must find what has ended. The rest is left to the next start.
   */
  async drain(timeoutMs: number): Promise<void> {
    this.#isRunning = false
    const swept = this.#sweep.stop()
    this.#alarm.stop()
    this.#rateAlarm.stop()
    this.#partitions.leave()
    const { promise: late, resolve: giveUp } = Promise.withResolvers<void>()
    const timer = this.#clock.after(timeoutMs, giveUp)
    await Promise.race([this.#busy.untilIdle(), late])
    timer.cancel()
    this.#connections.close()
    await this.#caution.takeBackAll()
    await swept
    await this.#partitions
      .stop()
      .catch(error => this.#log.warn({ err: error }, 'the partitions could not be given back'))
  }

  // What the rest of the process tells

  #hear(change: Change): void {
    if (change.kind === 'fresh') {
      const items = change.items.filter(({ partition }) => this.#isOurs(partition))
      for (const item of items) {
        // Until its partition was looked through, the store may have more of an endpoint than a newcomer knows of.
        const lane = this.#laneOf(item, this.#sweep.isUnseen(item.partition) ? 0 : Number.POSITIVE_INFINITY)
        lane.offer(item)
        if (!item.test) continue
        // A person waits for it.
        lane.hurry(item.delivery)
        lane.expedite(item.delivery, item)
      }
      for (const item of items) this.#consider(this.#lanes.get(item.endpoint)!)
      this.#pump.run()
    } else if (change.kind === 'wake') this.#wake(change)
    else if (change.kind === 'endpoint') {
      this.#targets.forget(change.endpoint)
      this.#sender.forget(change.endpoint)
      this.#health.forget(change.endpoint)
      this.#lanes.get(change.endpoint)?.forgetPause()
      this.#reset(change)
    } else if (change.kind === 'lane') this.#reset(change, change.delivery)
    else if (change.kind === 'messages') this.#sweep.setMessagesHeard(change.areHeard)
    else if (change.kind === 'doubt') this.#clock.after(STORE_PAUSE_MS, () => this.#distrust())
  }

  /** Somebody else has stored something that is due. */
  #wake(at: { tenant: string; endpoint: EndpointId; partition: number }): void {
    if (!this.#isOurs(at.partition)) return
    const lane = this.#laneOf(at, 0)
    lane.wake()
    this.#considerAndPump(lane)
  }

  /**
   * The lane's view of the store is out of date: it reads anew.
   * @param urgent a delivery that a person has changed: if it is pending, it goes at once
   */
  #reset(at: { tenant: string; endpoint: EndpointId; partition: number }, urgent?: DeliveryId): void {
    if (!this.#isOurs(at.partition)) return
    const lane = this.#laneOf(at, 0)
    if (urgent !== undefined) lane.hurry(urgent)
    lane.reset()
    for (const delivery of lane.urgent) void this.#reader.readUrgent(lane, delivery)
    this.#rounds.unpark(lane)
    this.#consider(lane)
    this.#pump.run()
  }

  /** After a fault of the store: nothing that is held is believed. */
  #distrust(): void {
    this.#targets.forgetAll()
    for (const lane of this.#lanes.values()) {
      lane.reset()
      this.#considerAndPump(lane)
    }
    void this.#sweep.now()
  }

  // Lanes

  #laneOf(at: { tenant: string; endpoint: EndpointId; partition: number }, storeEarliestMs: number): Lane {
    let lane = this.#lanes.get(at.endpoint)
    if (lane === undefined) {
      const maxWindow = this.#options.laneWindow
      const limits = { maxWindow, depth: LANE_DEPTH, items: this.#items, payloads: this.#payloads }
      lane = new Lane(at.tenant, at.endpoint, at.partition, storeEarliestMs, limits)
      if (this.#caution.appliesTo(at.partition)) lane.enterCrashMode()
      if (this.#health.isDoubtful(at.endpoint)) lane.recovery.markUnreachable()
      this.#lanes.set(at.endpoint, lane)
    }
    return lane
  }

  /** Looks what a lane has to do now: read, wait its turn, sleep until later, or be forgotten. */
  #consider(lane: Lane): void {
    if (!this.#isRunning || !this.#isOurs(lane.partition)) return
    const nowMs = this.#store.now()
    const target = this.#targets.get(lane.endpoint)
    // Before anything is read or sent: only the endpoint says in which order, and how fast.
    if (target) this.#follow(lane, target)
    const isReadWanted = lane.needsRead(nowMs)
    const isReady = lane.isReady(nowMs)
    if (!isReadWanted && !isReady) this.#rest(lane, nowMs)
    else if (target === undefined) void this.#loadTarget(lane)
    else if (target === null) this.#park(lane)
    else {
      if (isReadWanted) void this.#reader.read(lane)
      if (isReady) this.#rounds.enlist(lane)
    }
  }

  #follow(lane: Lane, { endpoint: { id, ordered, rateLimit } }: Destination): void {
    lane.follow(ordered, this.#rates.of(id, rateLimit), this.#health.pausedUntilMs(id))
  }

  /** It has nothing to do now. What it waits for beside time, a landing for one, has it considered again. */
  #rest(lane: Lane, nowMs: number): void {
    const wakeMs = lane.nextWakeMs()
    if (lane.isEmpty) this.#forget(lane)
    else if (wakeMs > nowMs) this.#alarm.set(lane, wakeMs)
    else if (lane.rate?.isFree() === false) this.#rateAlarm.set(lane, lane.rate.freeAtMs())
  }

  async #loadTarget(lane: Lane): Promise<void> {
    try {
      const target = await this.#targets.load(lane.endpoint)
      // Failing since before a restart, for one: its receiver is not to be flooded when it is back.
      if (this.#health.isDoubtful(lane.endpoint)) lane.recovery.markUnreachable()
      if (target !== null) return this.#considerAndPump(lane)
      this.#park(lane)
      // Disabled (by a 410, or by a node that died over it): what is pending is to be held.
      await holdAll(this.#store, lane)
    } catch (error) {
      this.#storeFailed(error, () => this.#considerAndPump(lane))
    }
  }

  /** The endpoint is disabled or gone: nothing of it is sent until it changes. */
  #park(lane: Lane): void {
    lane.clear()
    if (lane.isEmpty) this.#forget(lane)
  }

  /** Only the lane that is known by that endpoint: an alarm can still ring for one that was forgotten before. */
  #forget(lane: Lane): void {
    if (this.#lanes.get(lane.endpoint) === lane) this.#lanes.delete(lane.endpoint)
  }

  #considerAndPump(lane: Lane): void {
    this.#consider(lane)
    this.#pump.run()
  }

  #storeFailed(error: unknown, retry: () => void): void {
    this.#log.warn({ err: error }, 'the store could not be read')
    this.#clock.after(STORE_PAUSE_MS, retry)
  }

  // An attempt

  async #dispatch(lane: Lane, host: string): Promise<void> {
    const item = lane.take()
    const { rate } = lane
    this.#busy.begin(item.partition)
    if (lane.isInCrashMode && !(await this.#beginTrial(lane, host, item, rate))) return
    let target: Destination | null
    let body: Uint8Array | null
    try {
      target = this.#targets.get(item.endpoint) ?? (await this.#targets.load(item.endpoint))
      body = item.payload ?? (await this.#store.read('readPayload', { tenant: item.tenant, event: item.event }))
    } catch (error) {
      this.#log.warn({ err: error }, 'the store could not be read')
      return this.#putBack(lane, host, item, rate)
    }
    // Asked last of all: a lease can run out while we wait.
    const epoch = this.#partitions.epochOf(item.partition)
    if (target === null || body === null || epoch === undefined) return this.#putBack(lane, host, item, rate)
    rate?.begin()
    lane.recovery.begin(this.#store.now())
    // Its landing may be far: the next may go before, as soon as rate and pace let it.
    if (rate !== null || lane.recovery.isSpaced) this.#consider(lane)
    const mayBegin = () => this.#targets.isCurrent(target) && this.#partitions.epochOf(item.partition) === epoch
    const sent = await this.#sender.send(target, item, body, mayBegin)
    // Its place in the rate stays taken: it was begun as far as that goes.
    if (sent === null) return this.#putBack(lane, host, item, null)
    this.#conclude(lane, host, item, target, sent, epoch)
  }

  /** Whether a cautious lane's delivery is to be sent now. If not, it has left the lane, or waits for its turn. */
  async #beginTrial(lane: Lane, host: string, item: LaneItem, rate: RateWindow | null): Promise<boolean> {
    const answer = await this.#caution.beginTrial(item, this.#partitions.epochOf(item.partition))
    if (answer === 'begun' || answer === 'last') return true
    const goOn = () => {
      lane.letGo(item.delivery)
      this.#reset(lane)
    }
    this.#landUnsent(lane, host, item, rate)
    if (answer === 'wait') this.#caution.untilFree(goOn)
    else if (answer === 'set_aside') goOn()
    else this.#clock.after(STORE_PAUSE_MS, goOn)
    return false
  }

  /** It could not be sent for a reason of ours: the lane reads it again, a little later. */
  #putBack(lane: Lane, host: string, item: LaneItem, rate: RateWindow | null): void {
    this.#caution.takeBack(item.delivery)
    this.#landUnsent(lane, host, item, rate)
    lane.leave(item.delivery, this.#store.now() + STORE_PAUSE_MS)
    this.#clock.after(STORE_PAUSE_MS, () => this.#reset(lane))
  }

  #landUnsent(lane: Lane, host: string, item: LaneItem, rate: RateWindow | null): void {
    rate?.giveUp()
    lane.land(null)
    this.#rounds.land(lane, host)
    this.#busy.end(item.partition)
  }

  #conclude(lane: Lane, host: string, item: LaneItem, target: Destination, sent: Sent, epoch: number): void {
    const { endpoint } = target
    const schedule = endpoint.schedule ?? this.#schedules.of(item.type) ?? this.#options.retrySchedule
    // At the latest: another node, which knows the time better, may make the next attempt (C12).
    const endedAtMs = this.#store.latest()
    const random = this.#options.random()
    const isCurrent = this.#targets.isCurrent(target)
    const { settlement, error, waitMs } = concludeAttempt({ item, schedule, sent, epoch, endedAtMs, random, isCurrent })
    const marks = isCurrent ? this.#health.note({ endpoint, error, endedAtMs, waitMs }) : []
    lane.land({
      isSuccess: error === null,
      isUnreachable: isUnreachable(error),
      nowMs: endedAtMs,
      random,
      longestPauseMs: Math.min(LONGEST_PROBE_PAUSE_MS, 1_000 * Math.min(...schedule)),
    })
    if (waitMs > 0) lane.recovery.markUnreachable()
    this.#follow(lane, target)
    this.#rounds.land(lane, host)
    logPlain(this.#log, 'attempt', attemptLine(item, settlement))
    void this.#settle(lane, item, marks.length === 0 ? settlement : { ...settlement, marks })
    this.#considerAndPump(lane)
  }

  async #settle(lane: Lane, item: LaneItem, settlement: Settlement): Promise<void> {
    const { delivery, endpoint, attempt } = settlement
    try {
      const moved = await this.#store.settle(settlement)
      if (this.#caution.settled(delivery, moved !== 'unmoved')) lane.leaveCrashMode()
      if (typeof moved === 'number') {
        lane.again({ ...item, payload: null, attempts: attempt.number, dueAtMs: moved }, this.#store.latest())
      } else if (moved === 'ended') lane.letGo(delivery)
      else lane.leave(delivery, 0)
    } catch (error) {
      this.#log.error({ err: error, delivery, endpoint }, 'an outcome could not be stored; the delivery is tried again')
      // So were its marks not.
      this.#targets.forget(endpoint)
      this.#health.forget(endpoint)
      this.#caution.takeBack(delivery)
      lane.leave(delivery, this.#store.now() + STORE_PAUSE_MS)
      this.#clock.after(STORE_PAUSE_MS, () => this.#reset(lane))
    }
    this.#busy.end(item.partition)
    this.#considerAndPump(lane)
  }

  // Partitions

  #isOurs(partition: number): boolean {
    return this.#partitions.epochOf(partition) !== undefined
  }

  #gain(partitions: readonly number[], afterCrash: readonly number[]): void {
    this.#caution.begin(afterCrash)
    this.#sweep.gain(partitions)
    for (const lane of this.#lanes.values()) {
      if (this.#sweep.isUnseen(lane.partition)) lane.reset()
      if (this.#caution.appliesTo(lane.partition)) lane.enterCrashMode()
    }
  }

  /** What is in flight lands and is settled, under an epoch that may be over. */
  #lose(partitions: readonly number[]): void {
    const lost = new Set(partitions)
    for (const partition of lost) this.#sweep.lose(partition)
    for (const lane of this.#lanes.values()) if (lost.has(lane.partition)) this.#park(lane)
    // Another node knows more of them from here on, if they come back.
    for (const endpoint of this.#targets.forgetIn(lost)) this.#health.forget(endpoint)
  }

  /**
   * The sweep has found it. Whoever commits something earlier from here on tells of it, so a lane that is new believes
   * the sweep: it reads nothing before that is due. (A thousand lanes that each read their first rows, not due for hours,
   * took 350 MB and kept the first delivery after a start waiting for seconds.)
   */
  #notice(head: LaneHead): void {
    if (!this.#isOurs(head.partition)) return
    const known = this.#lanes.get(head.endpoint)
    if (known === undefined) this.#laneOf(head, head.dueAtMs)
    else known.notice(head.dueAtMs)
    this.#considerAndPump(this.#lanes.get(head.endpoint)!)
  }
}
