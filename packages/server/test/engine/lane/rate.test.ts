import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Clock } from '../../../src/base/clock.ts'
import type { RateLimit } from '../../../src/base/model.ts'
import { Rates, RateWindow } from '../../../src/engine/lane/rate.ts'

/** A clock that the test sets. */
function handClock() {
  const hands = { nowMs: 0 }
  const clock: Clock = {
    now: () => hands.nowMs,
    monotonicMs: () => hands.nowMs,
    after: () => ({ cancel: () => {} }),
  }
  return { hands, clock }
}

/** The largest number begun in any period of that length, including both ends. */
function mostIn(begun: readonly number[], lengthMs: number): number {
  return Math.max(0, ...begun.map(from => begun.filter(at => at >= from && at <= from + lengthMs).length))
}

const limits = fc.record({ requests: fc.integer({ min: 1, max: 6 }), perSeconds: fc.integer({ min: 1, max: 3 }) })
const steps = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constantFrom('reserve' as const, 'begin' as const, 'giveUp' as const) }),
    fc.record({ kind: fc.constant('wait' as const), ms: fc.nat(1_500) }),
    fc.constant({ kind: 'untilFree' as const }),
  ),
  { maxLength: 200, size: 'max' },
)

describe('a rate window', () => {
  it('never lets more begin in any period than the limit, and never fewer than it can', () => {
    fc.assert(
      fc.property(limits, steps, (limit, plan) => {
        const { hands, clock } = handClock()
        const window = new RateWindow(limit, clock)
        const lengthMs = limit.perSeconds * 1_000
        const begun: number[] = []
        let reserved = 0
        for (const step of plan) {
          const counting = begun.filter(at => at >= hands.nowMs - lengthMs).length
          expect(window.isFree()).toBe(counting + reserved < limit.requests)
          if (step.kind === 'reserve' && window.isFree()) {
            window.reserve()
            reserved++
          } else if (step.kind === 'begin' && reserved > 0) {
            window.begin()
            reserved--
            begun.push(hands.nowMs)
          } else if (step.kind === 'giveUp' && reserved > 0) {
            window.release()
            reserved--
          } else if (step.kind === 'wait') hands.nowMs += step.ms
          else if (step.kind === 'untilFree' && !window.isFree() && window.freeAtMs() < Number.POSITIVE_INFINITY) {
            // Not a moment later than necessary.
            hands.nowMs = window.freeAtMs() - 1
            expect(window.isFree()).toBe(false)
            hands.nowMs += 1
            expect(window.isFree()).toBe(true)
          }
        }
        expect(mostIn(begun, lengthMs)).toBeLessThanOrEqual(limit.requests)
      }),
      { numRuns: 1_000 },
    )
  })

  it('counts earlier attempts towards a changed limit', () => {
    const { hands, clock } = handClock()
    const rates = new Rates(clock)
    const begin = (limit: RateLimit) => {
      const window = rates.of('ep', limit)!
      if (!window.isFree()) return false
      window.reserve()
      window.begin()
      return true
    }
    const slow = { requests: 2, perSeconds: 10 }
    expect([begin(slow), begin(slow), begin(slow)]).toEqual([true, true, false])
    expect(begin({ requests: 3, perSeconds: 10 })).toBe(true)
    expect(begin({ requests: 1, perSeconds: 10 })).toBe(false)
    hands.nowMs = 2_000
    expect(begin({ requests: 1, perSeconds: 1 })).toBe(true)
    expect(rates.of('ep', null)).toBeNull()
  })

  it('is kept while it matters, whether or not the endpoint has a lane', () => {
    const { hands, clock } = handClock()
    const rates = new Rates(clock)
    const limit = { requests: 1, perSeconds: 60 }
    const window = rates.of('ep', limit)!
    window.reserve()
    window.begin()
    hands.nowMs = 59_000
    rates.forgetIdle(() => false)
    expect(rates.of('ep', limit)!.isFree()).toBe(false)
    hands.nowMs = 61_000
    rates.forgetIdle(() => true)
    expect(rates.of('ep', limit)).toBe(window)
    rates.forgetIdle(() => false)
    expect(rates.of('ep', limit)).not.toBe(window)
  })

  it('forgets expired attempts, however long it runs', () => {
    const { hands, clock } = handClock()
    const window = new RateWindow({ requests: 10_000, perSeconds: 1 }, clock)
    for (let at = 0; at < 50_000; at++) {
      hands.nowMs += 1
      expect(window.isFree()).toBe(true)
      window.reserve()
      window.begin()
    }
    hands.nowMs += 2_000
    expect(window.isIdle()).toBe(true)
  })
})
