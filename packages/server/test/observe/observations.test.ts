import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { newId } from '../../src/base/ids.ts'
import { Metrics, writeMetrics } from '../../src/observe/metrics.ts'
import type { Observation } from '../../src/store/observations.ts'
import { anEndpoint, anEvent, aRequest, aSettlement, aTenant, bytes } from '../store/builders.ts'
import { engines, type Opened } from '../store/engines.ts'
import { parseMetrics } from './scrape.ts'

function metricsOf(): Metrics {
  const metrics = new Metrics({ version: '1.2.3', unsettled: () => 0, store: async () => null })
  metrics.attach({
    engine: () => ({ inFlight: 0, partitions: 0, lanes: { ordinary: 0, ordered: 0, cautious: 0 } }),
    failedAuthentications: () => 0,
    connections: () => 0,
    closedConnections: () => ({ address: 0, key: 0, port: 0, slow: 0 }),
  })
  return metrics
}

const valuesOf = async (metrics: Metrics) => parseMetrics(await writeMetrics(await metrics.snapshot()))

describe.each(engines())('a commit reports, on $name,', engine => {
  let opened: Opened
  let told: Observation[]
  const endpoint = anEndpoint('acme')
  beforeEach(async () => {
    opened = await engine.open()
    await aTenant(opened.store, 'acme', [endpoint])
    told = []
    opened.store.observations.on(observation => told.push(observation))
    return () => opened.close()
  })
  afterAll(() => engine.stop())

  const of = <Kind extends Observation['kind']>(kind: Kind) =>
    told.filter(one => one.kind === kind) as Extract<Observation, { kind: Kind }>[]
  const accepted = () => of('accepted').reduce((sum, { events }) => sum + events, 0)
  const publish = async (...events: ReturnType<typeof anEvent>[]) =>
    opened.store.publish(await aRequest(opened.store, 'acme', events))

  it('accepted events once, without tests and operational events', async () => {
    const keyed = () => anEvent([endpoint], { key: 'k', hash: bytes('h') })
    await publish(anEvent([endpoint]), anEvent([endpoint], { test: true }), keyed())
    await publish(anEvent([endpoint], { type: 'posthorn.endpoint.disabled' }), keyed(), anEvent([]))
    expect(accepted()).toBe(3)
    // Another payload under the same key is refused, together with the rest of its request.
    const result = await publish(anEvent([endpoint]), anEvent([endpoint], { key: 'k', hash: bytes('other') }))
    expect([result.kind, accepted()]).toEqual(['conflict', 3])
    const stale = { ...(await aRequest(opened.store, 'acme', [anEvent([])])), tenantVersion: 99 }
    expect([(await opened.store.publish(stale)).kind, accepted()]).toEqual(['stale', 3])
  })

  it('deliveries that ended in any way, with their endpoint', async () => {
    await publish(anEvent([endpoint]), anEvent([endpoint]), anEvent([endpoint]), anEvent([endpoint]))
    const query = { partition: endpoint.partition, endpoint: endpoint.id, limit: 9, maxPayloadBytes: 0 }
    const [first, second] = await opened.store.readLane(query)
    const outcome = aSettlement(first!, { kind: 'delivered' })
    await opened.store.settle(outcome)
    // A second outcome is another attempt, and ends nothing.
    await opened.store.settle({ ...outcome, attempt: { ...outcome.attempt, number: 2 } })
    expect(of('settled').map(({ moved }) => moved)).toEqual([['ended'], ['unmoved']])
    expect(of('settled')[0]!.settlements[0]!.event).toBe(first!.event)
    const { delivery: id } = second!
    await opened.store.write('cancelDelivery', { tenant: 'acme', id, nowMs: 70 })
    await opened.store.write('cancelDelivery', { tenant: 'acme', id, nowMs: 70 })
    await opened.store.write('cancelDeliveries', {
      partition: endpoint.partition,
      endpoint: endpoint.id,
      only: 'all',
      limit: 9,
      nowMs: 80,
    })
    const cancelled = { kind: 'cancelled', endpoint: endpoint.id }
    expect(of('cancelled')).toEqual([
      { ...cancelled, deliveries: 1, atMs: 70 },
      { ...cancelled, deliveries: 2, atMs: 80 },
    ])
    expect(of('commit').every(({ isFault, items }) => !isFault && items > 0)).toBe(true)
  })
})

describe('metrics of observations', () => {
  it('a replay counts as a delivery, but not towards latency', async () => {
    const metrics = metricsOf()
    const item = {
      tenant: 'acme',
      delivery: newId('dlv', 1),
      endpoint: newId('ep', 1),
      event: newId('evt', 10_000),
      partition: 1,
      type: 'T',
      test: false,
      dueAtMs: 1,
      attempts: 0,
      payload: null,
    }
    const first = aSettlement(item, { kind: 'delivered' }, { endedAtMs: 12_500 })
    metrics.observe({ kind: 'settled', settlements: [first, { ...first, replay: true }], moved: ['ended', 'ended'] })
    // The event's time comes from another clock, which can be slightly ahead.
    metrics.observe({ kind: 'settled', settlements: [{ ...first, endedAtMs: 9_000 }], moved: ['ended'] })
    metrics.observe({ kind: 'commit', items: 3, durationMs: 250, isFault: true })
    const values = await valuesOf(metrics)
    expect(values.get('posthorn_deliveries_total{state="delivered"}')).toBe(3)
    expect(values.get('posthorn_delivery_latency_seconds_count')).toBe(2)
    expect(values.get('posthorn_delivery_latency_seconds_sum')).toBeGreaterThanOrEqual(0)
    expect(values.get('posthorn_store_faults_total')).toBe(1)
    expect(values.get('posthorn_commit_seconds_sum')).toBe(0.25)
  })

  it('other metrics are reported even if the store is unavailable', async () => {
    const metrics = metricsOf()
    const values = parseMetrics(await writeMetrics(await metrics.gather([await metrics.snapshot()])))
    expect(values.get('posthorn_events_accepted_total')).toBe(0)
    expect(values.has('posthorn_pending_deliveries')).toBe(false)
    expect(values.get('posthorn_info{version="1.2.3"}')).toBe(1)
  })
})
