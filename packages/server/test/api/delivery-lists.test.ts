import { describe, expect, it } from 'vitest'
import { idBytes, newId } from '../../src/base/ids.ts'
import { Deliveries } from '../../src/services/deliveries/deliveries.ts'
import { SEARCH_MS } from '../../src/services/slices.ts'
import { PAYLOAD, TYPE } from '../services/setup.ts'
import { crowd } from '../store/many-deliveries.ts'
import { type Json, refused, useApi } from './setup.ts'

const bench = useApi()
const { get, post } = bench

const ALL = '/v1/deliveries'
const ACME = '/v1/tenants/acme/deliveries'

const publish = async (key?: string, tenant = 'acme', type = TYPE): Promise<string> => {
  const head = key === undefined ? '' : `"id":"${key}",`
  return (await post(`/v1/tenants/${tenant}/events`, `{${head}"type":"${type}","payload":${PAYLOAD}}`)).body.id
}

const ids = ({ status, body }: Json): string[] => {
  expect(status, JSON.stringify(body)).toBe(200)
  return body.data.map(({ id }: Json) => id)
}

/** Sets what the last attempt of a pending delivery came to. */
const attempted = (id: string, status: number | null, error: string | null) =>
  bench.run(
    `update live_delivery set attempts = 1, last_started_ms = 5000, last_duration_ms = 7, last_status = $1,
       last_error = $2 where id = $3`,
    [status, error, idBytes(id)],
  )

/** Two endpoints with a delivery of the same event each. */
async function twoDeliveries(key = 'order-7') {
  const [a, b] = [await bench.endpoint(), await bench.endpoint()]
  const event = await publish(key)
  const { data } = (await get(ACME)).body
  const of = (endpoint: string): string => data.find((row: Json) => row.endpoint === endpoint).id
  return { a, b, event, toA: of(a), toB: of(b) }
}

describe('a delivery in a list', () => {
  it('shows its tenant, endpoint, event key, last and next attempt', async () => {
    const { a, event, toA } = await twoDeliveries()
    await bench.run(`update endpoint set uid = 'billing' where id = $1`, [idBytes(a)])
    await attempted(toA, 503, 'http_server_error')
    const { body } = await get(`${ACME}?endpoint=${a}`)
    const lastAttempt = { at: '1970-01-01T00:00:05.000Z', durationMs: 7, status: 503, error: 'http_server_error' }
    expect(body.data).toMatchObject([
      {
        tenant: 'acme',
        id: toA,
        event,
        key: 'order-7',
        endpoint: a,
        endpointUid: 'billing',
        endpointUrl: 'https://hooks.example.com/a',
        type: TYPE,
        state: 'pending',
        attemptCount: 1,
        lastAttempt,
        nextAttemptAt: expect.any(String),
      },
    ])
    expect(body).toMatchObject({ nextCursor: null, prevCursor: null, searchedTo: null, warnings: [] })
    expect(body).not.toHaveProperty('counts')
    const [row] = body.data
    for (const url of [ALL, `${ACME}?key=order-7`]) {
      expect((await get(url)).body.data.find(({ id }: Json) => id === toA)).toEqual(row)
    }
    const { attempts: _attempts, ...alone } = (await get(`${ACME}/${toA}`)).body
    expect(alone).toEqual(row)
    const { deliveries } = (await get(`/v1/tenants/acme/events/${event}`)).body
    expect(deliveries).toContainEqual(row)
    expect((await post(`${ACME}/${toA}/cancel`)).body).toEqual({
      ...row,
      state: 'cancelled',
      nextAttemptAt: null,
      endedAt: expect.any(String),
    })
  })

  it('keeps the URL of an endpoint that was deleted', async () => {
    const { a } = await twoDeliveries()
    await bench.endpoints.remove('acme', a)
    const { body } = await get(`${ACME}?endpoint=${a}`)
    expect(body.data).toMatchObject([{ state: 'cancelled', endpointUrl: 'https://hooks.example.com/a' }])
  })
})

