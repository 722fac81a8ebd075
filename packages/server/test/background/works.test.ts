import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type BackgroundWork, BackgroundWorks } from '../../src/background/works.ts'
import { systemClock } from '../../src/base/clock.ts'
import type { Store } from '../../src/store/store.ts'
import { HandClock } from '../hand-clock.ts'
import { engines, type Opened } from '../store/engines.ts'
import { log } from './setup.ts'

describe.each(engines())('background work on $name', engine => {
  let opened: Opened
  let store: Store
  const nodes: BackgroundWorks[] = []

  beforeEach(async () => {
    opened = await engine.open()
    store = opened.store
  })
  afterEach(async () => {
    await Promise.all(nodes.splice(0).map(each => each.stop()))
    await opened.close()
  })
  afterAll(() => engine.stop())

  function node(work: BackgroundWork, clock = systemClock): BackgroundWorks {
    const works = new BackgroundWorks(store, clock, log, [work])
    nodes.push(works)
    return works
  }

  it('is done by one node at a time, and again when it is due', async () => {
    const runs: string[] = []
    const going = Promise.withResolvers<void>()
    const done = Promise.withResolvers<void>()
    const first: BackgroundWork = {
      name: 'work',
      async run(_pace, state) {
        runs.push(`first ${state}`)
        going.resolve()
        await done.promise
        return { state: 'left by first', afterMs: 3_600_000 }
      },
    }
    const second: BackgroundWork = {
      name: 'work',
      async run(_pace, state) {
        runs.push(`second ${state}`)
        return { state: 'left by second', afterMs: 0 }
      },
    }
    node(first).start()
    await going.promise
    const other = node(second)
    other.start()
    await other.stop()
    expect(runs).toEqual(['first '])
    done.resolve()
    await expect.poll(() => store.read('readWorkState', { name: 'work' })).toBe('left by first')
    const third = node(second)
    third.start()
    await third.stop()
    expect(runs).toHaveLength(1)
    await store.write('hastenWork', { name: 'work' })
    const fourth = node(second)
    fourth.start()
    await expect.poll(() => runs).toEqual(['first ', 'second left by first'])
  })

  it('is resumed by another node when the first one stops, from the saved state', async () => {
    const states: string[] = []
    const stepped = Promise.withResolvers<void>()
    const endless: BackgroundWork = {
      name: 'work',
      async run(pace, state) {
        states.push(state)
        for (let step = 1; ; step++) {
          await pace.step(async () => {})
          await pace.keep(`${state}${step}`)
          if (step === 2) stepped.resolve()
        }
      },
    }
    const first = node(endless)
    first.start()
    await stepped.promise
    await first.stop()
    const finished: BackgroundWork = {
      name: 'work',
      async run(_pace, state) {
        states.push(state)
        return { state, afterMs: 0 }
      },
    }
    node(finished).start()
    await expect.poll(() => states.length).toBe(2)
    expect(Number(states[1])).toBeGreaterThanOrEqual(2)
  })

  it('is taken over from a dead node, which can no longer write', async () => {
    const node = new Uint8Array(16).fill(1)
    const other = new Uint8Array(16).fill(2)
    expect(await store.write('claimWork', { name: 'work', node, claimMs: 60_000 })).toBe('')
    expect(await store.write('claimWork', { name: 'work', node: other, claimMs: 60_000 })).toBeNull()
    expect(await store.write('renewWork', { name: 'work', node, claimMs: -1, state: 'half' })).toBe(true)
    expect(await store.write('claimWork', { name: 'work', node: other, claimMs: 60_000 })).toBe('half')
    expect(await store.write('renewWork', { name: 'work', node, claimMs: 60_000, state: 'late' })).toBe(false)
    await store.write('endWork', { name: 'work', node, state: 'late', afterMs: 0 })
    expect(await store.read('readWorkState', { name: 'work' })).toBe('half')
  })

  it('rests after each step for several times as long as the step took', async () => {
    const clock = new HandClock()
    let steps = 0
    const work: BackgroundWork = {
      name: 'work',
      async run(pace) {
        for (;;) {
          await pace.step(async () => {
            steps++
            clock.turn(10)
          })
        }
      },
    }
    node(work, clock).start()
    await expect.poll(() => steps).toBe(1)
    clock.turn(39)
    expect(steps).toBe(1)
    clock.turn(2)
    await expect.poll(() => steps).toBe(2)
  })

  it('is retried after a failure', async () => {
    const lines: object[] = []
    const failing: BackgroundWork = { name: 'work', run: () => Promise.reject(new Error('no')) }
    const logged = { info() {}, error: (line: object) => void lines.push(line) }
    const works = new BackgroundWorks(store, systemClock, logged as never, [failing])
    nodes.push(works)
    works.start()
    await expect.poll(() => lines).toEqual([expect.objectContaining({ work: 'work' })])
    await expect.poll(() => store.read('isWorkDue', { name: 'work' })).toBe(false)
    expect(await store.write('claimWork', { name: 'work', node: new Uint8Array(16), claimMs: 1 })).toBeNull()
  })
})
