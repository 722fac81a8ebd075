import { type Postgres, startPostgres } from '@posthorn/testkit'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { takeSteps } from '../../src/store/migrate.ts'
import { MIGRATIONS } from '../../src/store/migrations/index.ts'
import type { Migration } from '../../src/store/migrations/migration.ts'
import { openPostgres } from '../../src/store/postgres/driver.ts'
import { Store } from '../../src/store/store.ts'
import { anEndpoint, anEvent, aRequest, aSettlement, aTenant } from '../store/builders.ts'

let server: Postgres
let count = 0
beforeAll(async () => {
  server = await startPostgres()
})
afterAll(() => server.stop())

const database = () => server.createDatabase(`migrations_${++count}`)
const open = async (url: string) => new Store(await openPostgres(url, systemClock), systemClock)

async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  return client
}

const adds: Migration = {
  does: 'Adds columns and an index to busy tables.',
  compatibleFrom: MIGRATIONS.at(-1)!.compatibleFrom,
  statements: [
    `alter table live_delivery add column colour {text}`,
    `alter table event add column colour {text}`,
    `alter table delivery add column colour {text} default 'red'`,
    `create index live_colour on live_delivery (colour)`,
  ],
}
const NEWER = [...MIGRATIONS, adds]

describe('migrations of a PostgreSQL that other nodes are using', () => {
  it('are taken once if several nodes start at the same time on an empty database', async () => {
    const url = await database()
    const stores = await Promise.all([1, 2, 3, 4].map(() => open(url)))
    const taken = await Promise.all(stores.map(store => takeSteps(store, systemClock)))
    expect(taken.reduce((sum, each) => sum + each)).toBe(MIGRATIONS.length)
    for (const store of stores) expect(await store.read('listTenants', { after: null, limit: 1 })).toEqual([])
    await Promise.all(stores.map(store => store.close()))
  })

  it('C13: a node of the previous version keeps publishing and settling while a step is taken', async () => {
    const url = await database()
    const [older, newer] = [await open(url), await open(url)]
    await takeSteps(older, systemClock)
    const endpoint = anEndpoint('acme')
    await aTenant(older, 'acme', [endpoint])
    const work = async () => {
      expect((await older.publish(await aRequest(older, 'acme', [anEvent([endpoint])]))).kind).toBe('stored')
      const items = await older.readLane({ partition: 7, endpoint: endpoint.id, limit: 100, maxPayloadBytes: 100 })
      const moved = await Promise.all(items.map(item => older.settle(aSettlement(item, { kind: 'delivered' }))))
      expect(moved).toEqual(items.map(() => 'ended'))
      return moved.length
    }
    expect(await work()).toBe(1)
    let done = 0
    let isMigrated = false
    const working = (async () => {
      while (!isMigrated || done < 20) done += await work()
    })()
    expect(await takeSteps(newer, systemClock, NEWER)).toBe(1)
    isMigrated = true
    await working
    expect(done).toBeGreaterThanOrEqual(20)
    expect(await takeSteps(older, systemClock)).toBe(0)
    await Promise.all([older.close(), newer.close()])
  })

  it('a step gives way to a long transaction, keeps no one waiting for long, and is taken afterwards', async () => {
    const url = await database()
    const [older, newer] = [await open(url), await open(url)]
    await takeSteps(older, systemClock)
    await aTenant(older, 'acme')
    const dump = await connect(url)
    await dump.query('begin; select 1 from posthorn.event limit 1; select 1 from posthorn.live_delivery limit 1')
    const migrating = takeSteps(newer, systemClock, NEWER)
    const waits = async () =>
      (await dump.query(`select 1 from pg_locks where not granted and relation = 'posthorn.live_delivery'::regclass`))
        .rowCount
    await expect.poll(waits, { timeout: 10_000, interval: 20 }).toBeGreaterThan(0)
    const endpoint = anEndpoint('acme')
    await aTenant(older, 'acme', [endpoint])
    // Queued for the table behind the step: it gets through once the step has given way.
    expect((await older.publish(await aRequest(older, 'acme', [anEvent([endpoint])]))).kind).toBe('stored')
    expect(await older.read('readMeta', { key: 'schema_version' })).toBe(String(MIGRATIONS.length))
    await dump.query('commit')
    expect(await migrating).toBe(1)
    await dump.end()
    await Promise.all([older.close(), newer.close()])
  })
})

describe('the schema', () => {
  /** Creates a role with these rights, and returns the URL to connect as that role. */
  async function aRole(url: string, rights: (role: string, database: string) => string) {
    const role = `role_${++count}`
    const admin = await connect(url)
    const name = (await admin.query('select current_database() as name')).rows[0].name as string
    await admin.query(`create role ${role} login password 'secret'`)
    await admin.query(`revoke create on schema public from public; revoke all on database ${name} from public`)
    await admin.query(`grant connect on database ${name} to ${role}; ${rights(role, name)}`)
    await admin.end()
    return url.replace(/\/\/[^@]+@/, `//${role}:secret@`)
  }

  /** Publishes an event and settles its delivery. */
  async function use(url: string) {
    const store = await open(url)
    await takeSteps(store, systemClock)
    const endpoint = anEndpoint('acme')
    await aTenant(store, 'acme', [endpoint])
    await store.publish(await aRequest(store, 'acme', [anEvent([endpoint])]))
    const [item] = await store.readLane({ partition: 7, endpoint: endpoint.id, limit: 1, maxPayloadBytes: 100 })
    expect(await store.settle(aSettlement(item!, { kind: 'delivered' }))).toBe('ended')
    expect(await store.keepHistory(30)).toEqual({ made: 0, dropped: [], busy: [] })
    await store.close()
  }

  it('contains everything: a role that can create schemas, and nothing else, is enough', async () => {
    const url = await database()
    await use(await aRole(url, (role, name) => `grant create on database ${name} to ${role}`))
    const client = await connect(url)
    const elsewhere = await client.query(
      `select n.nspname, c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
       where n.nspname not in ('posthorn', 'pg_catalog', 'pg_toast', 'information_schema')
       union all
       select n.nspname, p.proname from pg_proc p join pg_namespace n on n.oid = p.pronamespace
       where n.nspname not in ('posthorn', 'pg_catalog', 'information_schema')`,
    )
    expect(elsewhere.rows).toEqual([])
    await client.end()
  })

  it('can be created beforehand: a role that owns it needs no right to create one', async () => {
    await use(await aRole(await database(), role => `create schema posthorn authorization ${role}`))
  })

  it('is asked for, with the statement that creates it, if the role is not allowed to create it', async () => {
    const url = await aRole(await database(), () => '')
    await expect(openPostgres(url, systemClock)).rejects.toThrow(/create schema posthorn authorization role_\d+/)
  })
})
