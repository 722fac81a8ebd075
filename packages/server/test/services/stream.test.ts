import fc from 'fast-check'
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import { idBytes, newId } from '../../src/base/ids.ts'
import type { Endpoint } from '../../src/base/model.ts'
import { MAX_STREAMS_OF_PARTY, type Streams } from '../../src/services/stream/streams.ts'
import type { LaneItem } from '../../src/store/operations/lanes/lanes.ts'
import type { Store } from '../../src/store/store.ts'
import { packNotes } from '../../src/store/stream-notes.ts'
import { anEndpoint, anEvent, aRequest, aSettlement, aTenant } from '../store/builders.ts'
import { type Opened, postgresEngine, sqliteEngine } from '../store/engines.ts'
import { Reading, startStreams } from './streaming.ts'

describe.each([sqliteEngine(), postgresEngine()])('the stream on $name', engine => {
  let opened: Opened
  let store: Store
  let streams: Streams
  let endpoint: Endpoint

  beforeEach(async () => {
    opened = await engine.open()
    store = opened.store
    endpoint = anEndpoint('acme')
    await aTenant(store, 'acme', [endpoint])
    await aTenant(store, 'zeta')
    streams = startStreams(store)
  })
  afterEach(async () => {
    await streams.stop()
    await opened.close()
  })
  afterAll(() => engine.stop())

  async function publish(tenant = 'acme', to: readonly Endpoint[] = tenant === 'acme' ? [endpoint] : []) {
    const event = anEvent(to)
    await store.publish(await aRequest(store, tenant, [event]))
    return { event: event.id, delivery: event.deliveries?.[0]?.id ?? '' }
  }

  async function itemOf(delivery: string): Promise<LaneItem> {
    const { partition, id } = endpoint
    const lane = await store.readLane({ partition, endpoint: id, limit: 1_000, maxPayloadBytes: 0 })
    return lane.find(item => item.delivery === delivery)!
  }

  const reading = (filter = {}, on = streams) => new Reading().open(on, filter)
  const nowMs = 1_000

  it('sends what is committed from the opening on, in order', async () => {
    await publish()
    const reader = await reading()
    const { event, delivery } = await publish()
    await reader.untilSeen(`delivery ${delivery} pending`)
    await store.settle(aSettlement(await itemOf(delivery), { kind: 'retry', dueAtMs: 5_000 }))
    await reader.untilSeen(`attempt ${delivery} 1`)
    await store.settle(aSettlement({ ...(await itemOf(delivery)), attempts: 1 }, { kind: 'delivered' }))
    await reader.untilSeen(`delivery ${delivery} delivered`)
    expect(reader.seen).toEqual([
      `event ${event}`,
      `delivery ${delivery} pending`,
      `attempt ${delivery} 1`,
      `delivery ${delivery} pending`,
      `attempt ${delivery} 2`,
      `delivery ${delivery} delivered`,
    ])
  })

  it('shows what people do to deliveries and endpoints', async () => {
    const reader = await reading()
    const [one, two, three] = [await publish(), await publish(), await publish()]
    await store.write('makeDueNow', { tenant: 'acme', id: one.delivery, nowMs })
    await store.write('cancelDelivery', { tenant: 'acme', id: two.delivery, nowMs })
    await reader.untilSeen(`delivery ${two.delivery} cancelled`)
    const { partition, id } = endpoint
    const of = { partition, endpoint: id, limit: 100, nowMs }
    await store.write('setEndpointState', { tenant: 'acme', id, state: 'disabled', reason: 'manual', nowMs })
    await store.write('holdDeliveries', of)
    await reader.untilSeen(`endpoint ${id} updated`, `delivery ${one.delivery} held`, `delivery ${three.delivery} held`)
    await store.write('setEndpointState', { tenant: 'acme', id, state: 'enabled', reason: null, nowMs })
    await store.write('releaseDeliveries', of)
    await expect.poll(() => reader.seen.at(-1)).toMatch(/pending$/)
    await store.write('deleteEndpoint', { tenant: 'acme', id, nowMs })
    await store.write('cancelDeliveries', { ...of, only: 'all' })
    await reader.untilSeen(`endpoint ${id} deleted`, `delivery ${one.delivery} cancelled`)
    const another = anEndpoint('zeta')
    await store.write('createEndpoint', { endpoint: another })
