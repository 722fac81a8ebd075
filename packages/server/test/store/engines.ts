import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type Postgres, startPostgres } from '@posthorn/testkit'
import pg from 'pg'
import { systemClock } from '../../src/base/clock.ts'
import type { Driver } from '../../src/store/driver.ts'
import { MIGRATIONS } from '../../src/store/migrations/index.ts'
import type { Migration } from '../../src/store/migrations/migration.ts'
import { openPostgres } from '../../src/store/postgres/driver.ts'
import { openSqlite } from '../../src/store/sqlite/driver.ts'
import { Store } from '../../src/store/store.ts'
import { allowSchema, createHostileRole, urlAs } from './hostile-role.ts'
import { type Counted, postgresCounter, type RowCounter, sqliteCounter } from './rows-read.ts'
import { addTables, SQLITE_FILE } from './sqlite-template.ts'
import { reusedWorkers } from './workers.ts'

export type Opened = {
  readonly store: Store
  readonly driver: Driver
  /** Runs a statement without going through the store, as another process would; parameters are `$1` and so on. */
  run(text: string, params?: readonly (string | number | Uint8Array | null)[]): Promise<void>
  /** A connection of its own, for transactions that stay open. Only on PostgreSQL. */
  connect?(): Promise<pg.Client>
  /** The same store as another node has it, to be closed by the caller. Only on PostgreSQL. */
  another?(): Promise<Store>
  /** Counts what operations read in this store. */
  countRows(counted?: Counted): Promise<RowCounter>
  close(): Promise<void>
}

/** An engine that the conformance suite runs against, which opens empty stores. */
export type Engine = {
  readonly name: 'sqlite' | 'postgres'
  /** @param steps the steps of the schema that the store has taken. Default: all */
  open(steps?: readonly Migration[]): Promise<Opened>
  stop(): Promise<void>
}

async function ready(driver: Driver, steps: readonly Migration[] = MIGRATIONS): Promise<Store> {
  const store = new Store(driver, systemClock)
  await store.write('migrate', { steps })
  return store
}

export function sqliteEngine(): Engine {
  return {
    name: 'sqlite',
    async open(steps) {
      const folder = await mkdtemp(join(tmpdir(), 'posthorn-store-'))
      if (steps === undefined) await addTables(folder)
      const driver = await openSqlite(folder, systemClock, reusedWorkers)
      const store = await ready(driver, steps)
      const close = async () => {
        await store.close()
        await rm(folder, { recursive: true, force: true })
      }
      const run: Opened['run'] = async (text, params = []) => {
        const database = new DatabaseSync(join(folder, SQLITE_FILE))
        try {
          database.exec('pragma busy_timeout = 5000')
          database.prepare(text.replaceAll('$', '?')).run(...params)
        } finally {
          database.close()
        }
      }
      const countRows: Opened['countRows'] = async counted => sqliteCounter(join(folder, SQLITE_FILE), counted)
      return { store, driver, run, countRows, close }
    },
    stop: async () => {},
  }
}

const TEMPLATE = 'migrated'
/** The stores' role. Its settings are hostile, so the whole suite shows that no operation relies on defaults. */
const ROLE = 'store'

/** Copying a database that already has its tables takes a third of the time needed to create them. */
async function startWithTemplate(): Promise<Postgres> {
  const server = await startPostgres()
  await createHostileRole(server, ROLE)
  const url = await server.createDatabase(TEMPLATE)
  await allowSchema(url, ROLE)
  const store = await ready(await openPostgres(urlAs(url, ROLE), systemClock))
  await store.close()
  return server
}

export function postgresEngine(): Engine {
  let server: Promise<Postgres> | undefined
  let count = 0
  return {
    name: 'postgres',
    async open(steps) {
      server ??= startWithTemplate()
      const template = steps === undefined ? TEMPLATE : undefined
      const url = await (await server).createDatabase(`conformance_${++count}`, template)
      await allowSchema(url, ROLE)
      const driver = await openPostgres(urlAs(url, ROLE), systemClock)
      const store = await ready(driver, steps)
      const connect = async () => {
        const client = new pg.Client({ connectionString: url, options: '-c search_path=posthorn' })
        await client.connect()
        return client
      }
      const run: Opened['run'] = async (text, params = []) => {
        const client = await connect()
        try {
          await client.query(text, [...params])
        } finally {
          await client.end()
        }
      }
      const another = async () => new Store(await openPostgres(urlAs(url, ROLE), systemClock), systemClock)
      const countRows: Opened['countRows'] = counted => postgresCounter(url, counted)
      return { store, driver, run, connect, another, countRows, close: () => store.close() }
    },
    stop: async () => (await server)?.stop(),
  }
}

const MAKE = { sqlite: sqliteEngine, postgres: postgresEngine }

/**
 * The engines that this run is for: the conformance suites run against SQLite in `npm test`, and against PostgreSQL in
 * `npm run test:system` (vitest.config.ts). Without a project, both.
 */
export function engines(): Engine[] {
  const name = process.env.TESTS_ON
  if (name === undefined) return [sqliteEngine(), postgresEngine()]
  if (name !== 'sqlite' && name !== 'postgres') throw new Error(`TESTS_ON is "${name}": use sqlite or postgres.`)
  return [MAKE[name]()]
}
