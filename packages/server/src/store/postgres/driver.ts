import pg from 'pg'
import type { Clock, Timer } from '../../clock.ts'
import type { Call, CallResult, Driver } from '../driver.ts'
import {
  type Arguments,
  CONFIGURATION_CHANGES,
  type OperationName,
  operations,
  type Result,
} from '../operations/index.ts'
import {
  type AnyQuery,
  type Dialect,
  type Row,
  StoreContended,
  StoreUnavailable,
  type Transaction,
} from '../transaction.ts'
import { isContention, isHistoryMissing, isLockTimeout, isUnavailable } from './faults.ts'
import { keepHistory, makeHistory, makeHistoryBetween } from './history.ts'
import { createSchema } from './schema.ts'

/** Any number: it only has to be the same on every node. */
const CONFIGURATION_LOCK = 7_072_746
const MIGRATION_LOCK = 7_072_747

const postgresDialect: Dialect = {
  engine: 'postgres',
  // "C": ids and keys compare by their bytes, as on SQLite.
  words: {
    text: 'text collate "C"',
    int: 'bigint',
    bytes: 'bytea',
    clustered: '',
    cutById: 'partition by range (id)',
    cutByDelivery: 'partition by range (delivery)',
  },
  lockLiveRows: 'for update of l',
  // Publishing changes no key of an endpoint.
  lockEndpointRows: 'for no key update of e',
  skipLocked: 'for update skip locked',
  nowMs: '(extract(epoch from clock_timestamp()) * 1000)::bigint',
  // Parts of a partitioned table are no tables of their own. The key isn't asked for: see `describeTables`.
  listColumns: `select c.relname as table_name, a.attname as name, 0 as key_at,
                  case format_type(a.atttypid, null) when 'bigint' then 'int' when 'bytea' then 'bytes'
                    else format_type(a.atttypid, null) end as type
                from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_attribute a on a.attrelid = c.oid
                where n.nspname = 'posthorn' and c.relkind in ('r', 'p') and not c.relispartition
                  and a.attnum > 0 and not a.attisdropped
                order by c.relname, a.attnum`,
  lockConfigurationShared: { text: `select pg_advisory_xact_lock_shared(${CONFIGURATION_LOCK})` },
  lockConfiguration: { text: `select pg_advisory_xact_lock(${CONFIGURATION_LOCK})` },
  limitLockWait: waitMs => ({ text: `set local lock_timeout = ${waitMs}` }),
  lockMigrations: { text: `select pg_advisory_xact_lock(${MIGRATION_LOCK})` },
  makeHistory: () => makeHistory(postgresDialect),
}

const CONNECT_TIMEOUT_MS = 3_000
const QUERY_TIMEOUT_MS = 20_000

const ARRAY_TYPES = { text: 'text[]', int: 'bigint[]', bytes: 'bytea[]' } as const

const INT8 = 20
const types = {
  getTypeParser: (oid: number, format?: 'text' | 'binary') =>
    oid === INT8 ? Number : pg.types.getTypeParser(oid, format as 'text'),
}

/** What is not the server's answer is a connection that broke or took too long. */
async function ask(client: pg.PoolClient, query: pg.QueryConfig | string): Promise<Row[]> {
  try {
    return (await client.query(query)).rows as Row[]
  } catch (error) {
    if (error instanceof pg.DatabaseError) throw error
    throw new StoreUnavailable('The connection to the database failed', { cause: error })
  }
}

