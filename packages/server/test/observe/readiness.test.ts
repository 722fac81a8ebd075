import { beforeEach, describe, expect, it } from 'vitest'
import { StoreReadiness } from '../../src/observe/readiness.ts'
import { type Observation, Observations } from '../../src/store/observations.ts'
import { StoreUnavailable } from '../../src/store/transaction.ts'
import { HandClock } from '../hand-clock.ts'

const GOOD = { publishing: true, reading: true, isReady: true }
const full = new StoreUnavailable('disk full', { isReported: true })

/** A store whose writes and reads end as the test says. */
class Scripted {
  readonly observations = new Observations()
  engine: 'sqlite' | 'postgres' = 'sqlite'
  writes: () => Promise<unknown> = async () => undefined
  reads: () => Promise<unknown> = async () => '2'
  /** The size of each trial. */
  readonly trials: number[] = []

  writeApart = (_name: string, { filler }: { filler: string }) => {
    this.trials.push(filler.length)
    return this.writes()
  }
  read = () => this.reads()
  commit = (isFault: boolean) =>
    this.observations.emit({ kind: 'commit', items: 1, durationMs: 1, isFault } satisfies Observation)
}

const settled = () => new Promise<void>(resolve => setImmediate(resolve))

describe('readiness', () => {
  let clock: HandClock
  let store: Scripted
  let lines: string[]
  let fields: unknown[]
  let readiness: StoreReadiness
  beforeEach(() => {
    clock = new HandClock()
    store = new Scripted()
    lines = []
    fields = []
    const log = (first: unknown, text?: string) => {
      if (text !== undefined) fields.push(first)
      lines.push(text ?? String(first))
    }
    const logger = { info: log, error: log } as unknown as ConstructorParameters<typeof StoreReadiness>[2]
    readiness = new StoreReadiness(store as unknown as ConstructorParameters<typeof StoreReadiness>[0], clock, logger)
    readiness.start()
  })

  it('is known from commits: nothing is tried while they succeed', async () => {
    store.commit(false)
    clock.turn(9_999)
    expect(await readiness.check()).toEqual(GOOD)
    expect(store.trials).toEqual([])
  })

  it('is tried with a few bytes if nothing was committed for ten seconds, once for all who ask', async () => {
    clock.turn(10_000)
    expect(await Promise.all([readiness.check(), readiness.check()])).toEqual([GOOD, GOOD])
    expect(await readiness.check()).toEqual(GOOD)
    expect(store.trials).toEqual([0])
  })

  it('finds a disk that became full while nothing was published', async () => {
    clock.turn(10_000)
    store.writes = () => Promise.reject(full)
    expect(await readiness.check()).toEqual({ publishing: false, reading: true, isReady: false })
  })

  it('is lost with a commit, and found again by a trial of the size of a request, at growing intervals', async () => {
    store.writes = () => Promise.reject(full)
    store.commit(true)
    expect((await readiness.check()).publishing).toBe(false)
    await settled()
    for (const pauseMs of [1_000, 2_000, 4_000, 5_000, 5_000]) {
      expect(clock.waits).toEqual([pauseMs])
      // Small commits can still succeed; more faults change nothing.
      store.commit(false)
      store.commit(true)
      await settled()
      expect((await readiness.check()).publishing).toBe(false)
      clock.turn(pauseMs)
      await settled()
    }
    expect(store.trials).toHaveLength(6)
    expect(Math.min(...store.trials)).toBeGreaterThanOrEqual(1_048_576)
    store.writes = async () => undefined
    clock.turn(5_000)
    await settled()
    expect(await readiness.check()).toEqual(GOOD)
    // The large row is cleared away.
    expect(store.trials.at(-1)).toBe(0)
    expect(lines).toEqual(['the store takes no writes; trying again every few seconds', 'the store takes writes again'])
    // The logger writes the message and the cause of an error, and nothing of a text in its place.
    expect(fields).toEqual([{ err: full }])
    expect(clock.waits).toEqual([])
  })

  it('is not found by a small trial that began before the fault', async () => {
    clock.turn(10_000)
    const { promise, resolve } = Promise.withResolvers<void>()
    store.writes = () => promise
    const asked = readiness.check()
    await settled()
    store.commit(true)
    resolve()
    expect((await asked).publishing).toBe(false)
    await settled()
    clock.turn(1_000)
    await settled()
    expect((await readiness.check()).publishing).toBe(true)
    expect(store.trials.map(size => size > 1_000_000)).toEqual([false, true, false])
  })

  it('is what was known before if a trial takes longer than two seconds, and lost after ten', async () => {
    clock.turn(10_000)
    store.writes = () => new Promise(() => {})
    const first = readiness.check()
    await settled()
    clock.turn(2_000)
    expect(await first).toEqual(GOOD)
    clock.turn(8_000)
    expect((await readiness.check()).publishing).toBe(false)
  })

  it('is read again each second, and not ready while reading fails', async () => {
    store.commit(false)
    store.reads = () => Promise.reject(new StoreUnavailable('unreachable'))
    expect(await readiness.check()).toEqual({ publishing: true, reading: false, isReady: false })
    store.reads = async () => '2'
    clock.turn(1_000)
    expect(await readiness.check()).toEqual(GOOD)
  })

  it.each([
    ['sqlite', full, false],
    ['sqlite', new StoreUnavailable('no room'), false],
    ['postgres', full, true],
    ['postgres', new Error('permission denied'), true],
    ['postgres', new StoreUnavailable('the connection failed'), false],
  ] as const)(
    'on %s, after %s, takes the node out unless all nodes share the fault',
    async (engine, error, isReady) => {
      store.engine = engine
      store.writes = () => Promise.reject(error)
      store.commit(true)
      await settled()
      expect(await readiness.check()).toEqual({ publishing: false, reading: true, isReady })
    },
  )

  it('starts no trial after it was stopped', async () => {
    await readiness.stop()
    store.commit(true)
    await settled()
    expect(store.trials).toEqual([])
  })
})
