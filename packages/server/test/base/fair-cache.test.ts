import fc from 'fast-check'
import { expect, it } from 'vitest'
import { FairCache } from '../../src/base/fair-cache.ts'

it('what is in it stays within its bound, counts as what it was set with, and is what was set last', () => {
  const step = fc.oneof(
    fc.record({
      key: fc.nat(20),
      tenant: fc.constantFrom('a', 'b', 'c'),
      cost: fc.integer({ min: 1, max: 40 }),
      kind: fc.constant('set' as const),
    }),
    fc.record({ key: fc.nat(20), kind: fc.constant('delete' as const) }),
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), steps => {
      const cache = new FairCache<number, number>(100)
      const set = new Map<number, { readonly at: number; readonly cost: number }>()
      for (const [at, one] of steps.entries()) {
        if (one.kind === 'delete') {
          cache.delete(one.key)
          set.delete(one.key)
          expect(cache.get(one.key)).toBe(undefined)
        } else {
          cache.set(one.key, at, one)
          set.set(one.key, { at, cost: one.cost })
          expect(cache.get(one.key)).toBe(at)
        }
        expect(cache.cost).toBeLessThanOrEqual(100)
        const kept = [...cache]
        expect(kept).toHaveLength(cache.size)
        for (const [key, value] of kept) expect(value).toBe(set.get(key)!.at)
        expect(kept.reduce((sum, [key]) => sum + set.get(key)!.cost, 0)).toBe(cache.cost)
      }
      cache.clear()
      expect([cache.cost, cache.size]).toEqual([0, 0])
    }),
  )
})

it('a tenant with very many entries, or large ones, drops its own, the oldest first', () => {
  const cache = new FairCache<string, number>(10_000)
  for (let at = 0; at < 100; at++) cache.set(`small ${at}`, at, { tenant: `small ${at}`, cost: 10 })
  for (let at = 0; at < 5_000; at++) cache.set(`many ${at}`, at, { tenant: 'many', cost: 10 })
  for (let at = 0; at < 50; at++) cache.set(`large ${at}`, at, { tenant: 'large', cost: 1_000 })
  expect(Array.from({ length: 100 }, (_, at) => cache.get(`small ${at}`))).toEqual(
    Array.from({ length: 100 }, (_, at) => at),
  )
  expect(cache.get('large 49')).toBe(49)
  expect(cache.get('large 0')).toBe(undefined)
  expect(cache.get('many 0')).toBe(undefined)
})

it('keeps an entry alone that is larger than it', () => {
  const cache = new FairCache<string, number>(100)
  cache.set('small', 1, { tenant: 'a', cost: 10 })
  cache.set('large', 2, { tenant: 'b', cost: 500 })
  expect([...cache]).toEqual([['large', 2]])
  cache.set('small', 3, { tenant: 'a', cost: 10 })
  expect([...cache]).toEqual([['small', 3]])
})
