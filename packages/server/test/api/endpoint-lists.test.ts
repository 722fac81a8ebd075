import { Buffer } from 'node:buffer'
import { describe, expect, it } from 'vitest'
import { DAY_MS } from '../../src/base/durations.ts'
import { idBytes } from '../../src/base/ids.ts'
import { noCounts } from '../../src/store/operations/stats.ts'
import { PAYLOAD, TYPE } from '../services/setup.ts'
import { anAttempt, anEndpoint, aSettlement } from '../store/builders.ts'
import { type Json, refused, useApi } from './setup.ts'

const bench = useApi()
const { get } = bench
const ACME = '/v1/tenants/acme/endpoints'

async function ids(url: string): Promise<string[]> {
  const { status, body } = await get(url)
  expect([status, body.nextCursor, body.prevCursor, body.searchedTo]).toEqual([200, null, null, null])
  return body.data.map(({ id }: Json) => id)
}

/** An endpoint whose only attempt failed, or (error null) succeeded, as the engine would have stored it. */
async function attempted(tenant: string, error: 'http_server_error' | null): Promise<string> {
  const id = await bench.endpoint({}, tenant)
  await bench.publish(`{"type":"${TYPE}","payload":${PAYLOAD}}`, tenant)
  const { partition } = (await bench.store.read('getEndpoint', { tenant, id }))!
  const [item] = await bench.store.readLane({ endpoint: id, partition, limit: 1, maxPayloadBytes: 0 })
  const { epoch } = (await bench.store.write('takePartitions', { node: new Uint8Array(16) })).held[0]!
  const result = error === null ? { outcome: 'success', status: 204 } : { outcome: 'failure', status: 503 }
  const attempt = anAttempt(1, { ...result, error, startedAtMs: 1_000, durationMs: 500 } as object)
  const step = error === null ? ({ kind: 'delivered' } as const) : ({ kind: 'retry', dueAtMs: 9e12 } as const)
  await bench.store.settle(aSettlement(item!, step, { attempt, epoch }))
  if (error !== null) await bench.run('update endpoint set failing_since_ms = 1500 where id = $1', [idBytes(id)])
  return id
}

describe('one call', () => {
  it('tells which tenants have failing endpoints, since when, and why', async () => {
    await bench.tenants.put('beta', {})
    await bench.endpoint()
    const ours = await attempted('acme', 'http_server_error')
    await attempted('beta', null)
    const theirs = await attempted('beta', 'http_server_error')
    const { body } = await get('/v1/endpoints?health=failing')
    const health = {
      state: 'failing',
      failingSince: '1970-01-01T00:00:01.500Z',
      lastError: 'http_server_error',
      lastStatus: 503,
      lastFailureAt: '1970-01-01T00:00:01.500Z',
      pausedUntil: null,
    }
    expect(body.data).toMatchObject([
      { id: theirs, tenant: 'beta', state: 'enabled', health },
      { id: ours, tenant: 'acme', state: 'enabled', health },
    ])
    expect(body).toMatchObject({ nextCursor: null, prevCursor: null, searchedTo: null, warnings: [] })
  })
})

