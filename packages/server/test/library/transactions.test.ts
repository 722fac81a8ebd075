/** Publishing in the caller's own transaction on a real PostgreSQL, with each library that Posthorn knows. */
import { type Postgres, type Receiver, startPostgres } from '@posthorn/testkit'
import { sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/node-postgres'
import { Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'
import type { Posthorn, Transaction } from 'posthorn'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { call, jsonOf, KEY, PAYLOAD, subscribe, TYPE, useLibrary } from './setup.ts'

const bench = useLibrary()
const ENCRYPTION_KEY = Buffer.alloc(32, 7).toString('base64')
const ROLLED_BACK = new Error('the caller changed its mind')

let server: Postgres
let pool: pg.Pool
let database: string
let databases = 0

beforeAll(async () => {
  server = await startPostgres()
})
afterAll(() => server.stop())

async function start(): Promise<{ posthorn: Posthorn; receiver: Receiver }> {
  database = await server.createDatabase(`library_${databases++}`)
  const posthorn = await bench.start({ databaseUrl: database, encryptionKey: ENCRYPTION_KEY, data: undefined })
  const receiver = await bench.receiver()
  await subscribe(posthorn, receiver)
  pool = new pg.Pool({ connectionString: database })
  const own = pool
  bench.later(() => own.end())
  await pool.query('create table orders (id text primary key)')
  return { posthorn, receiver }
}

/** Runs work in a transaction of a library: the order that it makes is there if and only if it committed. */
type Run = (work: (tx: Transaction) => Promise<unknown>) => Promise<void>

async function inPg(work: (tx: pg.PoolClient) => Promise<unknown>): Promise<void> {
  const client = await pool.connect()
  try {
    await client.query('begin')
    await client.query(`insert into orders values ('o1')`)
    await work(client)
    await client.query('commit')
  } catch (error) {
    await client.query('rollback')
    throw error
  } finally {
    client.release()
  }
}

const LIBRARIES: readonly (readonly [string, () => Run])[] = [
  ['pg', () => inPg],
  [
    'Drizzle',
    () => work =>
      drizzle(pool).transaction(async tx => {
        await tx.execute(sql`insert into orders values (${'o1'})`)
        await work(tx)
      }),
  ],
  [
    'Kysely',
    () => async work => {
      const db = new Kysely<{ orders: { id: string } }>({ dialect: new PostgresDialect({ pool }) })
      await db.transaction().execute(async tx => {
        await tx.insertInto('orders').values({ id: 'o1' }).execute()
        await work(tx)
      })
    },
  ],
  // A real one, with its generated client, is run by scripts/test-embedded.mjs.
  ['what Prisma passes on', () => work => inPg(client => work(asPrisma(client)))],
]

const asPrisma = (client: pg.PoolClient): Transaction => ({
  $queryRawUnsafe: async (text: string, ...values: unknown[]) => (await client.query(text, values)).rows,
})

const orders = async () => (await pool.query('select id from orders')).rowCount

describe.each(LIBRARIES)('publishing in a transaction of %s', (_name, library) => {
  it('delivers the event if the transaction commits, and only then', { timeout: 60_000 }, async () => {
    const { posthorn, receiver } = await start()
    const run = library()
    const text = '{"CoverId": "564200aa-7128-4a26-83a8-cf0201903fcc"}'
    let lost = ''
    const undone = run(async tx => {
      lost = (await posthorn.publish('acme', TYPE, PAYLOAD, { tx, key: 'k' })).id
      throw ROLLED_BACK
    })
    await expect(undone).rejects.toBe(ROLLED_BACK)
    expect([await orders(), lost]).toEqual([0, expect.stringMatching(/^evt_/)])
    let id = ''
    await run(async tx => {
      // The key is free again: nothing of the first transaction is left.
      id = (await posthorn.publish('acme', TYPE, text, { tx, key: 'k' })).id
      expect(await posthorn.publish('acme', TYPE, text, { tx, key: 'k' })).toEqual({ id })
    })
    expect(await orders()).toBe(1)
    await receiver.waitFor(({ total }) => total > 0)
    expect(receiver.requests.map(({ headers, body }) => [headers['webhook-id'], body.toString()])).toEqual([[id, text]])
    const events = await jsonOf(await call(posthorn, 'GET', '/v1/tenants/acme/events'))
    expect(events.data.map((event: { id: string }) => event.id)).toEqual([id])
  })
})

describe('publishing in a transaction', () => {
  it('refuses handles that are no transaction', async () => {
    const { posthorn } = await start()
    const refusal = (tx: unknown) =>
      posthorn.publish('acme', TYPE, PAYLOAD, { tx: tx as Transaction }).then(
        () => 'published',
        error => (error instanceof TypeError ? error.message : error),
      )
    const kysely = new Kysely({ dialect: new PostgresDialect({ pool }) })
    expect(await refusal(pool)).toContain('pool.connect()')
    expect(await refusal(drizzle(pool))).toContain('db.transaction(async tx => …)')
    expect(await refusal(kysely)).toContain('db.transaction().execute(async tx => …)')
    expect(await refusal({ $connect() {}, $queryRawUnsafe() {} })).toContain('prisma.$transaction')
    for (const nothing of [undefined, null, {}, 'tx', () => {}])
      expect(await refusal(nothing)).toContain('Pass a client')
    expect((await jsonOf(await call(posthorn, 'GET', '/v1/tenants/acme/events'))).data).toEqual([])
  })

  it('throws what the database refuses as the driver does, and the transaction can go on from a savepoint', async () => {
    const { posthorn } = await start()
    await inPg(async tx => {
      await posthorn.publish('acme', TYPE, PAYLOAD, { tx, key: 'k' })
      await tx.query('savepoint before')
      const error = await posthorn.publish('acme', TYPE, { other: 1 }, { tx, key: 'k' }).catch(thrown => thrown)
      expect([error.code, error]).toEqual(['23505', expect.any(pg.DatabaseError)])
      await tx.query('rollback to savepoint before')
    })
    expect(await orders()).toBe(1)
  })

  it('runs two on one database, of which either delivers, and closing one leaves the other', async () => {
    const { posthorn, receiver } = await start()
    const other = await bench.start({
      databaseUrl: database,
      encryptionKey: ENCRYPTION_KEY,
      data: undefined,
      apiKey: KEY,
    })
    await posthorn.close()
    const { id } = await other.publish('acme', TYPE, PAYLOAD)
    await receiver.waitFor(({ requests }) => requests.some(({ headers }) => headers['webhook-id'] === id))
  })
})
