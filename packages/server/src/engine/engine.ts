import type { Logger } from 'pino'
import type { Clock } from '../base/clock.ts'
import { CountedLines } from '../base/counted-lines.ts'
import type { TenantId } from '../base/model.ts'
import type { Keyring } from '../secrets/keyring.ts'
import type { Change } from '../store/changes.ts'
import type { LaneItem } from '../store/operations/lanes/lanes.ts'
import type { Store } from '../store/store.ts'
import { Connections } from './attempt/connections.ts'
import { Destinations } from './attempt/destinations.ts'
import { Handover } from './attempt/handover.ts'
import { Sender } from './attempt/sender.ts'
import { Attempts } from './attempts.ts'
import { Bodies } from './bodies.ts'
import { HostWindows } from './host-windows.ts'
import { CrashMode } from './lane/crash-mode.ts'
import type { Lane } from './lane/lane.ts'
import { ProbeTurns } from './lane/probe-turns.ts'
import { Lanes, STORE_PAUSE_MS } from './lanes.ts'
import type { EngineOptions } from './options.ts'
import type { Partitions } from './ownership/partitions.ts'
import { Sweep } from './ownership/sweep.ts'
import { ReceiverHealth } from './receiver-health.ts'
import { Rounds } from './rounds.ts'
import { TypeSchedules } from './type-schedules.ts'

export type { EngineOptions } from './options.ts'

/**
 * Sends due deliveries. State lives in three places: the store is the source of truth, lanes hold the deliveries to be
 * sent next, and the rounds decide whose turn it is.
 *
 * The life of a delivery: it is committed (`#onChange`) or read from the store, and waits in its endpoint's lane
 * (lane/lane.ts). When it is due, the lane joins the rounds (lanes.ts, rounds.ts), which dispatch it in turn. What
 * happens then is in attempts.ts.
 */
export class Engine {
  readonly #store: Store
  readonly #clock: Clock
  readonly #log: Logger
  readonly #lines: CountedLines
  readonly #options: EngineOptions
  readonly #destinations: Destinations
  readonly #connections: Connections
  readonly #handover: Handover
  readonly #sender: Sender
  readonly #rounds: Rounds
  readonly #lanes: Lanes
  readonly #partitions: Partitions
  readonly #sweep: Sweep
  readonly #attempts: Attempts
  readonly #crashMode: CrashMode
  readonly #health: ReceiverHealth
  readonly #schedules: TypeSchedules
  readonly #probes = new ProbeTurns()

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
    this.#lines = new CountedLines(log, clock)
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
    const dispatch = (lane: Lane, host: string) => this.#attempts.dispatch(lane, host)
    const bodies = new Bodies()
    const maySend = (tenant: TenantId) => store.hasRoomToSettle(tenant) && bodies.hasRoom(tenant)
    const hostWindows = new HostWindows(options.maxInFlightPerHost, options.connectTimeoutMs)
    const { maxInFlight } = options
    const limits = { maxInFlight, maxInFlightAt: (host: string) => hostWindows.of(host) }
    this.#rounds = new Rounds(limits, now, hostOf, dispatch, maySend)
    this.#lanes = new Lanes({
      store,
      clock,
      lines: this.#lines,
      destinations: this.#destinations,
      health: this.#health,
      crashMode: this.#crashMode,
      partitions,
      rounds: this.#rounds,
      limits: options,
    })
    this.#attempts = new Attempts({
      store,
      clock,
      log,
      lines: this.#lines,
      options,
      partitions,
      rounds: this.#rounds,
      hostWindows,
      lanes: this.#lanes,
      destinations: this.#destinations,
      sender: this.#sender,
      handover: this.#handover,
      bodies,
      health: this.#health,
      schedules: this.#schedules,
      crashMode: this.#crashMode,
      probes: this.#probes,
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
    this.#attempts.senderId = await this.#store.write('recordSender', { userAgent, apiVersion })
    await this.#schedules.start()
    this.#sweep.start()
    await this.#partitions.start({
      acquired: (partitions, afterCrash) => this.#onAcquired(partitions, afterCrash),
      lost: partitions => this.#onLost(partitions),
      drained: partition => this.#attempts.inFlight.untilNone(partition),
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
    await Promise.race([this.#attempts.inFlight.untilIdle(), late])
    timer.cancel()
    await left
    this.#connections.close()
    await this.#crashMode.cancelAllTrials()
    await this.#health.stop()
    await looked
    await this.#partitions.stop().catch(error => this.#log.warn({ err: error }, 'partitions could not be released'))
    this.#lines.close()
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
    for (const lane of new Set(items.map(({ endpoint }) => this.#lanes.get(endpoint)!))) this.#lanes.consider(lane)
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
}
