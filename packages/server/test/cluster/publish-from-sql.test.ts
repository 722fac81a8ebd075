import { publish } from '@posthorn/client'
import {
  type Authority,
  createAuthority,
  type Postgres,
  type Receiver,
  startPostgres,
  startReceiver,
} from '@posthorn/testkit'
import fc from 'fast-check'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { parseId } from '../../src/base/ids.ts'
import { StoreContended } from '../../src/store/transaction.ts'
import { cover } from '../engine/harness.ts'
import { isInboxEmpty } from '../publish/arrivals.ts'
import { eventsOf } from '../store/events-of.ts'
import { listDeliveries } from '../store/list-deliveries.ts'
import { startNode } from './node.ts'

const SECRET = 'c2VjcmV0LXRva2VuLXdpdGgtcGFkZGluZw=='
const TYPE = 'ORDER_PLACED'
const LATE = { timeout: 30_000 }

type Node = Awaited<ReturnType<typeof startNode>>

let server: Postgres
let authority: Authority
let count = 0
/** Closes what a test has opened. */
const open: (() => Promise<unknown>)[] = []

beforeAll(async () => {
  ;[server, authority] = await Promise.all([startPostgres(), createAuthority()])
})
afterAll(() => server.stop())
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close()
})

async function start(url: string): Promise<Node> {
  const node = await startNode(url, authority)
  open.push(() => node.stop())
  await node.store.write('putEventType', {
    type: { name: TYPE, group: 'g', description: 'd', schema: { type: 'object', required: ['n'] }, example: { n: 1 } },
    nowMs: 1,
  })
  return node
}

async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  open.push(() => client.end())
  return client
}

async function receive(): Promise<Receiver> {
  const receiver = await startReceiver({ authority, names: ['localhost'] })
  open.push(() => receiver.close())
  return receiver
}

async function register({ tenants, endpoints }: Node, url: string, tenant = 'acme'): Promise<void> {
  await tenants.put(tenant, {})
  await endpoints.create(tenant, { url, clientSecret: SECRET })
}

/** A database with nodes, and a client's connection to it. */
async function aCluster(nodes = 1) {
  const url = await server.createDatabase(`from_sql_${++count}`)
  const started: Node[] = []
  for (let at = 0; at < nodes; at++) started.push(await start(url))
  return { url, node: started[0]!, nodes: started, sql: await connect(url) }
}

const call = async (
  sql: pg.Client,
  payload: string | null,
  over: { tenant?: string | null; type?: string | null; key?: string } = {},
) => {
  const { tenant = 'acme', type = TYPE, key = null } = over
  const { rows } = await sql.query('select posthorn.publish($1, $2, $3, $4) as id', [tenant, type, payload, key])
  return rows[0].id as string
}

const inboxIsEmpty = (node: Node) => expect.poll(() => isInboxEmpty(node.store), LATE).toBe(true)
const textOf = ({ body }: { body: Uint8Array }) => Buffer.from(body).toString()

const blank = fc.stringMatching(/^[ \t\n]{0,3}$/)
const value = fc.oneof(
  fc.constantFrom('12345678901234567890.000', '1E400', '-0.0', '"\\u00e9\\/é"', '"\\ud83d"', '[ 1 ,2 ]', '"\u{1f4ef}"'),
  fc.json({ maxDepth: 2 }),
)
/** JSON as people write it, with members in any order and unusual spacing and numbers. */
const payload = fc
  .tuple(blank, blank, value, fc.boolean())
  .map(([a, b, one, isFirst]) => (isFirst ? `${a}{"n":${b}${one},"z":0}${a}` : `{"z" :0,${b}"n":${one}${a}}`))
const transaction = fc.record({
  payloads: fc.array(payload, { minLength: 1, maxLength: 4 }),
  end: fc.constantFrom('commit', 'rollback', 'savepoint'),
  isClient: fc.boolean(),
})

