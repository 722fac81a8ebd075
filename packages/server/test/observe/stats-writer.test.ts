import { describe, expect, it } from 'vitest'
import { newId } from '../../src/base/ids.ts'
import type { Attempt } from '../../src/base/model.ts'
import { StatsWriter } from '../../src/observe/stats-writer.ts'
import type { Settlement } from '../../src/store/operations/deliveries/settlement.ts'
import type { StatEntry } from '../../src/store/operations/stats.ts'
import { StoreUnavailable } from '../../src/store/transaction.ts'
import { HandClock } from '../hand-clock.ts'
import { anAttempt } from '../store/builders.ts'

const AT_MS = 10 * 60_000 + 59_999

function stage() {
  const written: StatEntry[][] = []
  const warned: unknown[] = []
  const state = { isAway: false, takesMs: 0 }
  const store = {
    async writeApart(_name: string, { entries }: { entries: StatEntry[] }) {
      if (state.isAway) throw new StoreUnavailable('unavailable')
      written.push(structuredClone(entries))
      clock.turn(state.takesMs)
    },
  }
  const clock = new HandClock()
  const writer = new StatsWriter(store as never, clock, { warn: (line: unknown) => void warned.push(line) } as never)
  return { writer, written, warned, state, clock }
}

const settled = (endpoint: string, attempt: Partial<Attempt>, kind: 'delivered' | 'exhausted' | 'retry', at = AT_MS) =>
  ({
    endpoint,
    endedAtMs: at,
    attempt: anAttempt(1, attempt),
    step: kind === 'retry' ? { kind, dueAtMs: 0 } : { kind },
  }) as unknown as Settlement

const endpoint = newId('ep', 1)

describe('gathering statistics', () => {
  it('counts by endpoint, minute and outcome', async () => {
    const { writer, written } = stage()
    const settlements = [
      settled(endpoint, { status: 204, error: null, durationMs: 7 }, 'delivered'),
      settled(endpoint, { status: 200, error: null, durationMs: 7 }, 'delivered', AT_MS + 1),
      settled(endpoint, { status: 301 }, 'retry'),
      settled(endpoint, { status: 410 }, 'exhausted'),
      settled(endpoint, { status: 502 }, 'retry'),
      settled(endpoint, { status: 700 }, 'retry'),
      settled(endpoint, { status: null, address: null, error: 'dns_failed' }, 'retry'),
      // The delivery now belongs to another node, but the attempt still counts.
      settled(endpoint, { status: 200, error: null }, 'delivered'),
    ]
    const moved = settlements.map(({ step }, at) => (at === 7 ? 'unmoved' : step.kind === 'retry' ? 5 : 'ended'))
    writer.observe({ kind: 'settled', settlements, moved: moved as never })
    writer.observe({ kind: 'cancelled', endpoint, deliveries: 4, atMs: AT_MS })
    writer.observe({ kind: 'cancelled', endpoint, deliveries: 0, atMs: AT_MS + 120_000 })
    await writer.flush()
    expect(written).toHaveLength(1)
    expect(written[0]!.map(({ startMs }) => startMs)).toEqual([10 * 60_000, 11 * 60_000])
    expect(written[0]![0]!.counts).toEqual({
      delivered: 1,
      exhausted: 1,
      cancelled: 4,
      status_2xx: 2,
      status_3xx: 1,
      status_4xx: 1,
      status_5xx: 1,
      status_other: 1,
      no_answer: 1,
    })
    expect([...written[0]![0]!.latencies.values()].reduce((a, b) => a + b)).toBe(6)
    await writer.flush()
    expect(written).toHaveLength(1)
  })

  it('writes what could not be written with the next write', async () => {
    const { writer, written, warned, state } = stage()
    const one = () => writer.observe({ kind: 'cancelled', endpoint, deliveries: 1, atMs: AT_MS })
    state.isAway = true
    one()
    await writer.flush()
    expect([written.length, warned.length]).toEqual([0, 1])
    one()
    state.isAway = false
    await writer.flush()
    expect(written.flat().map(({ counts }) => counts.cancelled)).toEqual([2])
  })

  it('writes every few seconds, many entries in several commits, and the rest at shutdown', async () => {
    const { writer, written, clock } = stage()
    writer.start()
    const many = Array.from({ length: 250 }, () => newId('ep', 1))
    for (const id of many) writer.observe({ kind: 'cancelled', endpoint: id, deliveries: 1, atMs: AT_MS })
    clock.turn(4_999)
    expect(written).toEqual([])
    clock.turn(1)
    await writer.flush()
    expect(written.map(({ length }) => length)).toEqual([100, 100, 50])
    writer.observe({ kind: 'cancelled', endpoint, deliveries: 1, atMs: AT_MS })
    await writer.stop()
    expect(written.at(-1)!.map(entry => entry.endpoint)).toEqual([endpoint])
    expect(clock.waits).toEqual([])
  })

  it('rests between commits, three times as long as each takes, and not at shutdown', async () => {
    const { writer, written, state, clock } = stage()
    state.takesMs = 10
    writer.start()
    for (let at = 0; at < 350; at++) {
      writer.observe({ kind: 'cancelled', endpoint: newId('ep', 1), deliveries: 1, atMs: AT_MS })
    }
    clock.turn(5_000)
    await expect.poll(() => clock.waits).toEqual([30])
    clock.turn(29)
    expect(written).toHaveLength(1)
    clock.turn(1)
    await expect.poll(() => clock.waits).toEqual([30])
    expect(written).toHaveLength(2)
    await writer.stop()
    expect(written.map(({ length }) => length)).toEqual([100, 100, 100, 50])
    expect(clock.waits).toEqual([])
  })

  it('rests also if callers wait for it, who wait two seconds at most', async () => {
    const { writer, written, state, clock } = stage()
    const observe = (count: number) => {
      for (let at = 0; at < count; at++) {
        writer.observe({ kind: 'cancelled', endpoint: newId('ep', 1), deliveries: 1, atMs: AT_MS })
      }
    }
    state.takesMs = 10
    writer.start()
    observe(1)
    await writer.flush()
    expect(written).toHaveLength(1)
    observe(150)
    let isDone = false
    const flushed = writer.flush().then(() => (isDone = true))
    await expect.poll(() => clock.waits.includes(30)).toBe(true)
    expect(written).toHaveLength(1)
    clock.turn(30)
    await expect.poll(() => written.length).toBe(2)
    expect(isDone).toBe(false)
    await expect.poll(() => clock.waits.includes(30)).toBe(true)
    clock.turn(30)
    await flushed
    expect(written.map(({ length }) => length)).toEqual([1, 100, 50])
    state.takesMs = 1_000
    observe(250)
    const late = writer.flush()
    await expect.poll(() => clock.waits.includes(30)).toBe(true)
    clock.turn(30)
    await expect.poll(() => written.length).toBe(4)
    clock.turn(1_000)
    await late
    expect(written).toHaveLength(4)
    await writer.stop()
    expect(written.map(({ length }) => length)).toEqual([1, 100, 50, 100, 100, 50])
  })
})
