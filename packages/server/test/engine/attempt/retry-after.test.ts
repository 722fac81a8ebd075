import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readRetryAfter } from '../../../src/engine/attempt/retry-after.ts'

const NOW_MS = Date.parse('2026-06-01T00:00:00Z')
const DAY_MS = 86_400_000
const pauseOf = (retryAfter: string | null, status: number | null = 503, date: string | null = null) =>
  readRetryAfter({ status, retryAfter, date }, NOW_MS)
const secondsOf = (text: string) => pauseOf(text).waitMs / 1_000

describe('C12: Retry-After', () => {
  it('applies in both forms, only on 429 and 503', () => {
    for (const status of [429, 503]) {
      expect(pauseOf('120', status)).toEqual({ waitMs: 120_000, detail: null })
      expect(pauseOf('Mon, 01 Jun 2026 00:01:00 GMT', status)).toEqual({ waitMs: 60_000, detail: null })
    }
    expect(secondsOf('Monday, 01-Jun-26 00:01:00 GMT')).toBe(60)
    expect(secondsOf('Mon Jun  1 00:01:00 2026')).toBe(60)
    expect(secondsOf(' 00120\t')).toBe(120)
    for (const status of [null, 200, 301, 413, 500]) {
      for (const text of ['120', '-1', '1780272000', '9999999'])
        expect(pauseOf(text, status)).toEqual({ waitMs: 0, detail: null })
    }
    for (const text of [null, '0']) expect(pauseOf(text)).toEqual({ waitMs: 0, detail: null })
  })

  it.each([
    ['-5', 'retry_after_negative'],
    ['-0.5', 'retry_after_negative'],
    ['-1780272000', 'retry_after_negative'],
    ['1.5', 'retry_after_fractional'],
    ['86400.0', 'retry_after_fractional'],
    ['99999999.5', 'retry_after_fractional'],
    ['1780272000', 'retry_after_since_1970'],
    ['1780272060.123', 'retry_after_since_1970'],
    ['1780272000000', 'retry_after_since_1970'],
    ['1780272000000000', 'retry_after_since_1970'],
    ['1780272000000000000', 'retry_after_since_1970'],
    ['Mon, 01 Jan 2024 00:00:00 GMT', 'retry_after_past'],
    ['', 'retry_after_malformed'],
    ['soon', 'retry_after_malformed'],
    ['+5', 'retry_after_malformed'],
    ['0x10', 'retry_after_malformed'],
    ['1e3', 'retry_after_malformed'],
    ['.5', 'retry_after_malformed'],
    ['5.', 'retry_after_malformed'],
    ['120, 240', 'retry_after_malformed'],
    ['120s', 'retry_after_malformed'],
    ['\u0661\u0662', 'retry_after_malformed'],
    ['2026-06-01T00:01:00Z', 'retry_after_malformed'],
    ['Mon, 01 Jun 2026 00:01:00 CEST', 'retry_after_malformed'],
  ])('%j is passed over as %s', (text, detail) => {
    expect(pauseOf(text)).toEqual({ waitMs: 0, detail })
  })

  it.each([
    '86401',
    '99999999',
    '999999999',
    '10000000000',
    '99999999999999',
    '9'.repeat(400),
    'Thu, 01 Jan 2099 00:00:00 GMT',
  ])('%s is a day', text => expect(pauseOf(text)).toEqual({ waitMs: DAY_MS, detail: 'retry_after_too_long' }))

  it('is exactly a day without a note', () => {
    expect(pauseOf('86400')).toEqual({ waitMs: DAY_MS, detail: null })
    expect(pauseOf('Tue, 02 Jun 2026 00:00:00 GMT')).toEqual({ waitMs: DAY_MS, detail: null })
  })

  it('pauses for no more than a day, never for less than nothing, and says so whenever it does something else', () => {
    const given = fc.oneof(
      fc.integer().map(String),
      fc.double().map(String),
      fc.maxSafeInteger().map(String),
      fc.string(),
    )
    fc.assert(
      fc.property(given, text => {
        const { waitMs, detail } = pauseOf(text)
        expect(waitMs).toBeGreaterThanOrEqual(0)
        expect(waitMs).toBeLessThanOrEqual(DAY_MS)
        if (detail === null) expect(`${waitMs / 1_000}`).toBe(`${Number(text)}`)
      }),
    )
  })

  it("a date is relative to the response's own Date, if it has one", () => {
    const ask = (date: string) => pauseOf('Mon, 01 Jun 2026 00:01:00 GMT', 503, date)
    // The receiver's clock is ahead, or an hour behind.
    expect(ask('Mon, 01 Jun 2026 00:00:30 GMT').waitMs).toBe(30_000)
    expect(ask('Sun, 31 May 2026 23:00:00 GMT').waitMs).toBe(3_660_000)
    expect(ask('yesterday').waitMs).toBe(60_000)
    expect(ask('Mon, 01 Jun 2026 00:02:00 GMT')).toEqual({ waitMs: 0, detail: 'retry_after_past' })
  })
})
