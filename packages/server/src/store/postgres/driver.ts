import pg from 'pg'
import type { Clock } from '../../base/clock.ts'
import { HOUR_MS } from '../../base/durations.ts'
import type { Driver, OperationCall, OperationResult } from '../driver.ts'
import type { Arguments, ReadName, Result } from '../operations/index.ts'
import { isConfigurationChanged, runOperation } from '../run-operation.ts'
import {
  type AnyQuery,
  type BulkQuery,
  type Dialect,
  NotDurable,
  type Row,
  StoreContended,
  StoreUnavailable,
  type Transaction,
  text,
} from '../transaction.ts'
import { packColumn } from './array.ts'
import { connectionOptions } from './connection.ts'
import { type Connection, ConnectionPool } from './connection-pool.ts'
import { daysASpan, keepHistory, makeHistory, makeHistoryBetween } from './history.ts'
import { createSchema } from './schema.ts'
import { isAway, isContention, isHistoryMissing, isLockTimeout, isTooSlow } from './server-errors.ts'
import { ServerTime } from './server-time.ts'

/** Any number: it only has to be the same on every node. */
const CONFIGURATION_LOCK = 7_072_746
const MIGRATION_LOCK = 7_072_747

const postgresDialect: Dialect = {
  engine: 'postgres',
  // "C": ids and keys compare by their bytes, as on SQLite.
  words: {
    text: 'text collate "C"',
    int: 'bigint',
    medium: 'integer',
    small: 'smallint',
    bytes: 'bytea',
    clustered: '',
    cutById: 'partition by range (id)',
    cutByDelivery: 'partition by range (delivery)',
  },
  lockLiveRows: 'for update of l',
  // Publishing changes no key of an endpoint.
  lockEndpointRows: 'for no key update of e',
  lockEventRows: 'for update',
  // Against the removal of a payload, which changes no key, a key's share would not hold.
  shareEventRows: 'for share',
  skipLocked: 'for update skip locked',
  giveBackPages: null,
  nowMs: '(extract(epoch from clock_timestamp()) * 1000)::bigint',
  // Parts of a partitioned table are no tables of their own.
  listColumns: `select c.relname as table_name, a.attname as name,
                  coalesce(array_position(k.columns, a.attnum), 0) as key_at,
                  case when format_type(a.atttypid, null) in ('bigint', 'integer', 'smallint') then 'int'
                    when format_type(a.atttypid, null) = 'bytea' then 'bytes' else format_type(a.atttypid, null) end as type
                from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_attribute a on a.attrelid = c.oid
                left join lateral (select array(select unnest(i.indkey))::int2[] as columns from pg_index i
                  where i.indrelid = c.oid and i.indisprimary) k on true
                where n.nspname = 'posthorn' and c.relkind in ('r', 'p') and not c.relispartition
                  and a.attnum > 0 and not a.attisdropped
                order by c.relname, a.attnum`,
  confirmReads: { text: `select pg_logical_emit_message(true, 'posthorn', '')` },
  lockConfigurationShared: { text: `select pg_advisory_xact_lock_shared(${CONFIGURATION_LOCK})` },
  lockConfiguration: { text: `select pg_advisory_xact_lock(${CONFIGURATION_LOCK})` },
  limitLockWait: waitMs => ({ text: `set local lock_timeout = ${waitMs}` }),
  lockMigrations: { text: `select pg_advisory_xact_lock(${MIGRATION_LOCK})` },
  makeHistory: () => makeHistory(postgresDialect),
}

/** To one node: so many transactions at once, of which one writes what is published and settled. */
const MAX_CONNECTIONS = 8

/**
 * How long a statement can take before the server is thought to be gone, milliseconds: shorter than a lease, so that one
 * connection that hangs costs no leases. The server is told too, so that it ends what nobody waits for.
 */
