import { describe, expect, it } from 'vitest'
import { endpointsOf } from '../store/endpoints-of.ts'
import { code, fields, useBench } from './setup.ts'

const bench = useBench()

describe('tenants', () => {
  it('are created, replaced, read and listed in order of id', async () => {
    const first = await bench.tenants.put('globex', { name: 'Globex', metadata: { plan: 'gold' } })
    expect(first).toMatchObject({ created: true, tenant: { id: 'globex', name: 'Globex', metadata: { plan: 'gold' } } })
    const second = await bench.tenants.put('globex', {})
    expect(second).toMatchObject({ created: false, tenant: { name: null, metadata: {} } })
    expect(await bench.tenants.get('globex')).toEqual(second.tenant)
    const ids = async (after: string | null) => (await bench.tenants.list({ after, limit: 9 })).map(({ id }) => id)
    expect(await ids(null)).toEqual(['acme', 'globex'])
    expect(await ids('acme')).toEqual(['globex'])
    expect(bench.kinds()).toEqual(['tenant', 'tenant'])
  })

  it('are found by a part of their id or name, whatever its case and its special characters', async () => {
    await bench.tenants.put('globex', { name: 'Acme & Zoë 100%' })
    await bench.tenants.put('me_1', { name: '東京商事' })
    await bench.tenants.put('gone', { name: 'acme' })
    await bench.tenants.remove('gone')
    const ids = async (part: string, place = { after: null } as Parameters<typeof bench.tenants.find>[1]) =>
      (await bench.tenants.find(part, place, 9)).items.map(({ id }) => id)
    expect(await ids('ACME')).toEqual(['acme', 'globex'])
    expect(await ids('acme', { after: 'acme' })).toEqual(['globex'])
    expect(await ids('acme', { before: null })).toEqual(['globex', 'acme'])
    expect(await ids('Zoë')).toEqual(['globex'])
    expect(await ids('0%')).toEqual(['globex'])
    expect(await ids('e_')).toEqual(['me_1'])
    expect(await ids('京商')).toEqual(['me_1'])
    expect(await ids('!')).toEqual([])
  })

  it('refuses to search for nothing, for what cannot be stored, and from another list', async () => {
    expect(await fields(bench.tenants.find('', { after: null }, 9))).toEqual(['text'])
    expect(await fields(bench.tenants.find('a\0', { after: null }, 9))).toEqual(['text'])
    expect(await fields(bench.tenants.find('a', { after: 'a b' }, 9))).toEqual(['cursor'])
  })

  it.each(['42', 'a.b-c_d~e', 'me@example.com', 'org:42', '564200aa-7128-4a26-83a8-cf0201903fcc'])(
    'can have the id %s',
    async id => {
      expect((await bench.tenants.put(id, {})).created).toBe(true)
    },
  )

  it.each(['', '.', '..', '-a', 'a/b', 'a b', 'a\0', 'é', 'a?b', 'x'.repeat(129)])(
    'cannot have the id %j',
    async id => {
      expect(await fields(bench.tenants.put(id, {}))).toEqual(['tenant'])
      expect(await code(bench.tenants.get(id))).toBe('not_found')
      expect(await code(bench.tenants.remove(id))).toBe('not_found')
    },
  )

  it('refuses an invalid id, name and metadata, naming all of them', async () => {
    const metadata = { a: 1 } as unknown as Record<string, string>
    expect(await fields(bench.tenants.put('', { name: 'x'.repeat(257), metadata }))).toEqual([
      'tenant',
      '/name',
      '/metadata/a',
    ])
    expect(await fields(bench.tenants.list({ after: 'a b', limit: 1 }))).toEqual(['cursor'])
  })

  it('C13: deleting one cancels the deliveries of all its endpoints, and no others', async () => {
    await bench.tenants.put('other', {})
    const ids = [await bench.endpoint(), await bench.endpoint()]
    await bench.endpoint({}, 'other')
    await bench.endpoints.disable('acme', ids[0]!)
    await bench.publishOne()
    await bench.publishOne('other')
    bench.changes.length = 0
    await bench.tenants.remove('acme')
    expect(bench.kinds()).toEqual(['tenant', 'api_keys', 'replays', 'endpoint', 'endpoint', 'lane', 'lane'])
    expect(await code(bench.tenants.get('acme'))).toBe('not_found')
    expect(await code(bench.tenants.remove('acme'))).toBe('not_found')
    expect(await code(bench.deliveries.select('acme', {}))).toBe('not_found')
    expect((await bench.list(null, null, 'other')).map(({ state }) => state)).toEqual(['pending'])
    // A tenant created with the same id has the history of the old one, but no endpoints.
    await bench.tenants.put('acme', {})
    expect((await bench.list()).map(({ state }) => state)).toEqual(['cancelled', 'cancelled'])
    expect(await endpointsOf(bench.store, 'acme')).toEqual([])
  })
})
