import { randomBytes } from 'node:crypto'
import { type Postgres, startPostgres } from '@posthorn/testkit'
import fc from 'fast-check'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { HistoryKeeper } from '../../src/background/history.ts'
import { Retention } from '../../src/background/retention.ts'
import { systemClock } from '../../src/base/clock.ts'
import { DAY_MS } from '../../src/base/durations.ts'
import { firstIdAt, type IdPrefix, idBytes, idText } from '../../src/base/ids.ts'
import type { Endpoint } from '../../src/base/model.ts'
import type { Driver, OperationCall } from '../../src/store/driver.ts'
import { ANY_DELIVERY } from '../../src/store/operations/deliveries/filter.ts'
import type { ReadName } from '../../src/store/operations/index.ts'
import type { LaneItem } from '../../src/store/operations/lanes/lanes.ts'
import { openPostgres } from '../../src/store/postgres/driver.ts'
import { daysASpan, missingSpans, type Span } from '../../src/store/postgres/history.ts'
import { runOperation } from '../../src/store/run-operation.ts'
import { Store } from '../../src/store/store.ts'
import type { Query, Row } from '../../src/store/transaction.ts'
import { atOnce, log, settings } from '../background/setup.ts'
import { anEndpoint, anEvent, aRequest, aSettlement, aTenant } from '../store/builders.ts'

const RETENTION_DAYS = 30

let server: Postgres
let count = 0
beforeAll(async () => {
  server = await startPostgres()
})
afterAll(() => server.stop())

let url: string
let driver: Driver
let store: Store
let client: pg.Client
let endpoint: Endpoint

beforeEach(async () => {
  url = await server.createDatabase(`history_${++count}`)
  driver = await openPostgres(url, systemClock)
  store = new Store(driver, systemClock)
  await store.write('migrate', {})
  client = new pg.Client({ connectionString: url, options: '-c search_path=posthorn' })
  await client.connect()
  endpoint = anEndpoint('acme')
  await aTenant(store, 'acme', [endpoint])
})
afterEach(async () => {
  await client.end()
  await store.close()
})

const midnight = (daysAgo: number) => Math.floor(Date.now() / DAY_MS) * DAY_MS - daysAgo * DAY_MS
const noon = (daysAgo: number) => midnight(daysAgo) + DAY_MS / 2
const dayOf = (ms: number) => new Date(ms).toISOString().slice(0, 10).replaceAll('-', '')
const tables = async (of = 'event'): Promise<string[]> =>
  (
    await client.query(
      `select c.relname as name from pg_inherits i join pg_class c on c.oid = i.inhrelid
       where i.inhparent = $1::regclass order by 1`,
      [of],
    )
  ).rows.map(({ name }) => (name as string).replace(`${of}_`, ''))

/** An id as it would have been created at a given time. */
function idAt(prefix: IdPrefix, ms: number): string {
  const bytes = idBytes(firstIdAt(prefix, ms))
  bytes.set(randomBytes(8), 8)
  return idText(prefix, bytes)
}

/** Publishes an event at one time with a pending delivery of another, and creates the tables for both. */
async function published(eventMs: number, deliveryMs = eventMs): Promise<LaneItem> {
  for (const ms of [eventMs, deliveryMs]) await driver.makeHistory(ms, ms + 1)
  const delivery = { id: idAt('dlv', deliveryMs), endpoint: endpoint.id, partition: 7, held: false, ordered: false }
  const event = anEvent([endpoint], { id: idAt('evt', eventMs), deliveries: [delivery] })
  await store.publish(await aRequest(store, 'acme', [event]))
  const items = await store.readLane({ partition: 7, endpoint: endpoint.id, limit: 100, maxPayloadBytes: 1_000 })
  return items.find(item => item.delivery === delivery.id)!
}

const ended = async (item: LaneItem, endedAtMs: number) =>
  expect(await store.settle(aSettlement(item, { kind: 'delivered' }, { endedAtMs }))).toBe('ended')

const keep = (days = RETENTION_DAYS) => driver.keepHistory(days)

/** The tables that an operation's queries scan, according to their execution plans. */
async function tablesOf(name: ReadName, args: object): Promise<string[]> {
  const transaction = runOperation({ name, args } as OperationCall, driver.dialect)
  const seen: string[] = []
  for (let step = transaction.next([]); step.done !== true; ) {
    const { text, params } = step.value as Query
    const explained = await client.query(`explain (analyze, costs off) ${text}`, params as unknown[])
    for (const { 'QUERY PLAN': line } of explained.rows as { 'QUERY PLAN': string }[]) {
      const found = /Scan.* on ((?:event|delivery|attempt)_\d{8})/.exec(line)
      if (found !== null && !line.includes('never executed')) seen.push(found[1]!)
    }
    step = transaction.next((await client.query(text, params as unknown[])).rows as Row[])
  }
  return seen
}

