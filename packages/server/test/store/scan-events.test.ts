import fc from 'fast-check'
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import { newestFirst } from '../../src/api/http/lists.ts'
import { firstIdAt, idBytes, idText } from '../../src/base/ids.ts'
import type { PublishedEvent } from '../../src/base/model.ts'
import { EventList, type EventQuery, type SliceSizes } from '../../src/services/events/event-list.ts'
import { createPayloadTest } from '../../src/services/events/payload-test.ts'
import { SEARCH_MS } from '../../src/services/slices.ts'
import type { Place } from '../../src/store/where.ts'
import { HandClock } from '../hand-clock.ts'
import { anEvent as anEventOf, aRequest, aTenant, bytes } from './builders.ts'
import { engines, type Opened } from './engines.ts'

const TENANTS = ['acme', 'beta', 'gamma', 'delta', 'e', 'f', 'g', 'h', 'i', 'j']
const TYPES = ['A', 'B']
const KEYS = ['order-7', 'order-8']

type Stored = {
  readonly tenant: string
  readonly type: string
  readonly key: string | null
  readonly payload: string
  readonly ms: number
}

type Cost = { readonly sizes: SliceSizes; readonly readMs: number }

const anEvent: fc.Arbitrary<Stored> = fc.record({
  tenant: fc.oneof({ weight: 3, arbitrary: fc.constant('acme') }, fc.constantFrom(...TENANTS)),
  type: fc.constantFrom(...TYPES),
  key: fc.option(fc.constantFrom(...KEYS), { freq: 3 }),
  payload: fc.constantFrom('{"status":"Quoted"}', '{"status":["Refused"]}', '{"note":"\\u00fcber"}', '', 'no JSON'),
  // Some days apart, so that PostgreSQL has them in several tables.
  ms: fc.integer({ min: 0, max: 60 }),
})

const aQuery = fc.record({
  tenant: fc.option(fc.constantFrom(...TENANTS)),
  types: fc.option(fc.uniqueArray(fc.constantFrom(...TYPES), { minLength: 1 })),
  key: fc.option(fc.constantFrom(...KEYS), { freq: 2 }),
  from: fc.option(fc.integer({ min: 0, max: 60 }), { freq: 2 }),
  to: fc.option(fc.integer({ min: 0, max: 60 }), { freq: 2 }),
  filter: fc.option(fc.constantFrom({ status: ['Quoted'] }, { status: { exists: true } }), { freq: 2, nil: undefined }),
  text: fc.option(fc.constantFrom('status', 'naïve', '"note"'), { freq: 2, nil: undefined }),
  limit: fc.integer({ min: 1, max: 8 }),
  sizes: fc.record({
    rows: fc.integer({ min: 1, max: 12 }),
    payloads: fc.integer({ min: 1, max: 6 }),
    payloadMs: fc.constant(100),
    bytes: fc.integer({ min: 1, max: 60 }),
  }),
  /** How long each read takes: some searches end early. */
  readMs: fc.constantFrom(0, SEARCH_MS / 3, SEARCH_MS),
})

