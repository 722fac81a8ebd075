import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Actor, ApiKey, AuditEntry } from '../../src/base/callers.ts'
import { newId } from '../../src/base/ids.ts'
import type { AuditEntryId } from '../../src/base/model.ts'
import type { AuditFilter, AuditSlice, AuditSought } from '../../src/store/operations/audit.ts'
import type { Store } from '../../src/store/store.ts'
import type { Place } from '../../src/store/where.ts'
import { anEndpoint, anEvent, aRequest, aSettlement, aTenant, bytes } from './builders.ts'
import { endpointsOf } from './endpoints-of.ts'
import { engines } from './engines.ts'

const BY: Actor = { kind: 'key', key: newId('key', 1), name: 'ops', address: '192.0.2.1' }

const aKey = (over: Partial<ApiKey> = {}): ApiKey => ({
  id: newId('key', Date.now()),
  name: 'k',
  scope: 'all',
  tenant: null,
  payloads: true,
  rateLimit: null,
  createdAtMs: 5,
  expiresAtMs: null,
  revokedAtMs: null,
  ...over,
})

describe.each(engines())('API keys and the audit log on $name', engine => {
  let store: Store
  let close: () => Promise<void>

  beforeEach(async () => {
    const opened = await engine.open()
    store = opened.store
    close = opened.close
  })
  afterEach(() => close())
  afterAll(() => engine.stop())

  const audit = (over: object = {}) =>
    store.read('listAudit', { tenant: null, before: null, fromMs: null, toMs: null, limit: 100, ...over })
  const create = (key: ApiKey, hash = 'h') => store.write('createApiKey', { key, hash: bytes(hash), by: BY })

  it('stores keys as they were created, and their hashes separately', async () => {
    await aTenant(store, 'acme')
    const rateLimit = { requests: 9, perSeconds: 3 }
    const one = aKey({ tenant: 'acme', scope: 'read', payloads: false, rateLimit, expiresAtMs: 99 })
    const two = aKey()
    expect([await create(one), await create(two)]).toEqual([true, true])
    expect(await create(aKey({ tenant: 'unknown' }))).toBe(false)
    expect(await store.read('getApiKey', { id: one.id })).toEqual(one)
    expect(await store.read('listApiKeys', { before: null, limit: 9 })).toEqual([two, one])
    expect(await store.read('listApiKeys', { before: two.id, limit: 9 })).toEqual([one])
    expect(await store.read('getApiKey', { id: newId('key', 1) })).toBeNull()
  })

  it('lists keys that were created, revoked or deleted with their tenant since a given change', async () => {
    await aTenant(store, 'acme')
    const one = aKey({ tenant: 'acme' })
    await create(one, 'h1')
    await create(aKey(), 'h2')
    const all = await store.read('readApiKeyChanges', { after: 0 })
    expect(all.keys.map(({ hash }) => Buffer.from(hash).toString()).sort()).toEqual(['h1', 'h2'])
    expect((await store.read('readApiKeyChanges', { after: all.seq })).keys).toEqual([])
    expect((await store.read('readChanges', { after: all.seq })).apiKeys).toBe(false)
    await store.write('deleteTenant', { id: 'acme', nowMs: 7, by: BY })
    const { keys } = await store.read('readApiKeyChanges', { after: all.seq })
    expect(keys.map(({ key }) => key)).toEqual([{ ...one, revokedAtMs: 7 }])
    expect((await store.read('readChanges', { after: all.seq })).apiKeys).toBe(true)
    expect(await store.write('revokeApiKey', { id: one.id, nowMs: 8, by: BY })).toEqual({ ...one, revokedAtMs: 7 })
    expect(await store.write('revokeApiKey', { id: newId('key', 1), nowMs: 8 })).toBeNull()
  })

  it('writes an audit entry for each change that was made, and lists entries newest first', async () => {
    await aTenant(store, 'acme')
    const endpoint = anEndpoint('acme')
    await store.write('createEndpoint', { endpoint, by: BY })
    const changed = { ...endpoint, secretDigest: bytes('other'), metadata: { a: 'b' }, updatedAtMs: 2 }
    await store.write('updateEndpoint', { endpoint: changed, readAtMs: 1, by: BY })
    expect(await store.write('updateEndpoint', { endpoint: changed, readAtMs: 1, by: BY })).toBe('outdated')
    const set = (state: 'enabled' | 'disabled') =>
      store.write('setEndpointState', { tenant: 'acme', id: endpoint.id, state, reason: 'manual', nowMs: 3, by: BY })
    for (const state of ['disabled', 'disabled', 'enabled'] as const) await set(state)
    await store.write('deleteEndpoint', { tenant: 'acme', id: endpoint.id, nowMs: 4, by: BY })
    const entries = await audit({ tenant: 'acme' })
    expect(entries.map(({ action, fields }) => [action, ...fields])).toEqual([
      ['deleted'],
      ['enabled'],
      ['disabled'],
      ['updated', 'metadata', 'clientSecret'],
      ['created'],
      ['created'],
    ])
    expect(entries[0]).toMatchObject({ actor: BY, target: 'endpoint', targetId: endpoint.id, tenant: 'acme', atMs: 4 })
    expect(entries.at(-1)!.actor.kind).toBe('system')
    expect(await audit({ tenant: 'acme', before: entries[1]!.id, limit: 2 })).toEqual(entries.slice(2, 4))
    expect(await audit({ tenant: 'other' })).toEqual([])
    expect(await audit({ toMs: 0 })).toEqual([])
  })

  it.each([
    ['newest', { before: null }],
    ['oldest', { after: null }],
  ] as const)('looks for entries from the %s on, among a limited number at a time', async (_name, start) => {
    for (let count = 0; count < 11; count++) await aTenant(store, `t${count}`)
    for (const id of ['t3', 't9']) await store.write('deleteTenant', { id, nowMs: 7, by: BY })
    const all = (await audit()).map(({ id }) => id)
    const sought = { actor: BY, actions: ['deleted', 'erased'], targets: ['tenant'], targetId: null } as const
    const found: AuditEntry[] = []
    let reads = 0
    let place: Place<AuditEntryId> | null = start
    while (place !== null) {
      const args: AuditFilter & AuditSought & { limit: number; maxRows: number } = {
        ...{ tenant: null, fromMs: null, toMs: null, limit: 9, maxRows: 4 },
        ...place,
        ...sought,
      }
      const { items, goesOnAt }: AuditSlice = await store.read('findAudit', args)
      found.push(...items)
      reads++
      if (goesOnAt !== null) expect(all.indexOf(goesOnAt) % 4).toBe('before' in start ? 3 : (all.length - 4) % 4)
      place = goesOnAt === null ? null : 'before' in start ? { before: goesOnAt } : { after: goesOnAt }
    }
    const deleted = found.map(({ targetId }) => targetId)
    expect('before' in start ? deleted : deleted.toReversed()).toEqual(['t9', 't3'])
    expect(reads).toBe(Math.floor(all.length / 4) + 1)
  })

  it('names Posthorn itself as the actor when a 410 disables an endpoint', async () => {
    const endpoint = anEndpoint('acme')
    await aTenant(store, 'acme', [endpoint])
    await store.publish(await aRequest(store, 'acme', [anEvent([endpoint])]))
    const [item] = await store.readLane({ partition: 7, endpoint: endpoint.id, limit: 1, maxPayloadBytes: 9 })
    await store.settle(aSettlement(item!, { kind: 'exhausted' }, { gone: true }))
    const [entry] = await audit()
    expect(entry).toMatchObject({ action: 'disabled', targetId: endpoint.id, actor: { kind: 'system', key: null } })
  })

  it('creates no more endpoints than a tenant can have, however many calls come at the same time', async () => {
    await aTenant(store, 'acme')
    const make = () => store.write('createEndpoint', { endpoint: anEndpoint('acme'), maxEndpoints: 3 })
    const results = await Promise.all(Array.from({ length: 6 }, make))
    expect(results.sort()).toEqual([...Array(3).fill('created'), ...Array(3).fill('too_many')])
    const [first] = await endpointsOf(store, 'acme')
    await store.write('deleteEndpoint', { tenant: 'acme', id: first!.id, nowMs: 1 })
    expect([await make(), await make()]).toEqual(['created', 'too_many'])
    await store.write('deleteTenant', { id: 'acme', nowMs: 2 })
    expect(await make()).toBe('no_tenant')
    await aTenant(store, 'acme')
    expect(await make()).toBe('created')
  })
})
