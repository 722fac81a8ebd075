import { describe, expect, it } from 'vitest'
import { Backlog } from '../../src/observe/backlog.ts'
import { StoreUnavailable } from '../../src/store/transaction.ts'
import { HandClock } from '../hand-clock.ts'

const NOW_MS = 1_000_000

function partitionsOf(first: number, count: number) {
  const found = new Map<number, { partition: number; pending: number; due: number; dueSinceMs: number | null }>()
  for (let at = first; at < first + count; at++) {
    const partition = Math.floor(at / 20)
    const { pending, due, dueSinceMs } = found.get(partition) ?? { pending: 0, due: 0, dueSinceMs: null }
    const isDue = at % 2 === 0
    const since = isDue ? Math.min(dueSinceMs ?? NOW_MS, NOW_MS - at) : dueSinceMs
    found.set(partition, { partition, pending: pending + 1, due: due + (isDue ? 1 : 0), dueSinceMs: since })
  }
  return [...found.values()]
}

/** A store with a number of pending deliveries, of which the last was created first. */
function storeOf(state: { pending: number; isAway?: boolean }) {
  let reads = 0
  const read = async (name: string, args: { after?: [number] | null; limit?: number }) => {
    if (state.isAway) throw new StoreUnavailable('unavailable')
    if (name === 'countSetAside') return 3
    reads++
    const first = args.after?.[0] ?? 0
    const count = Math.min(args.limit!, state.pending - first)
    const isLast = count < args.limit!
    return {
      count,
      oldestMs: count === 0 ? null : NOW_MS - (first + count) * 1_000,
      // Twenty deliveries in each partition, every second one due.
      partitions: partitionsOf(first, count),
      last: isLast ? null : [first + count],
    }
  }
  return { store: { read: read as never, now: () => NOW_MS }, reads: () => reads }
}

const turn = () => new Promise<void>(resolve => void setImmediate(resolve))

describe('the backlog', () => {
  it('counts a few deliveries on each call, once for concurrent calls', async () => {
    const { store, reads } = storeOf({ pending: 7 })
    const owed = new Backlog(store, new HandClock(), 10)
    const found = { pending: 7, oldestPendingSeconds: 7, backlog: 4, lagSeconds: 0.006, setAside: 3 }
    expect(await Promise.all([owed.read(), owed.read()])).toEqual([found, found])
    expect(reads()).toBe(1)
    const pending = { pending: 7, due: 4, oldestDueMs: NOW_MS - 6, oldestMs: NOW_MS - 7_000 }
    expect(await owed.count()).toMatchObject({
      pending: { ...pending, countedAtMs: NOW_MS, isWhole: true },
      setAside: 3,
    })
  })

  it('counts many deliveries in chunks with pauses between them, and not again for each call', async () => {
    const state = { pending: 95 }
    const { store, reads } = storeOf(state)
    const clock = new HandClock()
    const owed = new Backlog(store, clock, 10)
    const first = owed.read()
    for (let at = 0; at < 60; at++) {
      await turn()
      clock.turn(0)
    }
    const found = { pending: 95, oldestPendingSeconds: 95, backlog: 48, lagSeconds: 0.094, setAside: 3 }
    expect(await first).toEqual(found)
    expect(reads()).toBe(1 + 10)
    const pending = { pending: 95, due: 48, oldestDueMs: NOW_MS - 94, oldestMs: NOW_MS - 95_000 }
    expect((await owed.count())!.pending).toMatchObject({ ...pending, countedAtMs: NOW_MS, isWhole: true })
    state.pending = 85
    expect((await owed.read())!.pending).toBe(95)
    expect(reads()).toBe(1 + 10 + 2)
    clock.turn(15_000)
    await owed.read()
    for (let at = 0; at < 60; at++) {
      await turn()
      clock.turn(0)
    }
    expect((await owed.read())!.pending).toBe(85)
    await owed.stop()
  })

  it('is also known by partition, even if a chunk ends within one', async () => {
    const { store } = storeOf({ pending: 50 })
    const clock = new HandClock()
    const owed = new Backlog(store, clock, 15)
    const first = owed.readPartitions()
    for (let at = 0; at < 40; at++) {
      await turn()
      clock.turn(0)
    }
    expect([...(await first)!.values()]).toEqual([
      { partition: 0, pending: 20, due: 10, dueSinceMs: NOW_MS - 18 },
      { partition: 1, pending: 20, due: 10, dueSinceMs: NOW_MS - 38 },
      { partition: 2, pending: 10, due: 5, dueSinceMs: NOW_MS - 48 },
    ])
    const few = new Backlog(storeOf({ pending: 7 }).store, clock, 10)
    expect([...(await few.readPartitions())!.values()]).toEqual([
      { partition: 0, pending: 7, due: 4, dueSinceMs: NOW_MS - 6 },
    ])
  })

  it('does not keep the first call waiting forever, but returns the count so far', async () => {
    const { store } = storeOf({ pending: 95 })
    const clock = new HandClock()
    const owed = new Backlog(store, clock, 10)
    const first = owed.read()
    // The pauses of the walk end immediately, the caller's patience does not.
    for (let at = 0; at < 10; at++) await turn()
    clock.turn(3_000)
    const { pending } = (await first)!
    expect(pending).toBeGreaterThanOrEqual(10)
    expect(pending).toBeLessThan(95)
  })

  it('is exact immediately when few are left', async () => {
    const state = { pending: 95 }
    const { store } = storeOf(state)
    const clock = new HandClock()
    const owed = new Backlog(store, clock, 10)
    void owed.read()
    for (let at = 0; at < 60; at++) {
      await turn()
      clock.turn(0)
    }
    state.pending = 2
    expect((await owed.read())!.pending).toBe(2)
    state.pending = 0
    expect(await owed.read()).toEqual({ pending: 0, oldestPendingSeconds: 0, backlog: 0, lagSeconds: 0, setAside: 3 })
  })

  it("keeps no caller waiting if the store is unavailable or doesn't respond", async () => {
    const state = { pending: 1, isAway: true }
    const { store } = storeOf(state)
    const clock = new HandClock()
    expect(await new Backlog(store, clock, 10).read()).toBeNull()
    const silent = { read: (() => new Promise(() => {})) as never, now: () => NOW_MS }
    const asked = new Backlog(silent, clock, 10).read()
    clock.turn(5_000)
    expect(await asked).toBeNull()
    expect(clock.waits).toEqual([])
  })
})
