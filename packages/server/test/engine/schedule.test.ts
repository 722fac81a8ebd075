import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { SETTINGS } from '../../src/config/settings.ts'
import { judge } from '../../src/engine/outcome.ts'
import { nextStep, retryAfterMs } from '../../src/engine/schedule.ts'
import vector from '../vectors/retry-schedule.json' with { type: 'json' }

const failed = { outcome: 'failure' as const, endedAtMs: 1_000_000, retryAfterMs: 0, random: 0 }
const schedule = SETTINGS.retrySchedule.default as readonly number[]

describe('C12 schedule', () => {
  it('C12: the default is the contract’s, eleven attempts in all, never sooner and at most a tenth later', () => {
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

  it('C12: nothing makes an attempt sooner; Retry-After makes it later', () => {
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

  it('C12: a part of a millisecond makes nothing sooner', () => {
    expect(nextStep({ ...failed, attempt: 1, schedule: [0.0011] })).toEqual({ kind: 'retry', dueAtMs: 1_000_002 })
  })

  it('C12: Retry-After counts in both forms, on 429 and 503 alone, up to a day', () => {
    const nowMs = Date.parse('2026-06-01T00:00:00Z')
    expect(retryAfterMs(429, '120', nowMs)).toBe(120_000)
    expect(retryAfterMs(503, 'Mon, 01 Jun 2026 00:01:00 GMT', nowMs)).toBe(60_000)
    expect(retryAfterMs(503, '99999999', nowMs)).toBe(86_400_000)
    for (const header of [null, '', '-5', '1.5e3x', 'soon', 'Mon, 01 Jan 2024 00:00:00 GMT', '99999999999999']) {
      expect(retryAfterMs(429, header, nowMs), String(header)).toBe(0)
    }
    expect(retryAfterMs(500, '120', nowMs)).toBe(0)
    expect(retryAfterMs(null, '120', nowMs)).toBe(0)
  })
})

describe('C11 outcome', () => {
  it('C11: any 2xx is success, anything else is not, and 410 says gone', () => {
    for (let status = 200; status < 600; status++) {
      const { outcome, gone } = judge({ status, failure: null })
      expect(outcome, String(status)).toBe(status < 300 ? 'success' : 'failure')
      expect(gone).toBe(status === 410)
    }
    expect(judge({ status: null, failure: 'dns_failed' })).toEqual({
      outcome: 'failure',
      error: 'dns_failed',
      gone: false,
    })
  })
})
