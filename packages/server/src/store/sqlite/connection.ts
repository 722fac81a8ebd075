import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import type { AnyQuery, BulkQuery, Row, Transaction, Value } from '../transaction.ts'
import { StoreUnavailable } from '../transaction.ts'

/** Rows of a bulk query that go into one statement. More gains nothing and costs a longer statement to prepare. */
const ROWS_A_STATEMENT = 32
const STATEMENTS_KEPT = 512
const LOG_BYTES = 64 * 1024 * 1024

/** Primary result codes (sqlite.org/rescode.html) that mean the store is away, not that the data was wrong. */
const UNAVAILABLE_CODES = new Set([5, 6, 7, 8, 10, 11, 13, 14, 26])

/** The error as the rest of Posthorn knows it: a fault of the store itself, or what the data provoked. */
function toStoreError(error: unknown): unknown {
  const { errcode, message } = error as Error & { errcode?: unknown }
  const isUnavailable = typeof errcode === 'number' && UNAVAILABLE_CODES.has(errcode & 0xff)
  return isUnavailable ? new StoreUnavailable(message, { cause: error }) : error
}

/** A connection to the file, its prepared statements, and transactions on it. Blocks: for worker threads. */
export class SqliteConnection {
  readonly #database: DatabaseSync
  readonly #statements = new Map<string, StatementSync>()

  /** Throws StoreUnavailable: opening writes too, to recover what the last process left in the log. */
  constructor(file: string, readOnly: boolean) {
    try {
      this.#database = new DatabaseSync(file, { readOnly })
    } catch (error) {
      throw toStoreError(error)
    }
    try {
      this.#prepareDatabase(readOnly)
    } catch (error) {
      this.#database.close()
      throw toStoreError(error)
    }
  }

  #prepareDatabase(readOnly: boolean): void {
    // First of all, since each of the others may meet a busy file.
    this.#database.exec('pragma busy_timeout = 5000')
    if (readOnly) return
    // Before WAL: after it, it would be ignored.
    this.#database.exec('pragma auto_vacuum = incremental')
    this.#database.exec('pragma journal_mode = wal')
    this.#database.exec('pragma synchronous = full')
    this.#database.exec('pragma cache_size = -16384')
    // Zeros over what is deleted, wherever its page is written anyhow: so erasing need not write the whole file anew.
    this.#database.exec('pragma secure_delete = fast')
    // The log shrinks to this much again once it was longer.
    this.#database.exec(`pragma journal_size_limit = ${LOG_BYTES}`)
  }

  /** Moves the log into the file and empties it. False if somebody reads just now: it is not waited for. */
  emptyLog(): boolean {
    this.#database.exec('pragma busy_timeout = 50')
    try {
      return this.#database.prepare('pragma wal_checkpoint(truncate)').get()!.busy === 0
    } finally {
      this.#database.exec('pragma busy_timeout = 5000')
    }
  }

  pragma(name: string): string {
    const row = this.#database.prepare(`pragma ${name}`).get()
    return String(Object.values(row ?? {})[0])
  }

  /** Runs a transaction to its end; what it answers is durable, or (read only) a single snapshot. */
  transact<Result>(begin: 'begin immediate' | 'begin', run: () => Transaction<Result>): Result {
    try {
      this.#database.exec(begin)
      const result = this.#drive(run())
      this.#database.exec('commit')
      return result
    } catch (error) {
      if (this.#database.isTransaction) {
        try {
          this.#database.exec('rollback')
        } catch {
          throw new StoreUnavailable('The transaction could be neither committed nor rolled back', { cause: error })
        }
      }
      throw toStoreError(error)
    }
  }

  /** Rows one after the other, as many as are taken: for tables that are larger than the memory. Outside `transact`. */
  *stream(text: string, params: readonly Value[]): Generator<Row> {
    // Not from the kept statements: it is in use as long as rows are taken.
    const statement = this.#database.prepare(text.replaceAll('$', '?'))
    try {
      for (const row of statement.iterate(...(params as SQLInputValue[]))) yield row as Row
    } catch (error) {
      throw toStoreError(error)
    }
  }

  close(): void {
    this.#statements.clear()
    this.#database.close()
  }

  #drive<Result>(transaction: Transaction<Result>): Result {
    let step = transaction.next([])
    while (step.done !== true) step = transaction.next(this.#query(step.value))
    return step.value
  }

  #query(query: AnyQuery): Row[] {
    if ('columns' in query) return this.#bulk(query)
    const statement = this.#prepare(query.text, () => ownParameters(query.text))
    return statement.all(...((query.params ?? []) as SQLInputValue[])) as Row[]
  }

  #bulk({ text, columns, rows }: BulkQuery): Row[] {
    const results: Row[] = []
    for (let at = 0; at < rows.length; at += ROWS_A_STATEMENT) {
      const chunk = rows.slice(at, at + ROWS_A_STATEMENT)
      const values: Value[] = []
      for (const row of chunk) for (const value of row) values.push(value)
      const statement = this.#prepare(`${chunk.length}:${text}`, () => bulkText(text, columns, chunk.length))
      for (const row of statement.all(...(values as SQLInputValue[]))) results.push(row as Row)
    }
    return results
  }

  #prepare(key: string, sql: () => string): StatementSync {
    let statement = this.#statements.get(key)
    if (statement === undefined) {
      if (this.#statements.size >= STATEMENTS_KEPT) this.#statements.clear()
      statement = this.#database.prepare(sql())
      this.#statements.set(key, statement)
    }
    return statement
  }
}

/**
 * Parameters in SQLite's way. Where each is used once and in order they lose their numbers: for a numbered one, Node
 * looks its name up in a list, which made two hundred of them cost more than the query.
 */
function ownParameters(text: string): string {
  const numbers = Array.from(text.matchAll(/\$(\d+)/g), match => Number(match[1]))
  return numbers.every((number, index) => number === index + 1)
    ? text.replaceAll(/\$\d+/g, '?')
    : text.replaceAll('$', '?')
}

function bulkText(text: string, columns: BulkQuery['columns'], rows: number): string {
  const names = columns.map(([name]) => name).join(', ')
  const row = `(${columns.map(() => '?').join(', ')})`
  return `with v(${names}) as (values ${new Array(rows).fill(row).join(', ')}) ${text}`
}
