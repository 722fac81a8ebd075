import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { SharedBudget, TENANT_SHARE } from '../../src/base/shared-budget.ts'

describe('a shared budget', () => {
  it('gives a tenant that is alone four fifths, and always has room for another', () => {
    const budget = new SharedBudget(1_000)
    let taken = 0
    while (budget.tryReserve('a', 1)) taken++
    expect(taken).toBe(800)
    expect(budget.tryReserve('b', 160)).toBe(true)
    expect(budget.isLeft('a')).toBe(false)
    expect(budget.of('c').tryReserve(20)).toBe(true)
    budget.release('a', 800)
    expect(budget.usedBy('a')).toBe(0)
    expect(budget.used).toBe(180)
  })

  it('never gives more than it has, nor a tenant more than its share of what was left', () => {
    const step = fc.record({ tenant: fc.constantFrom('a', 'b', 'c'), amount: fc.integer({ min: -20, max: 40 }) })
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 100 }), fc.array(step), (max, steps) => {
        const budget = new SharedBudget(max)
        const own: Record<string, number> = { a: 0, b: 0, c: 0 }
        for (const { tenant, amount } of steps) {
          const used = budget.used
          if (amount < 0) {
            const given = Math.min(own[tenant]!, -amount)
            budget.release(tenant, given)
            own[tenant]! -= given
          } else if (budget.tryReserve(tenant, amount)) {
            own[tenant]! += amount
            expect(budget.used).toBeLessThanOrEqual(max)
            expect(own[tenant]).toBeLessThanOrEqual(TENANT_SHARE * (max - used - amount + 1))
          } else expect(budget.used).toBe(used)
          for (const [name, value] of Object.entries(own)) expect(budget.usedBy(name)).toBe(value)
          expect(budget.used).toBe(own.a! + own.b! + own.c!)
        }
      }),
    )
  })
})
