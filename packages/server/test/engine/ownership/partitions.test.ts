import { pino } from 'pino'
import { describe, expect, it } from 'vitest'
import type { Clock } from '../../../src/base/clock.ts'
import { LeasedPartitions } from '../../../src/engine/ownership/partitions.ts'
import { Changes } from '../../../src/store/changes.ts'
import type { LeaseTick, LeaseTickResult } from '../../../src/store/operations/leases.ts'
import type { Store } from '../../../src/store/store.ts'

const LEASE_MS = 9_000
const nothing: LeaseTickResult = { held: [], share: 256, afterCrash: [], nodes: 1, nextExpiryMs: null }

/** A clock whose hands the test turns. */
class FakeClock implements Clock {
  #nowMs = 0
  /** How far the wall clock is ahead of the monotonic one. */
  #aheadMs = 0
  readonly #timers: { atMs: number; fire: () => void; isOver: boolean }[] = []

  now(): number {
    return this.#nowMs + this.#aheadMs
  }

  monotonicMs(): number {
    return this.#nowMs
  }

  after(delayMs: number, fire: () => void) {
    const timer = { atMs: this.#nowMs + delayMs, fire, isOver: false }
    this.#timers.push(timer)
    return {
      cancel() {
        timer.isOver = true
      },
    }
  }

  /** Turns the hands and fires what is due, in its order. */
  async advance(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms
    for (;;) {
      const due = this.#timers.filter(({ isOver, atMs }) => !isOver && atMs <= endMs)
      const [next] = due.sort((a, b) => a.atMs - b.atMs)
      if (next === undefined) break
      this.#nowMs = Math.max(this.#nowMs, next.atMs)
      next.isOver = true
      next.fire()
      await settle()
    }
    this.#nowMs = endMs
  }

  /** The process stood still: nothing of it ran, and time went on. */
  pause(ms: number): void {
    this.#nowMs += ms
  }

  /** The machine slept, or somebody set its clock. */
  jump(ms: number): void {
    this.#aheadMs += ms
  }
}

/** Lets promises that are ready go on. */
const settle = () => new Promise<void>(resolve => setImmediate(resolve))

/** As much of a store as partitions use. @param told gets the name of each write */
function storeOf(changes: Changes, told: string[], answer: (tick: LeaseTick) => Promise<LeaseTickResult>): Store {
  const store = {
    changes,
    write: (name: string) => Promise.resolve(void told.push(name)),
    writeApart: (_name: string, tick: LeaseTick) => answer(tick),
  }
  return store as unknown as Store
}

/** Partitions on a clock of the test's, and a store that answers each tick as the test says. */
function bench() {
  const clock = new FakeClock()
  const ticks: LeaseTick[] = []
  const given = new Set<number>()
  let answer: (tick: LeaseTick) => Promise<LeaseTickResult> = async () => nothing
  const changes = new Changes()
  const told: string[] = []
  changes.on(({ kind }) => void told.push(kind))
  const store = storeOf(changes, told, tick => {
    ticks.push(tick)
    for (const partition of tick.give) given.add(partition)
    return answer(tick)
  })
  const partitions = new LeasedPartitions(store, clock, pino({ level: 'silent' }), LEASE_MS)
  const busy = new Set<number>()
  const landed = new Map<number, () => void>()
  const start = () =>
    partitions.start({
      acquired: (those, crashed) =>
        told.push(`gained ${those.join()}${crashed.length > 0 ? ` after a crash ${crashed.join()}` : ''}`),
      lost: those => told.push(`lost ${those.join()}`),
      drained: partition => new Promise(resolve => (busy.has(partition) ? landed.set(partition, resolve) : resolve())),
    })
  return {
    partitions,
    start,
    told,
    ticks,
    landed,
    busy,
    settle,
    changes,
    /** What is held from now on, but what is given back. */
    answerWith(held: Record<number, number>, over: Partial<LeaseTickResult> = {}) {
      const list = Object.entries(held).map(([partition, epoch]) => ({ partition: Number(partition), epoch }))
      answer = async () => ({ ...nothing, held: list.filter(({ partition }) => !given.has(partition)), ...over })
    },
    fail() {
      answer = () => Promise.reject(new Error('away'))
    },
    hang() {
      answer = () => new Promise(() => {})
    },
    /** The next answer comes after what happens meanwhile. */
    hangUntil(meanwhile: () => void) {
      const before = answer
      answer = async tick => {
        answer = before
        await settle()
        meanwhile()
        return before(tick)
      }
    },
    advance: (ms: number) => clock.advance(ms),
    pause: (ms: number) => clock.pause(ms),
    jump: (ms: number) => clock.jump(ms),
  }
}

describe('leased partitions', () => {
  it('C13: are sent for under their epochs, and renewed three times a lease', async () => {
    const { start, answerWith, advance, partitions, told, ticks } = bench()
    answerWith({ 3: 7, 5: 1 })
    await start()
    expect([partitions.epochOf(3), partitions.epochOf(5), partitions.epochOf(4)]).toEqual([7, 1, undefined])
    await advance(LEASE_MS * 10)
    expect(ticks).toHaveLength(31)
    expect([partitions.epochOf(3), told]).toEqual([7, ['gained 3,5', 'leases']])
  })

  it('C13: nothing is sent once they were not renewed in time, whatever the database does', async () => {
    for (const trouble of ['fail', 'hang'] as const) {
      const world = bench()
      world.answerWith({ 3: 7 })
      await world.start()
      world[trouble]()
      await world.advance(LEASE_MS - 300)
      expect(world.partitions.epochOf(3)).toBe(7)
      await world.advance(300)
      expect(world.partitions.epochOf(3)).toBeUndefined()
      expect(world.told).toEqual(['gained 3', 'leases', 'lost 3'])
    }
  })

  it('C13: nothing is sent after a pause that was longer than the lease, before anything else has run', async () => {
    const { start, answerWith, advance, pause, partitions, told } = bench()
    answerWith({ 3: 7 })
    await start()
    pause(LEASE_MS * 6)
    expect(partitions.epochOf(3)).toBeUndefined()
    // Somebody else had it, and it came back: under another epoch.
    answerWith({ 3: 9 })
    await advance(LEASE_MS)
    expect([partitions.epochOf(3), told.at(-1)]).toEqual([9, 'gained 3'])
    expect(told).toContain('lost 3')
  })

  it('C13: nothing is sent after the machine slept, though its monotonic clock stood still, until renewed', async () => {
    const { start, answerWith, advance, jump, partitions, told, ticks } = bench()
    answerWith({ 3: 7 })
    await start()
    // Within what the margin holds, and backwards: of no matter.
    jump(100)
    jump(-200)
    expect(partitions.epochOf(3)).toBe(7)
    jump(LEASE_MS)
    expect(partitions.epochOf(3)).toBeUndefined()
    expect(told.at(-1)).toBe('lost 3')
    // Asked at once, not at the next tick of before.
    answerWith({ 3: 9 })
    await advance(0)
    expect([ticks.length, partitions.epochOf(3), told.at(-1)]).toEqual([2, 9, 'gained 3'])
  })

  it('C13: an answer that the machine slept over is not believed', async () => {
    const world = bench()
    world.answerWith({ 3: 7 })
    await world.start()
    world.hangUntil(() => world.jump(LEASE_MS * 2))
    await world.advance(LEASE_MS / 3)
    // The second's answer was of before: another was asked for at once.
    expect(world.ticks.length).toBeGreaterThan(2)
    expect(world.told.filter(what => what === 'lost 3').length).toBeGreaterThan(0)
    expect(world.partitions.epochOf(3)).toBe(7)
  })

  it('are asked for again soon after the database failed', async () => {
    const { start, answerWith, advance, fail, ticks } = bench()
    answerWith({ 3: 7 })
    await start()
    fail()
    await advance(LEASE_MS / 3)
    answerWith({ 3: 7 })
    await advance(600)
    expect(ticks).toHaveLength(3)
  })

  it('of a node that has gone silent are asked for as soon as they run out', async () => {
    const { start, answerWith, advance, ticks } = bench()
    answerWith({ 3: 7 }, { nextExpiryMs: 1_000 })
    await start()
    answerWith({ 3: 7 })
    await advance(990)
    expect(ticks).toHaveLength(1)
    await advance(100)
    expect(ticks).toHaveLength(2)
  })

  it('are given back once what was in flight has landed, at once, and not sent for meanwhile', async () => {
    const { start, answerWith, advance, settle, partitions, ticks, landed, busy, told } = bench()
    answerWith({ 3: 7, 4: 2 }, { share: 1 })
    busy.add(3).add(4)
    await start()
    expect([partitions.epochOf(3), partitions.epochOf(4)]).toEqual([7, undefined])
    await advance(LEASE_MS)
    expect(ticks.every(({ give }) => give.length === 0)).toBe(true)
    landed.get(4)!()
    answerWith({ 3: 7 }, { share: 1 })
    await settle()
    await advance(0)
    expect(ticks.at(-1)!.give).toEqual([4])
    expect(told.slice(-2)).toEqual(['lost 4', 'leases'])
  })

  it('are looked at when another node says that some are free, and that is not said back', async () => {
    const { start, answerWith, advance, ticks, changes, told } = bench()
    answerWith({ 3: 7 })
    await start()
    changes.emit({ kind: 'leases' })
    await advance(0)
    expect(ticks).toHaveLength(2)
    expect(told.filter(kind => kind === 'leases')).toHaveLength(2)
  })

  it('of a node that leaves are handed on one by one as they land, and the rest at its stop', async () => {
    const { start, answerWith, advance, settle, partitions, ticks, busy, landed, told } = bench()
    answerWith({ 3: 7, 4: 2, 5: 5 })
    await start()
    busy.add(4).add(5)
    partitions.drain()
    expect([3, 4, 5].map(partition => partitions.epochOf(partition))).toEqual([undefined, undefined, undefined])
    // Whatever it is still given, it doesn't keep.
    answerWith({ 4: 2, 5: 5, 6: 1 }, { share: 0 })
    await advance(0)
    expect(ticks.slice(1).map(({ give }) => give)).toEqual([[3], [6]])
    landed.get(4)!()
    await settle()
    await advance(0)
    expect(ticks.at(-1)).toMatchObject({ give: [4], isLeaving: true })
    expect(ticks.slice(1).every(({ isLeaving }) => isLeaving)).toBe(true)
    await partitions.stop()
    expect(told.slice(-2)).toEqual(['leaveLeases', 'leases'])
  })

  it('C13: says which of them a crash has left, once', async () => {
    const { start, answerWith, advance, told } = bench()
    answerWith({ 3: 7, 5: 1 }, { afterCrash: [5] })
    await start()
    answerWith({ 3: 7, 5: 1, 6: 2 })
    await advance(LEASE_MS)
    expect(told).toEqual(['gained 3,5 after a crash 5', 'leases', 'gained 6'])
  })
})
