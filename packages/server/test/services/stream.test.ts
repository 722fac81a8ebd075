import fc from 'fast-check'
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import { idBytes } from '../../src/base/ids.ts'
import type { Endpoint } from '../../src/base/model.ts'
import { MAX_STREAMS_OF_PARTY, type Streams } from '../../src/services/stream/streams.ts'
import type { LaneItem } from '../../src/store/operations/lanes/lanes.ts'
import type { Store } from '../../src/store/store.ts'
import { packNotes } from '../../src/store/stream-notes.ts'
import { anEndpoint, anEvent, aRequest, aSettlement, aTenant } from '../store/builders.ts'
import { type Opened, postgresEngine, sqliteEngine } from '../store/engines.ts'
import { hurried, Reading, startStreams } from './streaming.ts'

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
    await reader.untilSeen(`endpoint ${another.id} created`)
  })

  it('sends a reader only what its filter wants', async () => {
    const all = await reading()
    const zeta = await reading({ tenant: 'zeta' })
    const attempts = await reading({ kinds: new Set(['attempt']) })
    const [{ event }, own] = [await publish('zeta'), await publish()]
    await store.settle(aSettlement(await itemOf(own.delivery), { kind: 'delivered' }))
    await all.untilSeen(`delivery ${own.delivery} delivered`)
    await zeta.untilSeen(`event ${event}`)
    await attempts.untilSeen(`attempt ${own.delivery} 1`)
    expect(zeta.seen).toEqual([`event ${event}`])
    expect(attempts.seen).toEqual([`attempt ${own.delivery} 1`])
  })

  it('continues behind the last record, wherever it broke off, and misses and repeats none', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 4 }), async breaks => {
        const reader = new Reading()
        const only = { kinds: new Set(['event'] as const) }
        await reader.open(streams, only)
        const published: string[] = []
        for (const breakAfter of breaks) {
          reader.breakAfter = breakAfter
          const some = await Promise.all(Array.from({ length: 6 }, () => publish()))
          published.push(...some.map(({ event }) => event))
          await expect.poll(() => reader.isOpen, { timeout: 10_000, interval: 5 }).toBe(false)
          reader.breakAfter = Number.POSITIVE_INFINITY
          await reader.open(streams, only)
        }
        await reader.untilSeen(...published.map(id => `event ${id}`))
        expect(reader.seen.toSorted()).toEqual(published.map(id => `event ${id}`).toSorted())
        expect(reader.resets).toEqual([])
        reader.close()
      }),
      { numRuns: 5 },
    )
  })

  it('resets a reader whose position is of no epoch that it knows, and goes on', async () => {
    const reader = new Reading()
    reader.position = 'abc.5'
    await reader.open(streams)
    await expect.poll(() => reader.resets, { interval: 5 }).toEqual(['unknown'])
    const { event } = await publish('zeta')
    await reader.untilSeen(`event ${event}`)
  })

  it('cuts off a reader for which too much waits, and no other', async () => {
    const quick = startStreams(store, hurried(100))
    const [slow, other] = [await reading({}, quick), await reading({}, quick)]
    const { event: first } = await publish('zeta')
    for (const each of [slow, other]) await each.untilSeen(`event ${first}`)
    slow.waitingBytes = 2 * 1024 * 1024
    const { event } = await publish('zeta')
    await other.untilSeen(`event ${event}`)
    await expect.poll(() => slow.isCut, { timeout: 5_000, interval: 5 }).toBe(true)
    expect([slow.seen, other.isCut]).toEqual([[`event ${first}`], false])
    await quick.stop()
  })

  it('ends a stream whose key is no longer valid', async () => {
    const [revoked, other] = [await reading(), await reading()]
    revoked.isAllowed = false
    await expect.poll(() => revoked.isEnded, { timeout: 1_000, interval: 5 }).toBe(true)
    expect(other.isEnded).toBe(false)
  })

  it('refuses more streams of one party than the limit', async () => {
    const readers = await Promise.all(Array.from({ length: MAX_STREAMS_OF_PARTY }, () => reading()))
    await expect(reading()).rejects.toMatchObject({ code: 'rate_limited' })
    await new Reading().open(streams, {}, 'another')
    readers[0]!.close()
    await reading()
  })

  it('sends what a transaction commits late, although later ones were sent before', async () => {
    if (opened.connect === undefined) return
    const reader = await reading()
    const { event: late } = await publish('zeta')
    await reader.untilSeen(`event ${late}`)
    const client = await opened.connect()
    try {
      await client.query('begin')
      // An entry of its own for an event that exists: what a publisher's transaction writes last.
      const noted = () => [{ kind: 'event' as const, tenant: 'zeta', id: idBytes(late) }]
      await client.query('insert into stream_log (entries) values ($1)', [packNotes([noted])])
      const { event: next } = await publish('zeta')
      await reader.untilSeen(`event ${next}`)
      expect(reader.seen).toEqual([`event ${late}`, `event ${next}`])
      const left = reader.position
      reader.close()
      await client.query('commit')
      const resumed = new Reading()
      resumed.position = left
      await resumed.open(streams)
      await resumed.untilSeen(`event ${late}`)
      expect(resumed.seen).toEqual([`event ${late}`])
    } finally {
      await client.end()
    }
  })
})
