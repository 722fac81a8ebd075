import { AggregatorRegistry, Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { Clock, Timer } from '../base/clock.ts'
import { idMs } from '../base/ids.ts'
import { ATTEMPT_ERRORS, type AttemptError, type EndState } from '../base/model.ts'
import type { Observation } from '../store/observations.ts'

/** How the lanes of this process behave. */
export const LANE_KINDS = ['ordinary', 'ordered', 'cautious'] as const
export type LaneKind = (typeof LANE_KINDS)[number]

/** What the engine is like just now. */
export type EngineState = {
  readonly inFlight: number
  readonly partitions: number
  readonly lanes: Readonly<Record<LaneKind, number>>
}

/** What is owed in the whole store. */
export type StoreState = {
  readonly pending: number
  /** How long ago the oldest of them was made, seconds; 0: there is none. */
  readonly oldestPendingSeconds: number
  readonly setAside: number
}

/** What is the same for the whole process's life, and what the store says. */
export type MetricsSources = {
  readonly version: string
  /** Outcomes that are not stored yet. */
  readonly unsettled: () => number
  /** null: the store is away. That must not keep the rest from being told. */
  readonly store: () => Promise<StoreState | null>
}

/** Parts of the node that are asked when somebody reads the metrics. */
export type NodeSources = {
  readonly engine: () => EngineState
  /** Calls with a wrong key since the start. */
  readonly failedAuthentications: () => number
  /** Connections to the API. */
  readonly connections: () => Promise<number>
  /** What does not add up in the books, by the newest audit. Default: nobody audits them. */
  readonly mismatches?: () => number
}

/** Metrics as values, for other processes: what `prom-client` calls JSON. */
export type Snapshot = Awaited<ReturnType<Registry['getMetricsAsJSON']>>

export const METRICS_CONTENT_TYPE = Registry.PROMETHEUS_CONTENT_TYPE

const END_STATES: readonly EndState[] = ['delivered', 'exhausted', 'cancelled']

/** From a local receiver to the last retry of the usual schedule, seconds. */
const DELIVERY_BUCKETS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900, 3600, 14_400, 43_200]
/** Up to the longest time-out that can be set, seconds. */
const RECEIVER_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 30, 60]
const COMMIT_ITEM_BUCKETS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000]
const COMMIT_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
const DELAY_BUCKETS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5]

/** How often the event loop's delay is measured. */
const DELAY_PAUSE_MS = 100

/** Of the operating system's process, not of a server in it: there is one of each. */
let processRegistry: Registry | undefined

function ofProcess(): Registry {
  if (processRegistry === undefined) {
    processRegistry = new Registry()
    collectDefaultMetrics({ register: processRegistry })
  }
  return processRegistry
}

/**
 * What this process counts, for Prometheus (docs/operations.md names it all). Counters begin at 0 with the process.
 * Labels have few values, all known here: nothing that tenants choose becomes one.
 */
export class Metrics {
  readonly #sources: MetricsSources
  #mismatches: NodeSources['mismatches']
  readonly #registry = new Registry()
  readonly #accepted: Counter
  readonly #rejected: Counter
  readonly #deliveries: Counter<'state'>
  readonly #attempts: Counter<'outcome'>
  readonly #failures: Counter<'error'>
  readonly #deliveryLatency: Histogram
  readonly #receiverLatency: Histogram
  readonly #commitItems: Histogram
  readonly #commitSeconds: Histogram
  readonly #storeFaults: Counter
  readonly #loopDelay: Histogram
  #timer: Timer | undefined

