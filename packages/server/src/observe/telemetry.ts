/**
 * OpenTelemetry by OTLP over HTTP (JSON). Loaded only if the environment names an endpoint
 * (config/telemetry-settings.ts), since the SDK costs memory and startup time. The metrics are those of Prometheus,
 * under the same names.
 */
import { DiagLogLevel, diag, type HrTime, type Tracer, ValueType } from '@opentelemetry/api'
import type { Resource } from '@opentelemetry/resources'
import type { CollectionResult, MetricData, MetricProducer } from '@opentelemetry/sdk-metrics'
import type { Sampler } from '@opentelemetry/sdk-trace'
import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import type { TelemetrySettings } from '../config/telemetry-settings.ts'
import type { Snapshot } from './metrics.ts'

export type Telemetry = {
  /** Null if traces are off. */
  readonly tracer: Tracer | null
  /** Exports what is queued, for a few seconds at most. */
  stop(): Promise<void>
}

export type TelemetryOptions = {
  readonly settings: TelemetrySettings
  readonly version: string
  readonly clock: Clock
  readonly logger: Pick<Logger, 'warn'>
  readonly snapshot: () => Promise<Snapshot>
  /** Whether the process belongs to another program: its diagnostics are then left as they are. */
  readonly isGuest: boolean
}

/** A collector that hangs must not hold up a shutdown. */
const STOP_PATIENCE_MS = 3_000
/** Maximum length of an SDK message in a log line. */
const MAX_DETAIL_CHARACTERS = 500
const WARNING_PAUSE_MS = 60_000

export async function startTelemetry(options: TelemetryOptions): Promise<Telemetry> {
  const { settings, version, clock, logger, isGuest } = options
  const warn = warner(clock, logger)
  const quiet = () => {}
  if (!isGuest) diag.setLogger({ error: warn, warn, info: quiet, debug: quiet, verbose: quiet }, DiagLogLevel.WARN)
  const sdk = await import('@opentelemetry/resources')
  const named = sdk.resourceFromAttributes({ 'service.name': 'posthorn', 'service.version': version })
  // An instance id tells apart nodes with the same name. Values from the environment override our own.
  const resource = sdk
    .defaultResource()
    .merge(named)
    .merge(sdk.detectResources({ detectors: [sdk.serviceInstanceIdDetector] }))
    .merge(sdk.detectResources({ detectors: [sdk.envDetector] }))
  const traces = settings.traces ? await startTraces(settings, resource, version) : null
  const metrics = settings.metrics ? await startMetrics(options, resource) : null
  return {
    tracer: traces?.tracer ?? null,
    async stop() {
      const { promise: late, resolve } = Promise.withResolvers<void>()
      const timer = clock.after(STOP_PATIENCE_MS, resolve)
      const stopped = Promise.allSettled([traces?.stop(), metrics?.stop()])
      await Promise.race([stopped, late])
      timer.cancel()
    },
  }
}

/** Logs an unreachable collector at most once a minute, not at each export. */
function warner(clock: Clock, logger: Pick<Logger, 'warn'>): (message: string) => void {
  let loggedAtMs = Number.NEGATIVE_INFINITY
  let unlogged = 0
  return message => {
    unlogged++
    const nowMs = clock.monotonicMs()
    if (nowMs - loggedAtMs < WARNING_PAUSE_MS) return
    loggedAtMs = nowMs
    const detail = message.slice(0, MAX_DETAIL_CHARACTERS)
    logger.warn({ detail, sinceLastLine: unlogged }, 'OpenTelemetry export failed or was incomplete')
    unlogged = 0
  }
}

async function startTraces(settings: TelemetrySettings, resource: Resource, version: string) {
  const sdk = await import('@opentelemetry/sdk-trace')
  const { OTLPTraceExporter } = await import('@opentelemetry/exporter-trace-otlp-http')
  const processor = new sdk.BatchSpanProcessor({
    exporter: new OTLPTraceExporter(),
    scheduledDelayMillis: settings.spanPauseMs,
    maxQueueSize: settings.maxSpansWaiting,
    maxExportBatchSize: settings.maxSpansAtOnce,
    exportTimeoutMillis: settings.spanTimeoutMs,
  })
  const provider = new sdk.TracerProvider({
    resource,
    spanProcessors: [processor],
    sampler: samplerOf(settings, sdk),
  })
  return { tracer: provider.getTracer('posthorn', version), stop: () => provider.shutdown() }
}

