import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import type { Note } from '../stream-notes.ts'
import { packNotes } from '../stream-notes.ts'
import { IS_STREAMED } from '../stream-state.ts'
import type { BulkQuery, Query, Row, Transaction, Value } from '../transaction.ts'
import { StoreUnavailable } from '../transaction.ts'
import { sqliteDialect } from './dialect.ts'

const STREAMED: Query = { text: IS_STREAMED(sqliteDialect.nowMs) }

/** Rows of a bulk query in one statement. More would gain nothing and make the statement longer to prepare. */
const ROWS_A_STATEMENT = 32
const STATEMENTS_KEPT = 512
const LOG_BYTES = 64 * 1024 * 1024

/** Primary result codes (sqlite.org/rescode.html) that mean the store is unavailable, not that the data was wrong. */
const UNAVAILABLE_CODES = new Set([5, 6, 7, 8, 10, 11, 13, 14, 26])

/** Converts a fault of the store itself to StoreUnavailable; returns errors caused by the data unchanged. */
function toStoreError(error: unknown): unknown {
  const { errcode, message } = error as Error & { errcode?: unknown }
  const isUnavailable = typeof errcode === 'number' && UNAVAILABLE_CODES.has(errcode & 0xff)
  return isUnavailable ? new StoreUnavailable(message, { cause: error }) : error
}

/** A connection to the file, with its prepared statements and transactions. Blocks, so it is for worker threads. */
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
    // First of all, since each of the others can find the file busy.
    this.#database.exec('pragma busy_timeout = 5000')
    if (readOnly) return
    // Before WAL: afterwards it would be ignored.
    this.#database.exec('pragma auto_vacuum = incremental')
    this.#database.exec('pragma journal_mode = wal')
    this.#database.exec('pragma synchronous = full')
    this.#database.exec('pragma cache_size = -16384')
    // Overwrites deleted content with zeros wherever its page is written anyway, so that erasing doesn't have to
    // rewrite the whole file.
    this.#database.exec('pragma secure_delete = fast')
    // The log is truncated to this size after it has grown beyond it.
    this.#database.exec(`pragma journal_size_limit = ${LOG_BYTES}`)
  }

  /** Moves the log into the file and empties it. Returns false if a reader blocks it for more than 50 ms. */
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

  /** Runs a transaction to its end. Its result is durable, or (read-only) from a single snapshot. */
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

  /** Reads rows one by one, as the caller takes them: for tables larger than memory. Outside `transact`. */
  *stream(text: string, params: readonly Value[]): Generator<Row> {
    // Not a cached statement: this one is in use as long as rows are taken.
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
    const notes: Note['note'][] = []
    let step = transaction.next([])
    while (step.done !== true) {
      if ('note' in step.value) {
        notes.push(step.value.note)
        step = transaction.next([])
      } else step = transaction.next(this.#query(step.value))
    }
    if (notes.length > 0) this.#addToStream(notes)
    return step.value
  }

  /** Writes what a transaction has changed to the log of the stream, if the stream is on. */
  #addToStream(notes: readonly Note['note'][]): void {
    if (this.#query(STREAMED).length === 0) return
    const entries = packNotes(notes)
    if (entries !== undefined) this.#query({ text: sqliteDialect.addToStream, params: [entries] })
  }

  #query(query: Query | BulkQuery): Row[] {
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
 * Parameters in SQLite's syntax. If each is used once and in order, they lose their numbers: Node looks up the name of
 * a numbered one in a list, which made two hundred of them cost more than the query.
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
