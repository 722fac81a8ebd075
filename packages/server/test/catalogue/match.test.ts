import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { PayloadFilter } from '../../src/base/model.ts'
import { Contents } from '../../src/catalogue/contents.ts'
import { TenantIndex } from '../../src/catalogue/match.ts'
import type { MatchEndpoint } from '../../src/store/operations/endpoints/matching.ts'

const endpoint = (id: string, types: string[] | null, over: Partial<MatchEndpoint> = {}): MatchEndpoint => ({
  id,
  partition: 1,
  types,
  filterText: null,
  state: 'enabled',
  ordered: false,
  createdVersion: 1,
  selectionVersion: 1,
  ...over,
})
const filtered = (id: string, types: string[] | null, filter: PayloadFilter) =>
  endpoint(id, types, { filterText: JSON.stringify(filter) })
const idsOf = (endpoints: readonly MatchEndpoint[]) => endpoints.map(({ id }) => id).sort()
const matcherOf = (...endpoints: MatchEndpoint[]) => {
  const contents = new Contents()
  const index = new TenantIndex(endpoints.map(each => contents.retain(each)))
  return (type: string, payload: unknown = {}) => index.match(type, payload, { left: 1_000_000 })!
}

describe('TenantIndex', () => {
  it('C2: an endpoint gets the types it names, and one that names none gets all', () => {
    const match = matcherOf(endpoint('a', ['A']), endpoint('b', ['B']), endpoint('all', null))
    expect(idsOf(match('A').endpoints)).toEqual(['a', 'all'])
    expect(match('A').notSent).toEqual({ type: 1 })
    expect(idsOf(match('C').endpoints)).toEqual(['all'])
    expect(match('C').notSent).toEqual({ type: 2 })
  })

  it('reports no reasons if every endpoint matches', () => {
    expect(matcherOf(endpoint('all', null))('A')).toMatchObject({ endpoints: [endpoint('all', null)], notSent: {} })
    expect(matcherOf()('A')).toEqual({ endpoints: [], notSent: {} })
  })

  it('C13: a disabled endpoint matches, so that its delivery is held', () => {
    expect(matcherOf(endpoint('a', null, { state: 'disabled' }))('A').endpoints).toHaveLength(1)
  })

  it('matches an endpoint once, even if several of its names and patterns match', () => {
    expect(matcherOf(endpoint('a', ['A', 'A']))('A').endpoints).toHaveLength(1)
    expect(matcherOf(endpoint('a', ['COVER_A', 'COVER_*', '*_A', '*']))('COVER_A').endpoints).toHaveLength(1)
  })

  it('caches the match of a type', () => {
    const match = matcherOf(endpoint('a', ['A']), endpoint('all', null))
    expect(match('A')).toBe(match('A'))
    expect(match('B')).toBe(match('C'))
  })

  it('shares one cached match among all types that the same patterns match', () => {
    const match = matcherOf(endpoint('a', ['COVER_*']), endpoint('b', ['COVER_REFERENCE']))
    expect(match('COVER_A')).toBe(match('COVER_B'))
    expect(idsOf(match('COVER_A').endpoints)).toEqual(['a'])
    expect(idsOf(match('COVER_REFERENCE').endpoints)).toEqual(['a', 'b'])
    expect(match('GRADE').endpoints).toEqual([])
  })

  it('gives operational events only to endpoints that name them', () => {
    const match = matcherOf(
      endpoint('all', null),
      endpoint('star', ['*']),
      endpoint('end', ['*.failing']),
      endpoint('named', ['posthorn.endpoint.failing']),
      endpoint('some', ['posthorn.endpoint.*']),
      endpoint('close', ['posthorn*']),
    )
    expect(idsOf(match('posthorn.endpoint.failing').endpoints)).toEqual(['named', 'some'])
    expect(idsOf(match('posthorn.endpoint.disabled').endpoints)).toEqual(['some'])
    expect(match('posthorn.node.lost').endpoints).toEqual([])
    expect(idsOf(match('posthornish').endpoints)).toEqual(['all', 'close', 'star'])
  })

  it('leaves out endpoints whose filter rejects the payload, and counts them', () => {
    const match = matcherOf(
      endpoint('all', null),
      endpoint('other', ['B']),
      filtered('quoted', ['A'], { status: ['Quoted'] }),
      filtered('quoted2', ['*'], { status: ['Quoted'] }),
      filtered('big', null, { amount: { gte: 10 } }),
    )
    expect(idsOf(match('A', { status: 'Quoted', amount: 3 }).endpoints)).toEqual(['all', 'quoted', 'quoted2'])
    expect(match('A', { status: 'Quoted', amount: 3 }).notSent).toEqual({ type: 1, filter: 1 })
    expect(idsOf(match('A', { amount: 10 }).endpoints)).toEqual(['all', 'big'])
    expect(match('A', { amount: 10 }).notSent).toEqual({ type: 1, filter: 2 })
    expect(match('A', { status: 'Quoted', amount: 11 }).notSent).toEqual({ type: 1 })
  })

  it('finds the same endpoints for a type as a check of each endpoint does', () => {
    const type = fc.constantFrom('A', 'AB', 'C', 'constructor', '__proto__', 'posthorn.x')
    const name = fc.oneof(type, fc.constantFrom('*', 'A*', '*B', 'posthorn.*', 'c*or', '**'))
    const types = fc.oneof(fc.constant(null), fc.array(name, { maxLength: 4 }))
    const isWanted = (names: string[] | null, published: string) => {
      if (names === null) return !published.startsWith('posthorn.')
      return names.some(each => {
        if (!each.includes('*')) return each === published
        if (published.startsWith('posthorn.') && !each.startsWith('posthorn.')) return false
        return new RegExp(`^${each.replaceAll('.', '\\.').replaceAll('*', '.*')}$`).test(published)
      })
    }
    fc.assert(
      fc.property(
        fc.array(fc.tuple(types, fc.boolean()), { maxLength: 12 }),
        type,
        fc.boolean(),
        (all, published, x) => {
          const endpoints = all.map(([names, hasFilter], index) =>
            hasFilter ? filtered(`${index}`, names, { x: [true] }) : endpoint(`${index}`, names),
          )
          const wanting = endpoints.filter(({ types }) => isWanted(types as string[] | null, published))
          const expected = wanting.filter(({ filterText }) => x || filterText === null)
          const match = matcherOf(...endpoints)
          for (let again = 0; again < 2; again++) {
            const { endpoints: found, notSent } = match(published, { x })
            expect(idsOf(found)).toEqual(idsOf(expected))
            expect(notSent.type ?? 0).toBe(endpoints.length - wanting.length)
            expect(notSent.filter ?? 0).toBe(wanting.length - expected.length)
          }
        },
      ),
    )
  })
})

