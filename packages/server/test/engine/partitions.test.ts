import { pino } from 'pino'
import { describe, expect, it } from 'vitest'
import type { Clock } from '../../src/clock.ts'
import { LeasedPartitions } from '../../src/engine/partitions.ts'
import type { LeaseTick, LeaseTickResult } from '../../src/store/operations/leases.ts'
import type { Store } from '../../src/store/store.ts'

const LEASE_MS = 9_000

/** A clock whose hands the test turns, and a store that answers each tick as the test says. */
function bench() {
  let nowMs = 0
  const timers: { atMs: number; fire: () => void; isOver: boolean }[] = []
  const clock: Clock = {
    now: () => nowMs,
    monotonicMs: () => nowMs,
    after(delayMs, fire) {
      const timer = { atMs: nowMs + delayMs, fire, isOver: false }
      timers.push(timer)
      return {
        cancel() {
          timer.isOver = true
        },
      }
    },
  }
  const ticks: LeaseTick[] = []
  let answer: (tick: LeaseTick) => Promise<LeaseTickResult> = async () => ({
    held: [],
    surplus: [],
    afterCrash: [],
    nodes: 1,
  })
  const store = {
    write: () => Promise.resolve(),
    writeApart: (_name: string, args: LeaseTick) => {
      ticks.push(args)
      return answer(args)
    },
  } as unknown as Store
  const partitions = new LeasedPartitions(store, clock, pino({ level: 'silent' }), LEASE_MS)
  const told: string[] = []
  const landed = new Map<number, () => void>()
  const start = () =>
    partitions.start({
      gained: (those, crashed) =>
        told.push(`gained ${those.join()}${crashed.length > 0 ? ` after a crash ${crashed.join()}` : ''}`),
      lost: those => told.push(`lost ${those.join()}`),
      landed: partition => new Promise(resolve => landed.set(partition, resolve)),
    })
  /** Lets promises that are ready go on. */
  const settle = () => new Promise<void>(resolve => setImmediate(resolve))
  return {
    partitions,
    start,
    told,
    ticks,
    landed,
    settle,
    answerWith(held: Record<number, number>, surplus: number[] = [], afterCrash: number[] = []) {
      const list = Object.entries(held).map(([partition, epoch]) => ({ partition: Number(partition), epoch }))
      answer = async () => ({ held: list, surplus, afterCrash, nodes: 2 })
    },
    fail() {
      answer = () => Promise.reject(new Error('away'))
    },
    hang() {
      answer = () => new Promise(() => {})
    },
    /** Turns the hands and fires what is due, in its order. */
    async advance(ms: number) {
      const endMs = nowMs + ms
      for (;;) {
        const next = timers.filter(({ isOver, atMs }) => !isOver && atMs <= endMs).sort((a, b) => a.atMs - b.atMs)[0]
        if (next === undefined) break
        nowMs = Math.max(nowMs, next.atMs)
        next.isOver = true
        next.fire()
        await settle()
      }
      nowMs = endMs
    },
    /** The process stood still: nothing of it ran, and time went on. */
    pause(ms: number) {
      nowMs += ms
    },
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
    expect([partitions.epochOf(3), told]).toEqual([7, ['gained 3,5']])
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
      expect(world.told).toEqual(['gained 3', 'lost 3'])
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

  it('are given back once what was in flight has landed, at once, and not sent for meanwhile', async () => {
    const { start, answerWith, advance, settle, partitions, ticks, landed, told } = bench()
    answerWith({ 3: 7, 4: 2 }, [4])
    await start()
    expect([partitions.epochOf(3), partitions.epochOf(4)]).toEqual([7, undefined])
    await advance(LEASE_MS)
    expect(ticks.every(({ give }) => give.length === 0)).toBe(true)
    landed.get(4)!()
    answerWith({ 3: 7 })
    await settle()
    await settle()
    expect(ticks.at(-1)!.give).toEqual([4])
    expect(told.at(-1)).toBe('lost 4')
  })

  it('C13: says which of them a crash has left, once', async () => {
    const { start, answerWith, advance, told } = bench()
    answerWith({ 3: 7, 5: 1 }, [], [5])
    await start()
    answerWith({ 3: 7, 5: 1, 6: 2 })
    await advance(LEASE_MS)
    expect(told).toEqual(['gained 3,5 after a crash 5', 'gained 6'])
  })
})
