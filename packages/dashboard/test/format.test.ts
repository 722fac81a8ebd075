import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  formatBytes,
  formatCompact,
  formatDuration,
  formatNumber,
  formatPercent,
  formatRelative,
  shortenId,
} from '../src/lib/format.ts'

test.each([
  [0, '0 ms'],
  [12.4, '12 ms'],
  [999, '999 ms'],
  [999.6, '1.0 s'],
  [9_949, '9.9 s'],
  [9_951, '10 s'],
  [59_400, '59 s'],
  [59_600, '1 min'],
  [200_000, '3 min 20 s'],
  [7_500_000, '2 h 5 min'],
  [273_600_000, '3 d 4 h'],
  [-5, '0 ms'],
])('a duration of %s ms reads %s', (ms, text) => {
  expect(formatDuration(ms)).toBe(text)
})

test('no duration shows 60 seconds, 60 minutes or 24 hours', () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 400 * 86_400_000, noNaN: true }), ms => {
      expect(formatDuration(ms)).not.toMatch(/\b60 (s|min)|\b24 h|1000 ms|NaN/)
    }),
  )
})

test.each([
  [0, '0 %'],
  [1, '100 %'],
  [0.99999, '99.99 %'],
  [0.00001, '0.01 %'],
  [0.5, '50.0 %'],
])('a share of %s reads %s', (share, text) => {
  expect(formatPercent(share)).toBe(text)
})

test('a share below one never reads as 100 %, and one above zero never as 0 %', () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 1, minExcluded: true, maxExcluded: true, noNaN: true }), share => {
      const percent = Number.parseFloat(formatPercent(share))
      expect(percent).toBeGreaterThan(0)
      expect(percent).toBeLessThan(100)
    }),
  )
})

test.each([
  [512, '512 B'],
  [1_200, '1.2 kB'],
  [999_949, '999.9 kB'],
  [999_950, '1.0 MB'],
  [3_400_000, '3.4 MB'],
])('%s bytes read %s', (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text)
})

test.each([
  [0, 'now'],
  [-120_000, '2 min ago'],
  [10_800_000, 'in 3 h'],
  [143 * 86_400_000, 'in 143 days'],
  // A moment after it was set.
  [143 * 86_400_000 - 5_000, 'in 143 days'],
  [12 * 3_600_000 - 600_000, 'in 12 h'],
  [7 * 86_400_000 - 60_000, 'in 7 d'],
  [3_600_000 - 1_000, 'in 1 h'],
  // What has days left doesn't get half of one.
  [1.5 * 86_400_000, 'in 1 d'],
  [90_000, 'in 1 min'],
  [-(12 * 3_600_000 - 600_000), '11 h ago'],
])('a time %s ms from now reads %s', (distance, text) => {
  expect(formatRelative(1_800_000_000_000 + distance, 1_800_000_000_000)).toBe(text)
})

test('numbers have separators', () => {
  expect(formatNumber(1_204_000)).toBe('1,204,000')
  const likeIntl = new Intl.NumberFormat('en-GB')
  fc.assert(
    fc.property(
      fc.integer().map(quarters => quarters / 4),
      value => {
        expect(formatNumber(value).replace(/^-0$/, '0')).toBe(likeIntl.format(value).replace(/^-0$/, '0'))
      },
    ),
  )
})

test.each([
  [99_999, '99,999'],
  [120_000, '120k'],
  [-120_340, '-120.3k'],
  [999_949, '999.9k'],
  [999_950, '1M'],
  [1_250_000_000, '1.3bn'],
])('a large number is short: %d is %s', (value, text) => {
  expect(formatCompact(value)).toBe(text)
})

test('an id is shortened in its middle, without breaking a character in two', () => {
  expect(shortenId('dlv_01m8000000000000000000b99j')).toBe('dlv_01m8…b99j')
  expect(shortenId('short')).toBe('short')
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 60 }), id => {
      expect(shortenId(id).isWellFormed()).toBe(true)
      expect(Array.from(shortenId(id)).length).toBeLessThanOrEqual(18)
    }),
  )
})
