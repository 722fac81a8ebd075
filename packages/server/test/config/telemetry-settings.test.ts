import { describe, expect, it } from 'vitest'
import { readTelemetrySettings } from '../../src/config/telemetry-settings.ts'

const ENDPOINT = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318' }

describe('the environment variables of OpenTelemetry', () => {
  it.each([
    [{}],
    [{ OTEL_SERVICE_NAME: 'hooks', OTEL_TRACES_SAMPLER: 'always_on' }],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: '' }],
    [{ ...ENDPOINT, OTEL_SDK_DISABLED: 'true' }],
    [{ ...ENDPOINT, OTEL_TRACES_EXPORTER: 'none', OTEL_METRICS_EXPORTER: 'none' }],
  ])('with %j, telemetry is off', env => {
    expect(readTelemetrySettings(env)).toBeNull()
  })

  it("an endpoint turns on traces and metrics, and a signal's own endpoint only that signal", () => {
    expect(readTelemetrySettings(ENDPOINT)).toMatchObject({
      traces: true,
      metrics: true,
      sampler: 'parentbased_always_on',
      samplerRatio: 1,
      spanPauseMs: 5_000,
      metricsPauseMs: 60_000,
      metricsTimeoutMs: 30_000,
      warnings: [],
    })
    const traces = { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://127.0.0.1:4318/v1/traces' }
    expect(readTelemetrySettings(traces)).toMatchObject({ traces: true, metrics: false })
    expect(readTelemetrySettings({ ...ENDPOINT, OTEL_TRACES_EXPORTER: 'none' })).toMatchObject({
      traces: false,
      metrics: true,
    })
  })

  it('set the sampler, the queue and the intervals', () => {
    const env = {
      ...ENDPOINT,
      OTEL_TRACES_SAMPLER: 'traceidratio',
      OTEL_TRACES_SAMPLER_ARG: '0.25',
      OTEL_BSP_SCHEDULE_DELAY: '100',
      OTEL_BSP_MAX_QUEUE_SIZE: '100',
      OTEL_METRIC_EXPORT_INTERVAL: '200',
    }
    expect(readTelemetrySettings(env)).toMatchObject({
      sampler: 'traceidratio',
      samplerRatio: 0.25,
      spanPauseMs: 100,
      maxSpansWaiting: 100,
      maxSpansAtOnce: 100,
      metricsPauseMs: 200,
      metricsTimeoutMs: 200,
      warnings: [],
    })
  })

  it('are reported and ignored if they are not supported or invalid', () => {
    const settings = readTelemetrySettings({
      ...ENDPOINT,
      OTEL_TRACES_SAMPLER: 'sometimes',
      OTEL_BSP_SCHEDULE_DELAY: 'soon',
      OTEL_METRICS_EXPORTER: 'prometheus',
      OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'grpc',
    })
    expect(settings).toMatchObject({ traces: false, metrics: false, sampler: 'parentbased_always_on' })
    expect(settings!.warnings.map(text => text.split(/[ =]/)[0])).toEqual([
      'OTLP',
      'OTEL_METRICS_EXPORTER',
      'OTEL_TRACES_SAMPLER',
      'OTEL_BSP_SCHEDULE_DELAY',
    ])
  })
})
