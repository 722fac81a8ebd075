import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { FieldError } from '../../src/base/errors.ts'
import type { PayloadFilter } from '../../src/base/model.ts'
import { checkFilter, compileFilter, Filters } from '../../src/catalogue/filter.ts'

const passes = (filter: PayloadFilter, payload: unknown) => {
  expect(faultsOf(filter), JSON.stringify(filter)).toEqual([])
  return compileFilter(filter)(payload)
}
const faultsOf = (filter: unknown): FieldError[] => {
  const faults: FieldError[] = []
  checkFilter(filter, '/filter', faults)
  return faults
}
const fieldsOf = (filter: unknown) => faultsOf(filter).map(({ field }) => field)

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

  it('lets an event through if its arrays are too long to search', () => {
    const filter = { list: [-1] }
    expect(passes(filter, { list: Array.from({ length: 9_999 }, (_, n) => n) })).toBe(false)
    expect(passes(filter, { list: Array.from({ length: 100_000 }, (_, n) => n) })).toBe(true)
    expect(passes(filter, { list: [1] }), 'each evaluation starts with all steps').toBe(false)
  })

  it('is compiled once for all endpoints with the same text', () => {
    const filters = new Filters()
    expect(filters.get('{"a":[1]}')).toBe(filters.get('{"a":[1]}'))
    expect(filters.get('{"a":[1]}')).not.toBe(filters.get('{"a":[2]}'))
  })

  it('gives the same result for any payload as a plain implementation of the rules', () => {
    const scalar = fc.constantFrom<unknown>('a', 'ab', '', 0, 1, 2.5, true, false, null)
    const name = fc.constantFrom('a', 'b', 'prefix', 'constructor')
    const { payload } = fc.letrec(tie => ({
      payload: fc.dictionary(name, tie('value'), { maxKeys: 3 }),
      value: fc.oneof({ maxDepth: 3 }, scalar, fc.array(tie('value'), { maxLength: 3 }), tie('payload')),
    }))
    const { root } = fc.letrec(tie => ({
      list: fc.array(scalar, { minLength: 1, maxLength: 3 }),
      operators: fc.constantFrom<unknown>({ exists: true }, { exists: false }, { prefix: 'a' }, { gt: 0, lte: 2.5 }),
      anyOf: fc.record({ anyOf: fc.array(tie('condition'), { minLength: 1, maxLength: 3 }) }),
      members: fc.dictionary(fc.constantFrom('a', 'b'), tie('condition'), { minKeys: 1, maxKeys: 2 }),
      condition: fc.oneof({ maxDepth: 3 }, tie('list'), tie('operators'), tie('anyOf'), tie('members')),
      root: fc.dictionary(name, tie('condition'), { minKeys: 1, maxKeys: 3 }),
    }))
    fc.assert(
      fc.property(root as fc.Arbitrary<PayloadFilter>, payload, (filter, value) => {
        expect(faultsOf(filter)).toEqual([])
        expect(compileFilter(filter)(value)).toBe(reads(filter, value, true))
      }),
      { numRuns: 2_000 },
    )
  })
})

/** The rules at the top of filter.ts, as plainly as they can be written. */
function reads(condition: unknown, value: unknown, isRoot = false): boolean {
  if (!Array.isArray(value)) return readsOne(condition, value, isRoot)
  return readsAnyArray(condition, isRoot) || value.some(element => reads(condition, element, isRoot))
}

const operatorOf = (name: string, inner: unknown, isRoot: boolean) =>
  (typeof inner !== 'object' || Array.isArray(inner)) && (isRoot ? name === 'anyOf' : !['a', 'b'].includes(name))

function readsAnyArray(condition: unknown, isRoot: boolean): boolean {
  if (typeof condition !== 'object' || condition === null || Array.isArray(condition)) return false
  return Object.entries(condition).every(([name, inner]) => {
    if (!operatorOf(name, inner, isRoot)) return false
    if (name === 'exists') return inner === true
    return name === 'anyOf' && (inner as unknown[]).some(each => readsAnyArray(each, isRoot))
  })
}

