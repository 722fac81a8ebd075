import { describe, expect, it } from 'vitest'
import type { PayloadFilter } from '../../src/base/model.ts'
import { passes } from './filter/setup.ts'

/** Expects of each payload whether the filter lets it through. */
function expectPasses(filter: PayloadFilter, payloads: readonly (readonly [unknown, boolean])[]) {
  for (const [payload, expected] of payloads) expect(passes(filter, payload), JSON.stringify(payload)).toBe(expected)
}

describe('a filter', () => {
  it('accepts any value of a list, of exactly its type', () => {
    expectPasses({ status: ['Quoted', 1, true, null] }, [
      [{ status: 'Quoted' }, true] as const,
      [{ status: 1 }, true] as const,
      [{ status: true }, true] as const,
      [{ status: null }, true] as const,
      [{ status: 'quoted' }, false] as const,
      [{ status: '1' }, false] as const,
      [{ status: false }, false] as const,
      [{}, false] as const,
      [{ status: { Quoted: 1 } }, false] as const,
    ])
    expectPasses({ n: [0] }, [
      [{ n: -0 }, true],
      [{ n: '0' }, false],
      [{ n: false }, false],
      [{ n: null }, false],
    ])
  })

  it('needs all of its conditions to hold, including nested ones', () => {
    expectPasses({ status: ['Quoted'], cover: { insured: { country: ['NL', 'BE'] } } }, [
      [{ status: 'Quoted', cover: { insured: { country: 'BE' } } }, true],
      [{ status: 'Quoted', cover: { insured: { country: 'DE' } } }, false],
      [{ status: 'Refused', cover: { insured: { country: 'BE' } } }, false],
      [{ status: 'Quoted', cover: 'insured' }, false],
      [{ status: 'Quoted', cover: null }, false],
    ])
  })

  it('tests whether a member exists', () => {
    expectPasses({ a: { exists: true } }, [
      [{ a: null }, true],
      [{ a: [] }, true],
      [{ a: {} }, true],
      [{}, false],
    ])
    expectPasses({ a: { b: { exists: false } } }, [
      [{}, true],
      [{ a: 1 }, true],
      [{ a: {} }, true],
      [{ a: { b: null } }, false],
    ])
  })

  it('sees only own members', () => {
    expectPasses({ constructor: { exists: true } }, [
      [{}, false],
      [JSON.parse('{"constructor":1}'), true],
    ])
    expectPasses({ toString: { exists: false } }, [[{}, true]])
    expectPasses({ name: { length: [1] } }, [[{ name: 'a' }, false]])
  })

  it('matches strings by prefix', () => {
    expectPasses({ ref: { prefix: 'NL-' } }, [
      [{ ref: 'NL-1' }, true],
      [{ ref: 'nl-1' }, false],
      [{ ref: 7 }, false],
      [{}, false],
    ])
    expectPasses({ ref: { prefix: ['NL-', 'BE-'] } }, [
      [{ ref: 'BE-1' }, true],
      [{ ref: 'DE-1' }, false],
    ])
  })

  it('matches numbers in a range, including or excluding its bounds', () => {
    expectPasses({ n: { gte: 1, lt: 3 } }, [
      [{ n: 1 }, true],
      [{ n: 2.999 }, true],
      [{ n: 3 }, false],
      [{ n: 0.999 }, false],
      [{ n: '2' }, false],
      [{ n: null }, false],
    ])
    expectPasses({ n: { gt: 1, lte: 3 } }, [
      [{ n: 1 }, false],
      [{ n: 3 }, true],
    ])
    expectPasses({ n: { gt: 1, gte: 1 } }, [[{ n: 1 }, false]])
    expectPasses({ n: { gt: 0, gte: 1 } }, [[{ n: 1 }, true]])
    expectPasses({ n: { gte: 2, lte: 2 } }, [[{ n: 2 }, true]])
  })

  it('compares numbers with the precision of doubles', () => {
    const big = JSON.parse('{"n":9007199254740993}')
    expectPasses({ n: { gt: 9_007_199_254_740_991 } }, [[big, true]])
    expectPasses({ n: [9_007_199_254_740_991] }, [
      [big, false],
      [{ n: 9_007_199_254_740_991 }, true],
    ])
    expectPasses({ n: { lt: 0 } }, [[JSON.parse('{"n":-1e999}'), true]])
  })

  it('takes alternatives at the root and at every level', () => {
    expectPasses({ anyOf: [{ status: ['Quoted'] }, { amount: { gte: 100 } }], country: ['NL'] }, [
      [{ status: 'Quoted', country: 'NL' }, true],
      [{ amount: 100, country: 'NL' }, true],
      [{ amount: 99, country: 'NL' }, false],
      [{ amount: 100, country: 'BE' }, false],
    ])
    expectPasses({ status: { anyOf: [{ prefix: 'Q' }, ['Refused', 3], null, { exists: false }, { code: [7] }] } }, [
      [{ status: 'Quoted' }, true],
      [{ status: 'Refused' }, true],
      [{ status: 3 }, true],
      [{ status: null }, true],
      [{}, true],
      [{ status: { code: 7 } }, true],
      [{ status: { code: 8 } }, false],
      [{ status: 'Expired' }, false],
    ])
    expectPasses({ status: { anyOf: ['A', 'B'] } }, [
      [{ status: 'B' }, true],
      [{ status: 'C' }, false],
    ])
  })

  it('combines conditions at the same level with and', () => {
    expectPasses({ a: { prefix: 'x', anyOf: ['xy', 'xz', 'yz'], exists: true } }, [
      [{ a: 'xy' }, true],
      [{ a: 'yz' }, false],
      [{ a: 'x' }, false],
    ])
    expectPasses({ a: { b: [1], c: { exists: false } } }, [
      [{ a: { b: 1 } }, true],
      [{ a: { b: 1, c: 0 } }, false],
    ])
  })

  it('is satisfied by an array if one element satisfies the whole condition', () => {
    expectPasses({ tags: ['a', 'b'] }, [
      [{ tags: ['x', 'b'] }, true],
      [{ tags: [['x'], ['a']] }, true],
      [{ tags: ['x'] }, false],
      [{ tags: [] }, false],
    ])
    expectPasses({ items: { sku: ['A'], price: { gte: 10 } } }, [
      [{ items: [{ sku: 'B' }, { sku: 'A', price: 10 }] }, true],
      [
        {
          items: [
            { sku: 'A', price: 9 },
            { sku: 'B', price: 10 },
          ],
        },
        false,
      ],
    ])
    expectPasses({ items: { sku: { exists: false } } }, [
      [{ items: [{ sku: 1 }, {}] }, true],
      [{ items: [{ sku: 1 }] }, false],
      [{ items: [] }, false],
    ])
    expectPasses({ items: { anyOf: [{ exists: false }, { exists: true }] } }, [
      [{ items: [] }, true],
      [{}, true],
    ])
    expectPasses({ items: { exists: true, gte: 5 } }, [
      [{ items: [1, 5] }, true],
      [{ items: [] }, false],
    ])
    expectPasses({ items: { anyOf: [{ exists: true }, ['x']], lt: 3 } }, [
      [{ items: [5, 2] }, true],
      [{ items: [5] }, false],
    ])
  })

  it('can reach members with the name of an operator', () => {
    expectPasses({ exists: [true], prefix: ['a'], gte: { exists: true } }, [
      [{ exists: true, prefix: 'a', gte: 1 }, true],
      [{ exists: true, prefix: 'ab', gte: 1 }, false],
    ])
    expectPasses({ a: { prefix: { anyOf: ['x'] }, anyOf: { gt: { exists: true } } } }, [
      [{ a: { prefix: 'x', anyOf: { gt: 1 } } }, true],
      [{ a: { prefix: 'xy', anyOf: { gt: 1 } } }, false],
    ])
  })

  it('reads names that begin with $ as operators, and $$ as the $ of a member', () => {
    expectPasses({ n: { $gte: 1, $lt: 3 }, s: { $prefix: 'a', $exists: true } }, [
      [{ n: 1, s: 'ab' }, true],
      [{ n: 3, s: 'ab' }, false],
      [{ n: 1, s: 'b' }, false],
    ])
    expectPasses({ $$not: ['x'], a: { $$prefix: ['y'], $$$b: [1] } }, [
      [{ $not: 'x', a: { $prefix: 'y', $$b: 1 } }, true],
      [{ $$not: 'x', a: { $prefix: 'y', $$b: 1 } }, false],
      [{ $not: 'x', a: { $prefix: 'y', $b: 1 } }, false],
    ])
    expectPasses({ $$: { $exists: true } }, [
      [{ $: 1 }, true],
      [{ $$: 1 }, false],
    ])
  })

  it('takes null, and tells it from a missing member', () => {
    expectPasses({ a: [null] }, [
      [{ a: null }, true],
      [{}, false],
    ])
    expectPasses({ a: { $exists: true, $not: [null] } }, [
      [{ a: 0 }, true],
      [{ a: null }, false],
      [{}, false],
    ])
  })

  describe('with $not', () => {
    it('holds where its condition does not, also for a missing member', () => {
      expectPasses({ status: { $not: ['a', null] } }, [
        [{ status: 'b' }, true],
        [{ status: 'a' }, false],
        [{ status: null }, false],
        [{}, true],
        [{ status: { a: 1 } }, true],
      ])
      expectPasses({ n: { $not: { $gte: 1, $lt: 3 } } }, [
        [{ n: 0 }, true],
        [{ n: 1 }, false],
        [{ n: 3 }, true],
        [{ n: '2' }, true],
      ])
      expectPasses({ n: { $not: { $exists: true } } }, [
        [{}, true],
        [{ n: [] }, false],
      ])
      expectPasses({ a: { $not: { $not: ['x'] } } }, [
        [{ a: 'x' }, true],
        [{ a: ['y', 'x'] }, true],
        [{ a: ['y'] }, false],
        [{}, false],
      ])
    })

    it('holds for an array only if no element satisfies its condition', () => {
      expectPasses({ tags: { $not: ['a'] } }, [
        [{ tags: ['b'] }, true],
        [{ tags: ['b', 'a'] }, false],
        [{ tags: ['b', ['c', ['a']]] }, false],
        [{ tags: [] }, true],
        [{ tags: [[]] }, true],
      ])
      expectPasses({ items: { $not: { sku: ['A'], price: { $gte: 10 } } } }, [
        [
          {
            items: [
              { sku: 'A', price: 9 },
              { sku: 'B', price: 10 },
            ],
          },
          true,
        ],
        [{ items: [{ sku: 'B' }, { sku: 'A', price: 10 }] }, false],
      ])
      expectPasses({ items: { sku: { $not: ['A'] } } }, [
        [{ items: [{ sku: 'A' }, { sku: 'B' }] }, true],
        [{ items: [{ sku: 'A' }] }, false],
        [{ items: [] }, false],
      ])
    })

    it('tests the whole array, whatever stands next to it or around it', () => {
      expectPasses({ n: { $gt: 5, $not: [7] } }, [
        [{ n: [6] }, true],
        [{ n: [6, 7] }, false],
        [{ n: [7] }, false],
        [{ n: [1] }, false],
      ])
      for (const condition of [
        { anyOf: [{ $not: ['A'] }] },
        { anyOf: [{ $not: ['A'] }, { $prefix: 'B' }], $exists: true },
      ]) {
        expectPasses({ tags: condition }, [
          [{ tags: ['C'] }, true],
          [{ tags: ['A', 'C'] }, false],
        ])
      }
      expectPasses({ tags: { anyOf: [{ $not: ['A'] }, { $prefix: 'B' }] } }, [[{ tags: ['A', 'B1'] }, true]])
      expectPasses({ tags: { $exists: true, $not: ['A'] } }, [
        [{ tags: [] }, true],
        [{ tags: ['A'] }, false],
        [{}, false],
      ])
    })

    it('can stand at the root', () => {
      expectPasses({ $not: { status: ['a'], n: { $gt: 1 } }, country: ['NL'] }, [
        [{ country: 'NL', status: 'a', n: 1 }, true],
        [{ country: 'NL', status: 'a', n: 2 }, false],
        [{ country: 'BE' }, false],
      ])
    })

    it('lets an event through if its steps run out, like any filter', () => {
      const list = Array.from({ length: 10_001 }, (_, n) => n)
      expect(passes({ list: { $not: [-1] } }, { list })).toBe(true)
      expect(passes({ list: { $not: [10_000] } }, { list }), 'undecided when it would have been found').toBe(true)
      expect(passes({ list: { $not: { $not: [-1] } } }, { list })).toBe(true)
      expect(passes({ list: { $not: [9_999] } }, { list: list.slice(2) }), 'decided in time').toBe(false)
    })

    it('is decided once for an array, however many elements ask for it', () => {
      const list = Array.from({ length: 2_000 }, (_, n) => n)
      expect(passes({ list: { $gt: 2_000, $not: [-1] } }, { list })).toBe(false)
      expect(passes({ list: { anyOf: [{ $gt: 2_000 }, { $not: [5] }] } }, { list })).toBe(false)
    })
  })

  it('matches strings by suffix, by a part, without regard to case, and by a pattern', () => {
    expectPasses({ a: { $suffix: ['-NL', '-BE'] } }, [
      [{ a: 'x-NL' }, true],
      [{ a: '-BE' }, true],
      [{ a: 'x-nl' }, false],
      [{ a: 'NL-' }, false],
      [{ a: 7 }, false],
      [{}, false],
      [{ a: ['x', 'y-NL'] }, true],
    ])
    expectPasses({ a: { $contains: 'urg' } }, [
      [{ a: 'is urgent' }, true],
      [{ a: 'urg' }, true],
      [{ a: 'Urgent' }, false],
      [{ a: { urg: 1 } }, false],
    ])
    expectPasses({ a: { $equalsIgnoreCase: ['Straße', 'Ōsaka'] } }, [
      [{ a: 'STRAẞE' }, true],
      [{ a: 'ōSAKA' }, true],
      [{ a: 'STRASSE' }, false],
      [{ a: 'Straße ' }, false],
    ])
    expectPasses({ a: { $wildcard: 'NL-*-2026*' } }, [
      [{ a: 'NL--2026' }, true],
      [{ a: 'NL-7-2026-05' }, true],
      [{ a: 'NL-2026' }, false],
      [{ a: 'xNL--2026' }, false],
    ])
    expectPasses({ a: { $wildcard: ['a?.*', '*.b'] } }, [
      [{ a: 'a?.c' }, true],
      [{ a: 'ab.c' }, false],
      [{ a: '.b' }, true],
      [{ a: 'a\nb.b' }, true],
    ])
    expectPasses({ a: { $wildcard: '*' } }, [
      [{ a: '' }, true],
      [{ a: 1 }, false],
      [{ a: [] }, false],
    ])
  })

  it('counts the characters of the strings that it searches', () => {
    const text = 'x'.repeat(1_048_576)
    for (const operator of ['$contains', '$wildcard']) {
      const of = (...texts: string[]) => texts.map(each => (operator === '$wildcard' ? `*${each}*` : each))
      expect(passes({ a: { [operator]: of('y') } }, { a: text }), 'one text').toBe(false)
      expect(passes({ a: { [operator]: of('y', 'z') } }, { a: text }), 'two texts').toBe(false)
      expect(passes({ a: { [operator]: of('y', 'z', 'w') } }, { a: text }), 'three texts: undecided').toBe(true)
      expect(passes({ a: { [operator]: of('y') } }, { a: [text, text, text] }), 'three strings: undecided').toBe(true)
    }
    for (const operator of ['$prefix', '$suffix', '$equalsIgnoreCase']) {
      const list = Array.from({ length: 9 }, (_, n) => `${n}`)
      expect(passes({ a: { [operator]: list } }, { a: text })).toBe(false)
    }
  })

  it('takes time in proportion to a string, whatever it searches for', () => {
    const half = 'a'.repeat(99)
    const pattern = { a: { $wildcard: `*${`${half}b*`.repeat(60)}` } }
    const search = { a: { $contains: [`${half}b${half}d`, `b${half}b${half.slice(1)}d`] } }
    const texts = [`${half}c`.repeat(5_000), 'a'.repeat(500_000), `${half}b`.repeat(59) + 'a'.repeat(400_000)]
    const start = process.cpuUsage()
    for (const text of texts) for (const filter of [pattern, search]) expect(passes(filter, { a: text })).toBe(false)
    const { user } = process.cpuUsage(start)
    expect(user / 1_000, 'milliseconds; backtracking would take years').toBeLessThan(2_000)
  })

  it('lets an event through if its arrays are too long to search', () => {
    const filter = { list: [-1] }
    expect(passes(filter, { list: Array.from({ length: 9_999 }, (_, n) => n) })).toBe(false)
    expect(passes(filter, { list: Array.from({ length: 100_000 }, (_, n) => n) })).toBe(true)
    expect(passes(filter, { list: [1] }), 'each evaluation starts with all steps').toBe(false)
  })
})
