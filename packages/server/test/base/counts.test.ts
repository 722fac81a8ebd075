import { expect, it } from 'vitest'
import { formatCount } from '../../src/base/counts.ts'

it('separates thousands by commas, as toLocaleString does in English', () => {
  for (const count of [0, 7, 999, 1_000, 16_384, 262_144, 1_048_576, -65_536, 0.1, 1_024.5]) {
    expect(formatCount(count)).toBe(count.toLocaleString('en'))
  }
  expect(formatCount(0.000_125)).toBe('0.000125')
})
