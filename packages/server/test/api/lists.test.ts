import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeCursor, encodeCursor, parseTime } from '../../src/api/http/lists.ts'
import { refusal } from '../services/setup.ts'

describe('times', () => {
  it.each([
    ['2026-01-31T12:00:00Z', '2026-01-31T12:00:00.000Z'],
    ['2026-01-31t12:00:00.5z', '2026-01-31T12:00:00.500Z'],
    ['2026-01-31T12:00:00.123000Z', '2026-01-31T12:00:00.123Z'],
    ['2026-01-31T12:00:00+01:30', '2026-01-31T10:30:00.000Z'],
    ['2026-01-31T23:00:00-01:30', '2026-02-01T00:30:00.000Z'],
    ['2024-02-29T00:00:00Z', '2024-02-29T00:00:00.000Z'],
    ['2016-12-31T23:59:60Z', '2017-01-01T00:00:00.000Z'],
    ['0000-01-01T00:00:00Z', '0000-01-01T00:00:00.000Z'],
    ['2026-11-28', '2026-11-28T00:00:00.000Z'],
    ['2024-02-29', '2024-02-29T00:00:00.000Z'],
  ])('reads %s', (text, time) => {
    expect(new Date(parseTime(text)!).toISOString()).toBe(time)
  })

  it('rounds fractions of a millisecond up, so that no bound is crossed', () => {
    expect(parseTime('1970-01-01T00:00:00.0010001Z')).toBe(2)
    expect(parseTime('1970-01-01T00:00:00.9999Z')).toBe(1000)
  })

  it.each([
    ['', '2026-02-29', '2026-1-31', '20260131', '2026-01-31Z', '2026-01-31+01:00', '2026-01', '2026-01-31T'],
    ['2026-01-31T12:00:00', '2026-01-31 12:00:00Z', '2026-02-29T00:00:00Z', '2026-13-01T00:00:00Z'],
    ['2026-01-31T24:00:00Z', '2026-01-31T12:60:00Z', '2026-01-31T12:00:61Z', '2026-01-31T12:00Z', '1769860800'],
    ['2026-01-31T12:00:00+0130', '2026-01-31T12:00:00 01:00', '2026-01-31T12:00:00.Z', ' 2026-01-31T12:00:00Z'],
    ['2026-01-31T12:00:00+24:00', '2026-00-01T00:00:00Z', '2026-01-00T00:00:00Z', '+002026-01-31T12:00:00Z'],
  ])('refuses %s and similar texts', (...texts) => {
    for (const text of texts) expect(parseTime(text), text).toBeUndefined()
  })

  it('reads every time that JavaScript writes with a four-digit year', () => {
    fc.assert(
      fc.property(fc.date({ min: new Date('0001-01-01T00:00:00Z'), max: new Date('9999-12-31T23:59:59Z') }), date => {
        fc.pre(!Number.isNaN(date.getTime()))
        expect(parseTime(date.toISOString())).toBe(date.getTime())
      }),
    )
  })
})

describe('cursors', () => {
  it('decode to the id that was encoded, and are checked', async () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1 }), id => {
        expect(decodeCursor(encodeCursor(id), () => true)).toBe(id)
      }),
    )
    const decode = async (text: string) => decodeCursor(text, id => id === 'a')
    expect(await decode(encodeCursor('a'))).toBe('a')
    for (const text of ['', '=', 'YQ==', 'YQ ', 'YR', encodeCursor('b'), '_w']) {
      expect((await refusal(decode(text))).fields).toMatchObject([{ field: 'cursor' }])
    }
  })
})