async function query(client: pg.PoolClient, asked: AnyQuery): Promise<Row[]> {
  if (!('columns' in asked)) {
    const config = { text: asked.text, values: (asked.params ?? []) as unknown[] }
    // Of pg, but not in its types.
    const timeout = asked.timeoutMs === undefined ? {} : { query_timeout: asked.timeoutMs }
    return ask(client, { ...config, ...timeout })
  }
  const names = asked.columns.map(([name]) => name).join(', ')
  const arrays = asked.columns.map(([, type], index) => `$${index + 1}::${ARRAY_TYPES[type]}`).join(', ')
  const values = asked.columns.map((_, column) => asked.rows.map(row => row[column]))
  return ask(client, { text: `with v(${names}) as (select * from unnest(${arrays})) ${asked.text}`, values })
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
 * other for ever. `values` gets what each answers.
 */
function* together(calls: readonly Call[], values: unknown[]): Transaction<void> {
  if (calls.some(({ name }) => CONFIGURATION_CHANGES.has(name))) yield postgresDialect.lockConfiguration!
  for (const call of calls) values.push(yield* start(call))
}

const contended = (cause: unknown): StoreContended =>
  new StoreContended('Another transaction is in the way in the database', { cause })

/** How often the server is asked for its time: clocks of machines part by some milliseconds a minute at worst. */
const ASK_TIME_MS = 10_000

/**
 * The server's time without asking each time: as it said last, and what has gone by since then on this machine's
 * monotonic clock. So a wall clock that is wrong, or jumps, changes nothing. Late by the way of the answer, and so
 * never early (C12).
 */
class ServerTime {
  readonly #pool: pg.Pool
  readonly #clock: Clock
  #serverMs = 0
  #askedAtMonotonicMs = 0
  #timer: Timer | undefined

  constructor(pool: pg.Pool, clock: Clock) {
    this.#pool = pool
    this.#clock = clock
  }

  now(): number {
    return Math.floor(this.#serverMs + this.#clock.monotonicMs() - this.#askedAtMonotonicMs)
  }

  async start(): Promise<void> {
    await this.#ask()
    this.#again()
  }

  stop(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }

  #again(): void {
    this.#timer = this.#clock.after(ASK_TIME_MS, async () => {
      // A server that is away is noticed by everybody else.
      await this.#ask().catch(() => {})
      if (this.#timer !== undefined) this.#again()
    })
  }

  async #ask(): Promise<void> {
    const { rows } = await this.#pool.query<{ now: string }>(
      'select extract(epoch from clock_timestamp()) * 1000 as now',
    )
    this.#serverMs = Number(rows[0]!.now)
    this.#askedAtMonotonicMs = this.#clock.monotonicMs()
  }
}

function toCallError(error: unknown): Error {
  if (isContention(error)) return contended(error)
  if (!isHistoryMissing(error)) return error as Error
  return new StoreUnavailable(
    'The history has no table for the time of a row, and it could not be made: see that the role of Posthorn may ' +
      'create tables in the schema posthorn and owns those that are there, and that the clock of the database is right',
    { cause: error },
  )
}

/** A store in PostgreSQL, in a schema of its own. */
export async function openPostgres(url: string, clock: Clock): Promise<Driver> {
  const pool = new pg.Pool({
    connectionString: url,
    max: 8,
    types,
    options: '-c search_path=posthorn',
    application_name: 'posthorn',
    keepAlive: true,
    // A server that doesn't answer must not hold up the leases, or whoever waits for a 202.
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    query_timeout: QUERY_TIMEOUT_MS,
  })
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
      await ask(client, mode)
      const result = await drive(client, run())
      await ask(client, 'commit')
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
      return { ok: false, error: toCallError(error) }
    }
  }

  let healing: Promise<unknown> | undefined
  /** Makes the tables that were missing. If it can't, whoever wanted to write there is told so. */
  const heal = () => {
    healing ??= transact('begin', () => makeHistory(postgresDialect))
      .catch(() => {})
      .finally(() => {
        healing = undefined
      })
    return healing
  }

  try {
    await createSchema(pool, postgresDialect.lockMigrations!.text)
  } catch (error) {
    await pool.end()
    throw error
  }
  const time = new ServerTime(pool, clock)
  await time.start()

  return {
    dialect: postgresDialect,
    now: () => time.now(),
    async write(calls) {
      const values: unknown[] = []
      try {
        await transact('begin', () => together(calls, values))
        return values.map(value => ({ ok: true, value }))
      } catch (error) {
        if (error instanceof StoreUnavailable) return calls.map(() => ({ ok: false, error }))
        if (isHistoryMissing(error)) await heal()
        // It has waited its time for a lock: if it did so again, the others would have waited twice.
        const blocked = isLockTimeout(error) ? values.length : undefined
        const results: CallResult[] = []
        for (const [index, call] of calls.entries()) {
          results.push(index === blocked ? { ok: false, error: contended(error) } : await runAlone(call))
        }
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
    keepHistory: days => keepHistory(run => transact('begin', run), postgresDialect, days),
    makeHistory: (fromMs, toMs) => transact('begin', () => makeHistoryBetween({ fromMs, toMs }, 1)),
    close() {
      time.stop()
      return pool.end()
    },
  }
}