describe('publishing from SQL', () => {
  it('C5 C13: delivers every committed event, byte for byte, and none that is rolled back', {
    timeout: 120_000,
  }, async () => {
    const { sql, node } = await aCluster(2)
    const receiver = await receive()
    await register(node, receiver.url)
    const committed: string[] = []
    for (const { payloads, end, isClient } of fc.sample(transaction, 80)) {
      await sql.query('begin')
      const ids: string[] = []
      for (const [index, text] of payloads.entries()) {
        if (end === 'savepoint' && index === 1) await sql.query('savepoint here')
        const event = { tenant: 'acme', type: TYPE, payload: text }
        ids.push(isClient ? (await publish(sql, event)).id : await call(sql, text))
      }
      if (end === 'savepoint' && payloads.length > 1) await sql.query('rollback to here')
      await sql.query(end === 'rollback' ? 'rollback' : 'commit')
      const kept = end === 'rollback' ? 0 : end === 'savepoint' ? 1 : payloads.length
      for (let at = 0; at < kept; at++) committed.push(`${ids[at]} ${payloads[at]}`)
    }
    expect(committed.length).toBeGreaterThan(20)
    await receiver.waitFor(() => receiver.total >= committed.length, { timeoutMs: 30_000 })
    await inboxIsEmpty(node)
    const pending = {
      state: 'pending',
      endpoint: null,
      event: null,
      type: null,
      before: null,
      fromMs: null,
      toMs: null,
    } as const
    await expect.poll(async () => (await listDeliveries(node.store, 'acme', pending, 1)).length, LATE).toBe(0)
    const received = receiver.requests.map(request => `${request.headers['webhook-id']} ${textOf(request)}`)
    expect(received.sort()).toEqual(committed.sort())
  })

  it('needs two grants and no other rights', async () => {
    const { url, sql, node } = await aCluster()
    await node.tenants.put('acme', {})
    const role = `app_${count}`
    await sql.query(`create role ${role} login password 'secret'`)
    const app = await connect(url.replace(/\/\/[^@]+@/, `//${role}:secret@`))
    await expect(call(app, '{"n":1}')).rejects.toMatchObject({ code: '42501' })
    await sql.query(`grant usage on schema posthorn to ${role}`)
    await expect(call(app, '{"n":1}')).rejects.toMatchObject({ code: '42501' })
    await sql.query(`grant execute on function posthorn.publish to ${role}`)
    const id = await call(app, '{"n":1}', { key: 'k' })
    const { rows } = await sql.query(`select tablename from pg_tables where schemaname = 'posthorn'`)
    expect(rows.length).toBeGreaterThan(10)
    for (const { tablename } of rows) {
      for (const statement of [
        `select 1 from posthorn.${tablename}`,
        `insert into posthorn.${tablename} default values`,
        `delete from posthorn.${tablename}`,
        `truncate posthorn.${tablename}`,
      ]) {
        await expect(app.query(statement), statement).rejects.toMatchObject({ code: '42501' })
      }
    }
    await expect(app.query('create table posthorn.mine (a int)')).rejects.toMatchObject({ code: '42501' })
    // The function doesn't use the caller's search path.
    await app.query('create temp table inbox (like pg_class); create temp table idempotency (like pg_class)')
    await app.query('set search_path = pg_temp, public')
    expect(await call(app, '{"n":1}', { key: 'k' })).toBe(id)
    await expect.poll(() => node.store.read('getEvent', { tenant: 'acme', id }), LATE).not.toBeNull()
  })

  it("returns ids like the API's, in the order of the calls, by the server's clock", async () => {
    const { sql } = await aCluster()
    const clock = async () =>
      Number((await sql.query('select extract(epoch from clock_timestamp()) * 1000 as ms')).rows[0].ms)
    const before = await clock()
    const { rows } = await sql.query(`select posthorn.publish('acme', 'T', '{}') as id from generate_series(1, 300)`)
    const after = await clock()
    const ids = rows.map(({ id }) => id as string)
    expect(new Set(ids).size).toBe(300)
    expect([...ids].sort()).toEqual(ids)
    for (const id of ids) {
      const bytes = Buffer.from(parseId('evt', id)!)
      expect([bytes[6]! >> 4, bytes[8]! >> 6]).toEqual([7, 2])
      expect(bytes.readUIntBE(0, 6)).toBeGreaterThanOrEqual(Math.floor(before))
      expect(bytes.readUIntBE(0, 6)).toBeLessThanOrEqual(after)
    }
  })

  it('refuses what cannot be stored, with an explanation', async () => {
    const { sql } = await aCluster()
    const nothing = async (...args: Parameters<typeof call>) => expect(call(...args)).rejects
    await (await nothing(sql, '{}', { tenant: null })).toThrow(/must not be null/)
    await (await nothing(sql, '{}', { type: null })).toThrow(/must not be null/)
    await (await nothing(sql, null)).toThrow(/must not be null/)
    await (await nothing(sql, '{}', { tenant: '' })).toThrow(/1 to 128 characters/)
    await (await nothing(sql, '{}', { type: 'T'.repeat(129) })).toThrow(/1 to 128 characters/)
    for (const key of ['', ' k', 'k ', 'é', 'a\tb', 'k'.repeat(256)]) {
      await (await nothing(sql, '{}', { key })).toThrow(/printable ASCII/)
    }
    for (const text of ['{', '\ufeff{}']) await (await nothing(sql, text)).toMatchObject({ code: '22P02' })
    expect(await call(sql, '{}', { key: 'a b'.padEnd(255, '~') })).toMatch(/^evt_/)
  })
})

