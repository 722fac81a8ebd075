import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createMatcher } from '../../src/ingest/match.ts'
import type { MatchEndpoint } from '../../src/store/operations/configuration.ts'

const endpoint = (id: string, types: string[] | null, state: MatchEndpoint['state'] = 'enabled'): MatchEndpoint => ({
  id,
  partition: 1,
  types,
  state,
  ordered: false,
})
const idsOf = (endpoints: readonly MatchEndpoint[]) => endpoints.map(({ id }) => id).sort()

describe('createMatcher', () => {
  it('C2: an endpoint gets the types it names, and one that names none gets all', () => {
    const match = createMatcher({
      version: 1,
      endpoints: [endpoint('a', ['A']), endpoint('b', ['B']), endpoint('all', null)],
    })
    expect(idsOf(match('A').endpoints)).toEqual(['a', 'all'])
    expect(match('A').notSent).toEqual({ type: 1 })
    expect(idsOf(match('C').endpoints)).toEqual(['all'])
    expect(match('C').notSent).toEqual({ type: 2 })
  })

  it('says nothing of endpoints not sent to where all are', () => {
    const match = createMatcher({ version: 1, endpoints: [endpoint('all', null)] })
    expect(match('A')).toEqual({ endpoints: [endpoint('all', null)], notSent: {} })
    expect(createMatcher({ version: 1, endpoints: [] })('A')).toEqual({ endpoints: [], notSent: {} })
  })

  it('C13: a disabled endpoint matches, for a held delivery', () => {
    const match = createMatcher({ version: 1, endpoints: [endpoint('a', null, 'disabled')] })
    expect(match('A').endpoints).toHaveLength(1)
  })

  it('matches an endpoint once, however often it names a type', () => {
    const match = createMatcher({ version: 1, endpoints: [endpoint('a', ['A', 'A'])] })
    expect(match('A').endpoints).toHaveLength(1)
  })

  it('remembers what it found for a type', () => {
    const match = createMatcher({ version: 1, endpoints: [endpoint('a', ['A']), endpoint('all', null)] })
    expect(match('A')).toBe(match('A'))
    expect(match('B')).toBe(match('C'))
  })

  it('finds for each type what looking at every endpoint finds', () => {
    const type = fc.constantFrom('A', 'B', 'C', 'constructor', '__proto__')
    const types = fc.oneof(fc.constant(null), fc.array(type, { maxLength: 4 }))
    fc.assert(
      fc.property(fc.array(types, { maxLength: 12 }), type, (wanted, published) => {
        const endpoints = wanted.map((names, index) => endpoint(`${index}`, names))
        const expected = endpoints.filter(({ types }) => types === null || types.includes(published))
        const { endpoints: found, notSent } = createMatcher({ version: 1, endpoints })(published)
        expect(idsOf(found)).toEqual(idsOf(expected))
        expect(notSent.type ?? 0).toBe(endpoints.length - expected.length)
      }),
    )
  })
})