function readsOne(condition: unknown, value: unknown, isRoot: boolean): boolean {
  if (typeof condition !== 'object' || condition === null) return value === condition
  if (Array.isArray(condition)) return condition.includes(value)
  return Object.entries(condition).every(([name, inner]) => {
    if (!operatorOf(name, inner, isRoot)) {
      const isThere = typeof value === 'object' && value !== null && Object.hasOwn(value, name)
      return reads(inner, isThere ? (value as PayloadFilter)[name] : undefined)
    }
    switch (name) {
      case 'exists':
        return (value !== undefined) === inner
      case 'prefix':
        return typeof value === 'string' && value.startsWith(inner as string)
      case 'gt':
        return typeof value === 'number' && value > (inner as number)
      case 'lte':
        return typeof value === 'number' && value <= (inner as number)
      default:
        return (inner as unknown[]).some(each => readsOne(each, value, isRoot))
    }
  })
}

describe('checkFilter', () => {
  it('refuses anything that is not an object', () => {
    for (const filter of ['a', 1, true, ['Quoted'], undefined]) expect(fieldsOf(filter)).toEqual(['/filter'])
    expect(fieldsOf({})).toEqual(['/filter'])
  })

  it('reports the place of each fault as a JSON Pointer', () => {
    expect(
      fieldsOf({
        status: 'Quoted',
        'a/b~c': [],
        list: [['x']],
        nested: { deep: { prefix: '', gte: '1', exists: 1 } },
        words: { in: 'x' },
        empty: {},
        prefixes: { prefix: [] },
        any: { anyOf: 'x' },
        none: { anyOf: [] },
      }),
    ).toEqual([
      '/filter/status',
      '/filter/a~1b~0c',
      '/filter/list/0',
      '/filter/nested/deep/prefix',
      '/filter/nested/deep/gte',
      '/filter/nested/deep/exists',
      '/filter/words/in',
      '/filter/empty',
      '/filter/prefixes/prefix',
      '/filter/any/anyOf',
      '/filter/none/anyOf',
    ])
    expect(fieldsOf({ anyOf: [{ a: 1 }, 'x', ['y']], n: { anyOf: [{ b: null }, [[]]] } })).toEqual([
      '/filter/anyOf/0/a',
      '/filter/anyOf/1',
      '/filter/anyOf/2',
      '/filter/n/anyOf/0/b',
      '/filter/n/anyOf/1/0',
    ])
  })

  it('shows how to write the condition', () => {
    expect(faultsOf({ status: 'Quoted' })[0]!.detail).toContain('["…"]')
    expect(faultsOf({ status: { is: 'Quoted' } })[0]!.detail).toMatch(/exists.*prefix.*gte.*anyOf/)
    expect(faultsOf({ status: 'S3CRET' })[0]!.detail, 'a value is not repeated').not.toContain('S3CRET')
  })

  it('refuses conditions that nothing could satisfy, and numbers too large to tell apart', () => {
    expect(fieldsOf({ n: { gt: 2, lt: 1 } })).toEqual(['/filter/n'])
    expect(fieldsOf({ n: { gt: 1, lte: 1 } })).toEqual(['/filter/n'])
    expect(fieldsOf({ n: { exists: false, gt: 1 } })).toEqual(['/filter/n/exists'])
    expect(fieldsOf({ n: [2 ** 53, -(2 ** 60), 2 ** 53 - 1] })).toEqual(['/filter/n/0', '/filter/n/1'])
  })

  it('limits size, depth and the number of conditions', () => {
    const deep = (levels: number): PayloadFilter => (levels === 0 ? { a: [1] } : { a: deep(levels - 1) })
    expect(fieldsOf(deep(13))).toEqual([])
    expect(fieldsOf(deep(16))).toHaveLength(1)
    expect(fieldsOf({ a: ['x'.repeat(8_192)] })).toEqual(['/filter'])
    expect(fieldsOf({ a: { anyOf: Array.from({ length: 90 }, () => ['x']) } })).toEqual([])
    expect(fieldsOf({ a: { anyOf: Array.from({ length: 101 }, () => ['x']) } })).toEqual(['/filter'])
    const faulty = Object.fromEntries(Array.from({ length: 60 }, (_, n) => [`m${n}`, 'x']))
    expect(faultsOf(faulty)).toHaveLength(20)
  })

  it('never throws, and every filter that it accepts compiles', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (filter, payload) => {
        if (faultsOf(filter).length === 0)
          expect(typeof compileFilter(filter as PayloadFilter)(payload)).toBe('boolean')
      }),
    )
  })
})