function samplerOf(
  { sampler, samplerRatio }: TelemetrySettings,
  sdk: typeof import('@opentelemetry/sdk-trace'),
): Sampler {
  const plain = sampler.endsWith('always_off')
    ? new sdk.AlwaysOffSampler()
    : sampler.endsWith('traceidratio')
      ? new sdk.TraceIdRatioBasedSampler(samplerRatio)
      : new sdk.AlwaysOnSampler()
  return sampler.startsWith('parentbased') ? new sdk.ParentBasedSampler({ root: plain }) : plain
}

async function startMetrics({ settings, clock, snapshot }: TelemetryOptions, resource: Resource) {
  const sdk = await import('@opentelemetry/sdk-metrics')
  const { OTLPMetricExporter } = await import('@opentelemetry/exporter-metrics-otlp-http')
  const startTime = timeOf(clock.now())
  const producer: MetricProducer = {
    async collect(): Promise<CollectionResult> {
      const times = { startTime, endTime: timeOf(clock.now()) }
      const metrics = (await snapshot()).map(metric => toMetricData(metric, times, sdk))
      const scopeMetrics = [{ scope: { name: 'posthorn' }, metrics: metrics.filter(data => data !== null) }]
      return { resourceMetrics: { resource, scopeMetrics }, errors: [] }
    },
  }
  const reader = new sdk.PeriodicExportingMetricReader({
    exporter: new OTLPMetricExporter(),
    exportIntervalMillis: settings.metricsPauseMs,
    exportTimeoutMillis: settings.metricsTimeoutMs,
    metricProducers: [producer],
  })
  const provider = new sdk.MeterProvider({ resource, readers: [reader] })
  return { stop: () => provider.shutdown() }
}

const timeOf = (ms: number): HrTime => [Math.floor(ms / 1_000), Math.floor((ms % 1_000) * 1_000_000)]

type Times = { readonly startTime: HrTime; readonly endTime: HrTime }
type SnapshotMetric = Snapshot[number]
type SnapshotValue = { readonly value: number; readonly labels: Record<string, string | number>; metricName?: string }

/** Null for a type of metric that Posthorn doesn't use. */
function toMetricData(
  metric: SnapshotMetric,
  times: Times,
  sdk: typeof import('@opentelemetry/sdk-metrics'),
): MetricData | null {
  const values = metric.values as readonly SnapshotValue[]
  const aggregationTemporality = sdk.AggregationTemporality.CUMULATIVE
  const unit = metric.name.includes('_seconds') ? 's' : metric.name.includes('_bytes') ? 'By' : '1'
  const descriptor = { name: metric.name, description: metric.help, unit, valueType: ValueType.DOUBLE }
  const points = () => values.map(({ value, labels }) => ({ ...times, attributes: { ...labels }, value }))
  const type = String(metric.type)
  if (type === 'counter') {
    const dataPointType = sdk.DataPointType.SUM
    return { descriptor, aggregationTemporality, dataPointType, isMonotonic: true, dataPoints: points() } as MetricData
  }
  if (type === 'gauge') {
    const dataPointType = sdk.DataPointType.GAUGE
    return { descriptor, aggregationTemporality, dataPointType, dataPoints: points() } as MetricData
  }
  if (type !== 'histogram') return null
  const dataPointType = sdk.DataPointType.HISTOGRAM
  return { descriptor, aggregationTemporality, dataPointType, dataPoints: histograms(values, times) } as MetricData
}

/** Buckets are cumulative in Prometheus, and separate in OTLP. */
function histograms(values: readonly SnapshotValue[], times: Times) {
  const byLabels = Map.groupBy(values, ({ labels }) => {
    const { le: _, ...own } = labels
    return JSON.stringify(own)
  })
  return [...byLabels].map(([labels, own]) => {
    const last = (suffix: string) => own.find(({ metricName }) => metricName?.endsWith(suffix))?.value ?? 0
    const buckets = own.filter(({ metricName }) => metricName?.endsWith('_bucket'))
    const upTo = buckets.map(({ value }) => value)
    const boundaries = buckets.map(({ labels: { le } }) => Number(le)).filter(Number.isFinite)
    const counts = upTo.map((count, at) => count - (upTo[at - 1] ?? 0))
    const value = { buckets: { boundaries, counts }, sum: last('_sum'), count: last('_count') }
    return { ...times, attributes: JSON.parse(labels) as Record<string, string>, value }
  })
}
