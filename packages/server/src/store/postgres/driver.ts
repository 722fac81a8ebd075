import type { Clock } from '../../base/clock.ts'
import { HOUR_MS } from '../../base/durations.ts'
import { NoSeat, Seats } from '../../base/seats.ts'
import type { Driver, HistoryReport, OperationCall, OperationResult } from '../driver.ts'
import { type Arguments, operations, type ReadName, type Result, turnOf } from '../operations/index.ts'
import { isConfigurationChanged, runOperation } from '../run-operation.ts'
import { StoreContended, StoreUnavailable, type Transaction, text } from '../transaction.ts'
import { postgresDialect } from './dialect.ts'
import { daysASpan, keepHistory, makeHistory, makeHistoryBetween } from './history.ts'
import { createSchema } from './schema.ts'
import { isContention, isHistoryMissing, isLockTimeout } from './server-errors.ts'
import type { Mode } from './session.ts'
import { Transactions } from './transactions.ts'
import { vacuum } from './vacuum.ts'

/**
 * How long a statement can take before the server is considered gone, in milliseconds: shorter than a lease, so that
 * one hanging connection costs no leases. The server has the same limit, so that it cancels what no one waits for.
 */
const WRITE_TIMEOUT_MS = 5_000
const READ_TIMEOUT_MS = 10_000
/** Building indexes on large tables can take long. */
const MIGRATE_TIMEOUT_MS = HOUR_MS

/** Maintaining the history tables can mean reading an index as large as they are. */
const SLOW: Mode = { isRead: false, timeoutMs: 600_000 }
const READ: Mode = { isRead: true, timeoutMs: READ_TIMEOUT_MS }

/**
 * Reads at the same time, of those that people wait for and of the others. Together they leave connections free, or
 * else publishing and settling would wait behind a hundred slow lists.
 */
const READS_AT_ONCE = { people: 2, engine: 4 } as const

/**
 * A read that people wait for and that takes longer is followed by a pause as long as itself: lists and counts of one
 * tenant get half of the database's time for such reads, however many it makes.
 */
const LONG_READ_MS = 25
/** How long a read waits for others before it fails, as it does if the database is gone. */
const READ_PATIENCE_MS = 15_000

/**
 * Takes the configuration lock first if any call needs it exclusively: two nodes that both share it would wait for each
 * other forever. `values` receives the result of each call.
 */
function* together(calls: readonly OperationCall[], values: unknown[]): Transaction<void> {
  const isAlone = isConfigurationChanged(calls)
  if (isAlone) yield postgresDialect.lockConfiguration!
  for (const call of calls) values.push(yield* runOperation(call, postgresDialect, isAlone))
}

const contended = (cause: unknown): StoreContended =>
  new StoreContended('Another open transaction in the database is blocking this one', { cause })

function toCallError(error: unknown): Error {
  if (isContention(error)) return contended(error)
  if (!isHistoryMissing(error)) return error as Error
  return new StoreUnavailable(
    "A history table for the time of a row is missing and could not be created: check that Posthorn's role can create " +
      "tables in the schema posthorn and owns the existing ones, and that the database server's clock is right",
    { cause: error },
  )
}

/** Opens a store in PostgreSQL, in its own schema. Throws StoreUnavailable, NotDurable, or a connection's error. */
export async function openPostgres(url: string, clock: Clock): Promise<Driver> {
  const transactions = new Transactions(url, clock)
  try {
    await transactions.transact(SLOW, () => createSchema(postgresDialect.lockMigrations!))
  } catch (error) {
    await transactions.pool.end()
    throw error
  }
  return new PostgresDriver(url, transactions, clock)
}

class PostgresDriver implements Driver {
  readonly dialect = postgresDialect
  readonly #url: string
  readonly #transactions: Transactions
  readonly #seats: { readonly people: Seats; readonly engine: Seats }
  #healing: Promise<unknown> | undefined

