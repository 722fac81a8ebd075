import { getHeapStatistics } from 'node:v8'
import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import type { TelemetrySettings } from '../config/telemetry-settings.ts'
import { type BeginTrace, forwardTrace } from '../engine/attempt/trace.ts'
import type { PartitionBacklog } from '../store/operations/deliveries/backlog.ts'
import type { NodeLoad } from '../store/operations/nodes.ts'
import type { Store } from '../store/store.ts'
import { Backlog } from './backlog.ts'
import { type Channel, Sibling } from './gathering.ts'
import { LoopDelay } from './loop-delay.ts'
import { LANE_KINDS, METRICS_CONTENT_TYPE, Metrics, type NodeSources, type Snapshot, writeMetrics } from './metrics.ts'
import { StatsWriter } from './stats-writer.ts'
import type { Telemetry } from './telemetry.ts'

export type WatchingOptions = {
  readonly store: Store
  readonly clock: Clock
  readonly logger: Logger
  readonly version: string
  /** Whether receivers get a `traceparent`. */
  readonly forwardTrace: boolean
  /** The environment's settings for OpenTelemetry. Null if it has none. */
  readonly telemetry: TelemetrySettings | null
  /** Whether the process belongs to another program, whose OpenTelemetry has diagnostics of its own. */
  readonly isGuest: boolean
  /** The channel to the parent, if several processes share the port. */
  readonly parent: Channel | undefined
}

/** Makes calls and attempts part of traces. Empty if traces are off. */
type Traces = {
  readonly beginTrace?: BeginTrace
  readonly beginPublishTrace?: ReturnType<typeof import('./tracing.ts').publishTraces>
}

/** All observability: metrics, statistics, traces. Assembled here, started and stopped with the server. */
export class Watching {
  readonly traces: Traces
  readonly #store: Store
  readonly #loopDelay: LoopDelay
  readonly #metrics: Metrics
  readonly #backlog: Backlog
  readonly #stats: StatsWriter
  readonly #sibling: Sibling | undefined
  #node: NodeSources | undefined
  readonly #telemetry: Telemetry | null

  static async open(options: WatchingOptions): Promise<Watching> {
    const { store, clock, version, telemetry, logger, isGuest } = options
    const backlog = new Backlog(store, clock)
    const unsettled = () => store.unsettled
    const metrics = new Metrics({ version, unsettled, store: () => backlog.read() })
    for (const warning of telemetry?.warnings ?? []) logger.warn(warning)
    const isOn = telemetry !== null && (telemetry.traces || telemetry.metrics)
    const snapshot = async () => metrics.gather([await metrics.snapshot()])
    const started = isOn
      ? await (await import('./telemetry.ts')).startTelemetry({
          settings: telemetry,
          version,
          clock,
          logger,
          snapshot,
          isGuest,
        })
      : null
    return new Watching(options, backlog, metrics, started, await tracesOf(started, options.forwardTrace))
  }

  private constructor(
    options: WatchingOptions,
    backlog: Backlog,
    metrics: Metrics,
    telemetry: Telemetry | null,
    traces: Traces,
  ) {
    const { store, clock, logger, parent } = options
    this.#store = store
    this.#loopDelay = new LoopDelay(clock, delayMs => metrics.observeLoopDelay(delayMs))
    this.#backlog = backlog
    this.#metrics = metrics
    this.#telemetry = telemetry
    this.traces = traces
    this.#stats = new StatsWriter(store, clock, logger)
    this.#sibling = parent === undefined ? undefined : new Sibling(parent, clock, () => metrics.snapshot())
    store.observations.on(observation => {
      metrics.observe(observation)
      this.#stats.observe(observation)
    })
  }

  /** Adds the metrics of these parts, which are created after this object since they use its traces. */
  attach(node: NodeSources): void {
    this.#node = node
    this.#metrics.attach(node)
  }

  /** How busy this process is. To be called after `attach`. */
  load(): NodeLoad {
    const { inFlight, lanes } = this.#node!.engine()
    const { rss, heapUsed } = process.memoryUsage()
    return {
      inFlight,
      lanes: LANE_KINDS.reduce((sum, kind) => sum + lanes[kind], 0),
      unsettled: this.#store.unsettled,
      connections: this.#node!.connections(),
      eventLoopDelay: this.#loopDelay.summary(),
      memory: {
        residentBytes: rss,
        heapBytes: heapUsed,
        heapLimitBytes: getHeapStatistics().heap_size_limit,
      },
    }
  }

  /** Pending deliveries by partition. Null if the store fails or takes too long. */
  pendingByPartition(): Promise<ReadonlyMap<number, PartitionBacklog> | null> {
    return this.#backlog.readPartitions()
  }

  start(): void {
    this.#loopDelay.start()
    this.#stats.start()
  }

  /** The metrics of all processes that share the port. */
  async metrics(): Promise<{ type: string; text: string }> {
    const snapshots: readonly Snapshot[] = (await this.#sibling?.gather()) ?? [await this.#metrics.snapshot()]
    return { type: METRICS_CONTENT_TYPE, text: await writeMetrics(await this.#metrics.gather(snapshots)) }
  }

  /** Stores the statistics gathered so far. Never throws. */
  flushStats(): Promise<void> {
    return this.#stats.flush()
  }

  /** Pending deliveries of all tenants, and those that are set aside. Null if the store can't count them in time. */
  countBacklog(): ReturnType<Backlog['count']> {
    return this.#backlog.count()
  }

  /** To be called before the store is closed. */
  async stop(): Promise<void> {
    this.#loopDelay.stop()
    await Promise.all([this.#stats.stop(), this.#backlog.stop(), this.#telemetry?.stop()])
  }
}

async function tracesOf(telemetry: Telemetry | null, isForwarded: boolean): Promise<Traces> {
  const tracer = telemetry?.tracer ?? null
  if (tracer === null) return isForwarded ? { beginTrace: forwardTrace } : {}
  const { attemptTraces, publishTraces } = await import('./tracing.ts')
  return { beginTrace: attemptTraces(tracer, isForwarded), beginPublishTrace: publishTraces(tracer) }
}
