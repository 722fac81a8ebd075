import { describe, expect, it } from 'vitest'
import { Endpoints } from '../../src/services/endpoints/endpoints.ts'
import { PAYLOAD, policy, resolvesTo, SECRET, TYPE } from '../services/setup.ts'
import { type Json, refused, useApi } from './setup.ts'

const bench = useApi()
const { get, post, put, patch, remove } = bench
const ENDPOINTS = '/v1/tenants/acme/endpoints'
const NEW_SECRET = 'YW5vdGhlci1zZWNyZXQtdGhhbi1iZWZvcmU='
const TYPE_INPUT = { group: 'g', description: 'd', schema: { type: 'object', required: ['id'] }, example: { id: 1 } }

const told = async (query = ''): Promise<Json[]> => (await get(`/v1/audit?limit=1000${query}`)).body.data
const last = async (): Promise<Json> => (await told())[0]

describe('the audit log', () => {
  it('has an entry for every call that changes the configuration: who changed which fields of which resource', async () => {
    const { id: keyId, key } = (await post('/v1/api-keys', { name: 'ops', scope: 'all' })).body
    expect(await last()).toMatchObject({ action: 'created', target: { type: 'api_key', id: keyId }, tenant: null })
    expect((await last()).actor).toEqual({ kind: 'root', key: null, name: null, address: '127.0.0.1' })

    const by = { key }
    const endpoint = (await post(ENDPOINTS, { url: 'https://hooks.example.com/a', clientSecret: SECRET }, by)).body.id
    const ONE = `${ENDPOINTS}/${endpoint}`
    const aboutEndpoint = { target: { type: 'endpoint', id: endpoint }, tenant: 'acme' }
    const aboutTenant = { target: { type: 'tenant', id: 'beta' }, tenant: 'beta' }
    const aboutType = { target: { type: 'event_type', id: 'A.b' }, tenant: null }
    expect(await last()).toMatchObject({ ...aboutEndpoint, action: 'created', fields: [] })
    const changes: [() => Promise<unknown>, object][] = [
      [() => patch(ONE, { clientSecret: NEW_SECRET }, by), { action: 'updated', fields: ['clientSecret'] }],
      [() => patch(ONE, { clientSecret: NEW_SECRET, types: [TYPE] }, by), { action: 'updated', fields: ['types'] }],
      [
        () => patch(ONE, { headers: { 'x-a': 'hush' }, url: 'https://b.example.com/' }, by),
        { fields: ['url', 'headers'] },
      ],
      [() => post(`${ONE}/signing-secrets`, {}, by), { action: 'updated', fields: ['signingSecret'] }],
      [() => post(`${ONE}/disable`, undefined, by), { action: 'disabled', fields: [] }],
      [() => post(`${ONE}/enable`, undefined, by), { action: 'enabled' }],
      [() => remove(ONE, by), { action: 'deleted' }],
    ]
    for (const [change, entry] of changes) {
      await change()
      expect(await last()).toMatchObject({ ...aboutEndpoint, ...entry })
    }
    const others: [() => Promise<unknown>, object][] = [
      [() => put('/v1/tenants/beta', {}, by), { ...aboutTenant, action: 'created' }],
      [() => put('/v1/tenants/beta', { name: 'B' }, by), { ...aboutTenant, action: 'updated', fields: ['name'] }],
      [() => remove('/v1/tenants/beta', by), { ...aboutTenant, action: 'deleted' }],
      [() => put('/v1/event-types/A.b', TYPE_INPUT, by), { ...aboutType, action: 'created' }],
      [
        () => put('/v1/event-types/A.b', { ...TYPE_INPUT, example: { id: 2 } }, by),
        { ...aboutType, fields: ['example'] },
      ],
      [() => remove('/v1/event-types/A.b', by), { ...aboutType, action: 'deleted' }],
    ]
    for (const [change, entry] of others) {
      await change()
      expect(await last()).toMatchObject(entry)
    }
    const byKey = (await told()).filter(({ actor }) => actor.kind === 'key')
    expect(byKey).toHaveLength(1 + changes.length + others.length)
    for (const { actor } of byKey) expect(actor).toEqual({ kind: 'key', key: keyId, name: 'ops', address: '127.0.0.1' })
    await remove(`/v1/api-keys/${keyId}`)
    expect(await last()).toMatchObject({ action: 'revoked', target: { id: keyId }, actor: { kind: 'root' } })

    const text = JSON.stringify(await told())
    for (const secret of [SECRET, NEW_SECRET, key, 'hush', 'b.example.com']) expect(text).not.toContain(secret)
  })

  it('has an entry for what someone did to deliveries, replays and endpoints, and none for a dry run', async () => {
    const { id: keyId, key } = (await post('/v1/api-keys', { name: 'ops', scope: 'all', tenant: 'acme' })).body
    const by = { key }
    const body = { url: 'https://hooks.example.com/a', clientSecret: SECRET }
    const endpoint = (await post(ENDPOINTS, body, by)).body.id
    const tested = (await post(`${ENDPOINTS}/${endpoint}/test`, {}, by)).body
    expect(await last()).toMatchObject({ action: 'tested', target: { type: 'endpoint', id: endpoint }, tenant: 'acme' })
    const DELIVERIES = '/v1/tenants/acme/deliveries'
    const aboutDelivery = { target: { type: 'delivery', id: tested.delivery }, tenant: 'acme' }
    await post(`${DELIVERIES}/${tested.delivery}/retry`, undefined, by)
    expect(await last()).toMatchObject({ ...aboutDelivery, action: 'retried' })
    await post(`${DELIVERIES}/${tested.delivery}/cancel`, undefined, by)
    expect(await last()).toMatchObject({ ...aboutDelivery, action: 'cancelled' })
    const before = (await told()).length
    await post(`${DELIVERIES}/${tested.delivery}/cancel`, undefined, by)
    await post(`${DELIVERIES}/retry?state=cancelled&dryRun=true`, {}, by)
    await post('/v1/tenants/acme/replays', { dryRun: true }, by)
    expect(await told()).toHaveLength(before)
    const onceMore = () => post(`${DELIVERIES}/retry?state=cancelled`, {}, by)
    await onceMore()
    const aboutTenant = { target: { type: 'tenant', id: 'acme' }, tenant: 'acme' }
    expect(await last()).toMatchObject({ ...aboutTenant, action: 'retried' })
    await onceMore()
    expect(await told()).toHaveLength(before + 1)
    await post('/v1/tenants/acme/events', `{"type":"${TYPE}","payload":${PAYLOAD}}`, by)
    for (const { id } of (await get(`${DELIVERIES}?state=pending`)).body.data) {
      await post(`${DELIVERIES}/${id}/cancel`, undefined, by)
    }

    const states = { states: ['cancelled'] }
    const replay = (await post('/v1/tenants/acme/replays', { ...states, key: 'again' }, by)).body.id
    const aboutReplay = { target: { type: 'replay', id: replay }, tenant: 'acme' }
    expect(await last()).toMatchObject({ ...aboutReplay, action: 'created' })
    const created = (await told()).length
    await post('/v1/tenants/acme/replays', { ...states, key: 'again' }, by)
    expect(await told()).toHaveLength(created)
    for (const [act, action] of [
      ['pause', 'paused'],
      ['resume', 'resumed'],
      ['cancel', 'cancelled'],
    ]) {
      await post(`/v1/tenants/acme/replays/${replay}/${act}`, undefined, by)
      expect(await last()).toMatchObject({ ...aboutReplay, action })
      expect((await last()).actor).toEqual({ kind: 'key', key: keyId, name: 'ops', address: '127.0.0.1' })
    }

    const all = { types: [TYPE], from: '2026-01-01', to: new Date().toISOString() }
    const batch = (await post('/v1/replays', all)).body.id
    expect(await last()).toMatchObject({ action: 'created', target: { type: 'replay_batch', id: batch }, tenant: null })
    await post(`/v1/replays/${batch}/cancel`)
    expect(await last()).toMatchObject({ action: 'cancelled', target: { type: 'replay_batch', id: batch } })
    expect((await last()).actor.kind).toBe('root')
  })

  it('has no entry for calls that were refused or changed nothing', async () => {
    const { id } = (await post(ENDPOINTS, { url: 'https://hooks.example.com/a', clientSecret: SECRET })).body
    const before = (await told()).length
    await post(`${ENDPOINTS}/${id}/enable`)
    await patch(`${ENDPOINTS}/${id}`, { url: 'nonsense' })
    await post(ENDPOINTS, { url: 'https://hooks.example.com/a', clientSecret: 'no secret' })
    await remove('/v1/event-types/NONE')
    await remove('/v1/tenants/unknown')
    expect(await told()).toHaveLength(before)
  })

  it('can be read by tenant, by time and in pages, newest first, even after the tenant was deleted', async () => {
    await put('/v1/tenants/beta', {})
    await post('/v1/api-keys', { name: 'k', scope: 'read', tenant: 'beta' })
    await remove('/v1/tenants/beta')
    const entries = await told('&tenant=beta')
    expect(entries.map(({ action, target }) => `${target.type} ${action}`)).toEqual([
      'tenant deleted',
      'api_key revoked',
      'api_key created',
      'tenant created',
    ])
    const first = (await get('/v1/audit?tenant=beta&limit=3')).body
    const second = (await get(`/v1/audit?tenant=beta&limit=3&cursor=${first.nextCursor}`)).body
    expect([...first.data, ...second.data]).toEqual(entries)
    expect(second.nextCursor).toBeNull()
    expect(await told('&tenant=beta&to=2020-01-01T00:00:00Z')).toEqual([])
    expect(await told('&tenant=beta&from=2020-01-01T00:00:00Z')).toEqual(entries)
    expect((await get('/v1/audit?tenant=%00')).status).toBe(422)
  })

  it('can be searched by who made a change, by what it was and by what it changed', async () => {
    const { id: keyId, key } = (await post('/v1/api-keys', { name: 'ops', scope: 'all' })).body
    const other = (await post('/v1/api-keys', { name: 'ops', scope: 'all' })).body
    await put('/v1/tenants/beta', {}, { key })
    await put('/v1/tenants/beta', { name: 'B' }, { key: other.key })
    await put('/v1/tenants/gamma', {})
    const all = await told()
    const system = all.filter(({ actor }) => actor.kind === 'system')
    const sought: [string, (entry: Json) => boolean][] = [
      ['actor=root', ({ actor }) => actor.kind === 'root'],
      ['actor=key', ({ actor }) => actor.kind === 'key'],
      [`actor=${keyId}`, ({ actor }) => actor.key === keyId],
      ['actor=system', ({ actor }) => actor.kind === 'system'],
      ['action=updated', ({ action }) => action === 'updated'],
      ['action=created,updated&target=tenant', ({ target }) => target.type === 'tenant'],
      ['target=tenant&target=api_key', ({ target }) => ['tenant', 'api_key'].includes(target.type)],
      ['targetId=beta', ({ target }) => target.id === 'beta'],
      ['targetId=beta&actor=root', () => false],
      [`tenant=beta&actor=${other.id}`, ({ tenant, actor }) => tenant === 'beta' && actor.key === other.id],
    ]
    for (const [query, isSought] of sought) {
      expect(await told(`&${query}`), query).toEqual(all.filter(isSought))
    }
    expect(system.length).toBeGreaterThan(0)
    const first = (await get('/v1/audit?target=tenant,api_key&limit=3')).body
    expect([first.data.length, first.searchedTo]).toEqual([3, null])
    const second = (await get(`/v1/audit?target=tenant,api_key&limit=100&cursor=${first.nextCursor}`)).body
    expect([...first.data, ...second.data]).toEqual(all.filter(sought[6]![1]))
    const back = (await get(`/v1/audit?target=tenant,api_key&limit=3&cursor=${second.prevCursor}`)).body
    expect(back.data).toEqual(first.data)
  })

  it('refuses an actor, an action or a target that no entry can have, with what they can be', async () => {
    for (const [query, field, hint] of [
      ['actor=me', 'actor', 'root, key, portal, person, system, or the id of an API key'],
      ['action=create', 'action', 'Did you mean `created`?'],
      ['action=', 'action', 'must be one of created'],
      ['target=endpoints', 'target', 'Did you mean `endpoint`?'],
      ['targetId=%00', 'targetId', ''],
    ] as const) {
      const answer = await get(`/v1/audit?${query}`)
      expect(refused(answer), query).toEqual([422, 'invalid', [field]])
      expect(answer.body.detail).toContain(hint)
    }
  })

  it('records what Posthorn changed itself', async () => {
    const types = (await told()).filter(({ target }) => target.type === 'event_type')
    expect(types.length).toBeGreaterThan(0)
    for (const { actor } of types) expect(actor).toEqual({ kind: 'system', key: null, name: null, address: null })
  })
})

