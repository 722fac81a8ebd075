import { describe, expect, it } from 'vitest'
import { retryWaitMs, scheduleInForce } from '../../src/catalogue/retry-schedule.ts'

describe('C12: the retry schedule that applies', () => {
  it("C12: is the endpoint's, else the type's, else the setting; an empty one is used too", () => {
    expect(scheduleInForce([1], [2], [3])).toEqual([1])
    expect(scheduleInForce(null, [2], [3])).toEqual([2])
    expect(scheduleInForce(null, null, [3])).toEqual([3])
    expect(scheduleInForce([], [2], [3])).toEqual([])
    expect(scheduleInForce(null, [], [3])).toEqual([])
  })

  it('C12: waits as long as it says, and up to a tenth longer', () => {
    expect(retryWaitMs(30, 0)).toBe(30_000)
    expect(retryWaitMs(30, 0.5)).toBe(31_500)
    expect(retryWaitMs(30, 1)).toBe(33_000)
  })
})