const WRITE_TIMEOUT_MS = 5_000
const READ_TIMEOUT_MS = 10_000
/** New indexes on large tables take what they take. */
const MIGRATE_TIMEOUT_MS = HOUR_MS
/** What the server's answer can take to come. */
const TIMEOUT_MARGIN_MS = 500
/**
 * A commit also waits for disks, and for a synchronous standby. What it left behind when we gave up waits on in the
 * server, with its connection: so each further one in a row is given twice as long, lest they use up all connections.
 */
const COMMIT_TIMEOUT_MS = 10_000
const LONGEST_COMMIT_TIMEOUT_MS = 60_000
/** A transaction whose client is behind a cut line, or was paused, keeps its locks from everybody else no longer. */
const IDLE_IN_TRANSACTION_MS = 3_000

const ARRAY_TYPES = { text: 'text[]', int: 'bigint[]', bytes: 'bytea[]' } as const

const INT8 = 20
const types = {
  getTypeParser: (oid: number, format?: 'text' | 'binary') =>
    oid === INT8 ? Number : pg.types.getTypeParser(oid, format as 'text'),
}

/** What is not the server's answer is a connection that broke or took too long. */
async function ask(client: pg.PoolClient, query: pg.QueryConfig, timeoutMs: number): Promise<pg.QueryResult<Row>> {
  // Besides the server's own time-out, which is never heard of if the line is cut.
  const patient = { ...query, query_timeout: timeoutMs + TIMEOUT_MARGIN_MS }
  try {
    return await client.query(patient)
  } catch (error) {
    if (error instanceof pg.DatabaseError) throw error
    throw new StoreUnavailable('The connection to the database failed', { cause: error })
  }
}

async function rollBack(client: pg.PoolClient, { timeoutMs }: Mode): Promise<boolean> {
  return ask(client, { text: 'rollback' }, timeoutMs).then(
    () => true,
    () => false,
  )
}

async function query(client: pg.PoolClient, asked: AnyQuery, timeoutMs: number): Promise<Row[]> {
  if (!('columns' in asked)) {
    return (await ask(client, { text: asked.text, values: (asked.params ?? []) as unknown[] }, timeoutMs)).rows
  }
  const { columns, rows } = asked
  const values = columns.map(([, type], column) => packColumn(type, rows, column))
  return (await ask(client, { text: bulkPrefix(columns) + asked.text, values }, timeoutMs)).rows
}

const bulkPrefixes = new WeakMap<BulkQuery['columns'], string>()

/** The rows of a bulk query, as arrays of its columns. */
function bulkPrefix(columns: BulkQuery['columns']): string {
  let prefix = bulkPrefixes.get(columns)
  if (prefix === undefined) {
    const names = columns.map(([name]) => name).join(', ')
    const arrays = columns.map(([, type], index) => `$${index + 1}::${ARRAY_TYPES[type]}`).join(', ')
    prefix = `with v(${names}) as (select * from unnest(${arrays})) `
    bulkPrefixes.set(columns, prefix)
  }
  return prefix
}

async function drive<Result>(
  client: pg.PoolClient,
  transaction: Transaction<Result>,
  timeoutMs: number,
): Promise<Result> {
  let step = transaction.next([])
  while (step.done !== true) step = transaction.next(await query(client, step.value, timeoutMs))
  return step.value
}

/**
 * The configuration's lock first, if any call needs it for itself: two nodes that both share it would wait for each
 * other for ever. `values` gets what each answers.
 */
function* together(calls: readonly OperationCall[], values: unknown[]): Transaction<void> {
  const isAlone = isConfigurationChanged(calls)
  if (isAlone) yield postgresDialect.lockConfiguration!
  for (const call of calls) values.push(yield* runOperation(call, postgresDialect, isAlone))
}

const contended = (cause: unknown): StoreContended =>
  new StoreContended('Another transaction is in the way in the database', { cause })

type Mode = { readonly isRead: boolean; readonly timeoutMs: number }