describe('endpoints', () => {
  it('show how their receivers do, wherever they are shown', async () => {
    const none = { failingSince: null, lastError: null, lastStatus: null, lastFailureAt: null, pausedUntil: null }
    const fresh = await bench.post(ACME, {
      url: 'https://hooks.example.com/a',
      clientSecret: 'c2VjcmV0LXRva2VuLXdpdGg=',
    })
    expect(fresh.body.health).toEqual({ state: 'unknown', ...none })
    const patched = await bench.patch(`${ACME}/${fresh.body.id}`, { description: 'x' })
    expect(patched.body.health).toEqual({ state: 'unknown', ...none })
    const well = await attempted('acme', null)
    expect((await get(`${ACME}/${well}`)).body.health).toEqual({ state: 'healthy', ...none })
    const untilMs = bench.store.now() + 60_000
    await bench.run('update endpoint set paused_until_ms = $1 where id = $2', [untilMs, idBytes(well)])
    const pausedUntil = new Date(untilMs).toISOString()
    const { body } = await get(`${ACME}/${well}`)
    expect([body.pausedUntil, body.health]).toEqual([pausedUntil, { ...none, state: 'paused', pausedUntil }])
    const failing = await attempted('acme', 'http_server_error')
    const shown = (await get(`${ACME}/${failing}`)).body
    expect(shown.failingSince).toBe(shown.health.failingSince)
    expect((await bench.post(`${ACME}/${failing}/disable`)).body.health.state).toBe('failing')
    expect((await bench.post(`${ACME}/${failing}/enable`)).body.health).toEqual({ state: 'unknown', ...none })
    const states = (await get(ACME)).body.data.map(({ health }: Json) => health.state)
    expect(states).toEqual(['unknown', 'paused', 'unknown'])
  })

  it('are filtered by state, health, uid, URL, type and tenant, and by combinations', async () => {
    await bench.tenants.put('beta', {})
    const a = await bench.endpoint({ url: 'https://hooks.example.com/Orders', types: ['COVER_*'] })
    const b = await bench.endpoint({ url: 'https://other.example.com/', types: ['GRADE_CHANGED'] })
    const c = await bench.endpoint({ url: 'https://hooks.example.com/x' }, 'beta')
    await bench.endpoints.disable('acme', b)
    await bench.run('update endpoint set uid = $1 where id in ($2, $3)', ['billing', idBytes(a), idBytes(c)])
    const all = '/v1/endpoints'
    expect(await ids(all)).toEqual([c, b, a])
    expect(await ids(`${all}?tenant=acme`)).toEqual([b, a])
    expect(await ids(ACME)).toEqual([b, a])
    expect(await ids(`${all}?state=disabled`)).toEqual([b])
    expect(await ids(`${all}?state=enabled,disabled`)).toEqual([c, b, a])
    expect(await ids(`${ACME}?state=enabled&state=disabled`)).toEqual([b, a])
    expect(await ids(`${all}?uid=billing`)).toEqual([c, a])
    expect(await ids(`${ACME}?uid=billing`)).toEqual([a])
    expect(await ids(`${all}?uid=zz`)).toEqual([])
    expect(await ids(`${all}?url=HOOKS.example`)).toEqual([c, a])
    expect(await ids(`${all}?url=%25`)).toEqual([])
    expect(await ids(`${all}?type=${TYPE}`)).toEqual([c, a])
    expect(await ids(`${all}?type=${TYPE},GRADE_CHANGED&state=enabled&tenant=acme`)).toEqual([a])
    expect(await ids(`${all}?health=unknown`)).toEqual([c, b, a])
    expect(await ids(`${all}?health=healthy,failing,paused`)).toEqual([])
    const unknown = (await get(`${all}?type=COVER_REFERENCES`)).body
    expect(unknown.warnings).toMatchObject([{ code: 'type_unknown', field: 'type' }])
  })

  it('of all tenants are paged both ways, and warn of secrets that their tenant uses twice', async () => {
    await bench.tenants.put('beta', {})
    const made: string[] = []
    for (const tenant of ['acme', 'beta', 'acme']) made.unshift(await bench.endpoint({}, tenant))
    const first = (await get('/v1/endpoints?limit=2')).body
    expect(first.data.map(({ id }: Json) => id)).toEqual(made.slice(0, 2))
    const second = (await get(`/v1/endpoints?limit=2&cursor=${first.nextCursor}`)).body
    expect([second.data.map(({ id }: Json) => id), second.nextCursor]).toEqual([[made[2]], null])
    const back = (await get(`/v1/endpoints?limit=2&cursor=${second.prevCursor}`)).body
    expect([back.data, back.prevCursor]).toEqual([first.data, null])
    const shared = first.data.map(({ warnings }: Json) =>
      warnings.some(({ code }: Json) => code === 'secret_shared_between_endpoints'),
    )
    expect(shared).toEqual([true, false])
  })

  it('of all tenants can be listed only with a key that is not limited to one tenant', async () => {
    await bench.endpoint()
    const { secret: own } = await bench.apiKeys.create({ name: 'k', scope: 'all', tenant: 'acme' })
    for (const query of ['', '?tenant=acme', '?health=failing']) {
      expect(refused(await get(`/v1/endpoints${query}`, { key: own }))).toEqual([403, 'forbidden', []])
    }
    expect((await get(ACME, { key: own })).body.data).toHaveLength(1)
    const { secret: read } = await bench.apiKeys.create({ name: 'k', scope: 'read' })
    expect((await get('/v1/endpoints', { key: read })).body.data).toHaveLength(1)
  })

  it.each([
    ['state=on', ['state']],
    ['state=', ['state']],
    ['health=failed', ['health']],
    ['health=failing,', ['health']],
    ['uid=', ['uid']],
    ['uid=e500,ok', ['uid']],
    ['uid=ep_01kb8dzn3afp8rr0yc2h1q7d9k', ['uid']],
    ['uid=%00', ['uid']],
    ['url=', ['url']],
    [`url=${'x'.repeat(2_049)}`, ['url']],
    ['type=a%20b', ['type']],
    ['cursor=x', ['cursor']],
    ['limit=1001', ['limit']],
    ['failing=true', ['failing']],
    ['state=on&health=off', ['state', 'health']],
  ])('are not listed with %s', async (query, fields) => {
    for (const url of [ACME, '/v1/endpoints']) {
      expect(refused(await get(`${url}?${query}`))).toEqual([422, 'invalid', fields])
    }
  })

  it('are not listed for a tenant that does not exist', async () => {
    expect(refused(await get('/v1/tenants/nobody/endpoints'))).toEqual([404, 'not_found', []])
    expect(refused(await get('/v1/endpoints?tenant=nobody'))).toEqual([422, 'invalid', ['tenant']])
  })
})