describe('the history tables', () => {
  it('exist from yesterday to a week ahead, and each row is in the table of its day', async () => {
    const days = Array.from({ length: 9 }, (_, index) => dayOf(noon(1 - index)))
    for (const table of ['event', 'delivery', 'attempt']) expect(await tables(table)).toEqual(days)
    const item = await published(Date.now())
    await ended(item, Date.now())
    for (const table of ['event', 'delivery', 'attempt']) {
      expect((await client.query(`select tableoid::regclass::text as name from ${table}`)).rows).toEqual([
        { name: `${table}_${dayOf(Date.now())}` },
      ])
    }
    expect(await keep()).toEqual({ made: 0, dropped: [], busy: [] })
  })

  it('are created again after a long downtime, before anything is written', async () => {
    for (const day of await tables()) {
      for (const table of ['event', 'delivery', 'attempt']) await client.query(`drop table ${table}_${day}`)
    }
    await driver.makeHistory(midnight(20), midnight(12))
    await store.write('migrate', {})
    await published(Date.now())
    expect(await tables()).toHaveLength(8 + 9)
  })

  it('C13: are created when one is found missing, so that nothing fails to be stored', async () => {
    const old = await published(noon(50))
    for (const ms of [noon(50), noon(0), noon(-1)]) {
      for (const table of ['event', 'delivery', 'attempt']) await client.query(`drop table ${table}_${dayOf(ms)}`)
    }
    const event = anEvent([endpoint])
    // One commit, with a settlement that needs a day long past.
    const [stored, moved] = await Promise.all([
      store.publish(await aRequest(store, 'acme', [event])),
      store.settle(aSettlement(old, { kind: 'delivered' })),
    ])
    expect([stored.kind, moved]).toEqual(['stored', 'ended'])
    expect(await store.read('getEvent', { tenant: 'acme', id: event.id })).not.toBeNull()
    expect(await store.read('listAttempts', { tenant: 'acme', delivery: old.delivery })).toHaveLength(1)
    expect(await tables('attempt')).toContain(dayOf(noon(50)))
  })

  it("make the store unavailable, with advice, while one is missing and can't be created", async () => {
    const today = dayOf(Date.now())
    const drop = ['attempt', 'delivery', 'event'].map(table => `drop table ${table}_${today}`).join(';')
    await client.query(drop)
    // The name is taken.
    await client.query(`create table attempt_${today} ()`)
    const request = await aRequest(store, 'acme', [anEvent([endpoint])])
    await expect(store.publish(request)).rejects.toMatchObject({
      name: 'StoreUnavailable',
      message: expect.stringContaining('schema posthorn'),
    })
    await client.query(`drop table attempt_${today}`)
    expect((await store.publish(request)).kind).toBe('stored')
  })

  it('stay few, however long history is kept', () => {
    for (let days = 1; days <= 3_650; days++) {
      expect(days / daysASpan(days), String(days)).toBeLessThan(132)
    }
    expect([30, 90, 1_000, 0].map(daysASpan)).toEqual([1, 7, 28, 28])
  })

  it('cover a period exactly once, whatever spans exist already', () => {
    const day = fc.integer({ min: 0, max: 60 })
    const spans = fc.array(fc.tuple(day, fc.integer({ min: 1, max: 9 })), { maxLength: 8 })
    fc.assert(
      fc.property(spans, day, fc.integer({ min: 1, max: 40 }), fc.constantFrom(1, 7, 28), (list, from, long, width) => {
        const there: Span[] = []
        for (const [at, days] of list) {
          const span = { fromMs: at * DAY_MS, toMs: (at + days) * DAY_MS }
          if (there.every(({ fromMs, toMs }) => span.toMs <= fromMs || toMs <= span.fromMs)) there.push(span)
        }
        const between = { fromMs: from * DAY_MS + 5, toMs: (from + long) * DAY_MS - 5 }
        const made = missingSpans(there, between, width)
        const all = [...there, ...made]
        for (let ms = from * DAY_MS; ms < between.toMs; ms += DAY_MS) {
          expect(all.filter(({ fromMs, toMs }) => fromMs <= ms && ms < toMs)).toHaveLength(1)
        }
        for (const { fromMs, toMs } of made) {
          expect(all.filter(other => other.fromMs < toMs && fromMs < other.toMs)).toHaveLength(1)
          expect(toMs - fromMs).toBeLessThanOrEqual(width * DAY_MS)
          expect(fromMs % DAY_MS).toBe(0)
        }
      }),
    )
  })

  it('with wide spans continue after those with narrow spans', async () => {
    await driver.makeHistory(midnight(20), midnight(10))
    expect((await keep(0)).made).toBe(0)
    await client.query(`drop table attempt_${dayOf(noon(-7))}; drop table delivery_${dayOf(noon(-7))}`)
    await client.query(`drop table event_${dayOf(noon(-7))}`)
    expect((await keep(0)).made).toBe(1)
    const bounds = await client.query(
      `select pg_get_expr(relpartbound, oid) as bounds from pg_class where relname = $1`,
      [`event_${dayOf(noon(-7))}`],
    )
    const [from, to] = [...(bounds.rows[0].bounds as string).matchAll(/\\x([0-9a-f]{12})/g)].map(m =>
      Number(`0x${m[1]}`),
    )
    expect(to! - from!).toBe(28 * DAY_MS)
  })
})

