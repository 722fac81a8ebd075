import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ProbeTurns } from '../../../src/engine/lane/probe-turns.ts'

const countBySecond = (times: readonly number[]) => Map.groupBy(times, ms => Math.floor(ms / 1_000))

describe('the probes of unreachable receivers', () => {
  it('of a tenant begin a hundred a second, however many receivers fail together', () => {
    const turns = new ProbeTurns()
    const times = Array.from({ length: 2_000 }, () => turns.take('a', 0, 30_000))
    const counts = [...countBySecond(times).values()].map(({ length }) => length)
    expect(counts).toEqual(new Array(20).fill(100))
  })

  it('of another tenant are not delayed', () => {
    const turns = new ProbeTurns()
    for (let count = 0; count < 2_000; count++) turns.take('a', 0, 30_000)
    expect(turns.take('b', 50, 30_000)).toBe(50)
  })

  it('begin when they are wanted at the earliest, and never later than a receiver may wait', () => {
    const probe = fc.record({ wantedMs: fc.nat(5_000), waitMs: fc.nat(3_000) })
    fc.assert(
      fc.property(fc.array(probe, { maxLength: 400 }), probes => {
        const turns = new ProbeTurns()
        for (const { wantedMs, waitMs } of probes) {
          const atMs = turns.take('a', wantedMs, wantedMs + waitMs)
          expect(atMs).toBeGreaterThanOrEqual(wantedMs)
          expect(atMs).toBeLessThanOrEqual(wantedMs + waitMs)
        }
      }),
    )
  })

  it('that are past are forgotten', () => {
    const turns = new ProbeTurns()
    for (let count = 0; count < 100; count++) turns.take('a', 0, 30_000)
    expect(turns.take('a', 0, 30_000)).toBe(1_000)
    turns.forgetPast(1_000)
    expect(turns.take('a', 0, 30_000)).toBe(0)
  })
})
