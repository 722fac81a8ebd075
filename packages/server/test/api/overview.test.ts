import { describe, expect, it } from 'vitest'
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../src/base/durations.ts'
import { idBytes } from '../../src/base/ids.ts'
import { First, tenantsARead } from '../../src/services/tenant-stats.ts'
import { noCounts } from '../../src/store/operations/stats.ts'
import { refused, useApi } from './setup.ts'

const bench = useApi()
const { get } = bench

const iso = (ms: number) => new Date(ms).toISOString()

const add = (endpoint: string, counts: object, startMs = Date.now()) =>
  bench.store.write('addStats', {
    entries: [
      {
        endpoint,
        startMs: startMs - (startMs % MINUTE_MS),
        counts: { ...noCounts(), ...counts },
        latencies: new Map([[25, 1]]),
      },
    ],
  })

const fails = (endpoint: string, sinceMs: number) =>
  bench.run('update endpoint set failing_since_ms = $1 where id = $2', [sinceMs, idBytes(endpoint)])

const none = { count: 0, tenants: 0, data: [] }

describe('GET /v1/overview', () => {
  it('says that nothing waits and nothing needs attention', async () => {
    const { status, body } = await get('/v1/overview')
    expect(status).toBe(200)
    const nothing = { pending: 0, due: 0, oldestDueAt: null, oldestCreatedAt: null, complete: true }
    expect(body).toMatchObject({
      tenant: null,
      backlog: nothing,
      held: 0,
      setAside: 0,
      failing: none,
      disabled: none,
      expiring: none,
      replays: 0,
      replayBatches: 0,
      rejected: { count: 0 },
    })
    expect((await get('/v1/tenants/acme/overview')).body).toMatchObject({ tenant: 'acme', backlog: nothing, held: 0 })
  })

  it('counts what waits, and since when, of all tenants and of each', async () => {
    await bench.tenants.put('beta', {})
    const ours = await bench.endpoint()
    await bench.endpoint({}, 'beta')
    await bench.publishOne()
    await bench.publishOne('beta')
    const [first] = await bench.list('pending', null, 'acme')
    await bench.publishOne()
    await bench.post(`/v1/tenants/acme/endpoints/${ours}/disable`)
    await bench.publishOne()
    const all = (await get('/v1/overview')).body
    expect(all).toMatchObject({ backlog: { pending: 1, due: 1, complete: true }, held: 3 })
    const acme = (await get('/v1/tenants/acme/overview')).body
    expect(acme).toMatchObject({ backlog: { pending: 0, due: 0, oldestDueAt: null, oldestCreatedAt: null }, held: 3 })
    expect(acme.disabled).toMatchObject({ count: 1, tenants: 1, data: [{ endpoint: ours, reason: 'manual', held: 3 }] })
    await bench.post(`/v1/tenants/acme/endpoints/${ours}/enable`)
    const { backlog } = (await get('/v1/tenants/acme/overview')).body
    expect(backlog).toMatchObject({ pending: 3, due: 3, oldestCreatedAt: iso(first!.createdAtMs) })
    expect(Date.parse(backlog.oldestDueAt)).toBeGreaterThanOrEqual(first!.createdAtMs)
    await bench.run(`update live_delivery set due_ms = due_ms + 3600000 where tenant = 'acme'`)
    expect((await get('/v1/tenants/acme/overview')).body.backlog).toMatchObject({
      pending: 3,
      due: 0,
      oldestDueAt: null,
      oldestCreatedAt: iso(first!.createdAtMs),
    })
  })

  it('shows the endpoints that have failed for longest, at most three of a tenant among several', async () => {
    await bench.tenants.put('beta', {})
    const nowMs = Date.now()
    const of = async (tenant: string, count: number) => {
      const ids: string[] = []
      for (let at = 0; at < count; at++) ids.push(await bench.endpoint({ name: `${tenant} ${at}` }, tenant))
      return ids
    }
    const [acme, beta] = [await of('acme', 5), await of('beta', 2)]
    for (const [at, id] of acme.entries()) await fails(id, nowMs - HOUR_MS - at)
    await fails(beta[0]!, nowMs - MINUTE_MS)
    await bench.publishOne('beta')
    const { failing } = (await get('/v1/overview')).body
    expect([failing.count, failing.tenants]).toEqual([6, 2])
    expect(failing.data.map((one: { endpoint: string }) => one.endpoint)).toEqual([
      ...acme.slice(2).toReversed(),
      beta[0],
    ])
    expect(failing.data.at(-1)).toEqual({
      tenant: 'beta',
      endpoint: beta[0],
      uid: null,
      name: 'beta 0',
      url: 'https://hooks.example.com/a',
      failingSince: iso(nowMs - MINUTE_MS),
      lastError: null,
      lastStatus: null,
      lastFailureAt: null,
      pausedUntil: null,
      pending: 1,
    })
    const own = (await get('/v1/tenants/acme/overview')).body.failing
    expect([own.count, own.tenants, own.data.length]).toEqual([5, 1, 5])
    await bench.post(`/v1/tenants/acme/endpoints/${acme[0]}/disable`)
    await bench.remove(`/v1/tenants/acme/endpoints/${acme[1]}`)
    expect((await get('/v1/tenants/acme/overview')).body.failing.count).toBe(3)
  })

  it('shows secrets that have expired or will within 30 days, of enabled endpoints', async () => {
    const nowMs = Date.now()
    const jwt = (expMs: number) =>
      ['{"alg":"HS256"}', JSON.stringify({ exp: Math.floor(expMs / 1_000) }), 'signature']
        .map(part => Buffer.from(part).toString('base64url'))
        .join('.')
    const soon = await bench.endpoint({ clientSecret: jwt(nowMs + 20 * DAY_MS) })
    const past = await bench.endpoint({ clientSecret: jwt(nowMs + DAY_MS) })
    await bench.run('update endpoint set secret_expires_ms = $1 where id = $2', [nowMs - DAY_MS, idBytes(past)])
    await bench.endpoint({ clientSecret: jwt(nowMs + 40 * DAY_MS) })
    const disabled = await bench.endpoint({ clientSecret: jwt(nowMs + DAY_MS), state: 'disabled' })
    const certified = await bench.endpoint()
    await bench.run('update endpoint set certificate_expires_ms = $1 where id = $2', [
      nowMs + 5 * DAY_MS,
      idBytes(certified),
    ])
    const { expiring } = (await get('/v1/tenants/acme/overview')).body
    expect(expiring.data.map((one: { endpoint: string; secret: string }) => [one.endpoint, one.secret])).toEqual([
      [past, 'clientSecret'],
      [certified, 'clientCertificate'],
      [soon, 'clientSecret'],
    ])
    expect(expiring.count).toBe(3)
    expect(expiring.data[0].expiresAt).toBe(iso(nowMs - DAY_MS))
    expect((await get('/v1/overview')).body.expiring).toEqual(expiring)
    await bench.post(`/v1/tenants/acme/endpoints/${disabled}/enable`)
    expect((await get('/v1/overview')).body.expiring.count).toBe(4)
  })

  it('is refused for an unknown tenant, and takes no parameters', async () => {
    expect(refused(await get('/v1/tenants/unknown/overview'))).toEqual([404, 'not_found', []])
    expect(refused(await get('/v1/overview?tenant=acme'))).toEqual([422, 'invalid', ['tenant']])
  })
})

