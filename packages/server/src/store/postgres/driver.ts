import pg from 'pg'
import type { Clock } from '../../clock.ts'
import type { Call, CallResult, Driver } from '../driver.ts'
import {
  type Arguments,
  CONFIGURATION_CHANGES,
  type OperationName,
  operations,
  type Result,
} from '../operations/index.ts'
import { type AnyQuery, type Dialect, type Row, StoreUnavailable, type Transaction } from '../transaction.ts'

/** Any number: it only has to be the same on every node. */
const CONFIGURATION_LOCK = 7_072_746

const postgresDialect: Dialect = {
  engine: 'postgres',
  // "C": ids and keys compare by their bytes, as on SQLite.
  words: { text: 'text collate "C"', int: 'bigint', bytes: 'bytea', clustered: '' },
  lockLiveRows: 'for update of l',
  skipLocked: 'for update skip locked',
  nowMs: '(extract(epoch from clock_timestamp()) * 1000)::bigint',
  lockConfigurationShared: { text: `select pg_advisory_xact_lock_shared(${CONFIGURATION_LOCK})` },
  lockConfiguration: { text: `select pg_advisory_xact_lock(${CONFIGURATION_LOCK})` },
}

const ARRAY_TYPES = { text: 'text[]', int: 'bigint[]', bytes: 'bytea[]' } as const

const INT8 = 20
const types = {
  getTypeParser: (oid: number, format?: 'text' | 'binary') =>
    oid === INT8 ? Number : pg.types.getTypeParser(oid, format as 'text'),
}

/** SQLSTATE classes that mean the server is away or in trouble (appendix A of PostgreSQL's manual). */
const UNAVAILABLE_CLASSES = new Set(['08', '53', '57', '58', 'XX'])

function isUnavailable(error: unknown): boolean {
  if (!(error instanceof pg.DatabaseError)) return error instanceof Error && 'code' in error
  return UNAVAILABLE_CLASSES.has(error.code?.slice(0, 2) ?? '08')
}

async function query(client: pg.PoolClient, asked: AnyQuery): Promise<Row[]> {
  if (!('columns' in asked)) {
    const { rows } = await client.query({ text: asked.text, values: (asked.params ?? []) as unknown[] })
    return rows as Row[]
  }
  const names = asked.columns.map(([name]) => name).join(', ')
  const arrays = asked.columns.map(([, type], index) => `$${index + 1}::${ARRAY_TYPES[type]}`).join(', ')
  const values = asked.columns.map((_, column) => asked.rows.map(row => row[column]))
  const { rows } = await client.query({
    text: `with v(${names}) as (select * from unnest(${arrays})) ${asked.text}`,
    values,
  })
  return rows as Row[]
}

async function drive<Result>(client: pg.PoolClient, transaction: Transaction<Result>): Promise<Result> {
  let step = transaction.next([])
  while (step.done !== true) step = transaction.next(await query(client, step.value))
  return step.value
}

function start(call: Call): Transaction<unknown> {
  const operation = operations[call.name] as (args: unknown, dialect: Dialect) => Transaction<unknown>
  return operation(call.args, postgresDialect)
}

/**
 * The configuration's lock first, if any call needs it for itself: two nodes that both share it would wait for each
 * other for ever.
 */
function* together(calls: readonly Call[]): Transaction<unknown[]> {
  if (calls.some(({ name }) => CONFIGURATION_CHANGES.has(name))) yield postgresDialect.lockConfiguration!
  const values: unknown[] = []
  for (const call of calls) values.push(yield* start(call))
  return values
}

/** A store in PostgreSQL, in a schema of its own. `clock` counts until the first offset is measured. */
export async function openPostgres(url: string, clock: Clock): Promise<Driver> {
  const pool = new pg.Pool({ connectionString: url, max: 8, types, options: '-c search_path=posthorn' })
  // An idle connection that breaks is replaced at the next use; without a listener it would end the process.
  pool.on('error', () => {})
  // The same for one that is in use: its query fails, and that is told.
  pool.on('connect', client => client.on('error', () => {}))

  async function transact<Result>(mode: 'begin' | 'begin read only', run: () => Transaction<Result>): Promise<Result> {
    let client: pg.PoolClient
    try {
      client = await pool.connect()
    } catch (error) {
      throw new StoreUnavailable('The database cannot be reached', { cause: error })
    }
    try {
      await client.query(mode)
      const result = await drive(client, run())
      await client.query('commit')
      client.release()
      return result
    } catch (error) {
      const away = isUnavailable(error)
      if (!away) await client.query('rollback').catch(() => {})
      // After a fault of the server nothing that this connection believes is believed any more.
      client.release(away)
      if (away) throw new StoreUnavailable('The database failed during a transaction', { cause: error })
      throw error
    }
  }

  async function runAlone(call: Call): Promise<CallResult> {
    try {
      return { ok: true, value: await transact('begin', () => start(call)) }
    } catch (error) {
      return { ok: false, error: error as Error }
    }
  }

  const client = await pool.connect()
  // Under the lock: two nodes that start at once would both find it missing.
  await client.query(`begin; ${postgresDialect.lockConfiguration!.text}; create schema if not exists posthorn; commit`)
  const { rows } = await client.query<{ now: string }>('select extract(epoch from clock_timestamp()) * 1000 as now')
  const offsetMs = Math.round(Number(rows[0]!.now)) - clock.now()
  client.release()

  return {
    dialect: postgresDialect,
    now: () => clock.now() + offsetMs,
    async write(calls) {
      try {
        const values = await transact('begin', () => together(calls))
        return values.map(value => ({ ok: true, value }))
      } catch (error) {
        if (error instanceof StoreUnavailable) return calls.map(() => ({ ok: false, error }))
        const results: CallResult[] = []
        for (const call of calls) results.push(await runAlone(call))
        return results
      }
    },
    async read<Name extends OperationName>(name: Name, args: Arguments<Name>) {
      return (await transact('begin read only', () => start({ name, args } as Call))) as Result<Name>
    },
    async durability() {
      const found = await pool.query<{ name: string; setting: string }>(
        `select name, setting from pg_settings where name in ('fsync', 'synchronous_commit', 'full_page_writes')`,
      )
      return Object.fromEntries(found.rows.map(({ name, setting }) => [name, setting]))
    },
    close: () => pool.end(),
  }
}
