/**
 * The standard environment variables of OpenTelemetry, as far as somebody has to act on them here. The SDK's exporters
 * read the others themselves: addresses, headers, time-outs, compression, certificates, the service's name.
 */

export const SAMPLERS = [
  'always_on',
  'always_off',
  'traceidratio',
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio',
] as const
export type SamplerName = (typeof SAMPLERS)[number]

export type TelemetrySettings = {
  readonly traces: boolean
  readonly metrics: boolean
  readonly sampler: SamplerName
  /** The share of traces that the ratio samplers take, from 0 to 1. */
  readonly samplerRatio: number
  /** Milliseconds between two exports of spans, how many wait at most, go at once, and how long an export can take. */
  readonly spanPauseMs: number
  readonly maxSpansWaiting: number
  readonly maxSpansAtOnce: number
  readonly spanTimeoutMs: number
  /** Milliseconds between two exports of metrics, and how long one can take. */
  readonly metricsPauseMs: number
  readonly metricsTimeoutMs: number
  /** Sentences about values that mean nothing here. */
  readonly warnings: readonly string[]
}

type Environment = Readonly<Record<string, string | undefined>>

/** null: no endpoint is named, or it is switched off; then nothing of OpenTelemetry is even loaded. */
export function readTelemetrySettings(env: Environment): TelemetrySettings | null {
  const text = (name: string) => env[name]?.trim() || undefined
  if (text('OTEL_SDK_DISABLED')?.toLowerCase() === 'true') return null
  const warnings: string[] = []
  const isOn = (signal: 'TRACES' | 'METRICS') => {
    const endpoint = text(`OTEL_EXPORTER_OTLP_${signal}_ENDPOINT`) ?? text('OTEL_EXPORTER_OTLP_ENDPOINT')
    const exporter = text(`OTEL_${signal}_EXPORTER`) ?? 'otlp'
    if (endpoint === undefined || exporter === 'none') return false
    if (exporter !== 'otlp') warnings.push(`OTEL_${signal}_EXPORTER=${exporter} is not supported: otlp or none is.`)
    const protocol = text(`OTEL_EXPORTER_OTLP_${signal}_PROTOCOL`) ?? text('OTEL_EXPORTER_OTLP_PROTOCOL')
    if (protocol === 'grpc') {
      warnings.push('OTLP over gRPC is not supported: name an endpoint for HTTP, such as http://collector:4318.')
    }
    return exporter === 'otlp' && protocol !== 'grpc'
  }
  const whole = (name: string, byDefault: number) => {
    const value = text(name)
    if (value === undefined) return byDefault
    if (/^\d{1,9}$/.test(value) && Number(value) > 0) return Number(value)
    warnings.push(`${name} must be a whole number above 0: ${byDefault} is used.`)
    return byDefault
  }
  const [traces, metrics] = [isOn('TRACES'), isOn('METRICS')]
  const sampler = readSampler(text('OTEL_TRACES_SAMPLER'), warnings)
  const samplerRatio = readRatio(sampler, text('OTEL_TRACES_SAMPLER_ARG'), warnings)
  const maxSpansWaiting = whole('OTEL_BSP_MAX_QUEUE_SIZE', 2_048)
  const settings = {
    traces,
    metrics,
    sampler,
    samplerRatio,
    maxSpansWaiting,
    spanPauseMs: whole('OTEL_BSP_SCHEDULE_DELAY', 5_000),
    maxSpansAtOnce: Math.min(whole('OTEL_BSP_MAX_EXPORT_BATCH_SIZE', 512), maxSpansWaiting),
    spanTimeoutMs: whole('OTEL_BSP_EXPORT_TIMEOUT', 30_000),
    ...readMetricTimes(whole),
    warnings,
  }
  return traces || metrics || warnings.length > 0 ? settings : null
}

/** An export that could outlast the pause would be overtaken by the next. */
function readMetricTimes(whole: (name: string, byDefault: number) => number) {
  const metricsPauseMs = whole('OTEL_METRIC_EXPORT_INTERVAL', 60_000)
  return { metricsPauseMs, metricsTimeoutMs: Math.min(whole('OTEL_METRIC_EXPORT_TIMEOUT', 30_000), metricsPauseMs) }
}

function readSampler(name: string | undefined, warnings: string[]): SamplerName {
  const known = SAMPLERS.find(each => each === name)
  if (known !== undefined || name === undefined) return known ?? 'parentbased_always_on'
  warnings.push(`OTEL_TRACES_SAMPLER must be one of ${SAMPLERS.join(', ')}: parentbased_always_on is used.`)
  return 'parentbased_always_on'
}

function readRatio(sampler: SamplerName, text: string | undefined, warnings: string[]): number {
  if (!sampler.endsWith('traceidratio') || text === undefined) return 1
  const ratio = Number(text)
  if (ratio >= 0 && ratio <= 1) return ratio
  warnings.push('OTEL_TRACES_SAMPLER_ARG must be a number from 0 to 1: 1 is used.')
  return 1
}
