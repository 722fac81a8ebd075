import { describe, expect, it } from 'vitest'
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../src/base/durations.ts'
import { planStats } from '../../src/services/stats.ts'
import { noCounts } from '../../src/store/operations/stats.ts'
import { refused, useApi } from './setup.ts'

const bench = useApi()
const PATH = '/v1/tenants/acme/stats'

const iso = (ms: number) => new Date(ms).toISOString()

async function add(endpoint: string, startMs: number, delivered: number, latencies: [number, number][] = []) {
  const counts = { ...noCounts(), delivered, status_2xx: delivered }
  const entries = [{ endpoint, startMs: startMs - (startMs % MINUTE_MS), counts, latencies: new Map(latencies) }]
  await bench.store.write('addStats', { entries })
}

describe('GET /v1/tenants/{tenant}/stats', () => {
  it('returns the last 24 hours of all endpoints by default, including empty steps', async () => {
    const [a, b] = [await bench.endpoint(), await bench.endpoint()]
    await add(a, Date.now(), 3, [[25, 3]])
    await add(b, Date.now(), 2, [[25, 1]])
    const { status, body } = await bench.get(PATH)
    expect(status).toBe(200)
    expect(body.step).toBe('hour')
    expect(body.data.length).toBeGreaterThanOrEqual(24)
    expect(body.total).toMatchObject({ from: body.from, deliveries: { delivered: 5, exhausted: 0, cancelled: 0 } })
    expect(body.total.latencyMs).toEqual({ p50: 10, p95: 10, p99: 10 })
    expect(body.data[0].latencyMs).toEqual({ p50: null, p95: null, p99: null })
    const one = await bench.get(`${PATH}?endpoint=${a}&step=minute`)
    expect(one.body.total.attempts).toEqual({ '2xx': 3, '3xx': 0, '4xx': 0, '5xx': 0, other: 0, none: 0 })
    expect(one.body.data).toHaveLength(181)
  })

  it('leaves out empty steps on request, and says so', async () => {
    const endpoint = await bench.endpoint()
    const hourMs = Date.now() - (Date.now() % HOUR_MS) - 5 * HOUR_MS
    for (const at of [0, 3]) await add(endpoint, hourMs + at * HOUR_MS, 1)
    const exhausted = { ...noCounts(), exhausted: 1, no_answer: 1 }
    const entry = { endpoint, startMs: hourMs + HOUR_MS, counts: exhausted, latencies: new Map() }
    await bench.store.write('addStats', { entries: [entry] })
    const all = (await bench.get(`${PATH}?step=hour`)).body
    expect(all.emptyOmitted).toBe(false)
    expect((await bench.get(`${PATH}?step=hour&empty=true`)).body).toEqual(all)
    const some = (await bench.get(`${PATH}?step=hour&empty=false`)).body
    expect(some.data.map(({ from }: { from: string }) => from)).toEqual([0, 1, 3].map(at => iso(hourMs + at * HOUR_MS)))
    expect(some).toEqual({ ...all, emptyOmitted: true, data: some.data })
    expect(all.data).toEqual(expect.arrayContaining(some.data))
    expect((await bench.get(`${PATH}?empty=false&from=${iso(hourMs - DAY_MS)}&to=${iso(hourMs)}`)).body).toMatchObject({
      emptyOmitted: true,
      total: { deliveries: { delivered: 0 } },
      data: [],
    })
  })

  it('rounds the period to whole steps, and excludes its end', async () => {
    const endpoint = await bench.endpoint()
    const hourMs = Date.now() - (Date.now() % HOUR_MS) - 5 * HOUR_MS
    for (let at = 0; at < 4; at++) await add(endpoint, hourMs + at * HOUR_MS, 1)
    const ask = async (fromMs: number, toMs: number) => {
      const { body } = await bench.get(`${PATH}?step=hour&from=${iso(fromMs)}&to=${iso(toMs)}`)
      return [body.from, body.to, body.total.deliveries.delivered]
    }
    expect(await ask(hourMs + HOUR_MS, hourMs + 2 * HOUR_MS)).toEqual([
      iso(hourMs + HOUR_MS),
      iso(hourMs + 2 * HOUR_MS),
      1,
    ])
    expect(await ask(hourMs + 1, hourMs + HOUR_MS + 1)).toEqual([iso(hourMs), iso(hourMs + 2 * HOUR_MS), 2])
  })

  it.each([
    ['step=week', 'step'],
    ['step=', 'step'],
    ['empty=no', 'empty'],
    ['endpoint=unknown', 'endpoint'],
    ['from=yesterday', 'from'],
    [`from=${iso(Date.now())}&to=${iso(Date.now() - HOUR_MS)}`, 'from'],
    [`from=${iso(Date.now() - HOUR_MS)}&to=${iso(Date.now() - HOUR_MS)}`, 'from'],
    [`from=${iso(Date.now() + HOUR_MS)}`, 'from'],
    [`step=minute&from=${iso(Date.now() - 30 * HOUR_MS)}`, 'step'],
    [`step=minute&from=${iso(Date.now() - 3 * DAY_MS)}&to=${iso(Date.now() - 3 * DAY_MS + HOUR_MS)}`, 'from'],
    ['interval=5', 'interval'],
  ])('refuses %s', async (query, field) => {
    const [status, code, fields] = refused(await bench.get(`${PATH}?${query.replaceAll('+', '%2B')}`))
    expect([status, code, fields[0]]).toEqual([422, 'invalid', field])
  })

  it('returns nothing of unknown or other tenants', async () => {
    const endpoint = await bench.endpoint()
    await add(endpoint, Date.now(), 3)
    await bench.tenants.put('beta', {})
    expect((await bench.get('/v1/tenants/unknown/stats')).status).toBe(404)
    expect((await bench.get('/v1/tenants/beta/stats')).body.total.deliveries.delivered).toBe(0)
    const others = `/v1/tenants/beta/stats?endpoint=${endpoint}`
    expect(refused(await bench.get(others))).toEqual([422, 'invalid', ['endpoint']])
    expect((await bench.get(others.replace('beta', 'acme'))).body.total.deliveries.delivered).toBe(3)
  })

  it('keeps the numbers of a deleted endpoint, but not those of a deleted tenant that is created again', async () => {
    const endpoint = await bench.endpoint()
    await add(endpoint, Date.now(), 3)
    await bench.remove(`/v1/tenants/acme/endpoints/${endpoint}`)
    const delivered = async () => (await bench.get(`${PATH}?endpoint=${endpoint}`)).body.total.deliveries.delivered
    expect(await delivered()).toBe(3)
    // Numbers outlive the endpoint's row.
    await bench.run('delete from endpoint')
    expect(await delivered()).toBe(3)
    await bench.remove('/v1/tenants/acme')
    expect((await bench.get(PATH)).status).toBe(404)
    await bench.tenants.put('acme', {})
    expect((await bench.get(`${PATH}?endpoint=${endpoint}`)).status).toBe(422)
    expect((await bench.get(PATH)).body.total.deliveries.delivered).toBe(0)
  })
})

describe('the default step', () => {
  const now = 20_000 * DAY_MS
  it.each([
    [HOUR_MS, 0, 'minute'],
    [6 * HOUR_MS, 0, 'minute'],
    [HOUR_MS, 3 * DAY_MS, 'hour'],
    [14 * DAY_MS, 0, 'hour'],
    [HOUR_MS, 100 * DAY_MS, 'day'],
    [60 * DAY_MS, 0, 'day'],
  ])('for a period of %i ms that ended %i ms ago is %s', (spanMs, agoMs, step) => {
    const plan = planStats({ fromMs: now - agoMs - spanMs, toMs: now - agoMs, step: null }, now)
    expect(plan.step).toBe(step)
    expect(plan.fromMs).toBeLessThanOrEqual(now - agoMs - spanMs)
    expect(plan.toMs).toBeGreaterThanOrEqual(now - agoMs)
  })
})
