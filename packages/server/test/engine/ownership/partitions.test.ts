import { pino } from 'pino'
import { describe, expect, it } from 'vitest'
import type { Clock } from '../../../src/base/clock.ts'
import { LeasedPartitions } from '../../../src/engine/ownership/partitions.ts'
import { Changes } from '../../../src/store/changes.ts'
import type { LeaseTick, LeaseTickResult } from '../../../src/store/operations/leases.ts'
import type { Store } from '../../../src/store/store.ts'

const LEASE_MS = 9_000
const nothing: LeaseTickResult = { held: [], share: 256, afterCrash: [], nodes: 1, nextExpiryMs: null }

/** A clock that the test moves. */
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

  /** Moves the clock and fires the timers that are due, in order. */
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

  /** The process was paused: time passed while nothing ran. */
  pause(ms: number): void {
    this.#nowMs += ms
  }

  /** The machine slept, or someone set its clock. */
  jump(ms: number): void {
    this.#aheadMs += ms
  }
}

/** Lets pending promise callbacks run. */
const settle = () => new Promise<void>(resolve => setImmediate(resolve))

/** The part of a store that partitions use. @param told receives the name of each write */
function storeOf(changes: Changes, told: string[], answer: (tick: LeaseTick) => Promise<LeaseTickResult>): Store {
  const store = {
    changes,
    write: (name: string) => Promise.resolve(void told.push(name)),
    writeApart: (_name: string, tick: LeaseTick) => answer(tick),
  }
  return store as unknown as Store
}

/** Partitions on the test's clock, with a store that responds to each tick as the test says. */
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
    /** The partitions held from now on, except those that are released. */
    answerWith(held: Record<number, number>, over: Partial<LeaseTickResult> = {}) {
      const list = Object.entries(held).map(([partition, epoch]) => ({ partition: Number(partition), epoch }))
      answer = async () => ({ ...nothing, held: list.filter(({ partition }) => !given.has(partition)), ...over })
    },
    fail() {
      answer = () => Promise.reject(new Error('unavailable'))
    },
    hang() {
      answer = () => new Promise(() => {})
    },
    /** Delays the next response until after `meanwhile`. */
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
  it('C13: are held under their epochs, and renewed three times per lease', async () => {
    const { start, answerWith, advance, partitions, told, ticks } = bench()
    answerWith({ 3: 7, 5: 1 })
    await start()
    expect([partitions.epochOf(3), partitions.epochOf(5), partitions.epochOf(4)]).toEqual([7, 1, undefined])
    await advance(LEASE_MS * 10)
    expect(ticks).toHaveLength(31)
    expect([partitions.epochOf(3), told]).toEqual([7, ['gained 3,5', 'leases']])
  })

  it('C13: are lost when they are not renewed in time, whatever the database does', async () => {
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

  it('C13: are lost after a pause longer than the lease, before anything else has run', async () => {
    const { start, answerWith, advance, pause, partitions, told } = bench()
    answerWith({ 3: 7 })
    await start()
    pause(LEASE_MS * 6)
    expect(partitions.epochOf(3)).toBeUndefined()
    // Another node had the partition, and it returns under another epoch.
    answerWith({ 3: 9 })
    await advance(LEASE_MS)
    expect([partitions.epochOf(3), told.at(-1)]).toEqual([9, 'gained 3'])
    expect(told).toContain('lost 3')
  })

  it('C13: are lost after the machine slept with its monotonic clock stopped, until they are renewed', async () => {
    const { start, answerWith, advance, jump, partitions, told, ticks } = bench()
    answerWith({ 3: 7 })
    await start()
    // A jump within the margin, or backwards, doesn't matter.
    jump(100)
    jump(-200)
    expect(partitions.epochOf(3)).toBe(7)
    jump(LEASE_MS)
    expect(partitions.epochOf(3)).toBeUndefined()
    expect(told.at(-1)).toBe('lost 3')
    // The tick comes immediately, not when the next one was due.
    answerWith({ 3: 9 })
    await advance(0)
    expect([ticks.length, partitions.epochOf(3), told.at(-1)]).toEqual([2, 9, 'gained 3'])
  })

  it('C13: are not renewed by a response that arrived while the machine slept', async () => {
    const world = bench()
    world.answerWith({ 3: 7 })
    await world.start()
    world.hangUntil(() => world.jump(LEASE_MS * 2))
    await world.advance(LEASE_MS / 3)
    // The second response was out of date, so another tick followed immediately.
    expect(world.ticks.length).toBeGreaterThan(2)
    expect(world.told.filter(what => what === 'lost 3').length).toBeGreaterThan(0)
    expect(world.partitions.epochOf(3)).toBe(7)
  })

  it('are requested again soon after the database failed', async () => {
    const { start, answerWith, advance, fail, ticks } = bench()
    answerWith({ 3: 7 })
    await start()
    fail()
    await advance(LEASE_MS / 3)
    answerWith({ 3: 7 })
    await advance(600)
    expect(ticks).toHaveLength(3)
  })

  it('of a node that stopped responding are requested as soon as they expire', async () => {
    const { start, answerWith, advance, ticks } = bench()
    answerWith({ 3: 7 }, { nextExpiryMs: 1_000 })
    await start()
    answerWith({ 3: 7 })
    await advance(990)
    expect(ticks).toHaveLength(1)
    await advance(100)
    expect(ticks).toHaveLength(2)
  })

  it('beyond the share are stopped, and released as soon as their requests in flight have ended', async () => {
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

  it('are requested when another node announces free ones, without announcing that again', async () => {
    const { start, answerWith, advance, ticks, changes, told } = bench()
    answerWith({ 3: 7 })
    await start()
    changes.emit({ kind: 'leases' })
    await advance(0)
    expect(ticks).toHaveLength(2)
    expect(told.filter(kind => kind === 'leases')).toHaveLength(2)
  })

  it('of a node that leaves are released one by one as they drain, and the rest when it stops', async () => {
    const { start, answerWith, advance, settle, partitions, ticks, busy, landed, told } = bench()
    answerWith({ 3: 7, 4: 2, 5: 5 })
    await start()
    busy.add(4).add(5)
    partitions.drain()
    expect([3, 4, 5].map(partition => partitions.epochOf(partition))).toEqual([undefined, undefined, undefined])
    // It doesn't keep partitions that it still receives.
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

  it('C13: are reported once as left by a crash', async () => {
    const { start, answerWith, advance, told } = bench()
    answerWith({ 3: 7, 5: 1 }, { afterCrash: [5] })
    await start()
    answerWith({ 3: 7, 5: 1, 6: 2 })
    await advance(LEASE_MS)
    expect(told).toEqual(['gained 3,5 after a crash 5', 'leases', 'gained 6'])
  })
})
