import { expect, it } from 'vitest'
import { summariseArrivals } from './hanging-alternatives.ts'

it('counts an event that never arrived as one that waited until the end of the run', () => {
  const planned = new Map(['a', 'b', 'c', 'd'].map((id, index) => [id, index * 100]))
  const arrived = new Map([
    ['a', 10],
    ['b', 5_100],
    ['other', 1],
  ])
  const found = summariseArrivals('x', planned, arrived, 60_000)
  expect(found).toMatchObject({ healthy: 4, arrived: 2, inTime: 1 })
  expect(found.latency.count).toBe(4)
  expect(found.latency.p50).toBeGreaterThan(4_900)
  expect(found.latency.p50).toBeLessThan(5_100)
  expect(found.latency.max).toBeGreaterThan(59_000)
})
