import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Deadlines, type Limited, TICK_MS } from '../../../src/engine/attempt/deadlines.ts'
import { HandClock } from '../../hand-clock.ts'

const LONGEST_TURN_MS = 50

/** What has a deadline, and when that was over. */
class Request implements Limited {
  deadlineMs = Number.POSITIVE_INFINITY
  readonly expiredAtMs: number[] = []
  readonly #clock: HandClock
  readonly #then: () => void

  constructor(clock: HandClock, then: () => void = () => {}) {
    this.#clock = clock
    this.#then = then
  }

  expire(): void {
    this.expiredAtMs.push(this.#clock.monotonicMs())
    this.#then()
  }
}

describe('deadlines', () => {
  it('C11: are never noticed early, and at most 20 ms and a turn of the event loop late', () => {
    const which = fc.integer({ min: 0, max: 7 })
    const step = fc.oneof(
      fc.record({ kind: fc.constant('set' as const), which, delayMs: fc.integer({ min: 0, max: 400 }) }),
      fc.record({ kind: fc.constant('clear' as const), which }),
      fc.record({ kind: fc.constant('turn' as const), byMs: fc.double({ min: 0, max: LONGEST_TURN_MS, noNaN: true }) }),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), steps => {
        const clock = new HandClock()
        const deadlines = new Deadlines(clock)
        const requests = Array.from({ length: 8 }, () => new Request(clock))
        /** The deadline that each request has, as the model sees it. */
        const open = new Map<Request, number>()
        const look = () => {
          for (const [request, atMs] of [...open]) {
            const [expiredAtMs, ...others] = request.expiredAtMs.splice(0)
            expect(others).toEqual([])
            if (expiredAtMs === undefined) expect(clock.now()).toBeLessThan(atMs + TICK_MS + LONGEST_TURN_MS)
            else {
              expect(expiredAtMs).toBeGreaterThanOrEqual(atMs)
              open.delete(request)
            }
          }
          // None without a deadline.
          expect(requests.flatMap(({ expiredAtMs }) => expiredAtMs)).toEqual([])
        }
        for (const one of steps) {
          if (one.kind === 'turn') clock.turn(one.byMs)
          else if (one.kind === 'set') {
            deadlines.set(requests[one.which]!, one.delayMs)
            open.set(requests[one.which]!, clock.now() + one.delayMs)
          } else {
            deadlines.clear(requests[one.which]!)
            open.delete(requests[one.which]!)
          }
          look()
        }
        for (let turn = 0; turn < 500 / TICK_MS; turn++) clock.turn(TICK_MS)
        look()
        expect(open.size).toBe(0)
        // Nothing has a deadline, so nothing waits.
        expect(clock.waits).toEqual([])
      }),
    )
  })

  it('have one timer, however many there are, and none when there are none', () => {
    const clock = new HandClock()
    const deadlines = new Deadlines(clock)
    expect(clock.waits).toEqual([])
    const requests = Array.from({ length: 100 }, () => new Request(clock))
    for (const [nth, request] of requests.entries()) deadlines.set(request, 1_000 + nth)
    expect(clock.waits).toEqual([TICK_MS])
    clock.turn(TICK_MS)
    expect(clock.waits).toEqual([TICK_MS])
    for (const request of requests) deadlines.clear(request)
    clock.turn(TICK_MS)
    expect(clock.waits).toEqual([])
  })

  it('can be set and cleared by one that expires', () => {
    const clock = new HandClock()
    const deadlines = new Deadlines(clock)
    const other = new Request(clock)
    const first: Request = new Request(clock, () => {
      deadlines.clear(other)
      if (first.expiredAtMs.length < 3) deadlines.set(first, 30)
    })
    deadlines.set(first, 10)
    deadlines.set(other, 10)
    for (let turn = 0; turn < 20; turn++) clock.turn(10)
    expect(first.expiredAtMs.map(atMs => atMs - 1_000_000)).toEqual([20, 60, 100])
    expect(other.expiredAtMs).toEqual([])
    expect(clock.waits).toEqual([])
  })
})
