import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { PayloadFilter } from '../../../src/base/model.ts'
import { createTrial } from '../../../src/catalogue/filter/trial.ts'
import { compileFilter } from '../../../src/catalogue/filter.ts'
import { filters, payloads } from './arbitraries.ts'
import { faultsOf } from './setup.ts'

/** What steps come to. */
function lastOf<Result>(steps: Generator<void, Result>): Result {
  for (;;) {
    const { done, value } = steps.next()
    if (done) return value
  }
}

const attempt = (filter: PayloadFilter, payload: unknown) => {
  expect(faultsOf(filter)).toEqual([])
  const { matches, undecided, decidedBy } = lastOf(createTrial(filter)(payload))
  expect(matches).toBe(compileFilter(filter)(payload))
  return [undecided ? 'undecided' : matches, decidedBy.path, decidedBy.because]
}

const ITEMS = [
  { sku: 'A', price: 9 },
  { sku: 'B', price: 12 },
]

describe('a trial of a filter', () => {
  it.each<[PayloadFilter, unknown, boolean, string, string]>([
    [{ a: ['x'] }, { a: 'x' }, true, '/a', '/a is the listed value.'],
    [{ a: ['x', 'y'] }, { a: 'z' }, false, '/a', '/a is not one of the listed values.'],
    [{ a: [7] }, { a: '7' }, false, '/a', '/a is a string, which no listed value is.'],
    [{ a: [7] }, { a: null }, false, '/a', '/a is null, which no listed value is.'],
    [{ a: [7] }, { a: {} }, false, '/a', '/a is an object, which no listed value is.'],
    [{ a: [7] }, {}, false, '/a', '/a is missing.'],
    [{ a: ['x'], b: ['y'] }, { a: 'x', b: 'y' }, true, '', 'All 2 conditions hold for the payload.'],
    [
      { a: ['x'], b: { 'c/d': { $gte: 5 } } },
      { a: 'x', b: { 'c/d': 4 } },
      false,
      '/b/c~1d/$gte',
      '/b/c~1d is not at least 5.',
    ],
    [{ b: { c: { gt: 1, lt: 5 } } }, { b: { c: 9 } }, false, '/b/c/lt', '/b/c is not less than 5.'],
    [{ b: { c: { gt: 1 } } }, { b: 'x' }, false, '/b/c/gt', '/b/c is missing.'],
    [{ a: { $lte: 1 } }, { a: true }, false, '/a/$lte', '/a is a boolean, not a number.'],
    [{ a: { $exists: true } }, { a: [] }, true, '/a/$exists', '/a exists.'],
    [{ a: { exists: false } }, { a: 1 }, false, '/a/exists', '/a exists.'],
    [{ a: { exists: false } }, {}, true, '/a/exists', '/a is missing.'],
    [{ a: { $prefix: 'x' } }, { a: 'xy' }, true, '/a/$prefix', '/a begins with the given string.'],
    [{ a: { $suffix: ['x', 'y'] } }, { a: 'z' }, false, '/a/$suffix', '/a does not end with any of the given strings.'],
    [{ a: { $contains: ['x', 'y'] } }, { a: 'yz' }, true, '/a/$contains', '/a contains one of the given strings.'],
    [
      { a: { $equalsIgnoreCase: 'x' } },
      { a: 'y' },
      false,
      '/a/$equalsIgnoreCase',
      '/a does not equal, even ignoring case, the given string.',
    ],
    [{ a: { $wildcard: 'x*' } }, { a: 1 }, false, '/a/$wildcard', '/a is a number, not a string.'],
    [
      { a: { anyOf: ['x', { $prefix: 'y' }] } },
      { a: 'yz' },
      true,
      '/a/anyOf/1/$prefix',
      '/a begins with the given string.',
    ],
    [
      { a: { anyOf: ['x', { $prefix: 'y' }] } },
      { a: 'z' },
      false,
      '/a/anyOf',
      'None of the 2 alternatives holds for /a.',
    ],
    [{ anyOf: [{ a: ['x'] }, { b: ['y'] }] }, { b: 'y' }, true, '/anyOf/1/b', '/b is the listed value.'],
    [{ a: { $not: ['x'] } }, { a: 'x' }, false, '/a/$not', 'The condition under $not holds: /a is the listed value.'],
    [
      { a: { $not: { $prefix: 'x' } } },
      {},
      true,
      '/a/$not/$prefix',
      'The condition under $not does not hold: /a is missing.',
    ],
    [{ $not: { a: ['x'] } }, { a: 'x' }, false, '/$not/a', 'The condition under $not holds: /a is the listed value.'],
    [{ $$not: ['x'] }, { $not: 'y' }, false, '/$$not', '/$not is not the listed value.'],
    // Arrays
    [{ tags: ['x'] }, { tags: ['y', ['z', 'x']] }, true, '/tags', '/tags/1/1 is the listed value.'],
    [{ tags: ['x'] }, { tags: ['y', 'z'] }, false, '/tags', 'No element of /tags satisfies this condition.'],
    [{ tags: ['x'] }, { tags: ['y'] }, false, '/tags', '/tags/0 is not the listed value.'],
    [{ tags: ['x'] }, { tags: [] }, false, '/tags', '/tags is an empty array.'],
    [
      { tags: { $not: ['x'] } },
      { tags: ['y', 'x'] },
      false,
      '/tags/$not',
      'The condition under $not holds: /tags/1 is the listed value.',
    ],
    [
      { tags: { $not: ['x'] } },
      { tags: ['y', 'z'] },
      true,
      '/tags/$not',
      'The condition under $not does not hold: No element of /tags satisfies this condition.',
    ],
    [
      { tags: { $prefix: 'y', $not: ['x'] } },
      { tags: ['y', 'x'] },
      false,
      '/tags/$not',
      'The condition under $not holds: /tags/1 is the listed value.',
    ],
    [
      { tags: { anyOf: [{ $prefix: 'q' }, { $not: ['x'] }] } },
      { tags: ['y', 'z'] },
      true,
      '/tags/anyOf/1/$not',
      'The condition under $not does not hold: No element of /tags satisfies this condition.',
    ],
    [
      { items: { sku: ['A'], price: { $gte: 10 } } },
      { items: ITEMS },
      false,
      '/items',
      'No element of /items satisfies this condition.',
    ],
    [
      { items: { sku: ['B'], price: { $gte: 10 } } },
      { items: ITEMS },
      true,
      '/items',
      'All 2 conditions hold for /items/1.',
    ],
    [
      { items: { sku: ['C', 'D'], price: { $gte: 1 } } },
      { items: ITEMS },
      false,
      '/items/sku',
      'No element of /items satisfies this condition.',
    ],
    [{ items: { price: { $gte: 10 } } }, { items: ITEMS }, true, '/items/price/$gte', '/items/1/price is at least 10.'],
    [
      { items: { $exists: true, $not: { sku: ['C'] } } },
      { items: [] },
      true,
      '/items',
      'All 2 conditions hold for /items.',
    ],
  ])('%j on %j', (filter, payload, matches, path, because) => {
    expect(attempt(filter, payload)).toEqual([matches, path, because])
  })

  it('says so if the steps ran out', () => {
    const list = Array.from({ length: 20_000 }, (_, n) => n)
    const because = 'The filter had no result after 10,000 steps, so it lets the event through.'
    expect(attempt({ list: [-1] }, { list })).toEqual(['undecided', '', because])
    expect(attempt({ list: { $not: [-1] } }, { list })).toEqual(['undecided', '', because])
    expect(attempt({ list: [-1] }, { list: list.slice(0, 9_999) })[2]).toBe(
      'No element of /list satisfies this condition.',
    )
  })

  it('searches long texts in steps of 128 Ki characters, and each once', () => {
    const filter = { s: { $contains: [`${'a'.repeat(99)}b`, `${'a'.repeat(99)}c`] } }
    const steps = [...createTrial(filter)({ s: 'a'.repeat(900_000) })].length
    const least = (2 * 900_000) / 131_072
    expect(steps).toBeGreaterThan(least)
    expect(steps).toBeLessThan(2 * least)
  })

  it('takes no longer to explain if there are very many elements behind the one that decided', () => {
    const filter = { list: { a: ['x'] } }
    const stepsOf = (more: number) =>
      [...createTrial(filter)({ list: [{ a: 'x' }, ...Array.from({ length: more }, () => ({ a: 'y' }))] })].length
    expect(stepsOf(100_000)).toBe(stepsOf(1))
  })

  it('is explained in steps, even if all elements are tested', () => {
    const filter = { list: { a: ['x'] } }
    const list = Array.from({ length: 5_000 }, () => ({ a: 'y' }))
    expect(attempt(filter, { list })[2]).toBe('No element of /list satisfies this condition.')
    expect([...createTrial(filter)({ list })].length).toBeGreaterThan(5_000)
  })

  it('shows no value of the payload, and no pointer that is very long', () => {
    const name = 'n'.repeat(4_000)
    const [, path, because] = attempt({ [name]: { $prefix: 'x' } }, { [name]: 'S3CRET' })
    expect(path).toBe(`/${name}/$prefix`)
    expect(because).toHaveLength(128 + '… does not begin with the given string.'.length)
  })

  it('decides as the filter does, and names a part that it has', () => {
    fc.assert(
      fc.property(filters, payloads, (filter, payload) => {
        const { matches, undecided, decidedBy } = lastOf(createTrial(filter)(payload))
        expect([matches, undecided]).toEqual([compileFilter(filter)(payload), false])
        expect(decidedBy.because).toMatch(/^[A-Z/].*\.$/)
        let part: unknown = filter
        for (const token of decidedBy.path.split('/').slice(1)) {
          expect(Object.hasOwn(part as object, token.replaceAll('~1', '/').replaceAll('~0', '~'))).toBe(true)
          part = (part as Record<string, unknown>)[token]
        }
      }),
      { numRuns: 3_000 },
    )
  })
})