describe('a page of large endpoints', () => {
  const MIB = 1024 * 1024

  /** Stores endpoints of some 30 KB, and returns their ids, newest first. */
  async function storeLarge(count: number): Promise<string[]> {
    const stored: string[] = []
    for (let n = 0; n < count; n++) {
      const endpoint = anEndpoint('acme', { metadata: { n: `${n}`, text: 'ä'.repeat(15_000) }, partition: n })
      await bench.store.write('createEndpoint', { endpoint })
      stored.unshift(endpoint.id)
    }
    return stored
  }

  it('ends at two megabytes, and its cursors go on to every endpoint once, in both directions', async () => {
    const stored = await storeLarge(200)
    for (const list of [ACME, '/v1/endpoints', `${ACME}?state=enabled&type=${TYPE}`]) {
      for (const direction of ['nextCursor', 'prevCursor'] as const) {
        const found: string[] = []
        const sizes: number[] = []
        const join = list.includes('?') ? '&' : '?'
        let cursor: string | null = direction === 'nextCursor' ? '' : Buffer.from('back ').toString('base64url')
        while (cursor !== null) {
          const asked: string = cursor === '' ? '' : `&cursor=${cursor}`
          const { status, body } = await get(`${list}${join}limit=1000${asked}`)
          expect([status, body.searchedTo]).toEqual([200, null])
          const ids = body.data.map(({ id }: Json) => id)
          found.splice(direction === 'nextCursor' ? found.length : 0, 0, ...ids)
          sizes.push(Buffer.byteLength(JSON.stringify(body)))
          cursor = body[direction]
        }
        expect(found).toEqual(stored)
        expect(sizes).toHaveLength(3)
        expect(Math.max(...sizes)).toBeLessThan(2 * MIB + 1_000)
      }
    }
  }, 60_000)

  it('leads back to the page before it', async () => {
    const stored = await storeLarge(100)
    const first = (await get(`${ACME}?limit=1000`)).body
    const second = (await get(`${ACME}?limit=1000&cursor=${first.nextCursor}`)).body
    expect(second.nextCursor).toBeNull()
    const back = (await get(`${ACME}?limit=1000&cursor=${second.prevCursor}`)).body
    expect([...back.data, ...second.data].map(({ id }) => id)).toEqual(stored)
    expect(back.prevCursor).toBeNull()
    expect((await get(`${ACME}?limit=1000&cursor=${back.nextCursor}`)).body.data).toEqual(second.data)
  }, 60_000)
})

