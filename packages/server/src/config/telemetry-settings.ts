/**
 * The standard environment variables of OpenTelemetry that Posthorn has to act on itself. The SDK's exporters read the
 * others: addresses, headers, timeouts, compression, certificates, the service name.
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
  /** The share of traces that the ratio samplers keep, from 0 to 1. */
  readonly samplerRatio: number
  /** Spans: milliseconds between exports, maximum queue length, maximum batch size, maximum duration of an export. */
  readonly spanPauseMs: number
  readonly maxSpansWaiting: number
  readonly maxSpansAtOnce: number
  readonly spanTimeoutMs: number
  /** Metrics: milliseconds between exports, and the maximum duration of an export. */
  readonly metricsPauseMs: number
  readonly metricsTimeoutMs: number
  /** Sentences about unsupported and invalid values. */
  readonly warnings: readonly string[]
}

type Environment = Readonly<Record<string, string | undefined>>

/** Returns null if no endpoint is named or telemetry is switched off: then OpenTelemetry is not even loaded. */
export function readTelemetrySettings(env: Environment): TelemetrySettings | null {
  const text = (name: string) => env[name]?.trim() || undefined
  if (text('OTEL_SDK_DISABLED')?.toLowerCase() === 'true') return null
  const warnings: string[] = []
  const isOn = (signal: 'TRACES' | 'METRICS') => {
    const endpoint = text(`OTEL_EXPORTER_OTLP_${signal}_ENDPOINT`) ?? text('OTEL_EXPORTER_OTLP_ENDPOINT')
    const exporter = text(`OTEL_${signal}_EXPORTER`) ?? 'otlp'
    if (endpoint === undefined || exporter === 'none') return false
    if (exporter !== 'otlp') warnings.push(`OTEL_${signal}_EXPORTER=${exporter} is not supported: use otlp or none.`)
    const protocol = text(`OTEL_EXPORTER_OTLP_${signal}_PROTOCOL`) ?? text('OTEL_EXPORTER_OTLP_PROTOCOL')
    if (protocol === 'grpc') {
      warnings.push('OTLP over gRPC is not supported: use an HTTP endpoint, such as http://collector:4318.')
    }
    return exporter === 'otlp' && protocol !== 'grpc'
  }
  const whole = (name: string, byDefault: number) => {
    const value = text(name)
    if (value === undefined) return byDefault
    if (/^\d{1,9}$/.test(value) && Number(value) > 0) return Number(value)
    warnings.push(`${name} must be a whole number greater than 0: using ${byDefault} instead.`)
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

/** The timeout is at most the interval: otherwise the next export could overtake a slow one. */
function readMetricTimes(whole: (name: string, byDefault: number) => number) {
  const metricsPauseMs = whole('OTEL_METRIC_EXPORT_INTERVAL', 60_000)
  return { metricsPauseMs, metricsTimeoutMs: Math.min(whole('OTEL_METRIC_EXPORT_TIMEOUT', 30_000), metricsPauseMs) }
}

function readSampler(name: string | undefined, warnings: string[]): SamplerName {
  const known = SAMPLERS.find(each => each === name)
  if (known !== undefined || name === undefined) return known ?? 'parentbased_always_on'
  warnings.push(`OTEL_TRACES_SAMPLER must be one of ${SAMPLERS.join(', ')}: using parentbased_always_on instead.`)
  return 'parentbased_always_on'
}

function readRatio(sampler: SamplerName, text: string | undefined, warnings: string[]): number {
  if (!sampler.endsWith('traceidratio') || text === undefined) return 1
  const ratio = Number(text)
  if (ratio >= 0 && ratio <= 1) return ratio
  warnings.push('OTEL_TRACES_SAMPLER_ARG must be a number from 0 to 1: using 1 instead.')
  return 1
}
