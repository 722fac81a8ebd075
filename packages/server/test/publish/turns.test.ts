import { setImmediate } from 'node:timers/promises'
import { beforeEach, describe, expect, it } from 'vitest'
import { SharedTurns } from '../../src/publish/turns.ts'
import { HandClock } from '../hand-clock.ts'

describe('turns that calls share', () => {
  let clock: HandClock
  let turns: SharedTurns
  beforeEach(() => {
    clock = new HandClock()
    turns = new SharedTurns(clock)
  })

  /** Waits for the work, and ends its pauses. Returns how long they were. */
  async function pausesOf(work: Promise<unknown>): Promise<number[]> {
    const pauses: number[] = []
    let isOver = false
    const over = work.finally(() => (isOver = true))
    while (!isOver) {
      await setImmediate()
      const [wait] = clock.waits
      if (wait === undefined) continue
      pauses.push(wait)
      clock.turn(wait)
    }
    await over
    return pauses
  }

  it('are taken by each tenant before one takes another, in the order of its calls', async () => {
    const order: string[] = []
    const work = (tenant: string, name: string) =>
      turns.take(tenant, () => {
        order.push(name)
        clock.turn(2)
      })
    await pausesOf(Promise.all([work('a', 'a1'), work('a', 'a2'), work('a', 'a3'), work('b', 'b1'), work('b', 'b2')]))
    expect(order).toEqual(['a1', 'a2', 'b1', 'a3', 'b2'])
  })

  it('are followed by pauses three times as long, after a millisecond of work or more', async () => {
    const work = [0.25, 0.25, 0.75, 5, 0.5].map(ms => turns.take('a', () => clock.turn(ms)))
    expect(await pausesOf(Promise.all(work))).toEqual([3.75, 15])
  })

  it('go on after one that failed', async () => {
    const failing = turns.take('a', () => {
      clock.turn(3)
      throw new Error('no')
    })
    const refused = expect(failing).rejects.toThrow('no')
    const next = turns.take('b', () => 'done')
    await pausesOf(next)
    await refused
    expect(await next).toBe('done')
  })

  it('are taken until there is a result, and by others in between', async () => {
    let left = 3
    const long = turns.run('a', () => {
      clock.turn(2)
      return left-- > 0 ? undefined : 'long'
    })
    const short = turns.take('b', () => left)
    await pausesOf(Promise.all([long, short]))
    expect([await short, await long]).toEqual([2, 'long'])
  })
})