describe('a list of endpoints with their statistics', () => {
  const add = (endpoint: string, startMs: number, counts: object) =>
    bench.store.write('addStats', {
      entries: [
        { endpoint, startMs: startMs - (startMs % 60_000), counts: { ...noCounts(), ...counts }, latencies: new Map() },
      ],
    })

  it('shows what happened at each in the period, and its last delivery', async () => {
    await bench.tenants.put('beta', {})
    const [quiet, busy] = [await bench.endpoint(), await attempted('acme', null)]
    const theirs = await bench.endpoint({}, 'beta')
    const nowMs = Date.now()
    await add(busy, nowMs, { delivered: 3, exhausted: 1, status_2xx: 3, status_5xx: 5, no_answer: 4 })
    await add(busy, nowMs - 3 * DAY_MS, { status_2xx: 12 })
    await add(theirs, nowMs, { status_2xx: 1 })
    const stats = async (url: string) => {
      const { status, body } = await get(url)
      expect(status).toBe(200)
      return new Map(body.data.map(({ id, stats: shown }: Json) => [id, shown]))
    }
    expect((await stats(ACME)).get(busy)).toBeUndefined()
    const day = await stats(`${ACME}?stats=24h`)
    expect(day.get(busy)).toMatchObject({
      deliveries: { delivered: 3, exhausted: 1, cancelled: 0 },
      attempts: 12,
      failedAttempts: 9,
      failureRate: 0.75,
      lastDelivery: { state: 'delivered', endedAt: '1970-01-01T00:00:20.000Z' },
    })
    expect(day.get(quiet)).toMatchObject({ attempts: 0, failureRate: null, lastDelivery: null })
    const week = (await stats(`${ACME}?stats=7d`)).get(busy) as Json
    expect([week.attempts, week.failureRate]).toEqual([24, 9 / 24])
    expect(Date.parse(week.from) % DAY_MS).toBe(0)
    expect(Date.parse(week.from)).toBeLessThanOrEqual(nowMs - 7 * DAY_MS)
    expect(Date.parse(week.from)).toBeGreaterThan(nowMs - 8 * DAY_MS - 1)
    const all = await stats('/v1/endpoints?stats=30d')
    expect((all.get(theirs) as Json).attempts).toBe(1)
    expect((await get(`${ACME}/${busy}`)).body.stats).toBeUndefined()
    expect(refused(await get(`${ACME}?stats=1y`))).toEqual([422, 'invalid', ['stats']])
  })

  it('finds endpoints by a text in their URL, name or uid', async () => {
    const named = await bench.endpoint({ name: 'Billing of Ümit' })
    const byUid = await bench.endpoint({ uid: 'new-billing' })
    const byUrl = await bench.endpoint({ url: 'https://billing.example.com/' })
    await bench.endpoint({ url: 'https://hooks.example.com/100%25' })
    expect(await ids(`${ACME}?text=BILLING`)).toEqual([byUrl, byUid, named])
    expect(await ids(`/v1/endpoints?text=of%20${encodeURIComponent('Ümit')}`)).toEqual([named])
    expect(await ids(`${ACME}?text=%25`)).toHaveLength(1)
    expect(refused(await get(`${ACME}?text=`))).toEqual([422, 'invalid', ['text']])
  })
})