describe('matching with little work at a time', () => {
  const contents = new Contents()
  const indexOf = (...endpoints: MatchEndpoint[]) => new TenantIndex(endpoints.map(each => contents.retain(each)))

  it('stops when the work is used up, and finds the endpoints of a type over several calls', () => {
    const index = indexOf(...Array.from({ length: 100 }, (_, at) => endpoint(`e${at}`, [`T${at % 3}`, `P${at}*`])))
    let calls = 1
    let match = index.match('T1', {}, { left: 50 })
    while (match === undefined && calls++ < 1_000) match = index.match('T1', {}, { left: 50 })
    expect(match!.endpoints).toHaveLength(33)
    expect(calls).toBeGreaterThan(5)
    expect(index.match('T1', {}, { left: 1 })!.endpoints).toHaveLength(33)
  })

  it('counts the steps that filters really take', () => {
    const items = Array.from({ length: 200 }, (_, at) => at)
    const take = (filter: PayloadFilter, payload: object) => {
      const index = indexOf(filtered('a', null, filter))
      index.match('T', payload, { left: 100_000 })
      const work = { left: 100_000 }
      index.match('T', payload, work)
      return 100_000 - work.left
    }
    expect(take({ n: [1] }, { n: 1, items })).toBeLessThan(10)
    expect(take({ items: [-1] }, { items })).toBeGreaterThan(200)
    expect(take({ text: { $contains: 'ab' } }, { text: 'a'.repeat(80_000) })).toBeGreaterThan(10_000)
  })
})