describe('a list of deliveries', () => {
  it.each([ACME, ALL])('%s is filtered by status and error of the last attempt', async url => {
    const { toA, toB } = await twoDeliveries()
    await publish()
    await attempted(toA, 503, 'http_server_error')
    await attempted(toB, null, 'dns_failed')
    const both = [toB, toA].toSorted().toReversed()
    expect(ids(await get(`${url}?status=503`))).toEqual([toA])
    expect(ids(await get(`${url}?status=5xx`))).toEqual([toA])
    expect(ids(await get(`${url}?status=5XX,404`))).toEqual([toA])
    expect(ids(await get(`${url}?status=none`))).toEqual([toB])
    expect(ids(await get(`${url}?status=5xx,none`))).toEqual(both)
    expect(ids(await get(`${url}?status=5xx&status=none`))).toEqual(both)
    expect(ids(await get(`${url}?status=500`))).toEqual([])
    expect(ids(await get(`${url}?error=dns_failed`))).toEqual([toB])
    expect(ids(await get(`${url}?error=dns_failed,http_server_error`))).toEqual(both)
    expect(ids(await get(`${url}?error=dns_failed,http_server_error&status=5xx`))).toEqual([toA])
    expect(ids(await get(`${url}?state=delivered,pending&status=2xx,503`))).toEqual([toA])
    for (const query of ['status=600&error=http_unexpected', 'status=204', 'state=delivered&status=204,500']) {
      expect(ids(await get(`${url}?${query}`)), query).toEqual([])
    }
  })

  it.each([ACME, ALL])('%s is filtered by several states, types and endpoints', async url => {
    const { a, b, toA, toB } = await twoDeliveries()
    const both = [toB, toA].toSorted().toReversed()
    await post(`${ACME}/${toA}/cancel`)
    await bench.endpoints.disable('acme', b)
    expect(ids(await get(`${url}?state=cancelled`))).toEqual([toA])
    expect(ids(await get(`${url}?state=cancelled,held`))).toEqual(both)
    expect(ids(await get(`${url}?state=pending&state=exhausted`))).toEqual([])
    expect(ids(await get(`${url}?heldReason=disabled`))).toEqual([toB])
    expect(ids(await get(`${url}?heldReason=set_aside`))).toEqual([])
    expect(ids(await get(`${url}?type=${TYPE},COVER_STATUS`))).toEqual(both)
    expect(ids(await get(`${url}?endpoint=${a},${b}`))).toEqual(both)
    expect(ids(await get(`${url}?endpoint=${b}&endpoint=${b}`))).toEqual([toB])
    expect(ids(await get(`${url}?endpoint=${a},${b}&state=held`))).toEqual([toB])
  })

  it.each([ACME, ALL])('%s is filtered by the key of the event, remembered or not', async url => {
    const { toA, toB, event } = await twoDeliveries('order-7')
    await publish('order-70')
    const both = [toB, toA].toSorted().toReversed()
    expect(ids(await get(`${url}?key=order-7`))).toEqual(both)
    expect(ids(await get(`${url}?key=order-7&event=${event}`))).toEqual(both)
    expect(refused(await get(`${url}?key=order-70&event=${event}`))).toEqual([422, 'invalid', ['key']])
    await bench.run('delete from idempotency')
    expect(ids(await get(`${url}?key=order-7`))).toEqual(both)
    expect(ids(await get(`${url}?key=order-8`))).toEqual([])
  })

  it('takes the uid of an endpoint where its tenant is known', async () => {
    const { a, toA } = await twoDeliveries()
    await bench.run(`update endpoint set uid = 'billing' where id = $1`, [idBytes(a)])
    expect(ids(await get(`${ACME}?endpoint=billing`))).toEqual([toA])
    expect(ids(await get(`${ALL}?endpoint=billing&tenant=acme`))).toEqual([toA])
    const unclear = await get(`${ALL}?endpoint=billing`)
    expect(refused(unclear)).toEqual([422, 'invalid', ['endpoint']])
    expect(unclear.body.detail).toContain('add `tenant`')
  })

  it('of all tenants has every tenant’s, or one’s, in one order', async () => {
    await bench.tenants.put('beta', {})
    await bench.endpoint()
    await bench.endpoint({}, 'beta')
    for (const tenant of ['acme', 'beta', 'acme', 'beta']) await publish(undefined, tenant)
    const { data } = (await get(ALL)).body
    expect(data.map(({ tenant }: Json) => tenant)).toEqual(['beta', 'acme', 'beta', 'acme'])
    const first = (await get(`${ALL}?limit=3`)).body
    const second = (await get(`${ALL}?limit=3&cursor=${first.nextCursor}`)).body
    expect([...first.data, ...second.data]).toEqual(data)
    expect(second.nextCursor).toBeNull()
    expect((await get(`${ALL}?limit=3&cursor=${second.prevCursor}`)).body).toMatchObject({
      data: first.data,
      prevCursor: null,
    })
    expect((await get(`${ALL}?tenant=beta`)).body.data.map(({ tenant }: Json) => tenant)).toEqual(['beta', 'beta'])
    await bench.tenants.remove('beta')
    expect((await get(ALL)).body.data.map(({ tenant }: Json) => tenant)).toEqual(['acme', 'acme'])
    expect(refused(await get(`${ALL}?tenant=beta`))).toEqual([422, 'invalid', ['tenant']])
  })

  it('is refused what cannot match', async () => {
    const { a, event } = await twoDeliveries()
    await bench.tenants.put('beta', {})
    const [nobody, nothing] = [newId('ep', 1), newId('evt', 1)]
    for (const [query, ...fields] of [
      ['state=done', 'state'],
      ['state=', 'state'],
      ['state=pending,,held', 'state'],
      ['state=pending&heldReason=disabled', 'heldReason'],
      ['heldReason=x', 'heldReason'],
      ['status=99', 'status'],
      ['status=5x', 'status'],
      ['status=0xx', 'status'],
      ['status=1000', 'status'],
      ['status=', 'status'],
      ['status=100', 'status'],
      ['status=1xx', 'status'],
      ['status=204&error=http_server_error', 'status'],
      ['error=http_server_error&status=404', 'status'],
      ['error=http_client_error&status=410', 'status'],
      ['error=dns_failed&status=5xx', 'status'],
      ['error=http_gone&status=none', 'status'],
      ['state=delivered&status=500', 'status'],
      ['state=delivered&status=none', 'status'],
      ['state=delivered&error=dns_failed', 'error'],
      ['state=pending,exhausted&status=204', 'status'],
      ['heldReason=disabled&status=2xx', 'status'],
      ['from=2030-01-01T00:00:00Z&to=2029-12-31T00:00:00Z', 'from'],
      ['error=timeout', 'error'],
      ['type=', 'type'],
      ['type=a%00', 'type'],
      ['endpoint=', 'endpoint'],
      [`endpoint=${nobody}`, 'endpoint'],
      [`endpoint=${a},nobody`, 'endpoint'],
      ['endpoint=a%00', 'endpoint'],
      ['event=x', 'event'],
      [`event=${nothing}`, 'event'],
      [`event=${a}`, 'event'],
      ['key=', 'key'],
      ['key=%C3%A9', 'key'],
      [`key=${'x'.repeat(256)}`, 'key'],
      ['from=2026-01-02T00:00:00Z&to=2026-01-02T00:00:00Z', 'from'],
      ['from=x', 'from'],
      ['counts=yes', 'counts'],
      ['cursor=x', 'cursor'],
      ['limit=0', 'limit'],
      ['states=pending', 'states'],
      [`type=${Array.from({ length: 21 }, (_, at) => `T${at}`)}`, 'type'],
      [`endpoint=${Array.from({ length: 21 }, () => a)}`, 'endpoint'],
      [`state=x&status=x&event=${nothing}`, 'state', 'status', 'event'],
    ] as const) {
      for (const url of [ACME, ALL, `${ALL}?tenant=acme`]) {
        const answer = await get(`${url}${url.includes('?') ? '&' : '?'}${query}`)
        expect(refused(answer), `${url} ${query}`).toEqual([422, 'invalid', fields])
      }
    }
    // What another tenant has is unknown to this one.
    for (const query of [`endpoint=${a}`, `event=${event}`]) {
      expect((await get(`/v1/tenants/beta/deliveries?${query}`)).status).toBe(422)
      expect((await get(`${ALL}?tenant=beta&${query}`)).status).toBe(422)
      expect((await get(`${ALL}?${query}`)).status).toBe(200)
    }
    expect((await get(`${ACME}?error=http_servererror`)).body.errors[0].detail).toContain('Did you mean')
    expect((await get('/v1/tenants/nobody/deliveries?state=x')).status).toBe(404)
  })

  it('warns of types that are neither in the catalogue nor seen', async () => {
    await bench.endpoint()
    const misspelt = await get(`${ACME}?type=${TYPE},COVER_REFERENCES`)
    expect(misspelt.body).toMatchObject({ data: [], warnings: [{ code: 'type_unknown', field: 'type' }] })
    expect(misspelt.body.warnings[0].detail).toContain('Did you mean `COVER_REFERENCE`?')
    expect((await get(`${ALL}?type=COVER_REFERENCES`)).body.warnings).toHaveLength(1)
    expect((await get(`${ACME}?type=${TYPE},posthorn.endpoint.disabled`)).body.warnings).toEqual([])
    await publish()
    await bench.types.remove(TYPE)
    const gone = (await get(`${ACME}?type=${TYPE}`)).body
    expect([gone.data.length, gone.warnings]).toEqual([1, []])
  })

  it('counts by state what matches, on all pages, on request', async () => {
    const { a, toB } = await twoDeliveries()
    await publish()
    await post(`${ACME}/${toB}/cancel`)
    const none = { held: 0, delivered: 0, exhausted: 0 }
    const page = (await get(`${ACME}?counts=true&limit=1`)).body
    expect(page.counts).toEqual({ ...none, total: 4, pending: 3, cancelled: 1 })
    expect((await get(`${ACME}?counts=true&limit=1&cursor=${page.nextCursor}`)).body.counts).toEqual(page.counts)
    expect((await get(`${ALL}?counts=true`)).body.counts).toEqual(page.counts)
    const some = (await get(`${ACME}?counts=true&endpoint=${a}&state=pending,held`)).body
    expect(some.counts).toEqual({ ...none, total: 2, pending: 2, cancelled: 0 })
    expect((await get(`${ACME}?counts=false`)).body).not.toHaveProperty('counts')
  })

  it('ends in time if little matches, and says how far it looked', async () => {
    const fromMs = Date.now() - 3_600_000
    const of = { tenants: 10, deliveries: 60_000, fromMs, spanMs: 3_600_000, failed: [10, 59_990] }
    await crowd({ name: 'sqlite' } as never, { run: bench.run, driver: { makeHistory: async () => 0 } } as never, of)
    let nowMs = 0
    const clock = { monotonicMs: () => (nowMs += SEARCH_MS / 2) }
    await bench.useServices({ deliveries: new Deliveries(bench.store, clock) })
    for (const url of [`${ALL}?status=5xx`, '/v1/tenants/big/deliveries?status=5xx']) {
      const pages: Json[] = []
      for (let cursor: string | null = ''; cursor !== null; cursor = pages.at(-1).nextCursor) {
        pages.push((await get(`${url}${cursor === '' ? '' : `&cursor=${cursor}`}`)).body)
      }
      expect(pages.length).toBeGreaterThan(2)
      const searched = pages.map(({ searchedTo }) => searchedTo)
      expect(searched.pop()).toBeNull()
      expect(searched).toEqual(searched.toSorted().toReversed())
      expect(Date.parse(searched[0])).toBeGreaterThan(fromMs)
      const found = pages.flatMap(({ data }) => data.map(({ createdAt }: Json) => Date.parse(createdAt) - fromMs))
      expect(found).toEqual([59_990 * 60, 10 * 60].filter((_, at) => url.startsWith(ALL) || [59_990, 10][at]! % 3 > 0))
    }
    const counted = (await get(`${ALL}?state=delivered&counts=true`)).body
    expect(counted.counts).toEqual({ total: null, pending: 0, held: 0, delivered: null, exhausted: 0, cancelled: 0 })
  })

  it('of all tenants is for keys without a tenant', async () => {
    const { secret } = await bench.apiKeys.create({ name: 'k', scope: 'read', tenant: 'acme' })
    expect((await get(ALL, { key: secret })).status).toBe(403)
    expect((await get(`${ALL}?tenant=acme`, { key: secret })).status).toBe(403)
    const reading = await bench.apiKeys.create({ name: 'k', scope: 'read' })
    expect((await get(ALL, { key: reading.secret })).status).toBe(200)
  })
})
