import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseSchedule, placesOf, writeSchedule } from '../src/lib/schedule.ts'

test('a schedule is read with its units', () => {
  expect(parseSchedule('30, 60 s, 5 min, 2h 30m, 1 d')).toEqual({ seconds: [30, 60, 300, 9_000, 86_400], bad: null })
  expect(parseSchedule('  ')).toEqual({ seconds: [], bad: null })
  expect(parseSchedule('30 s, soon')).toEqual({ seconds: null, bad: 'soon' })
  expect(parseSchedule('30 s,')).toEqual({ seconds: null, bad: '' })
  expect(parseSchedule('1 week')).toEqual({ seconds: null, bad: '1 week' })
  expect(parseSchedule('1.5 min')).toEqual({ seconds: [90], bad: null })
  expect(parseSchedule('0.5 s, 1 min 0.25 s')).toEqual({ seconds: [0.5, 60.25], bad: null })
})

test('what is written is read as it was', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.integer({ min: 0, max: 30 * 86_400_000 }).map(ms => ms / 1_000),
        { maxLength: 30 },
      ),
      seconds => {
        expect(parseSchedule(writeSchedule(seconds)).seconds).toEqual(seconds)
      },
    ),
  )
})

test('places grow from 0 to 1 as times do', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 86_400 }), { minLength: 1, maxLength: 30 }), waits => {
      let at = 0
      const times = [0, ...waits.map(wait => (at += wait))]
      const places = placesOf(times)
      expect(places[0]).toBe(0)
      expect(places.at(-1)).toBe(at > 0 ? 1 : 0)
      expect(places.toSorted((a, b) => a - b)).toEqual(places)
    }),
  )
})