/** Looking after the tables of the history can mean reading an index of their size. */
const UPKEEP: Mode = { isRead: false, timeoutMs: 600_000 }

/** What the server says of itself at the begin of each transaction. */
type Greeting = {
  readonly standby: boolean
  /** Milliseconds since 1970, with a fraction. */
  readonly now: string
  readonly fsync: string
  readonly synchronous_commit: string
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

/**
 * Everything that a transaction needs to have set, in the round trip of its begin, and for this transaction only: so it
 * holds whichever server connection a pooler lends us, and start-up parameters that poolers refuse aren't needed.
 */
const beginText = ({ isRead, timeoutMs }: Mode) =>
  `begin${isRead ? ' read only' : ''};
   select set_config('search_path', 'posthorn', true), set_config('statement_timeout', '${timeoutMs}', true),
     set_config('idle_in_transaction_session_timeout', '${IDLE_IN_TRANSACTION_MS}', true),
     pg_is_in_recovery() as standby, extract(epoch from clock_timestamp()) * 1000 as now,
     current_setting('fsync') as fsync, current_setting('synchronous_commit') as synchronous_commit`

/** What a server must not be if a 202, or what it answers, is to mean something. After a failover it is another one. */
function requireFit({ standby, fsync, synchronous_commit: synchronousCommit }: Greeting): void {
  if (standby) throw new StoreUnavailable('The database is a standby, which may be behind and takes no writes')
  const off = fsync === 'off' ? 'fsync' : synchronousCommit === 'off' ? 'synchronous_commit' : undefined
  if (off !== undefined) throw new NotDurable(`The database has ${off} off, so it can lose events: turn it on`)
}

/** A store in PostgreSQL, in a schema of its own. Throws StoreUnavailable, NotDurable, what connecting failed with. */
export async function openPostgres(url: string, clock: Clock): Promise<Driver> {
  const pool = new ConnectionPool(
    { ...connectionOptions(url), max: MAX_CONNECTIONS, types, application_name: 'posthorn' },
    clock,
  )
  const time = new ServerTime(clock)
  let commitTimeoutMs = COMMIT_TIMEOUT_MS

  async function begin(client: pg.PoolClient, mode: Mode): Promise<void> {
    const askedAtMs = clock.monotonicMs()
    const answers = (await ask(client, { text: beginText(mode) }, mode.timeoutMs)) as unknown as pg.QueryResult[]
    const greeting = answers[1]!.rows[0] as Greeting
    requireFit(greeting)
    time.learn(Number(greeting.now), askedAtMs)
  }

  async function commit(client: pg.PoolClient, { isRead, timeoutMs }: Mode): Promise<void> {
    if (isRead) return void (await ask(client, { text: 'commit' }, timeoutMs))
    try {
      await ask(client, { text: 'commit' }, commitTimeoutMs)
      commitTimeoutMs = COMMIT_TIMEOUT_MS
    } catch (error) {
      commitTimeoutMs = Math.min(commitTimeoutMs * 2, LONGEST_COMMIT_TIMEOUT_MS)
      throw error
    }
  }

  async function transact<Result>(mode: Mode, run: () => Transaction<Result>): Promise<Result> {
    let client: Connection
    try {
      client = await pool.connect()
    } catch (error) {
      throw new StoreUnavailable('The database cannot be reached', { cause: error })
    }
    try {
      await begin(client, mode)
      const result = await drive(client, run(), mode.timeoutMs)
      await commit(client, mode)
      client.giveBack(true)
      return result
    } catch (error) {
      const away = isAway(error)
      // After a fault of the server nothing that this connection believes is believed any more.
      const isSound = !away || isTooSlow(error)
      client.giveBack(isSound && (await rollBack(client, mode)))
      if (!away || error instanceof NotDurable) throw error
      throw new StoreUnavailable('The database failed during a transaction', { cause: error })
    }
  }

  async function runAlone(call: OperationCall, mode: Mode): Promise<OperationResult> {
    try {
      return { ok: true, value: await transact(mode, () => runOperation(call, postgresDialect)) }
    } catch (error) {
      return { ok: false, error: toCallError(error) }
    }
  }

  let healing: Promise<unknown> | undefined
  /** Makes the tables that were missing. If it can't, whoever wanted to write there is told so. */
  const heal = () => {
    healing ??= transact(UPKEEP, () => makeHistory(postgresDialect))
      .catch(() => {})
      .finally(() => {
        healing = undefined
      })
    return healing
  }

  try {
    await transact(UPKEEP, () => createSchema(postgresDialect.lockMigrations!))
  } catch (error) {
    await pool.end()
    throw error
  }

  return {
    dialect: postgresDialect,
    now: () => time.now(),
    latest: () => time.latest(),
    async write(calls, timeoutMs) {
      const mode = { isRead: false, timeoutMs: Math.ceil(timeoutMs ?? timeoutOf(calls)) }
      const values: unknown[] = []
      try {
        await transact(mode, () => together(calls, values))
        return values.map(value => ({ ok: true, value }))
      } catch (error) {
        if (error instanceof StoreUnavailable) return calls.map(() => ({ ok: false, error }))
        if (isHistoryMissing(error)) await heal()
        // It has waited its time for a lock: if it did so again, the others would have waited twice.
        const blocked = isLockTimeout(error) ? values.length : undefined
        const results: OperationResult[] = []
        for (const [index, call] of calls.entries()) {
          results.push(index === blocked ? { ok: false, error: contended(error) } : await runAlone(call, mode))
        }
        return results
      }
    },
    async read<Name extends ReadName>(name: Name, args: Arguments<Name>) {
      const mode = { isRead: true, timeoutMs: READ_TIMEOUT_MS }
      return (await transact(mode, () =>
        runOperation({ name, args } as OperationCall, postgresDialect),
      )) as Result<Name>
    },
    async durability() {
      return transact({ isRead: true, timeoutMs: READ_TIMEOUT_MS }, function* () {
        const rows = yield {
          text: `select name, setting from pg_settings
                 where name in ('fsync', 'synchronous_commit', 'full_page_writes')
                 union all select 'ssl', case when ssl then 'on' else 'off' end
                 from pg_stat_ssl where pid = pg_backend_pid()`,
        }
        return Object.fromEntries(rows.map(row => [text(row.name), text(row.setting)]))
      })
    },
    spanDays: daysASpan,
    scrub: () => vacuum(pool),
    keepHistory: days => keepHistory(run => transact(UPKEEP, run), postgresDialect, days),
    makeHistory: (fromMs, toMs) => transact(UPKEEP, () => makeHistoryBetween({ fromMs, toMs }, 1)),
    close: () => pool.end(),
  }
}

/**
 * So that what was deleted does not lie about until the server's own vacuum comes by. Outside of a transaction, as it
 * must be. Of tables that somebody else is at just then, nothing is done.
 */
async function vacuum(pool: ConnectionPool): Promise<boolean> {
  const client = await pool.connect()
  let isSound = false
  try {
    const tables = SCRUBBED.map(table => `posthorn.${table}`).join(', ')
    await ask(client, { text: `vacuum (skip_locked) ${tables}` }, UPKEEP.timeoutMs)
    isSound = true
    return true
  } catch (error) {
    throw new StoreUnavailable('The database could not be vacuumed', { cause: error })
  } finally {
    client.giveBack(isSound)
  }
}

const SCRUBBED = [
  'event',
  'delivery',
  'attempt',
  'live_delivery',
  'inbox',
  'idempotency',
  'endpoint',
  'tenant',
  'api_key',
]

function timeoutOf(calls: readonly OperationCall[]): number {
  return calls.some(({ name }) => name === 'migrate') ? MIGRATE_TIMEOUT_MS : WRITE_TIMEOUT_MS
}
