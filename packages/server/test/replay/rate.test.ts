import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FIRST_RATE, type ReplayRate, rateAfter, roomOf } from '../../src/replay/rate.ts'

const MOST = 100
const look = (untried: number, over = {}) => ({ untried, isFailing: false, isNarrow: false, ...over })
const made = (pace: ReplayRate): ReplayRate => ({ ...pace, untried: pace.untried + roomOf(pace) })

/** How many deliveries are created at each look, if the given numbers are attempted between looks. */
function rooms(taken: readonly number[], over = {}): number[] {
  let pace = FIRST_RATE
  return [0, ...taken].map(count => {
    pace = rateAfter(pace, look(Math.max(0, pace.untried - count), over), MOST)
    const room = roomOf(pace)
    pace = made(pace)
    return room
  })
}

describe('the rate of a replay to an endpoint', () => {
  it('starts with a few, and doubles while all are attempted between two checks', () => {
    expect(rooms([1e9, 1e9, 1e9, 1e9])).toEqual([16, 32, 64, 100, 100])
  })

  it('allows as many again as were attempted, if not all were', () => {
    expect(rooms([1e9, 1e9, 20, 20, 20])).toEqual([16, 32, 64, 0, 0, 16])
    expect(rooms([0, 0, 4, 4])).toEqual([16, 0, 0, 4, 4])
  })

  it('starts with one if one delivery can block others', () => {
    expect(rooms([1e9, 1e9, 0, 1, 1], { isNarrow: true })).toEqual([1, 2, 4, 0, 0, 0])
    expect(rooms([0, 1, 0], { isNarrow: true })).toEqual([1, 0, 2, 0])
  })

  it('stays at one while the endpoint fails, until an attempt succeeds', () => {
    let pace = made(rateAfter(FIRST_RATE, look(0), MOST))
    pace = rateAfter(pace, look(3, { isFailing: true }), MOST)
    expect(roomOf(pace)).toBe(0)
    pace = made(rateAfter(pace, look(0, { isFailing: true }), MOST))
    expect(pace.untried).toBe(1)
    // The delivery created since was not attempted yet, so its outcome is unknown.
    pace = rateAfter(pace, look(1), MOST)
    expect([roomOf(pace), pace.isFailing]).toEqual([0, true])
    pace = rateAfter(pace, look(0), MOST)
    expect([roomOf(pace), pace.isFailing]).toEqual([16, false])
  })

  it('never leaves more waiting than allowed or than the maximum, and always continues once nothing waits', () => {
    const step = fc.record({ taken: fc.nat(200), isFailing: fc.boolean(), isNarrow: fc.boolean() })
    fc.assert(
      fc.property(fc.array(step), fc.integer({ min: 1, max: 500 }), (steps, most) => {
        let pace = FIRST_RATE
        for (const { taken, ...rest } of steps) {
          const untried = Math.max(0, pace.untried - taken)
          pace = rateAfter(pace, { untried, ...rest }, most)
          const room = roomOf(pace)
          expect(room === 0 || untried + room <= most).toBe(true)
          if (untried === 0) expect(room).toBeGreaterThan(0)
          pace = made(pace)
        }
      }),
    )
  })
})
