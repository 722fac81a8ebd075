import { expect, it } from 'vitest'
import { Pace } from '../../src/publish/pace.ts'
import { HandClock } from '../clock.ts'

const never = new AbortController().signal

it.each([0.5, 3, 700, 25_000])('a rate of %d a second is kept, although timers are late', async rate => {
  const clock = new HandClock()
  const pace = new Pace(rate, clock)
  let taken = 0
  const seconds = Math.max(20, 20 / rate)
  for (let next = pace.take(never); clock.monotonicMs() < seconds * 1_000; next = pace.take(never)) {
    while (next !== undefined && (await Promise.race([next, 'waits'])) === 'waits') clock.advance(7)
    if (next === undefined && taken % 500 === 0) clock.advance(1)
    taken++
  }
  expect(Math.abs(taken / (clock.monotonicMs() / 1_000) / rate - 1)).toBeLessThan(0.02 + 1 / rate / seconds)
})

it('what a slow server delayed is made up for by a second’s worth, not by more', () => {
  const clock = new HandClock()
  const pace = new Pace(10, clock)
  clock.advance(60_000)
  let atOnce = 0
  while (pace.take(never) === undefined) atOnce++
  expect(atOnce).toBe(11)
})

it('a wait ends when the run does', async () => {
  const clock = new HandClock()
  const pace = new Pace(1, clock)
  const ending = new AbortController()
  pace.take(ending.signal)
  const waiting = pace.take(ending.signal)
  ending.abort()
  await waiting
  expect(clock.timers).toBe(0)
})
