import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { newId, parseId } from '../../src/base/ids.ts'
import { PAYLOAD, SECRET, TYPE } from '../services/setup.ts'
import { type Json, refused, useApi } from './setup.ts'

const bench = useApi()
const { get, post, patch, remove } = bench
const TENANT = '/v1/tenants/acme'
const ENDPOINTS = `${TENANT}/endpoints`
const EVENT = { type: TYPE, payload: JSON.parse(PAYLOAD) }
const NEW = { url: 'https://hooks.example.com/a', clientSecret: SECRET, types: [TYPE] }

const create = async (over: object = {}) => (await post(ENDPOINTS, { ...NEW, ...over })).body
const idsOf = ({ body }: { body: Json }) => body.data.map(({ id }: Json) => id)

describe('the uid of an endpoint', () => {
  it('is shown with the id and the name, everywhere that an endpoint is', async () => {
    const { id, uid, name } = await create({ uid: 'orders', name: 'Order updates' })
    expect([uid, name]).toEqual(['orders', 'Order updates'])
    await create()
    const { data } = (await get(ENDPOINTS)).body
    expect(data.map((each: Json) => [each.uid, each.name])).toEqual([
      [null, null],
      ['orders', 'Order updates'],
    ])
    const { body: event } = await post(`${TENANT}/events`, EVENT)
    const shown = (await get(`${TENANT}/events/${event.id}`)).body.endpoints
    expect(shown.map((each: Json) => each.endpointUid)).toEqual([null, 'orders'])
    const lines = (await get(`${TENANT}/export`)).text.split('\n').filter(line => line.includes(`"kind":"endpoint"`))
    expect(lines.map(line => JSON.parse(line))).toMatchObject([{ id, uid, name }, { uid: null }])
  })

  it('is accepted in the path of every call that takes an endpoint', async () => {
    const { id } = await create({ uid: 'a:b@c.d_e-f' })
    const one = `${ENDPOINTS}/a:b@c.d_e-f`
    const paths = Object.entries(bench.document.paths as Record<string, object>).flatMap(([path, calls]) =>
      path.startsWith(`${'/v1/tenants/{tenant}/endpoints'}/{id}`)
        ? Object.keys(calls).map(method => `${method} ${path.slice('/v1/tenants/{tenant}/endpoints/{id}'.length)}`)
        : [],
    )
    const answers: Record<string, () => Promise<{ status: number; body: Json }>> = {
      'get ': () => get(one),
      'get /schedule': () => get(`${one}/schedule`),
      'patch ': () => patch(one, { name: 'n' }),
      'post /signing-secrets': () => post(`${one}/signing-secrets`),
      'post /test': () => post(`${one}/test`),
      'post /disable': () => post(`${one}/disable`),
      'post /enable': () => post(`${one}/enable`),
      'delete ': () => remove(one),
    }
    expect(paths.sort()).toEqual(Object.keys(answers).sort())
    for (const [call, answer] of Object.entries(answers)) {
      const { status, body } = await answer()
      expect(status, call).toBeLessThan(300)
      if (body?.url !== undefined) expect(body.id, call).toBe(id)
    }
    for (const [call, answer] of Object.entries(answers)) expect((await answer()).status, call).toBe(404)
  })

  it('is accepted encoded in a path, and found exactly as it is written', async () => {
    const { id } = await create({ uid: 'Ab' })
    expect((await get(`${ENDPOINTS}/%41b`)).body.id).toBe(id)
    for (const wrong of ['ab', 'Ab%00', 'Ab%20', '..%2FAb', 'Ab,Ab', `${'x'.repeat(5_000)}`]) {
      expect((await get(`${ENDPOINTS}/${wrong}`)).status).toBe(404)
    }
    await bench.tenants.put('other', {})
    expect((await get('/v1/tenants/other/endpoints/Ab')).status).toBe(404)
  })

  it('filters deliveries and statistics, also of an endpoint that was deleted', async () => {
    const { id } = await create({ uid: 'orders' })
    await create({ uid: 'invoices' })
    await post(`${TENANT}/events`, EVENT)
    const list = (endpoint: string) => get(`${TENANT}/deliveries?endpoint=${endpoint}`)
    const byId = await list(id)
    expect(byId.body.data).toHaveLength(1)
    expect((await list('orders')).body).toEqual(byId.body)
    expect((await get(`${TENANT}/stats?endpoint=orders`)).status).toBe(200)
    await remove(`${ENDPOINTS}/orders`)
    expect(idsOf(await list('orders'))).toEqual(idsOf(byId))
    expect((await get(`${TENANT}/stats?endpoint=orders&step=hour`)).body.total).toEqual(
      (await get(`${TENANT}/stats?endpoint=${id}&step=hour`)).body.total,
    )
    // The next endpoint with the uid takes its place.
    await create({ uid: 'orders' })
    expect((await list('orders')).body.data).toEqual([])
  })

  it.each(['deliveries', 'stats'])('is refused as a filter of %s if no endpoint has it', async noun => {
    for (const wrong of ['unknown', 'evt_01jy4k8v3xf0c8wq2rn5s7t9ab', '-', '']) {
      expect(refused(await get(`${TENANT}/${noun}?endpoint=${wrong}`))).toEqual([422, 'invalid', ['endpoint']])
    }
  })

  it('selects the endpoint of a replay, which is the same replay by id and by uid', async () => {
    const { id } = await create({ uid: 'orders' })
    const replays = `${TENANT}/replays`
    const selection = { key: 'r', endpoint: 'orders', missing: true, states: [] }
    const first = await post(replays, selection)
    expect(first.status).toBe(202)
    expect((await get(`${replays}/r`)).body.endpoint).toBe(id)
    expect((await post(replays, { ...selection, endpoint: id })).body).toMatchObject({
      id: first.body.id,
      duplicate: true,
    })
    const unknown = { ...selection, key: 's', endpoint: 'unknown' }
    expect(refused(await post(replays, unknown))).toEqual([422, 'invalid', ['/endpoint']])
    expect(refused(await post(replays, { ...unknown, dryRun: true }))).toEqual([422, 'invalid', ['/endpoint']])
    expect((await post(replays, { ...selection, dryRun: true })).status).toBe(200)
    await remove(`${ENDPOINTS}/orders`)
    expect(refused(await post(replays, { ...selection, key: 't' }))).toEqual([422, 'invalid', ['/endpoint']])
  })

  it('is unique in its tenant, until the endpoint is deleted or gives it up', async () => {
    await create({ uid: 'orders' })
    const other = await create({ uid: 'invoices' })
    const clash = await post(ENDPOINTS, { ...NEW, uid: 'orders' })
    expect(refused(clash)).toEqual([409, 'conflict', ['/uid']])
    expect(clash.body.detail).toContain('"orders": GET /v1/tenants/acme/endpoints/orders shows it')
    const renamed = await patch(`${ENDPOINTS}/${other.id}`, { uid: 'orders', description: 'd' })
    expect(refused(renamed)).toEqual([409, 'conflict', ['/uid']])
    expect((await get(`${ENDPOINTS}/invoices`)).body).toMatchObject({ id: other.id, description: null })
    expect((await patch(`${ENDPOINTS}/invoices`, { uid: 'invoices', name: 'n' })).status).toBe(200)
    await bench.tenants.put('other', {})
    expect((await post('/v1/tenants/other/endpoints', { ...NEW, uid: 'orders' })).status).toBe(201)
    await patch(`${ENDPOINTS}/orders`, { uid: null })
    expect((await patch(`${ENDPOINTS}/invoices`, { uid: 'orders' })).body.id).toBe(other.id)
    await remove(`${ENDPOINTS}/orders`)
    expect((await post(ENDPOINTS, { ...NEW, uid: 'orders' })).status).toBe(201)
  })

  it.each([
    '',
    '.',
    '..',
    '-a',
    '_a',
    'a b',
    'a/b',
    'a,b',
    'é',
    'a\n',
    'a'.repeat(129),
    newId('ep', 1),
    newId('evt', 1),
    newId('ep', 1).toUpperCase(),
    `key_${'z'.repeat(26)}`,
    7,
    ['a'],
  ])('is refused as %j, which could not be told from something else', async uid => {
    expect(refused(await post(ENDPOINTS, { ...NEW, uid }))).toEqual([422, 'invalid', ['/uid']])
  })

  it('can be anything else, and a name can be any text', async () => {
    const almost = newId('ep', 1)
    for (const uid of ['0', 'a'.repeat(128), 'A.b_c:d@e-f', almost.slice(0, -1), `${almost}0`, almost.slice(3)]) {
      const { id } = await create({ uid, name: 'Café à la carte' })
      expect((await get(`${ENDPOINTS}/${uid}`)).body).toMatchObject({ id, uid, name: 'Café à la carte' })
    }
    const wrong = { ...NEW, name: 'n'.repeat(129) }
    expect(refused(await post(ENDPOINTS, wrong))).toEqual([422, 'invalid', ['/name']])
    expect(refused(await post(ENDPOINTS, { ...NEW, name: 'a\0' }))).toEqual([422, 'invalid', ['/name']])
  })

  it('either finds its endpoint or was refused, whatever text it is', async () => {
    const part = fc.constantFrom(
      'ep_',
      'a',
      'Z',
      '0',
      '.',
      '_',
      ':',
      '@',
      '-',
      '/',
      ' ',
      '%2F',
      '\u0130',
      newId('ep', 1),
    )
    const text = fc.oneof(
      fc.array(part, { maxLength: 5 }).map(parts => parts.join('')),
      fc.string({ maxLength: 5 }),
    )
    let found = 0
    await fc.assert(
      fc.asyncProperty(text, async uid => {
        const { status, body } = await post(ENDPOINTS, { ...NEW, uid })
        const answer = await get(`${ENDPOINTS}/${encodeURIComponent(uid)}`)
        if (status === 201) {
          found++
          expect(parseId('ep', uid)).toBeUndefined()
          // Needs no encoding in a path.
          expect(encodeURI(uid)).toBe(uid)
          expect(answer.body.id).toBe(body.id)
          expect((await get(`${ENDPOINTS}/${uid}`)).body.id).toBe(body.id)
          await remove(`${ENDPOINTS}/${uid}`)
        } else expect([status, answer.body.uid]).toEqual([422, undefined])
      }),
      { numRuns: 150 },
    )
    expect(found).toBeGreaterThan(10)
  })

  it('is named in the audit log when it changes', async () => {
    await create({ uid: 'orders' })
    await patch(`${ENDPOINTS}/orders`, { uid: 'orders-2', name: 'n' })
    expect((await get('/v1/audit?limit=1')).body.data).toMatchObject([{ action: 'updated', fields: ['uid', 'name'] }])
  })
})
