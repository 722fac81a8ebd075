import { describe, expect, it } from 'vitest'
import { Loop, type LoopOptions } from '../../src/base/loop.ts'
import { HandClock } from '../hand-clock.ts'

/** A loop whose runs the test ends manually. */
function stage(options: Partial<LoopOptions> = {}) {
  const clock = new HandClock()
  const runs: PromiseWithResolvers<number | undefined>[] = []
  const failures: unknown[] = []
  const loop = new Loop({
    clock,
    everyMs: 1_000,
    retryMs: 200,
    run: () => {
      const run = Promise.withResolvers<number | undefined>()
      runs.push(run)
      return run.promise
    },
    onFailure: error => failures.push(error),
    ...options,
  })
  /** Lets pending promise callbacks run. */
  const turn = async () => {
    for (let n = 0; n < 5; n++) await Promise.resolve()
  }
  const end = async (nextMs?: number) => {
    runs.at(-1)!.resolve(nextMs)
    await turn()
  }
  const fail = async () => {
    runs.at(-1)!.reject(new Error('unavailable'))
    await turn()
  }
  return { clock, loop, runs, failures, turn, end, fail }
}

describe('a loop', () => {
  it('runs when it is started, and again a fixed time after the end of each run', async () => {
    const { clock, loop, runs, end } = stage()
    loop.start()
    expect(runs).toHaveLength(1)
    clock.turn(5_000)
    expect(runs).toHaveLength(1)
    await end()
    expect(clock.waits).toEqual([1_000])
    clock.turn(1_000)
    expect(runs).toHaveLength(2)
  })

  it('can start with a delay, and a run can choose when the next one is', async () => {
    const { clock, loop, runs, end } = stage()
    loop.start(400)
    expect(runs).toHaveLength(0)
    clock.turn(400)
    await end(30)
    expect(clock.waits).toEqual([30])
  })

  it('runs when it is woken, once more if that was during a run, and without an interval only then', async () => {
    const { clock, loop, runs, end } = stage({ everyMs: null })
    loop.wake()
    expect(runs, 'it does not run before it is started').toHaveLength(0)
    loop.start()
    loop.wake()
    loop.wake()
    expect(runs).toHaveLength(1)
    await end()
    expect(runs).toHaveLength(2)
    await end()
    expect(runs).toHaveLength(2)
    expect(clock.waits).toEqual([])
    loop.wake()
    expect(runs).toHaveLength(3)
  })

  it('pauses after a failure, which `now` cuts short but a wake-up does not', async () => {
    const { clock, loop, runs, failures, fail } = stage()
    loop.start()
    loop.wake()
    await fail()
    expect(failures).toHaveLength(1)
    loop.wake()
    expect(runs).toHaveLength(1)
    expect(clock.waits).toEqual([200])
    clock.turn(200)
    expect(runs).toHaveLength(2)
    await fail()
    void loop.now()
    expect(runs).toHaveLength(3)
    expect(clock.waits).toEqual([])
  })

  it('has only one run at a time, which `now` joins', async () => {
    const { clock, loop, runs, turn, end } = stage()
    let joined = 0
    void loop.now().then(() => joined++)
    void loop.now().then(() => joined++)
    await turn()
    expect([runs.length, joined]).toEqual([1, 0])
    await end()
    expect([runs.length, joined]).toEqual([1, 2])
    expect(clock.waits, 'it was not started').toEqual([])
    void loop.now()
    loop.start()
    expect(runs).toHaveLength(2)
    await end()
    expect(runs, 'the start has a run of its own').toHaveLength(3)
  })

  it('can run from after the call of `fresh`, even during the pause that follows a failure', async () => {
    const { loop, runs, turn, end, fail } = stage({ everyMs: null })
    loop.start()
    let fresh = 0
    void loop.fresh().then(() => fresh++)
    await fail()
    expect([runs.length, fresh]).toEqual([2, 0])
    await end()
    await turn()
    expect([runs.length, fresh]).toEqual([2, 1])
  })

  it('is woken only by events that are a reason to run', async () => {
    const { loop, runs, end } = stage({ everyMs: null })
    const listeners: ((event: string) => void)[] = []
    loop.wakeOn<string>({ on: listener => void listeners.push(listener) }, event => event === 'inbox')
    loop.start()
    await end()
    listeners[0]!('other')
    expect(runs).toHaveLength(1)
    listeners[0]!('inbox')
    expect(runs).toHaveLength(2)
  })

  it('starts no run after `stop`, which waits for the current run and cuts its rests short', async () => {
    const ends: string[] = []
    const { clock, loop } = stage({
      run: async () => {
        await loop.rest(500)
        ends.push('rested')
        await loop.rest(500)
        ends.push('did not rest again')
      },
    })
    loop.start()
    loop.wake()
    const stopped = loop.stop().then(() => ends.push('stopped'))
    await stopped
    expect(ends).toEqual(['rested', 'did not rest again', 'stopped'])
    loop.wake()
    loop.start()
    await loop.now()
    expect([clock.waits, loop.isStopped]).toEqual([[], true])
  })
})
