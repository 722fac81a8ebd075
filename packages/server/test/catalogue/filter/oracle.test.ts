import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { FieldError } from '../../../src/base/errors.ts'
import { Satisfiable } from '../../../src/catalogue/filter/satisfiable.ts'
import { checkFilter, compileFilter } from '../../../src/catalogue/filter.ts'
import { conditions, filters, payloads, values } from './arbitraries.ts'
import { holds, satisfies } from './naive.ts'

describe('filters, compared with a plain implementation of the language', () => {
  it('give the same result for every payload', () => {
    let passed = 0
    const runs = 5_000
    fc.assert(
      fc.property(filters, payloads, (filter, payload) => {
        const expected = satisfies(filter, payload)
        if (expected) passed++
        expect(compileFilter(filter)(payload)).toBe(expected)
      }),
      { numRuns: runs },
    )
    expect(passed, 'neither result is rare').toBeGreaterThan(runs / 10)
    expect(passed).toBeLessThan((runs * 9) / 10)
  })

  it('are refused as never matching only if no value satisfies them', () => {
    let refused = 0
    fc.assert(
      fc.property(conditions, fc.array(values, { minLength: 8, maxLength: 8 }), (condition, some) => {
        if (new Satisfiable().condition(condition, false)) return
        refused++
        for (const value of some) expect(holds(condition, value), JSON.stringify(value)).toBe(false)
      }),
      { numRuns: 5_000 },
    )
    expect(refused).toBeGreaterThan(100)
  })

  it('are refused as never matching only if no payload satisfies them, at the root too', () => {
    let refused = 0
    fc.assert(
      fc.property(filters, fc.array(payloads, { minLength: 8, maxLength: 8 }), (filter, some) => {
        if (new Satisfiable().condition(filter, true)) return
        refused++
        for (const payload of some) expect(satisfies(filter, payload), JSON.stringify(payload)).toBe(false)
      }),
      { numRuns: 5_000 },
    )
    expect(refused).toBeGreaterThan(100)
  })

  it('are not refused for anything else, if they are well-formed', () => {
    fc.assert(
      fc.property(filters, filter => {
        const faults: FieldError[] = []
        checkFilter(filter, '', faults)
        for (const { detail } of faults) {
          expect(detail).toMatch(/no event would ever match|No number lies|satisfies none of the other/)
        }
      }),
    )
  })
})
