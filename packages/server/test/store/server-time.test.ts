import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Clock } from '../../src/base/clock.ts'
import { ServerTime } from '../../src/store/postgres/server-time.ts'

function bench() {
  let monotonicMs = 1_000
  const clock: Clock = { now: () => 0, monotonicMs: () => monotonicMs, after: () => ({ cancel() {} }) }
  const time = new ServerTime(clock)
  return {
    time,
    monotonicMs: () => monotonicMs,
    advance(ms: number) {
      monotonicMs += ms
    },
    /** A query that takes `thereMs` to reach the server, and whose response takes `backMs`. */
    ask(aheadMs: number, thereMs: number, backMs: number) {
      const askedAtMs = monotonicMs
      monotonicMs += thereMs
      const serverMs = monotonicMs + aheadMs
      monotonicMs += backMs
      time.learn(serverMs, askedAtMs)
    },
  }
}

const way = fc.nat(5_000)

describe("the server's time", () => {
  it("C12: is never early, and never runs back while the server's does not", () => {
    const moves = fc.array(fc.tuple(way, way, way), { minLength: 1, maxLength: 30 })
    fc.assert(
      fc.property(fc.integer({ min: -1e9, max: 1e12 }), moves, (aheadMs, all) => {
        const { time, advance, ask, monotonicMs } = bench()
        let before = Number.NEGATIVE_INFINITY
        for (const [pauseMs, thereMs, backMs] of all) {
          advance(pauseMs)
          ask(aheadMs, thereMs, backMs)
          expect(time.now()).toBeLessThanOrEqual(monotonicMs() + aheadMs)
          expect(time.now()).toBeGreaterThanOrEqual(before)
          before = time.now()
          expect(time.latest()).toBeGreaterThanOrEqual(monotonicMs() + aheadMs)
        }
        // As accurate as its best response.
        const best = Math.min(...all.map(([, , backMs]) => backMs))
        expect(monotonicMs() + aheadMs - time.now()).toBeLessThanOrEqual(best)
        expect(time.latest() - (monotonicMs() + aheadMs)).toBeLessThanOrEqual(
          Math.min(...all.map(([, thereMs]) => thereMs)),
        )
      }),
    )
  })

  it('C12: immediately follows a server with a different clock, and is not early there either', () => {
    fc.assert(
      fc.property(fc.integer({ min: -1e6, max: 1e6 }), way, way, (otherMs, thereMs, backMs) => {
        const { time, ask, monotonicMs } = bench()
        ask(1e9, 1, 1)
        ask(1e9 + otherMs, thereMs, backMs)
        // Nothing better than the response's own accuracy can be expected: it might be the same server.
        expect(time.now() - (monotonicMs() + 1e9 + otherMs)).toBeLessThanOrEqual(thereMs)
        expect(monotonicMs() + 1e9 + otherMs - time.now()).toBeLessThanOrEqual(backMs)
      }),
    )
  })
})
