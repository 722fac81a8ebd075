import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readMoment } from '../../src/times/moments.ts'
import { readPeriod } from '../../src/times/period.ts'
import { formatClock, formatDay, formatMoment, formatOffset, momentsOf, offsetAt } from '../../src/times/zones.ts'

// cspell:ignore Lord_Howe Kathmandu Chatham Johns Apia Troll Zhdm

const NOW = Date.parse('2026-11-30T08:30:12.345Z')
const berlin = { nowMs: NOW, zone: 'Europe/Berlin' }
const read = (text: string, now: { nowMs: number; zone: string } = berlin) =>
  new Date(readMoment(text, now)).toISOString()
const refusal = (text: string, now = berlin) => {
  try {
    return `${text} was read as ${read(text, now)}`
  } catch (error) {
    return (error as Error).message
  }
}
const at = (zone: string, now: string) => ({ zone, nowMs: Date.parse(now) })

describe('a time that someone types', () => {
  it.each([
    ['06:00', '2026-11-30T05:00:00.000Z'],
    ['6:00', '2026-11-30T05:00:00.000Z'],
    ['06:00:30', '2026-11-30T05:00:30.000Z'],
    ['6am', '2026-11-30T05:00:00.000Z'],
    ['12am', '2026-11-29T23:00:00.000Z'],
    ['today', '2026-11-29T23:00:00.000Z'],
    ['today 06:00', '2026-11-30T05:00:00.000Z'],
    ['yesterday', '2026-11-28T23:00:00.000Z'],
    ['Yesterday 18:30', '2026-11-29T17:30:00.000Z'],
    ['18:30 yesterday', '2026-11-29T17:30:00.000Z'],
    ['yesterday at 6:30 pm', '2026-11-29T17:30:00.000Z'],
    ['2h', '2026-11-30T06:30:12.345Z'],
    ['1h30m', '2026-11-30T07:00:12.345Z'],
    ['90 minutes ago', '2026-11-30T07:00:12.345Z'],
    ['1.5h', '2026-11-30T07:00:12.345Z'],
    ['3d', '2026-11-27T08:30:12.345Z'],
    ['1w', '2026-11-23T08:30:12.345Z'],
    ['now', '2026-11-30T08:30:12.345Z'],
    ['2026-11-28', '2026-11-27T23:00:00.000Z'],
    ['2026-11-28 06:00', '2026-11-28T05:00:00.000Z'],
    ['2026-11-28T06:00', '2026-11-28T05:00:00.000Z'],
    ['2026-07-01 06:00', '2026-07-01T04:00:00.000Z'],
    ['2026-11-28T06:00:00Z', '2026-11-28T06:00:00.000Z'],
    ['2026-11-28T06:00:00.250Z', '2026-11-28T06:00:00.250Z'],
    ['2026-11-28 06:00 +02:00', '2026-11-28T04:00:00.000Z'],
    ['2026-11-28T06:00-0330', '2026-11-28T09:30:00.000Z'],
    ['  2h  ', '2026-11-30T06:30:12.345Z'],
  ])('%s is %s', (text, moment) => {
    expect(read(text)).toBe(moment)
  })

  it.each([
    '',
    'banana',
    '-2h',
    '2',
    '2x',
    '0600',
    '6:0',
    '6:00:0',
    'last week',
    '28.11.2026',
    '11/28/2026',
    '6',
    '2h-',
    '١٢:٠٠',
  ])('is refused with examples if it is nonsense: %j', text => {
    expect(refusal(text)).toBe(
      `"${text}" is not a time. Write one such as 06:00, yesterday 18:30, 2h, 2026-11-28 06:00 or 2026-11-28T06:00:00Z.`,
    )
  })

  it.each([
    ['24:00', '24:00 is not a time of day: they go from 00:00 to 23:59:59. Midnight is 00:00 of the next day.'],
    ['25:00', '25:00 is not a time of day: they go from 00:00 to 23:59:59.'],
    ['12:60', '12:60 is not a time of day: they go from 00:00 to 23:59:59.'],
    ['13pm', '13pm is not a time of day: hours with am or pm are from 1 to 12.'],
    ['2026-02-30', '2026-02-30 is not a date: there is no such day. Write year, month and day, such as 2026-11-28.'],
    [
      '2026-13-01T00:00Z',
      '2026-13-01 is not a date: there is no such day. Write year, month and day, such as 2026-11-28.',
    ],
    ['2026-11-28T06:00+25:00', '+25:00 is not an offset from UTC. Write one such as +01:00, or Z for UTC.'],
    ['1969-12-31T23:00:00Z', '1969-12-31T23:00:00Z is out of range. Write a time since 1970.'],
    ['99999d', '99999d is out of range. Write a time since 1970.'],
  ])('is refused with the reason: %s', (text, message) => {
    expect(refusal(text)).toBe(message)
  })

  it('is refused in the future, with both times and what might have been meant', () => {
    const future =
      'is in the future: that is 2026-11-30 18:00 +01:00 (Europe/Berlin), and now it is 2026-11-30 09:30:12 +01:00 (Europe/Berlin).'
    expect(refusal('18:00')).toBe(`18:00 ${future} For yesterday's, write "yesterday 18:00".`)
    expect(refusal('2026-11-30 18:00')).toBe(`2026-11-30 18:00 ${future}`)
    expect(refusal('tomorrow')).toMatch(/^tomorrow is in the future/)
  })

  it('is refused where clocks skip it, and where they show it twice', () => {
    expect(refusal('02:30', at('Europe/Berlin', '2026-03-29T12:00:00Z'))).toBe(
      'There is no 02:30 on 2026-03-29 in Europe/Berlin: clocks go from 02:00 to 03:00 there. Write 03:00 or later, or a ' +
        'time before 02:00.',
    )
    expect(refusal('02:30', at('Europe/Berlin', '2026-10-25T12:00:00Z'))).toBe(
      '02:30 on 2026-10-25 comes twice in Europe/Berlin, because clocks are put back then. Write 2026-10-25T02:30+02:00 or ' +
        '2026-10-25T02:30+01:00.',
    )
    const lordHowe = at('Australia/Lord_Howe', '2026-10-04T12:00:00Z')
    expect(refusal('02:15', lordHowe)).toMatch(/clocks go from 02:00 to 02:30 there/)
  })

  it('is as far back as it says across a change of the clocks', () => {
    const now = at('Europe/Berlin', '2026-03-29T10:00:00Z')
    expect(read('yesterday 12:00', now)).toBe('2026-03-28T11:00:00.000Z')
    expect(read('24h', now)).toBe('2026-03-28T10:00:00.000Z')
  })

  it('begins a day at its first moment, which need not be midnight', () => {
    expect(read('today', at('America/Havana', '2026-03-08T15:00:00Z'))).toBe('2026-03-08T05:00:00.000Z')
    expect(read('today', at('America/Havana', '2026-11-01T15:00:00Z'))).toBe('2026-11-01T04:00:00.000Z')
    expect(read('2011-12-30', at('Pacific/Apia', '2012-01-05T00:00:00Z'))).toBe('2011-12-30T10:00:00.000Z')
  })

  it('is the same again after it was shown, in every zone', () => {
    const zones = [
      'UTC',
      'Europe/Berlin',
      'America/St_Johns',
      'Asia/Kathmandu',
      'Pacific/Chatham',
      'Pacific/Apia',
      'Antarctica/Troll',
    ]
    const seconds = fc.integer({ min: 0, max: Math.floor(NOW / 1_000) })
    fc.assert(
      fc.property(fc.constantFrom(...zones), seconds, (zone, second) => {
        const atMs = second * 1_000
        const now = { nowMs: NOW, zone }
        const wallMs = atMs + offsetAt(atMs, zone)
        const local = `${formatDay(wallMs)} ${formatClock(wallMs)}`
        // Offsets of whole minutes: those of long ago had seconds.
        if (offsetAt(atMs, zone) % 60_000 === 0) {
          expect(readMoment(`${local} ${formatOffset(offsetAt(atMs, zone))}`, now)).toBe(atMs)
        }
        expect(momentsOf(wallMs, zone)).toContain(atMs)
        if (momentsOf(wallMs, zone).length === 1) expect(readMoment(local, now)).toBe(atMs)
        expect(formatMoment(atMs, zone)).toContain(local)
      }),
    )
  })

  it('never throws anything but a sentence, whatever is typed', () => {
    const texts = fc.oneof(fc.string(), fc.stringMatching(/^[0-9:. TZhdm+-]{0,24}$/))
    fc.assert(
      fc.property(texts, text => {
        try {
          const atMs = readMoment(text, berlin)
          expect(atMs).toBeLessThanOrEqual(NOW)
          expect(atMs).toBeGreaterThanOrEqual(0)
        } catch (error) {
          expect((error as Error).name).toBe('Problem')
        }
      }),
    )
  })
})

describe('a period', () => {
  const clock = { now: () => NOW, monotonicMs: () => 0, after: () => ({ cancel() {} }) }

  it('says which it is, with the zone', () => {
    const period = readPeriod({ since: '06:00', until: '08:00', utc: true }, { clock })
    expect(period).toEqual({
      from: new Date('2026-11-30T06:00:00Z'),
      to: new Date('2026-11-30T08:00:00Z'),
      words: 'since 2026-11-30 06:00 UTC until 2026-11-30 08:00 UTC',
    })
    expect(readPeriod({ from: '06:00', utc: true }, { clock }).words).toBe('since 2026-11-30 06:00 UTC')
    expect(readPeriod({}, { clock })).toEqual({ from: undefined, to: undefined, words: null })
  })

  it('is refused if nothing is in it', () => {
    expect(() => readPeriod({ since: '08:00', until: '06:00', utc: true }, { clock })).toThrow(
      '--since 08:00 (2026-11-30 08:00 UTC) is not before --until 06:00 (2026-11-30 06:00 UTC), so nothing is in between.',
    )
    expect(() => readPeriod({ since: 'now' }, { clock })).toThrow('is not before now, so nothing is in between.')
  })
})
