import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../src/base/durations.ts'
import { newId } from '../../src/base/ids.ts'
import type { LatencyBins } from '../../src/base/latency-bins.ts'
import type { PendingCount } from '../../src/store/operations/deliveries/backlog.ts'
import { type Grain, noCounts, type StatEntry } from '../../src/store/operations/stats.ts'
import { anEndpoint, anEvent, aRequest, aSettlement, aTenant } from './builders.ts'
import { engines, type Opened } from './engines.ts'

/** The beginning of a day. */
const DAY = 20_000 * DAY_MS

describe.each(engines())('statistics on $name', engine => {
  let opened: Opened
  beforeEach(async () => {
    opened = await engine.open()
    return () => opened.close()
  })
  afterAll(() => engine.stop())

  const entry = (endpoint: string, startMs: number, delivered: number, latencies: [number, number][]): StatEntry => ({
    endpoint,
    startMs,
    counts: { ...noCounts(), delivered, status_2xx: delivered },
    latencies: new Map(latencies),
  })
  const add = (...entries: StatEntry[]) => opened.store.writeApart('addStats', { entries }, 10_000)
  const read = async (tenant: string, grain: Grain, endpoint: string | null = null) => {
    const query = { tenant, endpoint, grain, fromMs: DAY, toMs: DAY + 2 * DAY_MS }
    const stats = await opened.store.read('readStats', query)
    const flat = (bins: LatencyBins) => [...bins].sort(([a], [b]) => a - b)
    return stats.map(({ startMs, counts, latencies }) => [startMs - DAY, counts.delivered, flat(latencies)])
  }

  it('adds up the counts of all nodes, by minute, hour and day, for each endpoint and the whole tenant', async () => {
    const { store } = opened
    const [a, b] = [anEndpoint('acme'), anEndpoint('acme')]
    const other = anEndpoint('beta')
    await aTenant(store, 'acme', [a, b])
    await aTenant(store, 'beta', [other])
    await Promise.all([
      add(entry(a.id, DAY, 2, [[5, 2]]), entry(b.id, DAY + HOUR_MS, 1, [[7, 1]])),
      add(entry(a.id, DAY, 3, [[5, 1]]), entry(a.id, DAY + MINUTE_MS, 1, [])),
      add(entry(b.id, DAY, 10, [[9, 10]]), entry(other.id, DAY, 50, [[1, 50]])),
    ])
    await add(entry(a.id, DAY, 1, [[6, 1]]))
    const bins = [
      [5, 3],
      [6, 1],
    ]
    expect(await read('acme', 'minute', a.id)).toEqual([
      [0, 6, bins],
      [MINUTE_MS, 1, []],
    ])
    expect(await read('acme', 'hour', a.id)).toEqual([[0, 7, bins]])
    expect(await read('acme', 'hour')).toEqual([
      [0, 17, [...bins, [9, 10]]],
      [HOUR_MS, 1, [[7, 1]]],
    ])
    expect(await read('acme', 'day')).toEqual([
      [
        0,
        18,
        [
          [5, 3],
          [6, 1],
          [7, 1],
          [9, 10],
        ],
      ],
    ])
    expect(await read('beta', 'day')).toEqual([[0, 50, [[1, 50]]]])
    expect(await read('beta', 'day', a.id)).toEqual([])
  })

  it('counts for deleted endpoints, but neither for deleted tenants nor for tenants created again', async () => {
    const { store } = opened
    const endpoint = anEndpoint('acme')
    await aTenant(store, 'acme', [endpoint])
    await add(entry(endpoint.id, DAY, 1, []))
    await store.write('deleteEndpoint', { tenant: 'acme', id: endpoint.id, nowMs: 5 })
    await add(entry(endpoint.id, DAY, 1, []))
    expect(await read('acme', 'day', endpoint.id)).toEqual([[0, 2, []]])
    await store.write('deleteTenant', { id: 'acme', nowMs: 10 })
    await add(entry(endpoint.id, DAY, 1, []))
    expect(await store.read('tenantsWithStrayStats', {})).toEqual(['acme'])
    expect(await store.write('removeStats', { tenant: 'acme', limit: 4 })).toBe(4)
    expect(await store.write('removeStats', { tenant: 'acme', limit: 4 })).toBe(2)
    expect(await store.read('tenantsWithStrayStats', {})).toEqual([])
    await store.write('putTenant', { id: 'acme', name: null, metadata: {}, nowMs: 20 })
    await add(entry(endpoint.id, DAY, 1, []))
    await add(entry(newId('ep', 1), DAY, 1, []))
    expect(await read('acme', 'day')).toEqual([])
  })

  it('removes old rows some at a time, each grain after its own period', async () => {
    const { store } = opened
    const endpoint = anEndpoint('acme')
    await aTenant(store, 'acme', [endpoint])
    await add(...[0, 1, 2, 3].map(minute => entry(endpoint.id, DAY + minute * MINUTE_MS, 1, [])))
    const nowMs = DAY + 2 * DAY_MS + 2 * MINUTE_MS
    // Rows of the endpoint, of the tenant, and of all tenants.
    expect(await store.write('dropOldStats', { grain: 'minute', nowMs, limit: 4 })).toBe(4)
    expect(await store.write('dropOldStats', { grain: 'minute', nowMs, limit: 4 })).toBe(2)
    expect(await store.write('dropOldStats', { grain: 'hour', nowMs, limit: 3 })).toBe(0)
    expect(await read('acme', 'minute')).toEqual([
      [2 * MINUTE_MS, 1, []],
      [3 * MINUTE_MS, 1, []],
    ])
    expect(await read('acme', 'hour')).toEqual([[0, 4, []]])
    expect(await store.write('dropOldStats', { grain: 'hour', nowMs: DAY + 91 * DAY_MS, limit: 9 })).toBe(3)
    expect(await read('acme', 'day')).toEqual([[0, 4, []]])
  })

  it('counts pending deliveries some at a time, and finds the oldest', async () => {
    const { store } = opened
    const endpoints = [
      anEndpoint('acme', { partition: 3 }),
      anEndpoint('acme', { partition: 200 }),
      anEndpoint('acme', { state: 'disabled' }),
    ]
    await aTenant(store, 'acme', endpoints)
    const count = async (limit: number) => {
      const counts: number[] = []
      const oldest: (number | null)[] = []
      let after: PendingCount['last'] = null
      do {
        const found: PendingCount = await store.read('countPending', { after, limit })
        counts.push(found.count)
        oldest.push(found.oldestMs)
        after = found.last
      } while (after !== null)
      return { counts, oldest: oldest.filter(ms => ms !== null) }
    }
    expect(await count(2)).toEqual({ counts: [0], oldest: [] })
    const beforeMs = Date.now()
    const events = [anEvent(endpoints), anEvent(endpoints), anEvent(endpoints)]
    await store.publish(await aRequest(store, 'acme', events))
    for (const [limit, counts] of [
      [1, [1, 1, 1, 1, 1, 1, 0]],
      [4, [4, 2]],
      [6, [6, 0]],
      [7, [6]],
    ] as const) {
      const found = await count(limit)
      expect(found.counts).toEqual(counts)
      expect(Math.min(...(found.oldest as number[]))).toBeGreaterThanOrEqual(beforeMs)
    }
    const [item] = await store.readLane({ partition: 3, endpoint: endpoints[0]!.id, limit: 9, maxPayloadBytes: 9 })
    await store.settle(aSettlement(item!, { kind: 'delivered' }))
    expect((await count(100)).counts).toEqual([5])
  })

  it("keeps the caller's traceparent with its events, even if their payloads are left in the store", async () => {
    const { store } = opened
    const endpoint = anEndpoint('acme')
    await aTenant(store, 'acme', [endpoint])
    const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
    await store.publish({ ...(await aRequest(store, 'acme', [anEvent([endpoint])])), traceparent })
    await store.publish(await aRequest(store, 'acme', [anEvent([endpoint])]))
    const query = { partition: endpoint.partition, endpoint: endpoint.id, limit: 9 }
    for (const maxPayloadBytes of [0, 100]) {
      const items = await store.readLane({ ...query, maxPayloadBytes })
      expect(items.map(item => item.traceparent)).toEqual([traceparent, null])
      expect(items.map(item => item.replay)).toEqual([false, false])
      expect(items.map(item => item.payload === null)).toEqual([maxPayloadBytes === 0, maxPayloadBytes === 0])
      const [{ event }] = items as [(typeof items)[0]]
      expect(await store.read('readTraceparent', { tenant: 'acme', event })).toBe(traceparent)
    }
  })
})
