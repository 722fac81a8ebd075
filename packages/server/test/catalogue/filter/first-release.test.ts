import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { FieldError } from '../../../src/base/errors.ts'
import type { PayloadFilter } from '../../../src/base/model.ts'
import { checkFilter, compileFilter } from '../../../src/catalogue/filter.ts'
import { escapeFilter } from '../../../src/store/migrations/escape-filters.ts'
import * as firstRelease from './first-release.ts'

const SCALARS = ['a', 'ab', 'b', '', '$a', 0, 1, 2.5, -1, true, false, null] as const
const NAMES = ['a', 'a', 'a', 'b', 'b', '$a', '$$a', '$', '$not', '$prefix', 'prefix', 'exists', 'anyOf', '__proto__']

const scalar = fc.constantFrom<unknown>(...SCALARS)
/** Some take more steps than there are. */
const long = fc
  .tuple(fc.integer({ min: 1, max: 12_000 }), scalar, scalar)
  .map(([length, most, last]) => [...Array.from({ length }, () => most), last])

const { payload } = fc.letrec(tie => ({
  payload: fc.dictionary(fc.constantFrom(...NAMES), tie('value'), { maxKeys: 4 }),
  value: fc.oneof({ maxDepth: 3 }, scalar, fc.array(tie('value'), { maxLength: 3 }), tie('payload'), {
    arbitrary: long,
    weight: 1,
  }),
}))

/** What the first release accepted: no name had a special meaning for its `$`. */
const conditionOf = (depth: number): fc.Arbitrary<unknown> => {
  const list = fc.array(scalar, { minLength: 1, maxLength: 3 })
  const operators = fc
    .record(
      {
        exists: fc.boolean(),
        prefix: fc.constantFrom<unknown>('a', ['a', 'b'], '$'),
        gt: fc.constantFrom(-1, 0, 1),
        gte: fc.constantFrom(-1, 0, 1),
        lte: fc.constantFrom(1, 2.5),
      },
      { requiredKeys: [] },
    )
    .filter(each => Object.keys(each).length > 0)
  if (depth === 0) return fc.oneof(list, operators)
  const inner = conditionOf(depth - 1)
  const anyOf = fc
    .array(fc.oneof(scalar, inner), { minLength: 1, maxLength: 3 })
    .map(alternatives => ({ anyOf: alternatives }))
  return fc.oneof(
    list,
    operators,
    anyOf,
    membersOf(inner),
    fc.tuple(operators, anyOf).map(both => Object.assign({}, ...both)),
  )
}
const membersOf = (inner: fc.Arbitrary<unknown>) =>
  fc
    .dictionary(fc.constantFrom(...NAMES), inner, { minKeys: 1, maxKeys: 2 })
    // A list would be the value of an operator of that name.
    .map(members =>
      Object.fromEntries(
        Object.entries(members).map(([name, value]) => [name, Array.isArray(value) ? { anyOf: value } : value]),
      ),
    )
const filter = fc
  .tuple(membersOf(conditionOf(2)), fc.option(fc.array(membersOf(conditionOf(1)), { minLength: 1, maxLength: 2 })))
  .map(([members, anyOf]) => (anyOf === null ? members : { ...members, anyOf }) as PayloadFilter)

/** As the migration rewrites it in the store. */
const migrated = (old: PayloadFilter) => JSON.parse(JSON.stringify(escapeFilter(JSON.parse(JSON.stringify(old)))))

describe('a filter that the first release stored', () => {
  it('lets the same events through, also where it runs out of steps', () => {
    const passed = { true: 0, false: 0 }
    fc.assert(
      fc.property(filter, payload, (old, value) => {
        const expected = firstRelease.compileFilter(old)(value)
        passed[`${expected}`]++
        expect(compileFilter(migrated(old))(value)).toBe(expected)
      }),
      { numRuns: 2_000 },
    )
    expect(Math.min(passed.true, passed.false)).toBeGreaterThan(50)
  })

  it('needs exactly as many steps as before', () => {
    const conditions = [
      { a: [-1] },
      { a: { prefix: ['x', 'y'], exists: true } },
      { a: { anyOf: ['x', { gt: 7 }, { b: ['c'] }] } },
      { a: { b: { exists: false } }, anyOf: [{ $a: [1] }, { a: { gte: 9, lt: 10 } }] },
    ]
    for (const old of conditions) {
      const [before, now] = [
        firstRelease.compileFilter(old as PayloadFilter),
        compileFilter(migrated(old as PayloadFilter)),
      ]
      const payloadOf = (length: number) => ({ a: Array.from({ length }, () => 'a') })
      let [least, most] = [0, 20_000]
      // The shortest array that it is not decided for.
      while (least < most) {
        const middle = (least + most) >> 1
        if (before(payloadOf(middle))) most = middle
        else least = middle + 1
      }
      expect(least, JSON.stringify(old)).toBeGreaterThan(1_000)
      expect([now(payloadOf(least - 1)), now(payloadOf(least))], JSON.stringify(old)).toEqual([false, true])
    }
  })

  it('is still accepted as it is, unless a name begins with $ or nothing can satisfy it', () => {
    const faultsOf = (given: unknown) => {
      const faults: FieldError[] = []
      checkFilter(given, '', faults)
      return faults
    }
    fc.assert(
      fc.property(filter, old => {
        for (const { detail } of faultsOf(migrated(old))) {
          expect(detail).toMatch(/no event would ever match|No number lies|satisfies none of the other/)
        }
      }),
    )
  })
})
