import { describe, expect, it } from 'vitest'
import { starterCatalogue } from '../../src/catalogue/starter-catalogue.ts'
import { code, fields, TYPE, useBench } from './setup.ts'

const bench = useBench()
const input = {
  group: 'g',
  description: 'd',
  schema: { type: 'object', required: ['id'], properties: { id: { type: 'string' } } },
  example: { id: '1' },
}

describe('C1: the catalogue', () => {
  it('starts with the starter types and can be extended at runtime', async () => {
    const names = (await bench.types.list()).map(({ name }) => name).filter(name => !name.startsWith('posthorn.'))
    expect(names).toEqual(starterCatalogue.map(({ name }) => name).sort())
    expect(await code(bench.types.get('ORDER_SHIPPED'))).toBe('not_found')
    expect(await bench.types.put('ORDER_SHIPPED', input)).toEqual({
      type: { name: 'ORDER_SHIPPED', ...input, schedule: null, archivedAtMs: null },
      created: true,
      warnings: [],
      judged: null,
    })
    expect(await bench.types.get('ORDER_SHIPPED')).toEqual({
      name: 'ORDER_SHIPPED',
      ...input,
      schedule: null,
      archivedAtMs: null,
    })
    expect((await bench.types.put('ORDER_SHIPPED', { ...input, group: 'h' })).created).toBe(false)
    expect(bench.kinds()).toEqual(['catalogue', 'catalogue'])
    await bench.publish({ type: 'ORDER_SHIPPED', payload: { id: '1' } })
    expect(await fields(bench.publish({ type: 'ORDER_SHIPPED', payload: { id: 1 } }))).toEqual(['/payload/id'])
  })

  it("keeps the operator's changes: starter types are added once, not at every startup", async () => {
    const type = await bench.types.get(TYPE)
    await bench.types.put(TYPE, { ...type, group: 'mine' })
    await bench.types.remove('GRADE_CHANGED')
    await bench.store.write('seedCatalogue', { types: starterCatalogue, nowMs: bench.store.now() })
    expect((await bench.types.get(TYPE)).group).toBe('mine')
    expect(await code(bench.types.get('GRADE_CHANGED'))).toBe('not_found')
  })

  it('refuses an invalid definition, naming all faults at the same time', async () => {
    const bad = { group: '', description: 'a\0b', schema: { type: 'nothing' }, example: {} }
    expect((await fields(bench.types.put('1', bad))).sort()).toEqual(['/description', '/group', '/schema', 'name'])
    expect(await fields(bench.types.put('A', { ...input, example: {} }))).toEqual(['/example/id'])
  })

  it('can lose a type that endpoints name: it can no longer be published, and the endpoints keep the name', async () => {
    const id = await bench.endpoint({ types: [TYPE] })
    await bench.types.remove(TYPE)
    expect(await code(bench.types.remove(TYPE))).toBe('not_found')
    expect(await code(bench.types.remove('a\0'))).toBe('not_found')
    expect(await fields(bench.publishOne())).toEqual(['/type'])
    expect((await bench.endpoints.get('acme', id)).types).toEqual([TYPE])
  })
})