describe('GET /v1/stats', () => {
  it('adds up all tenants, and keeps what happened in those deleted since', async () => {
    await bench.tenants.put('beta', {})
    const [ours, theirs] = [await bench.endpoint(), await bench.endpoint({}, 'beta')]
    await add(ours, { delivered: 3, status_2xx: 3 })
    await add(theirs, { delivered: 2, status_2xx: 2, exhausted: 1, status_5xx: 4 })
    const all = (await get('/v1/stats')).body
    expect(all.step).toBe('hour')
    expect(all.total).toMatchObject({ deliveries: { delivered: 5, exhausted: 1 }, attempts: { '2xx': 5, '5xx': 4 } })
    expect(all.total.latencyMs.p50).toBe(10)
    expect((await get('/v1/stats?tenant=beta')).body.total.deliveries.delivered).toBe(2)
    expect((await get(`/v1/stats?tenant=beta&endpoint=${theirs}`)).body.total.deliveries.delivered).toBe(2)
    await bench.remove('/v1/tenants/beta')
    expect((await get('/v1/stats')).body.total.deliveries).toEqual(all.total.deliveries)
  })

  it.each([
    ['tenant=unknown', 'tenant'],
    ['endpoint=ep_01jy4k8v3xf0c8wq2rn5s7t9ab', 'endpoint'],
    ['step=week', 'step'],
    ['key=a', 'key'],
  ])('refuses %s', async (query, field) => {
    expect(refused(await get(`/v1/stats?${query}`))).toEqual([422, 'invalid', [field]])
  })
})