  constructor(url: string, transactions: Transactions, clock: Clock) {
    this.#url = url
    this.#transactions = transactions
    const { people, engine } = READS_AT_ONCE
    const patienceMs = READ_PATIENCE_MS
    this.#seats = {
      people: new Seats({ clock, count: people, patienceMs, longMs: LONG_READ_MS }),
      engine: new Seats({ clock, count: engine, patienceMs }),
    }
  }

  now(): number {
    return this.#transactions.time.now()
  }

  latest(): number {
    return this.#transactions.time.latest()
  }

  async write(calls: readonly OperationCall[], timeoutMs?: number): Promise<OperationResult[]> {
    const mode = { isRead: false, timeoutMs: Math.ceil(timeoutMs ?? timeoutOf(calls)) }
    const values: unknown[] = []
    try {
      await this.#transactions.transact(mode, () => together(calls, values))
      return values.map(value => ({ ok: true, value }))
    } catch (error) {
      if (error instanceof StoreUnavailable) return calls.map(() => ({ ok: false, error }))
      if (isHistoryMissing(error)) await this.#heal()
      // This call has used up its time waiting for a lock: if it tried again, the others would have to wait twice.
      const blocked = isLockTimeout(error) ? values.length : undefined
      const results: OperationResult[] = []
      for (const [index, call] of calls.entries()) {
        results.push(index === blocked ? { ok: false, error: contended(error) } : await this.#runAlone(call, mode))
      }
      return results
    }
  }

  async #runAlone(call: OperationCall, mode: Mode): Promise<OperationResult> {
    try {
      return { ok: true, value: await this.#transactions.transact(mode, () => runOperation(call, postgresDialect)) }
    } catch (error) {
      return { ok: false, error: toCallError(error) }
    }
  }

  /** Creates missing history tables. If that fails, the call that needed them reports it. */
  #heal(): Promise<unknown> {
    this.#healing ??= this.#transactions
      .transact(SLOW, () => makeHistory(postgresDialect))
      .catch(() => {})
      .finally(() => {
        this.#healing = undefined
      })
    return this.#healing
  }

  async read<Name extends ReadName>(name: Name, args: Arguments<Name>): Promise<Result<Name>> {
    const call = { name, args } as OperationCall
    const seats = this.#seats[operations[name].waitedForBy]
    const read = () => this.#transactions.transact(READ, () => runOperation(call, postgresDialect))
    try {
      return (await seats.run(read, turnOf(name, args))) as Result<Name>
    } catch (error) {
      if (!(error instanceof NoSeat)) throw error
      throw new StoreUnavailable('The database is busy with other reads', { cause: error })
    }
  }

  durability(): Promise<Readonly<Record<string, string>>> {
    return this.#transactions.transact(READ, readDurability)
  }

  spanDays(retentionDays: number): number {
    return daysASpan(retentionDays)
  }

  scrub(): Promise<boolean> {
    return vacuum(this.#url, this.#transactions.pool)
  }

  keepHistory(retentionDays: number): Promise<HistoryReport> {
    return keepHistory(run => this.#transactions.transact(SLOW, run), postgresDialect, retentionDays)
  }

  makeHistory(fromMs: number, toMs: number): Promise<number> {
    return this.#transactions.transact(SLOW, () => makeHistoryBetween({ fromMs, toMs }, 1))
  }

  close(): Promise<void> {
    return this.#transactions.pool.end()
  }
}

function* readDurability(): Transaction<Record<string, string>> {
  const rows = yield {
    text: `select name, setting from pg_settings
           where name in ('fsync', 'synchronous_commit', 'full_page_writes')
           union all select 'ssl', case when ssl then 'on' else 'off' end
           from pg_stat_ssl where pid = pg_backend_pid()`,
  }
  return Object.fromEntries(rows.map(row => [text(row.name), text(row.setting)]))
}

function timeoutOf(calls: readonly OperationCall[]): number {
  return calls.some(({ name }) => name === 'migrate') ? MIGRATE_TIMEOUT_MS : WRITE_TIMEOUT_MS
}
