import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { addBins, binOf, type LatencyBins, msOf, percentile, readBins, writeBins } from '../../src/base/latency-bins.ts'

const durations = fc.array(fc.integer({ min: 0, max: 200_000 }), { minLength: 1, maxLength: 300 })

function binsOf(all: readonly number[]): LatencyBins {
  const bins: LatencyBins = new Map()
  for (const ms of all) addBins(bins, [[binOf(ms), 1]])
  return bins
}

/** The percentile by its definition, from all values. */
function nearestRank(all: readonly number[], share: number): number {
  return [...all].sort((a, b) => a - b)[Math.ceil(share * all.length) - 1]!
}

describe('latency bins', () => {
  it('give percentiles to within 5 % or one millisecond, whichever is more', () => {
    fc.assert(
      fc.property(durations, fc.constantFrom(0.01, 0.5, 0.95, 0.99, 1), (all, share) => {
        const exact = nearestRank(all, share)
        expect(Math.abs(percentile(binsOf(all), share)! - exact)).toBeLessThanOrEqual(Math.max(1, exact * 0.05))
      }),
    )
  })

  it('are exact below ten milliseconds', () => {
    for (let ms = 0; ms < 10; ms++) expect(msOf(binOf(ms))).toBe(ms)
  })

  it('have the same counts whether added in parts or all together', () => {
    fc.assert(
      fc.property(durations, durations, (a, b) => {
        const together = binsOf(a)
        addBins(together, readBins(writeBins(binsOf(b))))
        expect(writeBins(together)).toBe(writeBins(binsOf([...a, ...b])))
      }),
    )
  })

  it('have no percentile if they are empty', () => {
    expect(percentile(readBins(''), 0.5)).toBeNull()
  })
})
