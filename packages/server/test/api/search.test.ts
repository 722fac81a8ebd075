import { describe, expect, it } from 'vitest'
import { idBytes } from '../../src/base/ids.ts'
import { anInbox, arrive, isInboxEmpty } from '../publish/arrivals.ts'
import { PAYLOAD, TYPE } from '../services/setup.ts'
import { type Json, refused, useApi } from './setup.ts'

const bench = useApi()
const { get, post } = bench
const ACME = '/v1/tenants/acme'

const search = async (q: string, sent: { key?: string; in?: string } = {}): Promise<Json[]> => {
  const { in: path = '/v1', ...rest } = sent
  const { status, body } = await get(`${path}/search?q=${encodeURIComponent(q)}`, rest)
  expect([status, body.complete]).toEqual([200, true])
  return body.data
}

/** Publishes an event with a key, and gets its endpoint a uid. */
async function fill() {
  const endpoint = await bench.endpoint()
  await bench.run('update endpoint set uid = $1, name = $2 where id = $3', ['orders', 'Orders', idBytes(endpoint)])
  const event = (await bench.publish(`{"type":"${TYPE}","id":"order-7","payload":${PAYLOAD}}`)).events[0]!.id
  const delivery = (await get(`${ACME}/deliveries`)).body.data[0].id
  return { endpoint, event, delivery }
}

