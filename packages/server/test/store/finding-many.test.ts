import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newestFirst } from '../../src/api/http/lists.ts'
import { DAY_MS } from '../../src/base/durations.ts'
import { countDeliveries, findDeliveries, READ_BOUNDS } from '../../src/services/deliveries/finding.ts'
import { type DeliveryQuery, type DeliverySelection, resolveQuery } from '../../src/services/deliveries/query.ts'
import { SEARCH_MS } from '../../src/services/slices.ts'
import type { OperationCall } from '../../src/store/driver.ts'
import type { Store } from '../../src/store/store.ts'
import { HandClock } from '../hand-clock.ts'
import { engines, type Opened } from './engines.ts'
import { BIG_ENDPOINT, crowd } from './many-deliveries.ts'
import type { RowCounter } from './rows-read.ts'

const CROWD = { tenants: 5_000, deliveries: 300_000, spanMs: 5 * DAY_MS, failed: [1_001, 150_001, 299_001] }
/** What a read takes by the clock of these tests. */
const READ_MS = 20

describe.each(engines())('300,000 deliveries of 5,001 tenants on $name', engine => {
  let opened: Opened
  let counter: RowCounter
  let fromMs: number

  beforeAll(async () => {
    opened = await engine.open()
    fromMs = opened.driver.now() - CROWD.spanMs
    await crowd(engine, opened, { ...CROWD, fromMs })
    counter = await opened.countRows()
  }, 300_000)
  afterAll(async () => {
    await counter.close()
    await opened.close()
    await engine.stop()
  })

  /** The store, which notes what it is asked, and with a clock that each read turns. */
  function watched(readMs = READ_MS) {
    const clock = new HandClock()
    const calls: OperationCall[] = []
    const store = {
      now: () => opened.store.now(),
      read: (name: never, args: never) => {
        calls.push({ name, args } as OperationCall)
        clock.turn(readMs)
        return opened.store.read(name, args)
      },
    } as Pick<Store, 'read' | 'now'>
    return { clock, calls, store }
  }

  /** Reads all pages. Returns what was found, and what each page says and takes. */
  async function walk(selection: DeliverySelection) {
    const { clock, calls, store } = watched()
    const found: number[] = []
    const pages: { readonly reads: number; readonly searchedTo: string | null }[] = []
    let cursor: string | null = null
    do {
      const pager = newestFirst('dlv', cursor === null ? { limit: 50 } : { limit: 50, cursor })
      const before = calls.length
      const read = await findDeliveries(store, clock, selection, pager.place, pager.count)
      const page = pager.foundPage(
        read,
        ({ id }) => id,
        ({ createdAtMs }) => createdAtMs,
      )
      found.push(...page.data)
      pages.push({ reads: calls.length - before, searchedTo: page.searchedTo })
      cursor = page.nextCursor
    } while (cursor !== null)
    return { found, pages, calls }
  }

  const timeOf = (number: number) => fromMs + Math.floor((number * CROWD.spanMs) / CROWD.deliveries)

  /** Both passes of a read look at its bound of rows: one to find where it ends, one to find what matches. */
  const mostRows = ({ name }: OperationCall) => 2 * READ_BOUNDS[/Window/.test(name) ? 'window' : 'slice'] + 10

  type Case = readonly [what: string, tenant: string | null, query: DeliveryQuery, found: number, pagesAtLeast: number]

  const FAILED = { statuses: ['5xx'] }
  const CASES: readonly Case[] = [
    ['of all tenants', null, FAILED, 3, 1],
    ['of all tenants, by state', null, { states: ['exhausted', 'pending'] }, 3, 1],
    ['of one tenant', 'big', FAILED, 2, 1],
    ['of one tenant, that there are none', 'big', { states: ['cancelled'] }, 0, 1],
    ['of one endpoint', 'big', { ...FAILED, endpoints: [BIG_ENDPOINT] }, 2, 1],
    ['of one endpoint, in all tenants', null, { ...FAILED, endpoints: [BIG_ENDPOINT] }, 2, 1],
    ['of a small tenant', 't02333', FAILED, 0, 1],
  ]

  it.each(CASES)(
    'finds the few that failed %s, in bounded reads and bounded time',
    async (...one) => {
      const [, tenant, query, count, pagesAtLeast] = one
      const selection = await resolveQuery(opened.store, tenant, query)
      const { found, pages, calls } = await walk(selection)
      expect(found.length).toBe(count)
      expect(found).toEqual(found.toSorted((a, b) => b - a))
      const failed = CROWD.failed.map(timeOf)
      expect(found.filter(ms => !failed.includes(ms))).toEqual([])
      expect(pages.length).toBeGreaterThanOrEqual(pagesAtLeast)
      // A page ends with the read, or the window of all tenants, in which its time is up.
      for (const { reads } of pages) expect(reads).toBeLessThanOrEqual(SEARCH_MS / READ_MS + 2)
      const searched = pages.slice(0, -1).map(({ searchedTo }) => searchedTo)
      expect(searched).toEqual(searched.toSorted().toReversed())
      expect(searched).not.toContain(null)
      expect(pages.at(-1)!.searchedTo).toBeNull()
      // Every tenth read: reading everything twice takes long.
      let most = 0
      for (const [index, call] of calls.entries()) {
        if (index % 10 > 0) continue
        const rows = await counter.count(call)
        expect(rows, JSON.stringify(call)).toBeLessThanOrEqual(mostRows(call))
        most = Math.max(most, rows)
      }
      // So that a counter that counts nothing is noticed.
      expect(most).toBeGreaterThan(tenant === 't02333' ? 10 : 1_000)
    },
    300_000,
  )

  it('finds the newest of all tenants, and those of a time, without looking at the rest', async () => {
    for (const query of [{}, { toMs: fromMs + 3 * DAY_MS }]) {
      const { clock, calls, store } = watched()
      const selection = await resolveQuery(opened.store, null, query)
      const { items } = await findDeliveries(store, clock, selection, { before: null }, 51)
      expect(items).toHaveLength(51)
      const last = Math.min(CROWD.deliveries, Math.ceil(((3 * DAY_MS) / CROWD.spanMs) * CROWD.deliveries))
      const newest = query.toMs === undefined ? CROWD.deliveries - 1 : last - 1
      expect(items.map(({ createdAtMs }) => createdAtMs)).toEqual(items.map((_, index) => timeOf(newest - index)))
      let rows = 0
      for (const call of calls) rows += await counter.count(call)
      expect(rows).toBeLessThan(3_000)
    }
  }, 120_000)

  it('counts what there are few of, in bounded reads', async () => {
    for (const tenant of [null, 'big']) {
      const { calls, store } = watched()
      const few = await resolveQuery(opened.store, tenant, FAILED)
      const counts = await countDeliveries(store, { monotonicMs: () => 0 }, few)
      const exhausted = tenant === null ? 3 : 2
      expect(counts).toMatchObject({ total: exhausted, delivered: 0, exhausted, pending: 0 })
      for (const [index, call] of calls.entries()) {
        if (index % 10 === 0) expect(await counter.count(call)).toBeLessThanOrEqual(mostRows(call))
      }
    }
  }, 300_000)

  it('gives up counting in time; first come those that have not ended', async () => {
    const one = watched(SEARCH_MS / 4)
    const ofOne = await countDeliveries(one.store, one.clock, await resolveQuery(opened.store, 'big', {}))
    expect(ofOne).toEqual({ total: null, pending: 0, held: 0, delivered: null, exhausted: null, cancelled: null })
    expect(one.calls).toHaveLength(4)
    const all = watched(SEARCH_MS / 4)
    const ofAll = await countDeliveries(all.store, all.clock, await resolveQuery(opened.store, null, {}))
    expect(new Set(Object.values(ofAll))).toEqual(new Set([null]))
    expect(all.calls.length).toBeLessThanOrEqual(12)
  })
})
