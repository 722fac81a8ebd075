import { AggregatorRegistry, Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import { CLOSE_REASONS, type CloseReason } from '../api/http/connections.ts'
import { idMs } from '../base/ids.ts'
import { ATTEMPT_ERRORS, type AttemptError, END_STATES } from '../base/model.ts'
import type { Observation } from '../store/observations.ts'

/** Kinds of lane: normal, in order, and in crash mode. */
export const LANE_KINDS = ['ordinary', 'ordered', 'cautious'] as const
export type LaneKind = (typeof LANE_KINDS)[number]

/** The engine's current state. */
export type EngineState = {
  readonly inFlight: number
  readonly partitions: number
  readonly lanes: Readonly<Record<LaneKind, number>>
}

/** Deliveries in the whole store that have not ended. */
export type StoreState = {
  readonly pending: number
  /** How long ago the oldest of them was created, in seconds. 0 if there is none. */
  readonly oldestPendingSeconds: number
  /** How many of them are due. */
  readonly backlog: number
  /** For how long the first of those has been due, in seconds. 0 if there is none. */
  readonly lagSeconds: number
  readonly setAside: number
}

/** Sources that exist for as long as the process, and the store. */
export type MetricsSources = {
  readonly version: string
  /** Outcomes that are not stored yet. */
  readonly unsettled: () => number
  /** Null if the store is unavailable: the other metrics are reported all the same. */
  readonly store: () => Promise<StoreState | null>
}

/** Parts of the node that are read at each scrape. */
export type NodeSources = {
  readonly engine: () => EngineState
  /** Calls with a wrong key since startup. */
  readonly failedAuthentications: () => number
  /** Open connections to the API. */
  readonly connections: () => number
  /** Connections to the API that were closed since startup. */
  readonly closedConnections: () => Readonly<Record<CloseReason, number>>
  /** Mismatches found by the latest consistency check. Left out if this node runs none. */
  readonly mismatches?: () => number
}

/** Metrics as values, to send to other processes (`prom-client` calls this JSON). */
export type Snapshot = Awaited<ReturnType<Registry['getMetricsAsJSON']>>

export const METRICS_CONTENT_TYPE = Registry.PROMETHEUS_CONTENT_TYPE

/** In seconds, from a local receiver to the last retry of the usual schedule. */
const DELIVERY_BUCKETS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900, 3600, 14_400, 43_200]
/** In seconds, up to the longest timeout that can be set. */
const RECEIVER_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 30, 60]
const COMMIT_ITEM_BUCKETS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000]
const COMMIT_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
const DELAY_BUCKETS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5]

/** Metrics of the operating system's process. Shared, even if several servers run in it. */
let processRegistry: Registry | undefined

function ofProcess(): Registry {
  if (processRegistry === undefined) {
    processRegistry = new Registry()
    collectDefaultMetrics({ register: processRegistry })
  }
  return processRegistry
}

