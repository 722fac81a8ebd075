import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import type { Endpoint } from '../../src/base/model.ts'
import { TenantCache, type TenantCacheOptions } from '../../src/catalogue/tenant-cache.ts'
import type { TenantMatcher } from '../../src/catalogue/tenant-memory.ts'
import { createSelection } from '../../src/catalogue/type-pattern.ts'
import { StoreUnavailable } from '../../src/store/transaction.ts'
import { anEndpoint, aTenant } from '../store/builders.ts'
import { endpointsOf } from '../store/endpoints-of.ts'
import { engines, type Opened } from '../store/engines.ts'

const TYPES = ['COVER_A', 'COVER_B', 'GRADE_A', 'posthorn.x']
const SELECTIONS: Partial<Endpoint>[] = [
  { types: null },
  { types: ['COVER_A'] },
  { types: ['COVER_*', 'GRADE_A'] },
  { types: ['*'], filter: { n: [1] } },
  { types: null, filter: { n: [2] } },
  { types: ['posthorn.*'] },
]

describe.each(engines())('the cache of tenants on $name', engine => {
  let opened: Opened
  beforeEach(async () => {
    opened = await engine.open()
  })
  afterEach(async () => {
    vi.restoreAllMocks()
    await opened.close()
  })

  const cacheWith = (options: TenantCacheOptions = {}) => new TenantCache(opened.store, options)

  /** Waits until the tenant is matched in memory. */
  const indexed = async (cache: TenantCache, tenant = 'acme'): Promise<TenantMatcher> => {
    await expect.poll(async () => (await cache.get(tenant))?.index ?? null, { timeout: 10_000 }).not.toBeNull()
    return (await cache.get(tenant))!
  }

  const expectExact = async (cache: TenantCache) => {
    const { version, index } = await indexed(cache)
    const now = (await opened.store.read('readTenantConfiguration', { tenant: 'acme' }))!
    expect(version).toBe(now.version)
    expect(index!.endpoints).toMatchObject(now.endpoints)
    for (const type of TYPES) {
      for (const n of [1, 2, 3]) {
        const wanting = now.endpoints.filter(({ types }) => createSelection(types)(type))
        const expected = wanting.filter(({ filterText }) => filterText === null || filterText === `{"n":[${n}]}`)
        const match = index!.match(type, { n }, { left: 1_000_000 })!
        expect(match.endpoints.map(({ id }) => id).toSorted()).toEqual(expected.map(({ id }) => id))
        expect(match.notSent.type ?? 0).toBe(now.endpoints.length - wanting.length)
        expect(match.notSent.filter ?? 0).toBe(wanting.length - expected.length)
      }
    }
  }

  it('has what the store has after any changes, and reads only what changed', { timeout: 100_000 }, async () => {
    const step = fc.record({
      act: fc.constantFrom('create', 'create', 'update', 'state', 'delete'),
      at: fc.nat(9),
      to: fc.constantFrom(...SELECTIONS),
      isTold: fc.boolean(),
    })
    let tenantAt = 0
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), fc.constantFrom(2, 1_000), async (steps, pageSize) => {
        await opened.store.write('deleteTenant', { id: 'acme', nowMs: 1 })
        await aTenant(opened.store, 'acme', [anEndpoint('acme'), anEndpoint('acme', { types: ['GRADE_*'] })])
        const cache = cacheWith({ pageSize })
        await expectExact(cache)
        for (const { act, at, to, isTold } of steps) {
          const all = await endpointsOf(opened.store, 'acme')
          const one = all[at % Math.max(1, all.length)]
          const nowMs = ++tenantAt
          if (act === 'create' || one === undefined) {
            await opened.store.write('createEndpoint', { endpoint: anEndpoint('acme', to) })
          } else if (act === 'delete') {
            await opened.store.write('deleteEndpoint', { tenant: 'acme', id: one.id, nowMs })
          } else if (act === 'state') {
            const state = one.state === 'enabled' ? 'disabled' : 'enabled'
            await opened.store.write('setEndpointState', { tenant: 'acme', id: one.id, state, reason: null, nowMs })
          } else {
            const endpoint = { ...one, filter: null, ...to, updatedAtMs: one.updatedAtMs + 1 }
            await opened.store.write('updateEndpoint', { endpoint, readAtMs: one.updatedAtMs })
          }
          const before = await cache.get('acme')
          if (isTold) opened.store.changes.emit({ kind: 'tenant', tenant: 'acme' })
          // As after the store has reported the copy as stale.
          else cache.drop('acme', before!)
          const pages = vi.spyOn(opened.store, 'read')
          await expectExact(cache)
          const [first] = pages.mock.calls.map(([name]) => name)
          expect(first).toBe('readEndpointChanges')
          pages.mockRestore()
        }
      }),
      { numRuns: 15 },
    )
  })

  it('is read from scratch if endpoints are missing without a trace', async () => {
    await aTenant(opened.store, 'acme', [anEndpoint('acme'), anEndpoint('acme'), anEndpoint('acme')])
    const cache = cacheWith()
    await expectExact(cache)
    await opened.run(`delete from endpoint where id in (select min(id) from endpoint where tenant = 'acme')`).catch(
      // PostgreSQL has no min() of bytes before version 18.
      () => opened.run(`delete from endpoint where id in (select id from endpoint where tenant = 'acme' limit 1)`),
    )
    await opened.run(`update tenant set endpoint_count = 2, version = version + 1 where id = 'acme'`)
    opened.store.changes.emit({ kind: 'tenant', tenant: 'acme' })
    await expectExact(cache)
  })

  it('responds with the version alone while a large tenant is being read', async () => {
    await aTenant(
      opened.store,
      'acme',
      [1, 2, 3, 4, 5].map(() => anEndpoint('acme')),
    )
    const cache = cacheWith({ pageSize: 2 })
    const first = (await cache.get('acme'))!
    expect(first.index).toBeNull()
    await expectExact(cache)
  })

  it('reads a large tenant again after a failure of the store', async () => {
    await aTenant(
      opened.store,
      'acme',
      [1, 2, 3, 4, 5].map(() => anEndpoint('acme')),
    )
    const cache = cacheWith({ pageSize: 2 })
    const read = opened.store.read.bind(opened.store)
    let failures = 0
    vi.spyOn(opened.store, 'read').mockImplementation((name, args) => {
      const isSecondPage = name === 'readTenantConfiguration' && typeof (args as { after?: unknown }).after === 'string'
      if (isSecondPage && ++failures === 1) return Promise.reject(new StoreUnavailable('unavailable'))
      return read(name, args)
    })
    expect((await cache.get('acme'))!.index).toBeNull()
    await expect.poll(() => failures).toBe(1)
    await expectExact(cache)
    expect(failures).toBeGreaterThan(1)
  })

  it('tries a tenant that was too large again after some minutes', async () => {
    const filter = { name: ['x'.repeat(1_000)] }
    await aTenant(opened.store, 'acme', [anEndpoint('acme', { filter })])
    let nowMs = 0
    const clock = { ...systemClock, monotonicMs: () => nowMs }
    const cache = cacheWith({ configurationMemoryBytes: 40_000, clock })
    expect((await cache.get('acme'))!.index).toBeNull()
    await opened.run(`update endpoint set filter = null, change_seq = 1000 where tenant = 'acme'`)
    await opened.run(`update tenant set version = version + 1, change_seq = 1000 where id = 'acme'`)
    opened.store.changes.emit({ kind: 'tenant', tenant: 'acme' })
    expect((await cache.get('acme'))!.index).toBeNull()
    nowMs += 10 * 60_000
    await expectExact(cache)
  })

  it('keeps no tenant beyond its share of the bytes, and forgets large tenants before small ones', async () => {
    const filter = { name: ['x'.repeat(1_000)] }
    await aTenant(opened.store, 'small', [anEndpoint('small')])
    for (const tenant of ['a', 'b', 'c', 'd', 'e', 'f']) {
      await aTenant(opened.store, tenant, [anEndpoint(tenant, { filter: { ...filter, of: [tenant] } })])
    }
    const large = Array.from({ length: 9 }, (_, at) => anEndpoint('large', { filter: { ...filter, at: [at] } }))
    await aTenant(opened.store, 'large', large)
    const cache = cacheWith({ configurationMemoryBytes: 90_000 })
    await indexed(cache, 'small')
    for (const tenant of ['a', 'b', 'c', 'd', 'e', 'f']) await indexed(cache, tenant)
    expect(cache.get('small')).not.toBeInstanceOf(Promise)
    expect(cache.get('a')).toBeInstanceOf(Promise)
    expect((await cache.get('large'))!.index).toBeNull()
    expect((await cache.get('large'))!.index).toBeNull()
    expect(cache.bytes).toBeLessThan(90_000)
  })

  it('compiles a selection once for all endpoints of all tenants that have it', async () => {
    const selection = { types: ['COVER_*'], filter: { n: [1] } }
    for (const tenant of ['acme', 'globex']) {
      await aTenant(opened.store, tenant, [anEndpoint(tenant, selection), anEndpoint(tenant, selection)])
    }
    const cache = cacheWith()
    const one = await indexed(cache)
    const bytes = cache.bytes
    const other = await indexed(cache, 'globex')
    const all = [...one.index!.endpoints, ...other.index!.endpoints]
    expect(new Set(all.map(({ filter }) => filter)).size).toBe(1)
    expect(new Set(all.map(({ wanted }) => wanted)).size).toBe(1)
    expect(cache.bytes - bytes).toBeLessThan(bytes)
    for (const tenant of ['acme', 'globex']) {
      await opened.store.write('deleteTenant', { id: tenant, nowMs: systemClock.now() })
      opened.store.changes.emit({ kind: 'tenant', tenant })
      expect(await cache.get(tenant)).toBeNull()
    }
    expect(cache.bytes, 'nothing is left of deleted tenants').toBe(0)
  })
})
