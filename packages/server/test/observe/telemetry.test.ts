import { startReceiver } from '@posthorn/testkit'
import { describe, expect, it } from 'vitest'
import { API_KEY, inPlace, running, SECRET, type ServerProcess, serve } from '../e2e/process.ts'
import { attributeOf, type CollectedSpan, startCollector } from './collector.ts'

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const SPAN = '00f067aa0ba902b7'
const TRACEPARENT = `00-${TRACE}-${SPAN}-01`
const EVENT = {
  type: 'COVER_REFERENCE',
  payload: { CoverId: '564200aa-7128-4a26-83a8-cf0201903fcc' },
}
const soon = { timeout: 20_000, interval: 50 }

function publish(server: ServerProcess, traceparent?: string): Promise<Response> {
  return fetch(`${server.url}/v1/tenants/acme/events`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${API_KEY}`,
      'content-type': 'application/json',
      ...(traceparent === undefined ? {} : { traceparent }),
    },
    body: JSON.stringify(EVENT),
  })
}

async function register(server: ServerProcess, url: string): Promise<void> {
  await server.call('PUT', '/tenants/acme', {})
  const { status } = await server.call('POST', '/tenants/acme/endpoints', { url, clientSecret: SECRET })
  expect(status).toBe(201)
}

const environment = (url: string) => ({
  OTEL_EXPORTER_OTLP_ENDPOINT: url,
  OTEL_EXPORTER_OTLP_HEADERS: 'x-collector-key=hush',
  OTEL_SERVICE_NAME: 'hooks',
  OTEL_BSP_SCHEDULE_DELAY: '50',
  OTEL_METRIC_EXPORT_INTERVAL: '200',
})

describe('OpenTelemetry', () => {
  it("an attempt is part of the publisher's trace, even after a restart; metrics are those of Prometheus", () =>
    inPlace(async place => {
      const collector = await startCollector()
      const receiver = await startReceiver({
        authority: place.authority,
        names: ['localhost'],
        script: (_request, nth) => ({ status: nth === 1 ? 500 : 204 }),
      })
      const env = environment(collector.url)
      const flags = ['--retry-schedule', '2,2']
      const first = running(await serve(place, { env, flags }))
      await register(first, `${receiver.url}/secret-path`)
      expect((await publish(first, TRACEPARENT)).status).toBe(202)
      const named = (name: string) => collector.spans.filter(span => span.name === name)
      await expect.poll(() => named('posthorn attempt').length, soon).toBe(1)
      first.kill('SIGKILL')
      await first.ended
      const second = running(await serve(place, { env, flags }))
      await expect.poll(() => named('posthorn attempt').length, soon).toBe(2)
      const [failed, delivered] = named('posthorn attempt') as [CollectedSpan, CollectedSpan]
      for (const span of [failed, delivered]) expect([span.traceId, span.parentSpanId]).toEqual([TRACE, SPAN])
      const facts = (span: CollectedSpan) =>
        ['posthorn.attempt', 'http.response.status_code', 'server.address'].map(key => attributeOf(span, key))
      expect([facts(failed), failed.status.code]).toEqual([[1, 500, 'localhost'], 2])
      expect([facts(delivered), delivered.status.code ?? 0]).toEqual([[2, 204, 'localhost'], 0])
      expect(attributeOf(failed, 'posthorn.event')).toBe(receiver.requests[0]!.headers['webhook-id'])
      expect(JSON.stringify(collector.spans)).not.toContain('secret-path')
      // Not forwarded to the receiver: the operator has not enabled that.
      expect(receiver.requests.map(({ headers }) => headers.traceparent)).toEqual([undefined, undefined])
      const [call] = named('posthorn publish') as [CollectedSpan]
      expect([call.traceId, call.parentSpanId, attributeOf(call, 'posthorn.events')]).toEqual([TRACE, SPAN, 1])
      expect(collector.resource.get('service.name')).toBe('hooks')
      expect(collector.headers.every(headers => headers['x-collector-key'] === 'hush')).toBe(true)
      const successes = () =>
        collector.metrics
          .get('posthorn_attempts_total')
          ?.sum.dataPoints.map((point: { attributes: unknown[]; asDouble: number }) => point.asDouble)
      await expect.poll(successes, soon).toEqual([1, 0])
      const latency = collector.metrics.get('posthorn_receiver_latency_seconds').histogram.dataPoints[0]
      expect(Number(latency.count)).toBe(1)
      expect(latency.bucketCounts.map(Number).reduce((a: number, b: number) => a + b)).toBe(1)
      expect(latency.bucketCounts).toHaveLength(latency.explicitBounds.length + 1)
      expect(collector.metrics.get('posthorn_pending_deliveries').gauge.dataPoints).toHaveLength(1)
      second.kill('SIGTERM')
      expect((await second.ended).code).toBe(0)
      await receiver.close()
      await collector.close()
    }))

  it('without a valid traceparent, a call and its attempts form a trace of their own', () =>
    inPlace(async place => {
      const collector = await startCollector()
      const receiver = await startReceiver({ authority: place.authority, names: ['localhost'] })
      const server = running(await serve(place, { env: environment(collector.url), flags: ['--forward-trace'] }))
      await register(server, receiver.url)
      expect((await publish(server, `00-${'0'.repeat(32)}-${SPAN}-01`)).status).toBe(202)
      await expect.poll(() => collector.spans.length, soon).toBe(2)
      const call = collector.spans.find(({ name }) => name === 'posthorn publish')!
      const attempt = collector.spans.find(({ name }) => name === 'posthorn attempt')!
      expect([attempt.traceId, attempt.parentSpanId]).toEqual([call.traceId, call.spanId])
      expect(call.parentSpanId ?? '').toBe('')
      expect(receiver.requests[0]!.headers.traceparent).toBe(`00-${attempt.traceId}-${attempt.spanId}-01`)
      server.kill('SIGTERM')
      expect((await server.ended).code).toBe(0)
      await receiver.close()
      await collector.close()
    }))

  it('calls that the publisher does not sample are not sampled; an unreachable collector holds up nothing', () =>
    inPlace(async place => {
      const collector = await startCollector()
      const receiver = await startReceiver({ authority: place.authority, names: ['localhost'] })
      const env = environment(collector.url)
      const server = running(await serve(place, { env: { ...env, OTEL_METRICS_EXPORTER: 'none' } }))
      await register(server, receiver.url)
      await publish(server, `00-${TRACE}-${SPAN}-00`)
      await receiver.waitFor(({ total }) => total === 1)
      await publish(server, TRACEPARENT)
      await expect.poll(() => collector.spans.length, soon).toBe(2)
      expect(collector.spans.every(({ traceId }) => traceId === TRACE)).toBe(true)
      expect(collector.metrics.size).toBe(0)
      await collector.close()
      await publish(server, TRACEPARENT)
      await receiver.waitFor(({ total }) => total === 3)
      server.kill('SIGTERM')
      expect((await server.ended).code).toBe(0)
      await receiver.close()
    }))

  it("does not run without an endpoint; a receiver gets the publisher's traceparent only with forwardTrace", () =>
    inPlace(async place => {
      const receiver = await startReceiver({ authority: place.authority, names: ['localhost'] })
      for (const [flags, expected] of [
        [[], undefined],
        [['--forward-trace'], TRACEPARENT],
      ] as const) {
        const server = running(await serve(place, { flags: [...flags] }))
        if (expected === undefined) await register(server, receiver.url)
        const before = receiver.total
        await publish(server, TRACEPARENT)
        await publish(server)
        await receiver.waitFor(({ total }) => total === before + 2)
        const got = receiver.requests.slice(before).map(({ headers }) => headers.traceparent)
        expect(got.sort()).toEqual([expected, undefined].sort())
        server.kill('SIGTERM')
        await server.ended
      }
      await receiver.close()
    }))
})