  constructor(sources: MetricsSources) {
    this.#sources = sources
    this.#accepted = this.#counter(
      'posthorn_events_accepted_total',
      'Events that publishers gave and that are stored. Without duplicates, tests, and what Posthorn publishes itself.',
    )
    this.#rejected = this.#counter(
      'posthorn_events_rejected_total',
      'Events published from SQL that the API would have refused.',
    )
    this.#deliveries = this.#counter('posthorn_deliveries_total', 'Deliveries that have ended, by how.', 'state')
    for (const state of END_STATES) this.#deliveries.inc({ state }, 0)
    this.#attempts = this.#counter('posthorn_attempts_total', 'Attempts that are over, by outcome.', 'outcome')
    for (const outcome of ['success', 'failure']) this.#attempts.inc({ outcome }, 0)
    this.#failures = this.#counter('posthorn_attempt_failures_total', 'Attempts that failed, by why.', 'error')
    for (const error of ATTEMPT_ERRORS) this.#failures.inc({ error }, 0)
    this.#deliveryLatency = this.#histogram(
      'posthorn_delivery_latency_seconds',
      'From the publishing of an event to a delivery of it. Without replays, whose events are old ones.',
      DELIVERY_BUCKETS,
    )
    this.#receiverLatency = this.#histogram(
      'posthorn_receiver_latency_seconds',
      'How long attempts took that came as far as a connection, time-outs included.',
      RECEIVER_BUCKETS,
    )
    this.#commitItems = this.#histogram(
      'posthorn_commit_items',
      'Events, deliveries, outcomes and changes in one commit.',
      COMMIT_ITEM_BUCKETS,
    )
    this.#commitSeconds = this.#histogram('posthorn_commit_seconds', 'How long commits took.', COMMIT_BUCKETS)
    this.#storeFaults = this.#counter('posthorn_store_faults_total', 'Commits that failed because the store was away.')
    this.#loopDelay = this.#histogram(
      'posthorn_event_loop_delay_seconds',
      'By how much a timer was late, measured ten times a second.',
      DELAY_BUCKETS,
    )
  }

  /** Begins to measure the event loop's delay. */
  start(clock: Clock): void {
    const begunAtMs = clock.monotonicMs()
    this.#timer = clock.after(DELAY_PAUSE_MS, () => {
      this.#loopDelay.observe(Math.max(0, clock.monotonicMs() - begunAtMs - DELAY_PAUSE_MS) / 1_000)
      this.start(clock)
    })
  }

  stop(): void {
    this.#timer?.cancel()
  }

  observe(observation: Observation): void {
    if (observation.kind === 'settled') this.#observeSettled(observation)
    else if (observation.kind === 'accepted') this.#accepted.inc(observation.events)
    else if (observation.kind === 'rejected') this.#rejected.inc(observation.events)
    else if (observation.kind === 'cancelled') this.#deliveries.inc({ state: 'cancelled' }, observation.deliveries)
    else {
      this.#commitItems.observe(observation.items)
      this.#commitSeconds.observe(observation.durationMs / 1_000)
      if (observation.isFault) this.#storeFaults.inc()
    }
  }

  /** Counted up first, and added once a commit: a label is looked up by a text that is made anew each time. */
  #observeSettled({ settlements, moved }: Extract<Observation, { kind: 'settled' }>): void {
    const failures = new Map<AttemptError, number>()
    let succeeded = 0
    let delivered = 0
    let exhausted = 0
    for (const [at, { attempt, step, event, replay, endedAtMs }] of settlements.entries()) {
      if (attempt.error === null) succeeded++
      else failures.set(attempt.error, (failures.get(attempt.error) ?? 0) + 1)
      if (attempt.address !== null) this.#receiverLatency.observe(attempt.durationMs / 1_000)
      if (moved[at] !== 'ended') continue
      if (step.kind === 'exhausted') exhausted++
      else {
        delivered++
        if (!replay) this.#deliveryLatency.observe(Math.max(0, endedAtMs - idMs(event)) / 1_000)
      }
    }
    if (succeeded > 0) this.#attempts.inc({ outcome: 'success' }, succeeded)
    if (succeeded < settlements.length) this.#attempts.inc({ outcome: 'failure' }, settlements.length - succeeded)
    for (const [error, count] of failures) this.#failures.inc({ error }, count)
    if (delivered > 0) this.#deliveries.inc({ state: 'delivered' }, delivered)
    if (exhausted > 0) this.#deliveries.inc({ state: 'exhausted' }, exhausted)
  }

  /** What belongs to this process, and can be added to that of others. */
  async snapshot(): Promise<Snapshot> {
    return [...(await this.#registry.getMetricsAsJSON()), ...(await ofProcess().getMetricsAsJSON())]
  }

  /** All processes' together with what is owed in the store, which is the same for all of them. */
  async gather(processes: readonly Snapshot[]): Promise<Snapshot> {
    const together = await addUp(processes).getMetricsAsJSON()
    return [...together, ...(await (await this.#storeRegistry()).getMetricsAsJSON())]
  }

  /** Measures these too, from here on. */
  attach(node: NodeSources): void {
    this.#mismatches = node.mismatches
    const { engine, failedAuthentications, connections } = node
    const { version, unsettled } = this.#sources
    const lanes = this.#gauge('posthorn_lanes', 'Endpoints that this node has something to do for, by kind.', 'kind')
    onCollect(lanes, () => {
      const found = engine().lanes
      for (const kind of LANE_KINDS) lanes.set({ kind }, found[kind])
    })
    const state = (name: string, help: string, read: () => number | Promise<number>) => {
      const gauge = this.#gauge(name, help)
      onCollect(gauge, async () => gauge.set(await read()))
    }
    state('posthorn_partitions_held', 'Partitions, of 256, that this node sends for.', () => engine().partitions)
    state('posthorn_attempts_in_flight', 'Attempts under way at this node.', () => engine().inFlight)
    state('posthorn_unsettled_outcomes', 'Outcomes that are not stored yet; at 1,000 nothing is sent.', unsettled)
    state('posthorn_api_connections', "Open connections to this node's API.", connections)
    const authentications = this.#counter('posthorn_failed_authentications_total', 'API calls with a wrong key.')
    onCollect(authentications, () => {
      authentications.reset()
      authentications.inc(failedAuthentications())
    })
    const info = new Gauge({
      name: 'posthorn_info',
      help: 'Always 1; the version is in the label.',
      labelNames: ['version'],
      aggregator: 'first',
      registers: [this.#registry],
    })
    info.set({ version }, 1)
  }

  async #storeRegistry(): Promise<Registry> {
    const registry = new Registry()
    const state = await this.#sources.store()
    const mismatches = this.#mismatches
    const add = (name: string, help: string, value: number) =>
      new Gauge({
        name,
        help: `${help} Of the whole store: take max() over nodes, not sum().`,
        registers: [registry],
      }).set(value)
    if (mismatches !== undefined) {
      add(
        'posthorn_book_mismatches',
        'Things that do not add up in the books: events, deliveries, attempts.',
        mismatches(),
      )
    }
    if (state === null) return registry
    add('posthorn_pending_deliveries', 'Deliveries that are owed and not held.', state.pending)
    add(
      'posthorn_oldest_pending_seconds',
      'How long ago the oldest pending delivery was made; 0: there is none.',
      state.oldestPendingSeconds,
    )
    add(
      'posthorn_set_aside_deliveries',
      'Deliveries set aside after repeated crashes, which a person has to look at; counted up to 10,000.',
      state.setAside,
    )
    return registry
  }

  #counter<Label extends string>(name: string, help: string, ...labelNames: Label[]): Counter<Label> {
    return new Counter({ name, help, labelNames, registers: [this.#registry] })
  }

  #gauge<Label extends string>(name: string, help: string, ...labelNames: Label[]): Gauge<Label> {
    return new Gauge({ name, help, labelNames, registers: [this.#registry] })
  }

  #histogram(name: string, help: string, buckets: number[]): Histogram {
    return new Histogram({ name, help, buckets, registers: [this.#registry] })
  }
}

/** Called before the value is read. */
function onCollect(metric: Gauge<string> | Counter<string>, collect: () => void | Promise<void>): void {
  Object.assign(metric, { collect })
}

/** Sums, of what can be summed. */
export function addUp(snapshots: readonly Snapshot[]): Registry {
  return AggregatorRegistry.aggregate(snapshots as unknown as object[]) as Registry
}

/** The text that Prometheus reads. */
export function writeMetrics(snapshot: Snapshot): Promise<string> {
  return addUp([snapshot]).metrics()
}