describe('reading history', () => {
  it('by id scans one table, whichever day it is', async () => {
    await driver.makeHistory(midnight(20), midnight(0))
    const item = await published(noon(15))
    await ended(item, noon(15))
    const day = dayOf(noon(15))
    const { tenant, delivery: id, event } = item
    expect(await tablesOf('getEvent', { tenant, id: event })).toEqual([`event_${day}`])
    expect(await tablesOf('getDelivery', { tenant, id })).toEqual([`delivery_${day}`])
    expect(await tablesOf('listAttempts', { tenant, delivery: id })).toEqual([`attempt_${day}`])
    expect(await tablesOf('readPayload', { tenant, event })).toEqual([`event_${day}`])
  })

  it('for the payloads of a lane scans only the days of these payloads', async () => {
    await driver.makeHistory(midnight(20), midnight(0))
    await Promise.all([published(noon(9)), published(noon(9)), published(noon(3))])
    const ask = { partition: 7, endpoint: endpoint.id, limit: 100, maxPayloadBytes: 1_000 }
    const seen = await tablesOf('readLane', ask)
    expect(new Set(seen)).toEqual(new Set([`event_${dayOf(noon(9))}`, `event_${dayOf(noon(3))}`]))
    expect((await store.readLane(ask)).every(({ payload }) => payload !== null)).toBe(true)
  })

  it('newest first stops when it has enough, and scans no day that a filter excludes', async () => {
    await driver.makeHistory(midnight(20), midnight(0))
    // Enough rows for the planner to choose a realistic plan.
    for (let daysAgo = 20; daysAgo >= 0; daysAgo--) {
      const params = [Array.from({ length: 500 }, (_, at) => Buffer.from(idBytes(idAt('evt', midnight(daysAgo) + at))))]
      await client.query(
        `insert into event (tenant, id, type, payload, test, created_ms)
         select 'acme', id, 'T', '{}', 0, 0 from unnest($1::bytea[]) v(id)`,
        params,
      )
      await client.query(
        `insert into delivery (tenant, id, endpoint, event, type, state, attempts, test, created_ms, ended_ms)
         select 'acme', id, '', id, 'T', 'delivered', 1, 0, 0, 0 from unnest($1::bytea[]) v(id)`,
        params,
      )
    }
    await client.query('analyze')
    const list = { tenant: 'acme', type: null, before: null, fromMs: null, toMs: null, limit: 2 }
    const find = { ...ANY_DELIVERY, tenant: 'acme', before: null, limit: 2, maxRows: 1_000 }
    // Future days are scanned, past ones aren't.
    const isPast = (name: string) => name.slice(-8) < dayOf(midnight(0))
    expect((await tablesOf('findDeliveries', find)).filter(isPast)).toEqual([])
    for (const tenant of ['acme', null]) {
      const scan = { ...list, tenant, types: null, key: null, rows: 2 }
      expect((await tablesOf('scanEvents', scan)).filter(isPast)).toEqual([])
    }
    const between = { ...find, fromMs: midnight(11), toMs: midnight(8) }
    const within = [11, 10, 9].map(daysAgo => `delivery_${dayOf(noon(daysAgo))}`)
    const seen = await tablesOf('findDeliveries', between)
    expect(seen).not.toEqual([])
    expect(seen.filter(name => !within.includes(name))).toEqual([])
    const item = await published(noon(4))
    const ofEvent = await tablesOf('findDeliveries', { ...find, limit: 100, events: [item.event] })
    expect(ofEvent.filter(name => name.slice(-8) < dayOf(noon(5)))).toEqual([])
  })
})

