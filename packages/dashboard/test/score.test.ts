import { expect, test } from 'vitest'
import { scoreOf } from '../scripts/score.ts'

const GOOD = { firstPaintMs: 1_800, largestPaintMs: 2_500, blockedMs: 200, layoutShift: 0.1 }
const MIDDLING = { firstPaintMs: 3_000, largestPaintMs: 4_000, blockedMs: 600, layoutShift: 0.25 }

test('the score is 90 where every measure is good, 50 in the middle, and 100 where nothing takes time', () => {
  expect(scoreOf(GOOD)).toBe(90)
  expect(scoreOf(MIDDLING)).toBe(50)
  expect(scoreOf({ firstPaintMs: 0, largestPaintMs: 0, blockedMs: 0, layoutShift: 0 })).toBe(100)
})

test('a measure that gets worse lowers the score by its weight at most', () => {
  const blocked = scoreOf({ ...GOOD, blockedMs: 60_000 })
  expect(blocked).toBe(Math.round(90 * (60 / 90)))
})