describe('GET /v1/tenant-stats', () => {
  const names = async (query: string) =>
    (await get(`/v1/tenant-stats?${query}`)).body.data.map((one: { tenant: string }) => one.tenant)

  it('ranks tenants by volume and by trouble, and leaves out those with none', async () => {
    for (const tenant of ['beta', 'delta', 'gamma', 'quiet']) await bench.tenants.put(tenant, { name: `The ${tenant}` })
    const of = async (tenant: string) => bench.endpoint({}, tenant)
    const [acme, beta, delta, gamma] = [await of('acme'), await of('beta'), await of('delta'), await of('gamma')]
    await of('quiet')
    await add(acme, { delivered: 9, status_2xx: 9 })
    await add(beta, { delivered: 2, exhausted: 1, status_2xx: 2, status_5xx: 2 })
    await add(delta, { status_2xx: 1, no_answer: 1 })
    await fails(gamma, Date.now())
    expect(await names('sort=volume')).toEqual(['acme', 'beta', 'delta'])
    expect(await names('sort=trouble')).toEqual(['gamma', 'beta', 'delta'])
    expect(await names('sort=trouble&limit=1')).toEqual(['gamma'])
    const { body } = await get('/v1/tenant-stats?sort=trouble')
    expect(body.complete).toBe(true)
    const deliveries = { delivered: 0, exhausted: 0, cancelled: 0 }
    expect(body.data).toEqual([
      {
        tenant: 'gamma',
        name: 'The gamma',
        deliveries,
        attempts: 0,
        failedAttempts: 0,
        failureRate: null,
        failingEndpoints: 1,
      },
      {
        tenant: 'beta',
        name: 'The beta',
        deliveries: { delivered: 2, exhausted: 1, cancelled: 0 },
        attempts: 4,
        failedAttempts: 2,
        failureRate: 0.5,
        failingEndpoints: 0,
      },
      {
        tenant: 'delta',
        name: 'The delta',
        deliveries,
        attempts: 2,
        failedAttempts: 1,
        failureRate: 0.5,
        failingEndpoints: 0,
      },
    ])
  })

  it('adds up whole steps of the period', async () => {
    const endpoint = await bench.endpoint()
    const dayMs = Date.now() - (Date.now() % DAY_MS)
    await add(endpoint, { status_2xx: 1 }, dayMs - 2 * DAY_MS)
    await add(endpoint, { status_2xx: 2 }, dayMs - 9 * DAY_MS)
    const ask = async (fromMs: number, toMs: number) => {
      const { body } = await get(`/v1/tenant-stats?from=${iso(fromMs)}&to=${iso(toMs)}`)
      return [body.from, body.to, body.data[0]?.attempts ?? 0]
    }
    const [from, to] = [dayMs - 9 * DAY_MS + HOUR_MS, dayMs - 3 * HOUR_MS]
    expect(await ask(from, to)).toEqual([iso(dayMs - 9 * DAY_MS), iso(dayMs), 3])
    expect(await ask(dayMs - 2 * DAY_MS, dayMs)).toEqual([iso(dayMs - 2 * DAY_MS), iso(dayMs), 1])
    expect(await ask(dayMs - 2 * DAY_MS + HOUR_MS, dayMs)).toEqual([iso(dayMs - 2 * DAY_MS + HOUR_MS), iso(dayMs), 0])
  })

  it('answers with what it has looked at if the time is up', async () => {
    await bench.useServices({ tenantRanks: bench.tenantRanksWith({ monotonicMs: () => 1e9 * tick++ }) })
    for (let at = 0; at < 25; at++) await bench.tenants.put(`t${at}`, {})
    const dayMs = Date.now() - (Date.now() % DAY_MS)
    const { body } = await get(`/v1/tenant-stats?from=${iso(dayMs - 780 * DAY_MS)}`)
    expect([body.complete, body.data]).toEqual([false, []])
    expect((await get('/v1/tenant-stats')).body.complete).toBe(true)
  })

  it.each([
    ['sort=name', 'sort'],
    ['limit=0', 'limit'],
    ['limit=101', 'limit'],
    ['from=yesterday', 'from'],
    [`from=${iso(Date.now() + HOUR_MS)}`, 'from'],
    [`from=${iso(Date.now() - 900 * DAY_MS)}`, 'from'],
  ])('refuses %s', async (query, field) => {
    expect(refused(await get(`/v1/tenant-stats?${query}`))).toEqual([422, 'invalid', [field]])
  })
})

let tick = 1

describe('ranking', () => {
  it('keeps the first few of very many', () => {
    const first = new First('volume', 3)
    const ranked = (attempts: number) => ({
      tenant: `t${attempts}`,
      counts: noCounts(),
      attempts,
      failed: 0,
      failingEndpoints: 0,
    })
    for (let at = 0; at < 5_000; at++) first.add(ranked((at * 7_919) % 5_000))
    expect(first.items().map(({ attempts }) => attempts)).toEqual([4_999, 4_998, 4_997])
  })

  it('reads fewer tenants at a time for more steps of each', () => {
    const of = (days: number) => tenantsARead({ grain: 'day', fromMs: 0, toMs: days * DAY_MS })
    expect([of(1), of(20), of(100), of(800)]).toEqual([2_000, 1_000, 200, 25])
    expect(tenantsARead({ grain: 'minute', fromMs: 0, toMs: 1_500 * MINUTE_MS })).toBe(20)
  })
})
