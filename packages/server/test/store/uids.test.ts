import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Endpoint } from '../../src/base/model.ts'
import type { Store } from '../../src/store/store.ts'
import { anEndpoint, anEvent, aRequest, aSettlement, aTenant } from './builders.ts'
import { endpointsOf } from './endpoints-of.ts'
import { engines, type Opened } from './engines.ts'

describe.each(engines())('uids and states of endpoints on $name', engine => {
  let store: Store
  let run: Opened['run']
  let close: () => Promise<void>

  beforeEach(async () => {
    ;({ store, run, close } = await engine.open())
  })
  afterEach(() => close())
  afterAll(() => engine.stop())

  const find = (uid: string, isDeletedFound = false, tenant = 'acme') =>
    store.read('findEndpoint', { tenant, uid, isDeletedFound })
  const named = (uid: string | null, over: Partial<Endpoint> = {}) => anEndpoint('acme', { uid, ...over })
  const read = (id: string) => store.read('getEndpoint', { tenant: 'acme', id })

  it('keeps uid and name, finds the endpoint by its uid, and changes both', async () => {
    const endpoint = named('orders', { name: 'Orders é' })
    await aTenant(store, 'acme', [endpoint, named(null)])
    await aTenant(store, 'other')
    expect(await read(endpoint.id)).toMatchObject({ uid: 'orders', name: 'Orders é' })
    expect(await find('orders')).toBe(endpoint.id)
    expect([await find('Orders'), await find('orders', true, 'other')]).toEqual([null, null])
    const changed = { ...endpoint, uid: 'orders-2', name: null, updatedAtMs: 2 }
    expect(await store.write('updateEndpoint', { endpoint: changed, readAtMs: 1 })).toBe('updated')
    expect(await read(endpoint.id)).toMatchObject({ uid: 'orders-2', name: null })
    expect([await find('orders'), await find('orders-2')]).toEqual([null, endpoint.id])
  })

  it('gives a uid to one endpoint of a tenant only, however many calls come at the same time', async () => {
    await aTenant(store, 'acme')
    const make = () => store.write('createEndpoint', { endpoint: named('orders') })
    const results = await Promise.all(Array.from({ length: 6 }, make))
    expect(results.sort()).toEqual(['created', ...Array(5).fill('uid_taken')])
    const others = [named('a'), named('b'), named(null)]
    for (const endpoint of others) expect(await store.write('createEndpoint', { endpoint })).toBe('created')
    const rename = (endpoint: Endpoint) => {
      const changed = { ...endpoint, uid: 'wanted', updatedAtMs: 2 }
      return store.write('updateEndpoint', { endpoint: changed, readAtMs: 1 })
    }
    expect((await Promise.all(others.map(rename))).sort()).toEqual(['uid_taken', 'uid_taken', 'updated'])
    // The index refuses what no operation would do.
    await expect(run('update endpoint set uid = $1 where uid is null', ['orders'])).rejects.toThrow(/unique/i)
  })

  it('counts only endpoints that were created towards the limit of a tenant', async () => {
    await aTenant(store, 'acme')
    const make = (uid: string) => store.write('createEndpoint', { endpoint: named(uid), maxEndpoints: 2 })
    expect([await make('a'), await make('a'), await make('b'), await make('c')]).toEqual([
      'created',
      'uid_taken',
      'created',
      'too_many',
    ])
  })

  it('frees the uid of a deleted endpoint, which is then found only where nothing else has the uid', async () => {
    const [first, second, third] = [named('orders'), named('orders'), named('orders')]
    await aTenant(store, 'acme', [first])
    await store.write('deleteEndpoint', { tenant: 'acme', id: first.id, nowMs: 5 })
    expect([await find('orders'), await find('orders', true)]).toEqual([null, first.id])
    expect(await store.write('createEndpoint', { endpoint: second })).toBe('created')
    expect([await find('orders'), await find('orders', true)]).toEqual([second.id, second.id])
    await store.write('deleteTenant', { id: 'acme', nowMs: 6 })
    await aTenant(store, 'acme')
    expect(await find('orders', true)).toBe(second.id)
    expect(await store.write('createEndpoint', { endpoint: third })).toBe('created')
    expect(await find('orders', true)).toBe(third.id)
  })

  it('changes the state together with other members, or changes nothing', async () => {
    const endpoint = named('orders', { health: { failingSinceMs: 3, stage: 1, pausedUntilMs: 9 } })
    await aTenant(store, 'acme', [endpoint, named('invoices')])
    await run('update endpoint set failing_since_ms = 3, paused_until_ms = 9 where uid = $1', ['orders'])
    const change = (state: 'enabled' | 'disabled' | undefined, over: Partial<Endpoint>, readAtMs: number) => {
      const changed = { ...endpoint, ...over, updatedAtMs: readAtMs + 1 }
      return store.write('updateEndpoint', { endpoint: changed, readAtMs, ...(state === undefined ? {} : { state }) })
    }
    const before = await read(endpoint.id)
    expect(await change('disabled', { uid: 'invoices' }, 1)).toBe('uid_taken')
    expect(await change('disabled', { name: 'n' }, 7)).toBe('outdated')
    expect(await read(endpoint.id)).toEqual(before)

    expect(await change('disabled', { name: 'n' }, 1)).toBe('updated')
    const disabled = { state: 'disabled', disabledReason: 'manual', disabledAtMs: 2, name: 'n' }
    expect(await read(endpoint.id)).toMatchObject(disabled)
    const configuration = await store.read('readTenantConfiguration', { tenant: 'acme' })
    expect(configuration!.endpoints.find(({ id }) => id === endpoint.id)).toMatchObject({ state: 'disabled' })
    // Neither another change nor the same state again changes why and since when it is disabled.
    expect(await change(undefined, { name: 'm', state: 'enabled', disabledAtMs: null }, 2)).toBe('updated')
    expect(await change('disabled', { name: 'n' }, 3)).toBe('updated')
    expect(await read(endpoint.id)).toMatchObject({ ...disabled, health: { failingSinceMs: 3, pausedUntilMs: 9 } })

    expect(await change('enabled', { name: 'n' }, 4)).toBe('updated')
    const well = { failingSinceMs: null, pausedUntilMs: null }
    expect(await read(endpoint.id)).toMatchObject({
      state: 'enabled',
      disabledReason: null,
      disabledAtMs: null,
      health: well,
    })
    const noted = await store.read('listAudit', { tenant: 'acme', before: null, fromMs: null, toMs: null, limit: 9 })
    const ofEndpoint = noted.filter(({ targetId }) => targetId === endpoint.id)
    expect(ofEndpoint.map(({ action, fields }) => [action, ...fields])).toEqual([
      ['enabled'],
      ['updated', 'name'],
      ['updated', 'name'],
      ['disabled'],
      ['updated', 'name'],
      ['created'],
    ])
  })

  it('keeps the health of an enabled endpoint that is set to enabled again', async () => {
    const endpoint = named('orders')
    await aTenant(store, 'acme', [endpoint])
    await run('update endpoint set failing_since_ms = 3 where uid = $1', ['orders'])
    const changed = { ...endpoint, name: 'n', updatedAtMs: 2 }
    expect(await store.write('updateEndpoint', { endpoint: changed, readAtMs: 1, state: 'enabled' })).toBe('updated')
    expect(await read(endpoint.id)).toMatchObject({ state: 'enabled', health: { failingSinceMs: 3 } })
  })

  describe('disabledAtMs', () => {
    it('is when a call disabled the endpoint, and null once it is enabled', async () => {
      const endpoint = named(null)
      await aTenant(store, 'acme', [endpoint, named(null, { state: 'disabled', disabledAtMs: 3 })])
      const set = (state: 'enabled' | 'disabled', nowMs: number) =>
        store.write('setEndpointState', { tenant: 'acme', id: endpoint.id, state, reason: 'manual', nowMs })
      expect(await set('disabled', 10)).toMatchObject({ state: 'disabled', disabledAtMs: 10 })
      expect(await set('disabled', 20)).toMatchObject({ state: 'disabled', disabledAtMs: 10 })
      expect(await set('enabled', 30)).toMatchObject({ state: 'enabled', disabledAtMs: null })
      expect(await set('enabled', 40)).toMatchObject({ state: 'enabled', disabledAtMs: null })
      const listed = await endpointsOf(store, 'acme')
      expect(listed.map(({ disabledAtMs }) => disabledAtMs)).toEqual([3, null])
    })

    it('is when the attempt ended that a 410 responded to', async () => {
      const endpoint = named(null, { updatedAtMs: 30_000 })
      await aTenant(store, 'acme', [endpoint])
      await store.publish(await aRequest(store, 'acme', [anEvent([endpoint])]))
      const [item] = await store.readLane({ partition: 7, endpoint: endpoint.id, limit: 1, maxPayloadBytes: 9 })
      const settlement = aSettlement(item!, { kind: 'exhausted' }, { gone: true })
      await store.settle(settlement)
      expect(await read(endpoint.id)).toMatchObject({
        disabledReason: 'gone',
        disabledAtMs: settlement.endedAtMs,
        // Rises, so that a change based on the endpoint as it was before is refused.
        updatedAtMs: 30_001,
      })
    })
  })
})