describe('the search', () => {
  it('finds anything by its id, key, uid or name, and shows the path to get it with', async () => {
    const { endpoint, event, delivery } = await fill()
    await bench.tenants.put('acme', { name: 'Acme Ltd' })
    const replay = (await post(`${ACME}/replays`, { key: 'outage', event })).body.id
    const { id: batch } = (await post('/v1/replays', { types: [TYPE], from: '2026-05-03', to: '2026-05-04' })).body
    const key = (await post('/v1/api-keys', { name: 'ci', scope: 'read' })).body.id
    const entry = (await get('/v1/audit')).body.data[0].id
    const url = 'https://hooks.example.com/a'
    const anEndpoint = { kind: 'endpoint', tenant: 'acme', id: endpoint, uid: 'orders', name: 'Orders', url }
    const anEvent = { kind: 'event', tenant: 'acme', id: event, key: 'order-7' }
    const expected: Record<string, Json> = {
      [endpoint]: { ...anEndpoint, href: `${ACME}/endpoints/${endpoint}` },
      orders: { ...anEndpoint, href: `${ACME}/endpoints/${endpoint}` },
      Orders: { ...anEndpoint, href: `${ACME}/endpoints/${endpoint}` },
      [event]: { ...anEvent, href: `${ACME}/events/${event}` },
      'order-7': { ...anEvent, href: `${ACME}/events/${event}` },
      [delivery]: { kind: 'delivery', tenant: 'acme', id: delivery, href: `${ACME}/deliveries/${delivery}` },
      outage: { kind: 'replay', tenant: 'acme', id: replay, key: 'outage', href: `${ACME}/replays/${replay}` },
      [batch]: { kind: 'replay', tenant: null, id: batch, key: null, href: `/v1/replays/${batch}` },
      acme: { kind: 'tenant', tenant: 'acme', id: 'acme', name: 'Acme Ltd', href: ACME },
      [TYPE]: { kind: 'event_type', tenant: null, id: TYPE, href: `/v1/event-types/${TYPE}` },
      [key]: { kind: 'api_key', tenant: null, id: key, name: 'ci', href: `/v1/api-keys/${key}` },
      [entry]: { kind: 'audit_entry', tenant: null, id: entry, href: expect.any(String) },
    }
    for (const [q, found] of Object.entries(expected)) {
      expect(await search(q), q).toEqual([found])
      const [{ href, id }] = (await search(q)) as [Json]
      const { status, text } = await get(href)
      expect([status, text.includes(id)], href).toEqual([200, true])
    }
    expect(await search(` order-7\n`)).toEqual([expected['order-7']])
    for (const q of ['order', 'ORDER-7', 'nobody', `${event}x`, 'posthorn.publish', '%']) {
      expect(await search(q), q).toEqual([])
    }
  })

  it('finds what the key can see: a key of one tenant finds nothing of others', async () => {
    const { endpoint, event } = await fill()
    await bench.tenants.put('beta', {})
    const other = (await bench.publish(`{"type":"${TYPE}","id":"order-7","payload":${PAYLOAD}}`, 'beta')).events[0]!.id
    const ids = (found: Json[]) => found.map(({ id }) => id)
    expect(ids(await search('order-7'))).toEqual([event, other])
    const own = (await bench.apiKeys.create({ name: 'k', scope: 'all', tenant: 'beta' })).secret
    expect(refused(await get('/v1/search?q=order-7', { key: own }))).toEqual([403, 'forbidden', []])
    expect(refused(await get(`${ACME}/search?q=order-7`, { key: own }))).toEqual([403, 'forbidden', []])
    const inBeta = { key: own, in: '/v1/tenants/beta' }
    expect(ids(await search('order-7', inBeta))).toEqual([other])
    for (const q of [event, endpoint, 'acme', 'orders']) expect(await search(q, inBeta), q).toEqual([])
    expect(ids(await search('beta', inBeta))).toEqual(['beta'])
    expect(ids(await search(TYPE, inBeta))).toEqual([TYPE])
  })

  it('finds API keys and audit entries only with a key that can list them', async () => {
    const { key, secret: all } = await bench.apiKeys.create({ name: 'k', scope: 'all' })
    const entry = (await get('/v1/audit')).body.data[0].id
    const { secret: read } = await bench.apiKeys.create({ name: 'k', scope: 'read' })
    for (const id of [key.id, entry]) {
      expect(await search(id, { key: all })).toMatchObject([{ id }])
      expect(await search(id, { key: read })).toEqual([])
      expect(await search(id, { in: ACME })).toEqual([])
    }
    const { secret: publish } = await bench.apiKeys.create({ name: 'k', scope: 'publish' })
    expect((await get('/v1/search?q=x', { key: publish })).status).toBe(403)
  })

  it('finds the history of a deleted endpoint by its id, uid or name, but nothing of a deleted tenant', async () => {
    const { endpoint, event } = await fill()
    await bench.endpoints.remove('acme', endpoint)
    for (const q of [endpoint, 'orders', 'Orders']) {
      const [{ href, ...found }] = (await search(q)) as [Json]
      expect(found).toMatchObject({ kind: 'endpoint', id: endpoint, uid: 'orders', name: 'Orders' })
      expect((await get(href)).body.data).toMatchObject([{ endpoint, event }])
      expect(await search(q, { in: ACME })).toEqual([{ href, ...found }])
    }
    const next = await bench.endpoint({ uid: 'orders' })
    expect((await search('orders')).map(({ id }) => id)).toEqual([next, endpoint])
    await bench.tenants.remove('acme')
    for (const q of [endpoint, event, 'order-7', 'orders', 'Orders', 'acme']) expect(await search(q), q).toEqual([])
  })

  it('finds an event that was published from SQL, also while it is waiting and for an unknown tenant', async () => {
    const waiting = await arrive(bench, ['acme', TYPE, PAYLOAD])
    expect(await search(waiting)).toMatchObject([{ kind: 'event', tenant: 'acme', key: 'k' }])
    const lost = await arrive(bench, ['no tenant’s id', TYPE, PAYLOAD])
    const { inbox } = anInbox(bench)
    inbox.start()
    await expect.poll(() => isInboxEmpty(bench.store), { timeout: 10_000 }).toBe(true)
    await inbox.stop()
    expect(await search(waiting)).toMatchObject([{ kind: 'event', tenant: 'acme', href: `${ACME}/events/${waiting}` }])
    const [found] = (await search(lost)) as [Json]
    expect(found).toMatchObject({ kind: 'event', tenant: 'no tenant’s id', id: lost, key: 'k' })
    expect((await get(found.href)).body.data).toMatchObject([{ id: lost }])
  })

  it.each([
    ['', 'q'],
    ['?q=', 'q'],
    ['?q=%20%09', 'q'],
    ['?q=%00', 'q'],
    [`?q=${'x'.repeat(513)}`, 'q'],
    ['?q=a&tenant=acme', 'tenant'],
  ])('is refused with %s', async (query, field) => {
    expect(refused(await get(`/v1/search${query}`))).toEqual([422, 'invalid', [field]])
    expect(refused(await get(`${ACME}/search${query}`))).toEqual([422, 'invalid', [field]])
  })

  it('is refused in a tenant that does not exist', async () => {
    expect(refused(await get('/v1/tenants/nobody/search?q=a'))).toEqual([404, 'not_found', []])
  })
})