describe('a key', () => {
  const json = '{"n": 1}'
  const body = (key: string) => Buffer.from(`{"type":"${TYPE}","payload":${json},"key":"${key}"}`)

  it('is the same whether it comes from SQL or from the API', async () => {
    const { sql, node } = await aCluster()
    await node.tenants.put('acme', {})
    const first = await call(sql, json, { key: 'k' })
    expect(await call(sql, json, { key: 'k' })).toBe(first)
    const { events } = await node.publisher.publish('acme', body('k'))
    expect(events).toMatchObject([{ id: first, duplicate: true }])
    const [other] = (await node.publisher.publish('acme', body('k2'))).events
    expect(await call(sql, json, { key: 'k2' })).toBe(other!.id)
    for (const over of [{ type: 'OTHER' }, {}]) {
      const again = call(sql, over.type === undefined ? '{"n":1}' : json, { ...over, key: 'k' })
      await expect(again).rejects.toMatchObject({ code: '23505', message: expect.stringContaining('a key of its own') })
    }
    // Another tenant's key is a different one.
    expect(await call(sql, json, { key: 'k', tenant: 'beta' })).not.toBe(first)
    await inboxIsEmpty(node)
    expect(await eventsOf(node.store, 'acme')).toHaveLength(2)
  })

  it('finds its event while that waits in the inbox, afterwards, and if it was rejected', async () => {
    const { url, sql, node } = await aCluster()
    await node.tenants.put('acme', {})
    const found = async (key: string) => {
      const { events } = await node.events.list(await node.events.select('acme', { key }), { before: null }, 9)
      const ofAll = await node.events.list(await node.events.selectOfAll(null, { key }), { before: null }, 9)
      expect(ofAll.events).toEqual(events)
      return events.map(({ id, rejected }) => [id, rejected !== null])
    }
    await node.inbox.stop()
    const waiting = await call(sql, json, { key: 'k' })
    const faulty = await call(sql, '{"m":1}', { key: 'faulty' })
    expect(await node.store.read('getEvent', { tenant: 'acme', id: waiting })).toBeNull()
    expect([await found('k'), await found('faulty')]).toEqual([[[waiting, false]], [[faulty, false]]])
    await start(url)
    await inboxIsEmpty(node)
    expect([await found('k'), await found('faulty')]).toEqual([[[waiting, false]], [[faulty, true]]])
  })

  it('is remembered for as long as the nodes say, and can then be used again', async () => {
    const { sql, node } = await aCluster()
    await node.store.write('writeMeta', { key: 'idempotency_ms', value: '60000' })
    const first = await call(sql, json, { key: 'k' })
    const life =
      'select expires_ms - (extract(epoch from clock_timestamp()) * 1000)::bigint as ms from posthorn.idempotency'
    const { rows } = await sql.query(life)
    expect(Number(rows[0].ms)).toBeLessThanOrEqual(60_000)
    expect(Number(rows[0].ms)).toBeGreaterThan(30_000)
    await sql.query('update posthorn.idempotency set expires_ms = 1')
    const second = await call(sql, '{"n":2}', { key: 'k' })
    expect(second).not.toBe(first)
    expect(await call(sql, '{"n":2}', { key: 'k' })).toBe(second)
  })

  it.each([
    ['commit', 'the same event'],
    ['rollback', 'a new one'],
  ])('held by an open transaction is waited for: after a %s, the call returns %s', async end => {
    const { url, sql } = await aCluster()
    const other = await connect(url)
    await sql.query('begin')
    const first = await call(sql, json, { key: 'k' })
    await other.query('begin')
    const waiting = call(other, json, { key: 'k' })
    const locks = `select count(*)::int as n from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`
    await expect.poll(async () => (await sql.query(locks)).rows[0].n, LATE).toBe(1)
    await sql.query(end)
    expect((await waiting) === first).toBe(end === 'commit')
    await other.query('commit')
  })

  it('committed after a snapshot is a serialization failure, never a second event', async () => {
    const { url, sql } = await aCluster()
    const other = await connect(url)
    await other.query('begin isolation level repeatable read')
    await other.query('select 1')
    await call(sql, json, { key: 'k' })
    await expect(call(other, json, { key: 'k' })).rejects.toMatchObject({ code: '40001' })
    await other.query('rollback')
  })

  it('C13: held by an open transaction keeps no other request waiting', { timeout: 60_000 }, async () => {
    const { sql, node } = await aCluster()
    const receiver = await receive()
    await register(node, receiver.url)
    const publishes = (keys: readonly string[]) =>
      Promise.allSettled(keys.map(key => node.publisher.publish('acme', body(key))))
    await sql.query('begin')
    const held = await call(sql, json, { key: 'held' })
    const others = Array.from({ length: 50 }, (_, index) => `free-${index}`)
    // In one commit: five requests with the blocked key, fifty with other keys, and one without a key.
    const [results, without] = await Promise.all([
      publishes(['held', 'held', ...others, 'held', 'held', 'held']),
      node.publish('acme', { type: TYPE, payload: { n: 1 } }),
    ])
    expect(without.events).toHaveLength(1)
    const refused = results.filter(result => result.status === 'rejected')
    expect(refused).toHaveLength(5)
    for (const { reason } of refused) expect(reason).toBeInstanceOf(StoreContended)
    // The key is known to be held by now, so it is waited for separately from the others.
    const [waiting] = await Promise.all([publishes(['held']), node.publisher.publish('acme', body('quick'))])
    expect(waiting[0]!.status).toBe('rejected')
    await receiver.waitFor(() => receiver.total === 52, { timeoutMs: 20_000 })
    await sql.query('commit')
    const [again] = await publishes(['held'])
    expect(again).toMatchObject({ status: 'fulfilled', value: { events: [{ id: held, duplicate: true }] } })
    await receiver.waitFor(() => receiver.total === 53, { timeoutMs: 20_000 })
  })
})

