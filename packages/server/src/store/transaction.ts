/**
 * How one set of SQL serves two engines. A transaction is a generator: it yields queries and receives their rows. The
 * SQLite driver runs it to its end inside a worker thread; the PostgreSQL driver awaits each query.
 *
 * The text is SQL that both engines understand, with `$1` parameters. A bulk query reads its rows from a common table
 * expression `v` that the driver puts before the text: multi-row `values` on SQLite, `unnest` on PostgreSQL.
 */
import type { Note } from './stream-notes.ts'

export type Value = string | number | Uint8Array | null

export type Row = Readonly<Record<string, Value>>

export type ColumnType = 'text' | 'int' | 'bytes'

export type Query = {
  readonly text: string
  readonly params?: readonly Value[]
}

export type BulkQuery = {
  readonly text: string
  /** Name and type of each column of `v`. Pass the same array object at each call, so that statements are cached. */
  readonly columns: readonly (readonly [name: string, type: ColumnType])[]
  readonly rows: readonly (readonly Value[])[]
}

/** What a transaction yields: a query or, without any rows in return, what it has changed. */
export type AnyQuery = Query | BulkQuery | Note

export type Transaction<Result> = Generator<AnyQuery, Result, Row[]>

/** What differs between the engines inside a transaction. */
export type Dialect = {
  readonly engine: 'sqlite' | 'postgres'
  /** What replaces the words in braces in the migrations. */
  readonly words: Readonly<Record<string, string>>
  /** The store's time as an SQL expression, in milliseconds since 1970. */
  readonly nowMs: string
  /**
   * Returns a row for each column of each table: `table_name`, `name`, `type` (a ColumnType, or what the engine calls
   * it), and `key_at`, its position in the primary key from 1, or 0.
   */
  readonly listColumns: string
  /**
   * The condition that a row of `table` is the one that a row of `v` names in columns of the same names, which must begin
   * an index. For `from v cross join table`, and for `update table … from v`: rows are found along the index, whatever the
   * statistics say (docs/decisions/0063-named-rows.md).
   */
  readonly isNamed: (table: string, columns: readonly string[]) => string
  /** The beginning of a statement that deletes such rows. More conditions can follow with `and`. */
  readonly deleteNamed: (table: string, columns: readonly string[]) => string
  /** Whether a join can run a query for each row of `v` (`cross join lateral`). Otherwise each is a query of its own. */
  readonly hasLateral: boolean
  /** After a `select`: takes only rows that no other transaction is changing, and locks them until the commit. */
  readonly skipLocked: string
  /** After a `select … from live_delivery l`: locks the rows until the commit. */
  readonly lockLiveRows: string
  /** After a `select … from endpoint e … order by e.id`: locks the rows, in that order, until the commit. */
  readonly lockEndpointRows: string
  /** After a `select … from event …`: locks the rows until the commit, so that no deliveries of them are created. */
  readonly lockEventRows: string
  /** The counterpart for transactions that create new deliveries of them: any number can hold it at the same time. */
  readonly shareEventRows: string
  /** After a `select … from replay_batch …`: its state can't change until the commit. Any number can hold it. */
  readonly shareBatchRow: string
  /** Returns `pages` free pages to the file system, where a file does not shrink by itself. */
  readonly giveBackPages: ((pages: number) => Query) | null
  /**
   * Makes the commit wait for disk and standby even though nothing was written: after a crash a server shows what it
   * had committed itself, including what its standby doesn't have yet. SQLite shows only what is on disk.
   */
  readonly confirmReads: Query | null
  /** Adds a row to the log of the stream, with the entries as its parameter. */
  readonly addToStream: string
  /**
   * The present snapshot as an expression, in the form of `stream-position.ts`, to be read in the same statement as the
   * rows that are visible in it.
   */
  readonly snapshot: string
  /**
   * Finds the transactions, as `transaction`, that might not know yet that the stream is on, if it is asked that long
   * after the stream was turned on. Null if there can be none.
   */
  readonly streamWriters: { readonly afterMs: number; readonly query: Query } | null
  /** Held to the end by a transaction that reads configuration and relies on it (publish). SQLite has one writer. */
  readonly lockConfigurationShared: Query | null
  /** Held to the end by a transaction that changes configuration. */
  readonly lockConfiguration: Query | null
  /** From here on, the transaction waits for locks for at most `waitMs` milliseconds; 0: as long as it takes. */
  readonly limitLockWait: (waitMs: number) => Query | null
  /**
   * From here on, the transaction reads rows along indexes, in their order, even if it is expected to be cheaper to read
   * and sort all of them: without statistics (a new day's table has none yet), a few thousand of millions of rows were
   * found by sorting all. Null where that is the case anyway.
   */
  readonly readByIndex: Query | null
  /** Held to the end by a transaction that takes migration steps, so that one process at a time does. */
  readonly lockMigrations: Query | null
  /** Creates the tables that history is written to from now on, where it is partitioned by time. */
  readonly makeHistory: (() => Transaction<unknown>) | null
}

/**
 * The store can't be used now: the disk is full, or the server is unavailable. It is unknown whether the transaction
 * was stored.
 */
export class StoreUnavailable extends Error {
  /**
   * Whether the database itself responded and reported that it can't, such as a full disk. Then every node that shares
   * it finds the same. Otherwise the fault can be between this node and the database.
   */
  readonly isReported: boolean

  constructor(detail: string, { isReported = false, ...options }: ErrorOptions & { isReported?: boolean } = {}) {
    super(detail, options)
    this.name = 'StoreUnavailable'
    this.isReported = isReported
  }
}

/** The store isn't durable as it is configured: a 202 would mean nothing. */
export class NotDurable extends StoreUnavailable {
  constructor(detail: string) {
    super(detail)
    this.name = 'NotDurable'
  }
}

/** Another open transaction holds what this one needs. Nothing of this one was stored; the store itself is fine. */
export class StoreContended extends Error {
  constructor(detail: string, options?: ErrorOptions) {
    super(detail, options)
    this.name = 'StoreContended'
  }
}

/** Someone else stored one of our keys between our lookup and our insert: run again, alone. */
export class KeyRace extends Error {}

/**
 * Ids for an `in (…)`, as parameters from number `first`. The last id is repeated until their number is a power of two,
 * so that there are few different statements to prepare.
 */
export function idList(ids: readonly Uint8Array[], first: number): { text: string; params: Uint8Array[] } {
  const count = 2 ** Math.ceil(Math.log2(ids.length))
  const params = Array.from({ length: count }, (_, index) => ids[Math.min(index, ids.length - 1)]!)
  return { text: numbersFrom(first, count), params }
}

/** Placeholder lists, by first number and count. There are few, and a long one takes longer to build than to send. */
const numberLists = new Map<string, string>()

function numbersFrom(first: number, count: number): string {
  const key = `${first} ${count}`
  let list = numberLists.get(key)
  if (list === undefined) {
    list = Array.from({ length: count }, (_, index) => `$${first + index}`).join(', ')
    numberLists.set(key, list)
  }
  return list
}

export const text = (value: Value | undefined): string => value as string
export const textOrNull = (value: Value | undefined): string | null => value as string | null
export const int = (value: Value | undefined): number => value as number
export const intOrNull = (value: Value | undefined): number | null => value as number | null
export const bytes = (value: Value | undefined): Uint8Array => value as Uint8Array

export const jsonOrNull = (value: Value | undefined): unknown =>
  value === null || value === undefined ? null : JSON.parse(value as string)
