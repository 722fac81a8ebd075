import fc from 'fast-check'
import { expect, test } from 'vitest'
import { boundsOf, rangeBackTo, rangeOf, searchOf } from '../src/lib/range.ts'
import { only, parseSearch, stringifySearch, valuesOf } from '../src/lib/search.ts'

test('what is written to the URL is read from it again', () => {
  const text = fc.string({ unit: 'grapheme', minLength: 1 })
  fc.assert(
    fc.property(fc.dictionary(text, text), search => {
      expect(parseSearch(stringifySearch(search))).toEqual({ ...search })
    }),
  )
})

test('names that objects have of their own are plain parameters', () => {
  const search = parseSearch('?__proto__=a&constructor=b&toString=c')
  expect(search.constructor).toBe('b')
  expect(search.toString).toBe('c')
  expect(({} as Record<string, unknown>).a).toBeUndefined()
  expect(only('state')(search)).toEqual({})
})

test('several values are joined by commas, and empty ones are left out', () => {
  expect(parseSearch('?state=held&state=pending&type=&from=')).toEqual({ state: 'held,pending' })
  expect(valuesOf('held,,pending')).toEqual(['held', 'pending'])
  expect(stringifySearch({ state: 'held,pending', from: '2026-11-29T13:02:11Z', key: 'a b&c' })).toBe(
    '?state=held,pending&from=2026-11-29T13:02:11Z&key=a%20b%26c',
  )
})

test('a route keeps its own parameters and drops the others', () => {
  expect(only('state', 'type')({ state: 'held', type: '', other: 'x', endpoint: 1 })).toEqual({ state: 'held' })
})

test.each([
  [{}, { name: '24h' }],
  [{ range: '7d' }, { name: '7d' }],
  [{ range: 'toString' }, { name: '24h' }],
  [{ from: '2026-11-29' }, { name: null, from: '2026-11-29', to: null }],
  [
    { from: '2026-11-29', to: 'x', range: '7d' },
    { name: null, from: '2026-11-29', to: null },
  ],
  [{ from: 'yesterday', range: '1h' }, { name: '1h' }],
])('the range of %j is %j', (search, range) => {
  expect(rangeOf(search)).toEqual(range)
})

test('a range survives the URL', () => {
  for (const range of [{ name: '15m' }, { name: null, from: '2026-11-29', to: '2026-11-30' }] as const) {
    expect(rangeOf(parseSearch(stringifySearch(searchOf(range))))).toEqual(range)
  }
})

test('a named range begins its length before now and has no end', () => {
  const now = Date.parse('2026-11-30T12:00:00Z')
  expect(boundsOf({ name: '1h' }, now)).toEqual({ from: '2026-11-30T11:00:00.000Z', to: undefined })
})

test.each([
  [60_000, '15m'],
  [15 * 60_000, '1h'],
  [23 * 3_600_000, '24h'],
  [86_400_000, '7d'],
  [400 * 86_400_000, '90d'],
])('what was %i ms ago is in the range %s', (agoMs, name) => {
  const now = Date.parse('2026-11-30T12:00:00Z')
  expect(rangeBackTo(now - agoMs, now)).toBe(name)
})
