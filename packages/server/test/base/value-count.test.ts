import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { hasAtMost } from '../../src/base/value-count.ts'

const countOf = (value: unknown): number =>
  1 +
  (typeof value === 'object' && value !== null ? Object.values(value).reduce((sum, each) => sum + countOf(each), 0) : 0)

describe('the number of values', () => {
  it('is compared with a limit', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.nat(30), (value, most) => {
        expect(hasAtMost(most, value)).toBe(countOf(value) <= most)
      }),
    )
  })

  it('is compared without looking at more values than the limit', () => {
    let looked = 0
    const members = Array.from({ length: 50 }, (_, n) => [`m${n}`, { enumerable: true, get: () => ++looked }] as const)
    expect(hasAtMost(10, Object.defineProperties({}, Object.fromEntries(members)))).toBe(false)
    expect(looked).toBe(10)
    looked = 0
    const elements = Array.from({ length: 50 }, (_, n) => [n, { enumerable: true, get: () => ++looked }] as const)
    const list = Object.defineProperties(Array(50), Object.fromEntries(elements))
    expect(hasAtMost(10, list)).toBe(false)
    expect(looked).toBe(0)
  })
})
