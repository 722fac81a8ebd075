import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Recovery } from '../../../src/engine/lane/recovery.ts'

const at = (nowMs: number, isSuccess: boolean, neverConnected = false) => ({
  isSuccess,
  neverConnected,
  nowMs,
  longestPauseMs: 30_000,
  random: 0,
})

/** Sends each request as soon as allowed and ends it immediately. Returns how many began in each second. */
function run(recovery: Recovery, fromMs: number, seconds: number): number[] {
  const counts: number[] = []
  let nowMs = fromMs
  while (nowMs < fromMs + seconds * 1_000) {
    nowMs = Math.max(nowMs + 0.2, recovery.notBeforeMs)
    recovery.beginRequest(nowMs)
    recovery.endRequest(at(nowMs, true))
    const second = Math.floor((nowMs - fromMs) / 1_000)
    counts[second] = (counts[second] ?? 0) + 1
  }
  return counts.slice(0, seconds)
}

describe('the recovery of a lane', () => {
  it('starts with 20 requests a second after an outage, and doubles each second', () => {
    const recovery = new Recovery(32)
    for (let count = 0; count < 8; count++) recovery.endRequest(at(0, false))
    expect(recovery.window).toBe(1)
    const counts = run(recovery, 1_000, 9)
    const expected = [20, 40, 80, 160, 320, 640]
    for (const [second, count] of expected.entries()) {
      expect(counts[second], `second ${second}`).toBeGreaterThan(count * 0.8)
      expect(counts[second], `second ${second}`).toBeLessThan(count * 1.3 + 3)
    }
    expect(counts[8]).toBeGreaterThan(4_000)
    expect(recovery.isSpaced).toBe(false)
  })

  it('is not slowed down by occasional failures', () => {
    const recovery = new Recovery(32)
    for (let count = 0; count < 40; count++) recovery.endRequest(at(0, count % 4 !== 0))
    expect([recovery.isSpaced, recovery.notBeforeMs]).toEqual([false, 0])
  })

  it('slows down when requests fail again, and starts over if they keep failing', () => {
    const recovery = new Recovery(32)
    recovery.markUnreachable()
    recovery.endRequest(at(0, true))
    run(recovery, 0, 4)
    const fast = run(recovery, 4_000, 1)[0]!
    recovery.endRequest(at(5_000, false))
    recovery.endRequest(at(5_000, false))
    expect(run(recovery, 5_000, 1)[0]).toBeLessThan(fast * 0.6)
    for (let count = 0; count < 8; count++) recovery.endRequest(at(6_000, false))
    expect(recovery.isSpaced).toBe(false)
    recovery.endRequest(at(7_000, true))
    expect(run(recovery, 7_000, 1)[0]).toBeLessThan(30)
  })

  it('C12: probes an unreachable receiver with pauses that double up to half a minute, until any response', () => {
    const recovery = new Recovery(32)
    const pauses: number[] = []
    let nowMs = 0
    for (let count = 0; count < 13; count++) {
      recovery.endRequest(at(nowMs, false, true))
      pauses.push(Math.max(recovery.notBeforeMs - nowMs, 0))
      nowMs += 40_000
    }
    expect(pauses.slice(0, 4)).toEqual([0, 0, 30_000 / 512, 30_000 / 256])
    expect(pauses.slice(-4)).toEqual([7_500, 15_000, 30_000, 30_000])
    recovery.endRequest(at(nowMs, false))
    expect(recovery.notBeforeMs).toBeLessThanOrEqual(nowMs)
  })

  it('never pauses after responses, not even 500, since one event could be at fault', () => {
    const recovery = new Recovery(32)
    for (let count = 0; count < 1_000; count++) recovery.endRequest(at(count, false))
    expect(recovery.notBeforeMs).toBe(0)
    expect(recovery.window).toBe(1)
  })

  it('settles near the capacity of a limited receiver, with few failures', () => {
    const recovery = new Recovery(128)
    let failures = 0
    let sum = 0
    for (let round = 0; round < 2_000; round++) {
      const window = recovery.window
      sum += window
      for (let sent = 0; sent < window; sent++) {
        const isSuccess = sent < 20
        if (!isSuccess) failures++
        recovery.endRequest(at(round * 100, isSuccess))
      }
    }
    expect(sum / 2_000).toBeGreaterThan(8)
    expect(failures / sum).toBeLessThan(0.1)
  })

  it('keeps its window between one and the maximum, and its pauses bounded, whatever happens', () => {
    const end = fc.record({
      isSuccess: fc.boolean(),
      neverConnected: fc.boolean(),
      afterMs: fc.integer({ min: 0, max: 5_000 }),
      random: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      isAsked: fc.boolean(),
    })
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 64 }), fc.array(end, { maxLength: 200 }), (most, ends) => {
        const recovery = new Recovery(most)
        let nowMs = 0
        for (const { isSuccess, neverConnected, afterMs, random, isAsked } of ends) {
          nowMs = Math.max(nowMs + afterMs, recovery.notBeforeMs)
          if (isAsked) recovery.markUnreachable()
          recovery.beginRequest(nowMs)
          recovery.endRequest({
            isSuccess,
            neverConnected: neverConnected && !isSuccess,
            nowMs,
            random,
            longestPauseMs: 30_000,
          })
          expect(recovery.window).toBeGreaterThanOrEqual(1)
          expect(recovery.window).toBeLessThanOrEqual(most)
          expect(recovery.notBeforeMs - nowMs).toBeLessThanOrEqual(30_000)
        }
      }),
    )
  })
})
