import type { Stats } from '@posthorn/client'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  arrivingShare,
  barsOf,
  exhaustedUntil,
  outcomesOf,
  type Step,
  type Steps,
  stepsOf,
} from '../src/lib/outcomes.ts'

const MINUTE = 60_000
const NONE = { '2xx': 0, '3xx': 0, '4xx': 0, '5xx': 0, other: 0, none: 0 }

function point(from: string, delivered: number, exhausted: number, attempts: object): Stats['data'][number] {
  const deliveries = { delivered, exhausted, cancelled: 0 }
  return { from, deliveries, attempts: { ...NONE, ...attempts }, latencyMs: { p50: 5, p95: 9, p99: 9 } }
}

function stepAt(at: number, counts: Partial<Step> = {}): Step {
  return { at, delivered: 0, retrying: 0, exhausted: 0, cancelled: 0, p50: null, p95: null, ...counts }
}

test('steps that the response leaves out are there, with nothing in them', () => {
  const found = point('2026-11-30T08:01:00.000Z', 3, 1, { '2xx': 3, '5xx': 4, none: 2 })
  const stats: Stats = {
    step: 'minute',
    from: '2026-11-30T08:00:00.000Z',
    to: '2026-11-30T08:03:00.000Z',
    total: found,
    emptyOmitted: true,
    data: [found],
  }
  const at = Date.parse(stats.from)
  expect(stepsOf(stats)).toEqual({
    stepMs: MINUTE,
    steps: [
      stepAt(at),
      stepAt(at + MINUTE, { delivered: 3, exhausted: 1, retrying: 5, p50: 5, p95: 9 }),
      stepAt(at + 2 * MINUTE),
    ],
  })
})

test('an exhausted delivery without a failed attempt in the same step takes nothing away', () => {
  expect(outcomesOf(point('', 0, 2, { none: 1 }))).toMatchObject({ retrying: 0, exhausted: 2 })
})

const steps = fc
  .record({
    stepMs: fc.constantFrom(MINUTE, 60 * MINUTE, 1_440 * MINUTE),
    start: fc.integer({ min: 0, max: 30_000 }),
    counts: fc.array(
      fc.record({ delivered: fc.nat(9), retrying: fc.nat(9), exhausted: fc.nat(9), cancelled: fc.nat(9) }),
      {
        minLength: 1,
        maxLength: 800,
      },
    ),
  })
  .map(
    ({ stepMs, start, counts }): Steps => ({
      stepMs,
      steps: counts.map((count, index) => stepAt((start + index) * stepMs, count)),
    }),
  )

test('bars add up to what the steps do, begin at multiples of their length, and are few', () => {
  fc.assert(
    fc.property(steps, given => {
      const bars = barsOf(given)
      for (const name of ['delivered', 'retrying', 'exhausted', 'cancelled'] as const) {
        const sum = ({ steps: all }: Steps) => all.reduce((total, step) => total + step[name], 0)
        expect(sum(bars)).toBe(sum(given))
      }
      expect(bars.stepMs % given.stepMs).toBe(0)
      expect(bars.steps.every(({ at }) => at % bars.stepMs === 0)).toBe(true)
      expect(bars.steps.every(({ at }, index) => index === 0 || at === bars.steps[index - 1]!.at + bars.stepMs)).toBe(
        true,
      )
      expect(bars.steps.length).toBeLessThanOrEqual(Math.max(101, given.steps.length / 7 + 1))
    }),
  )
})

test.each([
  [{ delivered: 0, exhausted: 0 }, null],
  [{ delivered: 3, exhausted: 1 }, 0.75],
  [{ delivered: 0, exhausted: 1 }, 0],
])('of %o, the share that arrived is %s', (counts, share) => {
  expect(arrivingShare(stepAt(0, counts))).toBe(share)
})

test('tells when a delivery was exhausted last', () => {
  const all = [stepAt(0, { exhausted: 1 }), stepAt(MINUTE, { exhausted: 1 }), stepAt(2 * MINUTE, { delivered: 1 })]
  expect(exhaustedUntil({ stepMs: MINUTE, steps: all })).toBe(2 * MINUTE)
  expect(exhaustedUntil({ stepMs: MINUTE, steps: all.slice(2) })).toBeNull()
})