describe('a node that takes events from the inbox', () => {
  it('C1: keeps what the API would have refused, says why, and delivers none of it', async () => {
    const { sql, node } = await aCluster()
    const receiver = await receive()
    await register(node, receiver.url)
    const deep = `{"n":${'['.repeat(64)}${']'.repeat(64)}}`
    const cases: [string, string, string, string, string][] = [
      ['ghost', TYPE, '{"n":1}', 'tenant', 'unknown_tenant'],
      ['böse 🦄', TYPE, '{"n":1}', 'tenant', 'unknown_tenant'],
      ['acme', 'NO_SUCH', '{"n":1}', '/type', 'unknown_type'],
      ['acme', TYPE, '{"m":1}', '/payload/n', 'schema'],
      ['acme', TYPE, deep, `/payload/n${'/0'.repeat(63)}`, 'too_deep'],
      ['acme', TYPE, '{"n":1, "n":2}', '/payload', 'duplicate_key'],
      ['acme', TYPE, `{"n":"${'x'.repeat(1_048_576)}"}`, '/payload', 'payload_too_large'],
    ]
    await sql.query('begin')
    const ids: string[] = []
    for (const [tenant, type, text] of cases)
      ids.push(await call(sql, text, { tenant, type, key: 'k'.repeat(ids.length + 1) }))
    const sound = await call(sql, '{"n":1}')
    await sql.query('commit')
    await receiver.waitFor(() => receiver.total === 1, { timeoutMs: 20_000 })
    await inboxIsEmpty(node)
    const list = async (tenant: string | null) =>
      (await node.events.listRejected({ tenant, key: null, before: null }, 100)).items
    await expect.poll(async () => (await list(null)).map(({ id }) => id), LATE).toEqual([...ids].reverse())
    expect((await list('böse 🦄')).map(({ id }) => id)).toEqual([ids[1]])
    for (const [index, id] of ids.entries()) {
      const key = 'k'.repeat(index + 1)
      const { items } = await node.events.listRejected({ tenant: null, key, before: null }, 100)
      expect(items.map(item => item.id)).toEqual([id])
    }
    for (const [index, [tenant, type, text, field, reason]] of cases.entries()) {
      const event = await node.store.read('getEvent', { tenant, id: ids[index]! })
      expect(event).toMatchObject({ type, notSent: {}, rejected: [{ field, reason, detail: expect.any(String) }] })
      expect(textOf({ body: event!.payload }) === text).toBe(reason !== 'payload_too_large')
    }
    // Positions refer to the payload as it was published.
    expect((await list('acme'))[1]!.rejected![0]!.detail).toContain('at byte 8')
    const lines = node.lines.filter(({ msg }) => String(msg).includes('was rejected'))
    expect(lines.map(({ event }) => event).sort()).toEqual([...ids].sort())
    expect(receiver.total).toBe(1)
    expect(receiver.requests[0]!.headers['webhook-id']).toBe(sound)
    // With the tenant created, the event can be published under the same key.
    await node.tenants.put('ghost', {})
    expect(await call(sql, '{"n":1}', { tenant: 'ghost', key: 'k' })).not.toBe(ids[0])
  })

  it('C13: takes over a row from a node that died, once its claim has expired', { timeout: 60_000 }, async () => {
    const { url, sql, node } = await aCluster()
    const receiver = await receive()
    await register(node, receiver.url)
    await sql.query('begin')
    await call(sql, '{"n":1}')
    const now = '(extract(epoch from clock_timestamp()) * 1000)::bigint'
    await sql.query(`update posthorn.inbox set claimed_until_ms = ${now} + 1500`)
    await sql.query('commit')
    await receiver.waitFor(() => receiver.total === 1, { timeoutMs: 20_000 })
    const late = await connect(url)
    const { rows } = await late.query(`select created_ms, ${now} as now_ms from posthorn.event`)
    expect(Number(rows[0].now_ms) - Number(rows[0].created_ms)).toBeGreaterThanOrEqual(1_500)
  })

  it('uses the endpoints of that moment, however many, and holds deliveries to disabled ones', async () => {
    const { sql, node } = await aCluster()
    const receiver = await receive()
    await node.tenants.put('acme', {})
    // More than one commit can create here.
    for (let at = 0; at < 300; at++) {
      await node.endpoints.create('acme', { url: `${receiver.url}/${at}`, clientSecret: SECRET })
    }
    const disabled = await node.endpoints.create('acme', { url: `${receiver.url}/off`, clientSecret: SECRET })
    await node.endpoints.disable('acme', disabled.endpoint.id)
    const id = await call(sql, '{"n":1}')
    await receiver.waitFor(() => receiver.total === 300, { timeoutMs: 20_000 })
    const event = () => node.store.read('getEvent', { tenant: 'acme', id })
    await expect.poll(async () => (await event())?.notSent, LATE).toEqual({})
    const filter = { endpoint: null, event: id, type: null, before: null, fromMs: null, toMs: null }
    expect(await listDeliveries(node.store, 'acme', { ...filter, state: 'held' }, 10)).toHaveLength(1)
    expect(receiver.total).toBe(300)
  })

  it('lets no tenant wait for fifty thousand events of another', { timeout: 120_000 }, async () => {
    const { sql, node } = await aCluster()
    const receiver = await receive()
    await register(node, receiver.url, 'zeta')
    await node.tenants.put('acme', {})
    await sql.query('begin')
    await sql.query(`select count(posthorn.publish('acme', '${TYPE}', '{"n":1}')) from generate_series(1, 50000)`)
    await call(sql, JSON.stringify(cover(1).payload), { tenant: 'zeta', type: 'COVER_REFERENCE' })
    await sql.query('commit')
    await receiver.waitFor(() => receiver.total === 1, { timeoutMs: 60_000 })
    const waiting = async () => Number((await sql.query('select count(*) from posthorn.inbox')).rows[0].count)
    await expect.poll(waiting, { timeout: 90_000, interval: 200 }).toBe(0)
    const countOf = async (condition: string) =>
      Number(
        (await sql.query(`select count(*) from posthorn.event where tenant = 'acme' and ${condition}`)).rows[0].count,
      )
    expect(await countOf('rejected is null')).toBe(50_000)
    // By their physical positions in the table, which follow the order in which they were stored.
    expect(await countOf(`ctid < (select ctid from posthorn.event where tenant = 'zeta')`)).toBeLessThan(2_000)
  })
})
