import { describe, expect, it } from 'vitest'
import { LoopDelay } from '../../src/observe/loop-delay.ts'
import { HandClock } from '../hand-clock.ts'

describe("the event loop's delay", () => {
  it('is how late timers fire, of the last minute only', () => {
    const clock = new HandClock()
    const measured: number[] = []
    const delay = new LoopDelay(clock, ms => measured.push(ms))
    expect(delay.summary()).toEqual({ meanMs: 0, p99Ms: 0, maxMs: 0 })
    delay.start()
    clock.turn(350)
    for (let count = 0; count < 99; count++) clock.turn(100)
    expect(measured).toHaveLength(100)
    expect(delay.summary()).toEqual({ meanMs: 2.5, p99Ms: 250, maxMs: 250 })
    for (let count = 0; count < 600; count++) clock.turn(110)
    expect(delay.summary()).toEqual({ meanMs: 10, p99Ms: 10, maxMs: 10 })
    delay.stop()
    clock.turn(1_000)
    expect(measured).toHaveLength(700)
  })
})