/**
 * This process's metrics for Prometheus (docs/operations.md lists them all). Counters start at 0 with the process.
 * Labels have few values, all known in advance: nothing that tenants choose becomes one.
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

  constructor(sources: MetricsSources) {
    this.#sources = sources
    this.#accepted = this.#counter(
      'posthorn_events_accepted_total',
      'Events from publishers that were stored. Excludes duplicates, tests, and events that Posthorn publishes itself.',
    )
    this.#rejected = this.#counter(
      'posthorn_events_rejected_total',
      'Events published from SQL that the API would have refused.',
    )
    this.#deliveries = this.#counter(
      'posthorn_deliveries_total',
      'Deliveries that have ended, by final state.',
      'state',
    )
    for (const state of END_STATES) this.#deliveries.inc({ state }, 0)
    this.#attempts = this.#counter('posthorn_attempts_total', 'Finished attempts, by outcome.', 'outcome')
    for (const outcome of ['success', 'failure']) this.#attempts.inc({ outcome }, 0)
    this.#failures = this.#counter('posthorn_attempt_failures_total', 'Failed attempts, by error.', 'error')
    for (const error of ATTEMPT_ERRORS) this.#failures.inc({ error }, 0)
    this.#deliveryLatency = this.#histogram(
      'posthorn_delivery_latency_seconds',
      'Time from publishing an event to a successful delivery. Excludes replays and manual retries.',
      DELIVERY_BUCKETS,
    )
    this.#receiverLatency = this.#histogram(
      'posthorn_receiver_latency_seconds',
      'Duration of attempts that got as far as a connection, including timeouts.',
      RECEIVER_BUCKETS,
    )
    this.#commitItems = this.#histogram(
      'posthorn_commit_items',
      'Number of events, deliveries, outcomes and changes in a commit.',
      COMMIT_ITEM_BUCKETS,
    )
    this.#commitSeconds = this.#histogram('posthorn_commit_seconds', 'Duration of commits.', COMMIT_BUCKETS)
    this.#storeFaults = this.#counter(
      'posthorn_store_faults_total',
      'Commits that failed because the store was unavailable.',
    )
    this.#loopDelay = this.#histogram(
      'posthorn_event_loop_delay_seconds',
      'How late a timer fired, measured ten times a second.',
      DELAY_BUCKETS,
    )
  }

  observeLoopDelay(delayMs: number): void {
    this.#loopDelay.observe(delayMs / 1_000)
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

  /** Sums up first and adds once per commit: looking up a label builds a new string each time. */
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

  /** The metrics of this process, which can be added to those of others. */
  async snapshot(): Promise<Snapshot> {
    return [...(await this.#registry.getMetricsAsJSON()), ...(await ofProcess().getMetricsAsJSON())]
  }

  /** The sum of all processes' metrics, with those of the store, which are the same for all of them. */
  async gather(processes: readonly Snapshot[]): Promise<Snapshot> {
    const together = await addUp(processes).getMetricsAsJSON()
    return [...together, ...(await (await this.#storeRegistry()).getMetricsAsJSON())]
  }

  /** Adds the node's metrics from now on. */
  attach(node: NodeSources): void {
    this.#mismatches = node.mismatches
    const { engine, failedAuthentications, connections, closedConnections } = node
    const { version, unsettled } = this.#sources
    const lanes = this.#gauge('posthorn_lanes', 'Endpoints for which this node has work, by kind of lane.', 'kind')
    onCollect(lanes, () => {
      const found = engine().lanes
      for (const kind of LANE_KINDS) lanes.set({ kind }, found[kind])
    })
    const state = (name: string, help: string, read: () => number) => {
      const gauge = this.#gauge(name, help)
      onCollect(gauge, () => gauge.set(read()))
    }
    state('posthorn_partitions_held', 'Partitions (of 256) that this node sends for.', () => engine().partitions)
    state('posthorn_attempts_in_flight', 'Attempts in flight on this node.', () => engine().inFlight)
    state(
      'posthorn_unsettled_outcomes',
      'Outcomes that are not stored yet. At 1,000 the node sends nothing.',
      unsettled,
    )
    state('posthorn_api_connections', "Open connections to this node's API.", connections)
    const closed = this.#counter(
      'posthorn_api_connections_closed_total',
      'Connections to the API that were closed at a limit or a deadline, by reason.',
      'reason',
    )
    onCollect(closed, () => {
      closed.reset()
      const found = closedConnections()
      for (const reason of CLOSE_REASONS) closed.inc({ reason }, found[reason])
    })
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
        help: `${help} Covers the whole store: take max() over nodes, not sum().`,
        registers: [registry],
      }).set(value)
    if (mismatches !== undefined) {
      add(
        'posthorn_book_mismatches',
        'Mismatches between events, deliveries and attempts, from the latest consistency check.',
        mismatches(),
      )
    }
    if (state === null) return registry
    add('posthorn_pending_deliveries', 'Pending deliveries, not including held ones.', state.pending)
    add(
      'posthorn_oldest_pending_seconds',
      'Age of the oldest pending delivery. 0 if there is none.',
      state.oldestPendingSeconds,
    )
    add('posthorn_backlog_deliveries', 'Pending deliveries that are due.', state.backlog)
    add(
      'posthorn_lag_seconds',
      'For how long a pending delivery has been due, at most. 0 if none is.',
      state.lagSeconds,
    )
    add(
      'posthorn_set_aside_deliveries',
      'Deliveries set aside after repeated crashes, which an operator has to look at. Counted up to 10,000.',
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

/** Calls `collect` before the metric's value is read. */
function onCollect(metric: Gauge<string> | Counter<string>, collect: () => void | Promise<void>): void {
  Object.assign(metric, { collect })
}

/** Adds up snapshots, metric by metric. */
export function addUp(snapshots: readonly Snapshot[]): Registry {
  return AggregatorRegistry.aggregate(snapshots as unknown as object[]) as Registry
}

/** Prometheus' text format. */
export function writeMetrics(snapshot: Snapshot): Promise<string> {
  return addUp([snapshot]).metrics()
}