describe.each(engines())('lists of events on $name', engine => {
  let opened: Opened

  beforeEach(async () => {
    opened = await engine.open()
  })
  afterEach(() => opened.close())
  afterAll(() => engine.stop())

  const HOUR_MS = 3_600_000
  const DAYS_AGO = Math.floor(Date.now() / HOUR_MS) * HOUR_MS - 50 * HOUR_MS

  /** Stores events with ids of these times, the newest last. Two of one millisecond have ids in the order of the list. */
  async function store(events: readonly Stored[]): Promise<string[]> {
    await opened.store.makeHistory(DAYS_AGO - 24 * HOUR_MS, Date.now())
    const ids = events.map(({ ms }, index) => {
      const id = Buffer.from(idBytes(firstIdAt('evt', DAYS_AGO + ms * HOUR_MS)))
      id.writeUInt32BE(index + 1, 12)
      return id
    })
    for (const [index, { tenant, type, key, payload }] of events.entries()) {
      await opened.run(
        'insert into event (tenant, id, type, payload, event_key, test, created_ms) values ($1, $2, $3, $4, $5, 0, 0)',
        [tenant, ids[index]!, type, bytes(payload), key],
      )
    }
    return ids.map(id => id.toString('hex'))
  }

  const hexOf = ({ id }: PublishedEvent): string => Buffer.from(idBytes(id)).toString('hex')

  /** All pages from one end to the other. */
  async function walk(query: EventQuery, limit: number, cost: Cost, way: 'nextCursor' | 'prevCursor', from?: string) {
    const clock = new HandClock()
    const slow = {
      read: ((...args: Parameters<typeof opened.store.read>) => {
        clock.turn(cost.readMs)
        return opened.store.read(...args)
      }) as typeof opened.store.read,
    }
    const list = new EventList(slow, clock, cost.sizes)
    const shown: string[] = []
    let cursor: string | null | undefined = from
    let other: string | null
    let first: string | undefined
    do {
      const pager = newestFirst('evt', cursor === undefined ? { limit } : { limit, cursor })
      const { events, goesOnAt, isCutShort } = await list.page(query, pager.place, limit)
      const page = pager.inListOrder(events).map(hexOf)
      expect(page.length).toBeLessThanOrEqual(limit)
      if (isCutShort) expect(goesOnAt).not.toBeNull()
      else if (goesOnAt !== null) expect(page.length).toBe(limit)
      shown.splice(way === 'nextCursor' ? shown.length : 0, 0, ...page)
      const cursors = pager.cursors(
        events.map(({ id }) => id),
        goesOnAt,
      )
      other = way === 'nextCursor' ? cursors.prevCursor : cursors.nextCursor
      first = page[0]
      cursor = cursors[way]
    } while (cursor !== null)
    return { shown, other, first }
  }

  it('show what matches, once and newest first, of one tenant or of all, in both directions', async () => {
    for (const tenant of TENANTS) await aTenant(opened.store, tenant)
    await opened.run(`update tenant set deleted_ms = 1 where id = 'delta'`)
    const events = fc.array(anEvent, { minLength: 10, maxLength: 50 })
    await fc.assert(
      fc.asyncProperty(events, fc.array(aQuery, { minLength: 4, maxLength: 4 }), async (drawn, queries) => {
        await opened.run('delete from event')
        const ids = await store(drawn)
        const all = drawn.map((event, index) => ({ ...event, id: ids[index]! })).sort((a, b) => (a.id < b.id ? 1 : -1))
        for (const { tenant, types, key, from, to, filter, text, limit, ...cost } of queries) {
          // Of all tenants, keys are found in the table of remembered keys, which has none of these.
          if (key !== null && tenant === null) continue
          const matches = createPayloadTest({ filter, text }, [])
          const passes = (payload: string): boolean => {
            if (payload === '') return filter === undefined && text === undefined
            if (filter !== undefined && !payload.startsWith('{"status":"Quoted"')) {
              if (!('exists' in (filter.status as object)) || !payload.includes('status')) return false
            }
            return text === undefined || payload.replace('\\u00fc', 'ü').includes(text)
          }
          const timeOf = (hours: number | null) => (hours === null ? null : DAYS_AGO + hours * HOUR_MS)
          const expected = all
            .filter(event => (tenant === null ? event.tenant !== 'delta' : event.tenant === tenant))
            .filter(event => (types === null || types.includes(event.type)) && (key === null || event.key === key))
            .filter(({ ms }) => (from === null || ms >= from) && (to === null || ms < to))
            .filter(({ payload }) => passes(payload))
            .map(({ id }) => id)
          const query = { tenant, types, key, fromMs: timeOf(from), toMs: timeOf(to), matches }
          const forth = await walk(query, limit, cost, 'nextCursor')
          expect(forth.shown).toEqual(expected)
          if (matches === null && tenant !== null) {
            expect(await opened.store.read('countEvents', { ...query, tenant })).toBe(expected.length)
          }
          if (forth.other === null) continue
          const back = await walk(query, limit, cost, 'prevCursor', forth.other)
          expect(back.shown).toEqual(
            forth.first === undefined ? expected : expected.slice(0, expected.indexOf(forth.first)),
          )
        }
      }),
      { numRuns: engine.name === 'sqlite' ? 100 : 15 },
    )
  }, 300_000)

  it('read on in a tenant with many events among many with few, and keep to a period whatever the cursor says', async () => {
    const tenants = Array.from({ length: 20 }, (_, index) => `t${index}`)
    for (const tenant of tenants) await aTenant(opened.store, tenant)
    // Every second event is of the first tenant.
    const drawn = Array.from({ length: 120 }, (_, index) => {
      const tenant = tenants[index % 2 === 0 ? 0 : index % 20]!
      return { tenant, type: 'A', key: null, payload: '{}', ms: Math.floor(index / 3) }
    })
    const ids = await store(drawn)
    const scan = { tenant: null, types: null, key: null, fromMs: null, toMs: null, rows: 150, limit: 150 }
    const read = async (over: object): Promise<string[]> => {
      const { items } = await opened.store.read('scanEvents', { ...scan, before: null, ...over })
      return items.map(({ id }) => Buffer.from(idBytes(id)).toString('hex'))
    }
    const up = { before: undefined, after: null }
    expect(await read({})).toEqual(ids.toReversed())
    expect(await read(up)).toEqual(ids)
    expect(await read({ rows: 33 })).toEqual(ids.toReversed().slice(0, 33))
    expect(await read({ ...up, rows: 33 })).toEqual(ids.slice(0, 33))
    const idOf = (index: number) => idText('evt', Buffer.from(ids[index]!, 'hex'))
    const [fromMs, toMs] = [10, 20].map(hours => DAYS_AGO + hours * HOUR_MS)
    const within = ids.slice(30, 60)
    for (const tenant of [null, 't0']) {
      const own = within.filter((_, index) => tenant === null || drawn[30 + index]!.tenant === tenant)
      expect(await read({ tenant, fromMs, toMs, before: idOf(119) })).toEqual(own.toReversed())
      expect(await read({ tenant, fromMs, toMs, before: idOf(5) })).toEqual([])
      expect(await read({ tenant, fromMs, toMs, ...up, after: idOf(0) })).toEqual(own)
      expect(await read({ tenant, fromMs, toMs, ...up, after: idOf(119) })).toEqual([])
    }
  })

  it('find the events that keys stand for, of one tenant or of all', async () => {
    const publish = async (tenant: string, key: string) => {
      const event = anEventOf([], { key, hash: bytes('h') })
      await opened.store.publish({ ...(await aRequest(opened.store, tenant, [event])), keyExpiresAtMs: 1e15 })
      return event.id
    }
    for (const tenant of TENANTS) await aTenant(opened.store, tenant)
    const ids: string[] = []
    for (const tenant of ['acme', 'beta', 'gamma']) ids.unshift(await publish(tenant, 'order-7'))
    await publish('acme', 'order-8')
    const lost = await publish('delta', 'order-7')
    await opened.run('delete from event where id = $1', [idBytes(lost)])
    const list = new EventList(opened.store, new HandClock())
    const query = { tenant: null, types: null, key: 'order-7', fromMs: null, toMs: null, matches: null }
    const page = async (over: object, place: Place = { before: null }, limit = 9) => {
      const { events, goesOnAt } = await list.page({ ...query, ...over }, place, limit)
      return [events.map(({ id }) => id), goesOnAt]
    }
    expect(await page({})).toEqual([ids, null])
    expect(await page({}, { before: null }, 2)).toEqual([ids.slice(0, 2), ids[1]])
    expect(await page({}, { before: ids[1]! })).toEqual([[ids[2]], null])
    expect(await page({}, { after: ids[1]! })).toEqual([[ids[0]], null])
    expect(await page({ tenant: 'beta' })).toEqual([[ids[1]], null])
    expect(await page({ tenant: 'beta' }, { after: null })).toEqual([[ids[1]], null])
    expect(await page({ key: 'order-9' })).toEqual([[], null])
    expect(await page({ types: ['T'] })).toEqual([ids, null])
    expect(await page({ types: ['U'] })).toEqual([[], null])
    expect(await page({ matches: createPayloadTest({ filter: { a: [1] } }, []) })).toEqual([ids, null])
    expect(await page({ matches: createPayloadTest({ filter: { a: [2] } }, []) })).toEqual([[], null])
    expect(await page({ toMs: 1 })).toEqual([[], null])
  })

  it('answer soon with the event that a key stands for, however many others the tenant has', async () => {
    await aTenant(opened.store, 'acme')
    await store(Array.from({ length: 30 }, (_, ms) => ({ tenant: 'acme', type: 'A', key: null, payload: '{}', ms })))
    const event = anEventOf([], { key: 'order-7', hash: bytes('h') })
    await opened.store.publish({ ...(await aRequest(opened.store, 'acme', [event])), keyExpiresAtMs: 1e15 })
    const list = new EventList(opened.store, new HandClock(), { rows: 10, payloads: 10, payloadMs: 9, bytes: 1_000 })
    const query = { tenant: 'acme', types: null, key: 'order-7', fromMs: null, toMs: null, matches: null }
    const first = await list.page(query, { before: null }, 5)
    expect(first).toMatchObject({ events: [{ id: event.id }], isCutShort: true })
    // It goes on with older events of the same key, which were forgotten and are rare.
    const second = await list.page(query, { before: first.goesOnAt! }, 5)
    expect(second).toEqual({ events: [], goesOnAt: null, isCutShort: false })
  })

  it('end a page before its payloads would fill the memory', async () => {
    await aTenant(opened.store, 'acme')
    const payload = `"${'x'.repeat(3 * 1024 * 1024)}"`
    const ids = await store(
      Array.from({ length: 3 }, (_, ms) => ({ tenant: 'acme', type: 'A', key: null, payload, ms })),
    )
    const list = new EventList(opened.store, new HandClock())
    const query = { tenant: null, types: null, key: null, fromMs: null, toMs: null, matches: null }
    const first = await list.page(query, { before: null }, 50)
    expect([first.events.map(hexOf), first.isCutShort]).toEqual([ids.toReversed().slice(0, 2), false])
    const second = await list.page(query, { before: first.goesOnAt! }, 50)
    expect([second.events.map(hexOf), second.goesOnAt]).toEqual([[ids[0]], null])
  })
})