describe('dropping old history', () => {
  let old: string
  // Computed for each test, because the tests can run across midnight.
  beforeEach(() => {
    old = dayOf(noon(40))
  })

  it('drops what is older than the retention period, and nothing else; 0 keeps everything', async () => {
    await ended(await published(noon(40)), noon(40))
    await ended(await published(noon(RETENTION_DAYS)), noon(RETENTION_DAYS))
    expect((await keep(0)).dropped).toEqual([])
    expect(await keep()).toMatchObject({ dropped: [old], busy: [] })
    for (const table of ['event', 'delivery', 'attempt']) {
      expect(await tables(table)).not.toContain(old)
      expect(await tables(table)).toContain(dayOf(noon(RETENTION_DAYS)))
    }
    expect((await keep()).dropped).toEqual([])
  })

  it('C13: keeps the days of a live delivery and its event until the delivery ended long ago', async () => {
    const replay = await published(noon(40), noon(35))
    expect((await keep()).dropped).toEqual([])
    await ended(replay, Date.now() - 1_000)
    expect((await keep()).dropped).toEqual([])
    expect((await keep(20)).dropped).toEqual([])
    await client.query(`update delivery set ended_ms = ${noon(34)}`)
    expect((await keep()).dropped).toEqual([old, dayOf(noon(35))])
  })

  it('drops a day between two that are needed', async () => {
    await published(noon(41))
    await ended(await published(noon(40)), noon(40))
    await published(noon(39))
    expect((await keep()).dropped).toEqual([old])
  })

  it('keeps a day whose deliveries ended recently', async () => {
    await ended(await published(noon(40)), noon(20))
    expect((await keep()).dropped).toEqual([])
    expect((await keep(15)).dropped).toEqual([old])
  })

  it('keeps the day of an event that was replayed recently', async () => {
    await ended(await published(noon(40)), noon(40))
    const replay = await published(noon(38), noon(5))
    await ended(replay, noon(5))
    expect((await keep()).dropped).toEqual([old])
    expect((await keep(4)).dropped).toEqual(expect.arrayContaining([dayOf(noon(38)), dayOf(noon(5))]))
  })

  it('keeps the day of a delivery whose event, from the day before, is needed by another', async () => {
    const first = await published(noon(40), noon(39))
    await ended(first, noon(39))
    const again = { id: idAt('dlv', noon(2)), endpoint: endpoint.id, partition: 7, replayOf: first.delivery }
    await driver.makeHistory(noon(2), noon(2) + 1)
    const args = { tenant: 'acme', event: first.event, type: 'T', test: false, nowMs: noon(2) }
    await store.write('createDelivery', { ...args, delivery: again })
    expect((await keep()).dropped).toEqual([])
    // Once the later delivery ended a month ago, both days are dropped together.
    await store.write('cancelDelivery', { tenant: 'acme', id: again.id, nowMs: noon(33) })
    expect((await keep()).dropped).toEqual([old, dayOf(noon(39))])
  })

  it('leaves ended deliveries of a day that a pending one keeps to be removed in small steps', async () => {
    const pending = await published(noon(40))
    const done = await published(noon(40))
    await ended(done, noon(40))
    const late = await published(noon(40))
    await ended(late, noon(10))
    // A delivery whose event's own day is gone.
    const orphan = await published(noon(50), noon(40))
    await ended(orphan, noon(40))
    await client.query(`delete from event where id = $1`, [Buffer.from(idBytes(orphan.event))])
    expect((await keep()).dropped).toEqual([dayOf(noon(50))])
    await new Retention(store, log, settings()).run(atOnce)
    const isThere = async ({ event }: LaneItem) =>
      (await store.read('getEvent', { tenant: 'acme', id: event })) !== null
    expect(await Promise.all([pending, done, late].map(isThere))).toEqual([true, false, true])
    const { rows } = await client.query('select count(*)::int as n from delivery')
    expect(rows[0].n).toBe(1)
  })

  it("uses the longest retention period of any tenant; the others' events are removed in small steps", async () => {
    await ended(await published(noon(40)), noon(40))
    const retention = { days: 60, payloadDays: null, answerDays: null }
    await store.write('putTenant', { id: 'long', name: null, metadata: {}, retention, nowMs: 1 })
    const upkeep = new HistoryKeeper(store, systemClock, log, RETENTION_DAYS)
    upkeep.start()
    await upkeep.stop()
    expect(await tables()).toContain(old)
    await new Retention(store, log, settings()).run(atOnce)
    expect((await client.query('select id from event')).rows).toEqual([])
    await store.write('putTenant', { id: 'long', name: null, metadata: {}, nowMs: 1 })
    const again = new HistoryKeeper(store, systemClock, log, RETENTION_DAYS)
    again.start()
    await again.stop()
    expect(await tables()).not.toContain(old)
  })

  it('C13: keeps the day of an event that waits in the inbox', async () => {
    await driver.makeHistory(noon(40), noon(40) + 1)
    const event = anEvent([], { id: idAt('evt', noon(40)), deliveries: null })
    await store.publish(await aRequest(store, 'acme', [event]))
    expect((await keep()).dropped).toEqual([])
    await client.query('delete from inbox')
    expect((await keep()).dropped).toEqual([old])
  })

  it('gives way to readers, lets others through in the meantime, and succeeds later', async () => {
    await ended(await published(noon(40)), noon(40))
    await client.query('begin; select 1 from event limit 1')
    const keeping = keep()
    expect((await store.publish(await aRequest(store, 'acme', [anEvent([endpoint])]))).kind).toBe('stored')
    expect(await keeping).toEqual({ made: 0, dropped: [], busy: [old] })
    await client.query('commit')
    expect((await keep()).dropped).toEqual([old])
  })

  it('C13: never drops an event while a replay of it is being created', async () => {
    const item = await published(noon(40))
    await ended(item, noon(40))
    const args = { tenant: 'acme', event: item.event, type: 'T', test: false, nowMs: Date.now() }
    const delivery = { id: idAt('dlv', Date.now()), endpoint: endpoint.id, partition: 7, replayOf: item.delivery }
    // The replay's own transaction, stopped before its commit.
    await client.query('begin')
    const replay = runOperation({ name: 'createDelivery', args: { ...args, delivery } }, driver.dialect)
    for (let step = replay.next([]); step.done !== true; ) {
      const asked = step.value
      if ('note' in asked) step = replay.next([])
      else if ('columns' in asked) {
        const columns = asked.columns.map(([name]) => name).join(', ')
        const values = asked.columns.map((_, column) => asked.rows.map(row => row[column]))
        const arrays = asked.columns.map(
          ([, type], index) => `$${index + 1}::${type === 'int' ? 'bigint' : type === 'text' ? 'text' : 'bytea'}[]`,
        )
        await client.query(`with v(${columns}) as (select * from unnest(${arrays.join(', ')})) ${asked.text}`, values)
        step = replay.next([])
      } else step = replay.next((await client.query(asked.text, asked.params as unknown[])).rows as Row[])
    }
    expect((await keep()).busy).toEqual([old])
    await client.query('commit')
    expect(await keep()).toMatchObject({ dropped: [], busy: [] })
    expect(await store.read('readPayload', { tenant: 'acme', event: item.event })).not.toBeNull()
    await store.write('cancelDelivery', { tenant: 'acme', id: delivery.id, nowMs: noon(35) })
    expect((await keep()).dropped).toEqual([old])
    // After that there is nothing to replay.
    expect(
      await store.write('createDelivery', { ...args, delivery: { ...delivery, id: idAt('dlv', Date.now()) } }),
    ).toBeNull()
  })

  it('is done by one node at a time', async () => {
    await ended(await published(noon(40)), noon(40))
    const other = await openPostgres(url, systemClock)
    const reports = await Promise.all([keep(), other.keepHistory(RETENTION_DAYS)])
    expect(reports.flatMap(({ dropped }) => dropped)).toEqual([old])
    expect(await tables()).not.toContain(old)
    await other.close()
  })

  it('still recognises the key of a dropped event, with its deliveries unknown', async () => {
    await driver.makeHistory(noon(40), noon(40) + 1)
    const hash = new Uint8Array([1])
    const event = anEvent([], { id: idAt('evt', noon(40)), key: 'k', hash })
    await store.publish(await aRequest(store, 'acme', [event]))
    expect((await keep()).dropped).toEqual([old])
    const again = await store.publish(await aRequest(store, 'acme', [anEvent([], { key: 'k', hash })]))
    expect(again).toEqual({
      kind: 'stored',
      events: [{ id: event.id, key: 'k', deliveries: null, notSent: null, duplicate: true }],
    })
  })
})
