import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { SETTINGS } from '../../../src/config/settings.ts'
import { parseHttpDate } from '../../../src/engine/attempt/http-date.ts'
import { classify } from '../../../src/engine/attempt/outcome.ts'
import { nextStep } from '../../../src/engine/attempt/schedule.ts'
import vector from '../../vectors/retry-schedule.json' with { type: 'json' }

const failed = { outcome: 'failure' as const, endedAtMs: 1_000_000, retryAfterMs: 0, random: 0 }
const schedule = SETTINGS.retrySchedule.default as readonly number[]

describe('C12: schedule', () => {
  it("C12: the default schedule is the contract's: eleven attempts, never early and at most a tenth late", () => {
    expect(schedule).toEqual(vector.minimum)
    for (let attempt = 1; attempt < vector.attemptsInAll; attempt++) {
      const minimumMs = vector.minimum[attempt - 1]! * 1_000
      const soonest = nextStep({ ...failed, attempt, schedule })
      const latest = nextStep({ ...failed, attempt, schedule, random: 1 - Number.EPSILON })
      expect(soonest).toEqual({ kind: 'retry', dueAtMs: 1_000_000 + minimumMs })
      expect((latest as { dueAtMs: number }).dueAtMs).toBeLessThanOrEqual(1_000_000 + minimumMs * vector.maximumFactor)
      expect((latest as { dueAtMs: number }).dueAtMs).toBeGreaterThan(1_000_000 + minimumMs * 1.09)
    }
    expect(nextStep({ ...failed, attempt: vector.attemptsInAll, schedule })).toEqual({ kind: 'exhausted' })
  })

  it('C12: Retry-After can postpone an attempt, and nothing makes it earlier', () => {
    const input = fc.record({
      attempt: fc.integer({ min: 1, max: 10 }),
      retryAfterMs: fc.integer({ min: 0, max: 100_000_000 }),
      random: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
    })
    fc.assert(
      fc.property(input, given => {
        const step = nextStep({ ...failed, schedule, ...given })
        const waitMs = (step as { dueAtMs: number }).dueAtMs - failed.endedAtMs
        expect(waitMs).toBeGreaterThanOrEqual(schedule[given.attempt - 1]! * 1_000)
        expect(waitMs).toBeGreaterThanOrEqual(given.retryAfterMs)
      }),
    )
  })

  it('C12: fractions of a millisecond are rounded up', () => {
    expect(nextStep({ ...failed, attempt: 1, schedule: [0.0011] })).toEqual({ kind: 'retry', dueAtMs: 1_000_002 })
  })

  it('parses the dates of RFC 9110 and nothing else', () => {
    const nowMs = Date.parse('2026-06-01T00:00:00Z')
    const at = Date.parse('1994-11-06T08:49:37Z')
    for (const text of [
      'Sun, 06 Nov 1994 08:49:37 GMT',
      'Sunday, 06-Nov-94 08:49:37 GMT',
      'Sun Nov  6 08:49:37 1994',
    ]) {
      expect(parseHttpDate(text, nowMs), text).toBe(at)
    }
    // A two-digit year (RFC 850) is at most fifty years ahead.
    expect(parseHttpDate('Friday, 01-May-76 00:00:00 GMT', nowMs)).toBe(Date.parse('2076-05-01T00:00:00Z'))
    expect(parseHttpDate('Friday, 01-May-77 00:00:00 GMT', nowMs)).toBe(Date.parse('1977-05-01T00:00:00Z'))
    for (const text of [
      'Sun, 31 Feb 2026 00:00:00 GMT',
      'Sun, 06 Nov 1994 24:00:00 GMT',
      'Sun, 06 Nov 1994 08:49:37 CET',
      'sun, 06 nov 1994 08:49:37 gmt',
      '1994-11-06T08:49:37Z',
      ' Sun, 06 Nov 1994 08:49:37 GMT',
    ]) {
      expect(parseHttpDate(text, nowMs), text).toBeUndefined()
    }
    const written = fc.date({ min: new Date(0), max: new Date('2400-01-01'), noInvalidDate: true })
    fc.assert(
      fc.property(written, date => {
        expect(parseHttpDate(date.toUTCString(), nowMs)).toBe(Math.floor(date.getTime() / 1_000) * 1_000)
      }),
    )
  })
})

describe('C11: outcome', () => {
  it('C11: any 2xx is a success, anything else a failure, and 410 means gone', () => {
    for (let status = 200; status < 600; status++) {
      const { outcome, gone } = classify({ status, failure: null })
      expect(outcome, String(status)).toBe(status < 300 ? 'success' : 'failure')
      expect(gone).toBe(status === 410)
    }
    expect(classify({ status: null, failure: 'dns_failed' })).toEqual({
      outcome: 'failure',
      error: 'dns_failed',
      gone: false,
    })
  })
})