describe('the endpoints of a tenant', () => {
  it('are limited by the setting maxEndpoints, and deleting one makes room', async () => {
    const { store, keyring, publisher } = bench
    const lookup = { resolver: resolvesTo('93.184.215.14') }
    const settings = { ...policy(), maxEndpoints: 2 }
    await bench.useServices({ endpoints: new Endpoints(store, keyring, settings, () => publisher.types(), lookup) })
    const make = () => post(ENDPOINTS, { url: 'https://hooks.example.com/a', clientSecret: SECRET })
    const [first, , third] = [await make(), await make(), await make()]
    expect([first.status, third.status, third.body.code]).toEqual([201, 409, 'conflict'])
    expect(third.body.detail).toMatch(/has 2 endpoints.* maxEndpoints/)
    await remove(`${ENDPOINTS}/${first.body.id}`)
    expect([(await make()).status, (await make()).status]).toEqual([201, 409])
    await put('/v1/tenants/beta', {})
    expect(
      (await post('/v1/tenants/beta/endpoints', { url: 'https://b.example.com/', clientSecret: SECRET })).status,
    ).toBe(201)
  })

  it('are limited by the setting maxSelectionCharacters, which lets them only become smaller', async () => {
    const { store, keyring, publisher } = bench
    const lookup = { resolver: resolvesTo('93.184.215.14') }
    const use = (maxSelectionCharacters: number) => {
      const settings = { ...policy(), maxSelectionCharacters }
      return bench.useServices({ endpoints: new Endpoints(store, keyring, settings, () => publisher.types(), lookup) })
    }
    await use(100)
    const make = (length: number) => {
      const filter = { CoverId: ['x'.repeat(length)] }
      return post(ENDPOINTS, { url: 'https://hooks.example.com/a', clientSecret: SECRET, filter })
    }
    const [first, second, third] = [await make(20), await make(20), await make(50)]
    expect([first.status, second.status, third.status, third.body.code]).toEqual([201, 201, 409, 'conflict'])
    expect(third.body.detail).toMatch(/can have 100 characters.* \(maxSelectionCharacters\)/)
    const path = `${ENDPOINTS}/${first.body.id}`
    const change = (length: number) => patch(path, { filter: { CoverId: ['y'.repeat(length)] } })
    expect((await change(80)).status).toBe(409)
    // As if a limit had been set that the tenant is already beyond.
    await use(10)
    const changed = [await change(20), await change(10), await patch(path, { description: 'x' }), await change(11)]
    expect(changed.map(({ status }) => status)).toEqual([200, 200, 200, 409])
    await remove(path)
    await use(100)
    expect([(await make(40)).status, (await make(1)).status]).toEqual([201, 409])
  })
})
