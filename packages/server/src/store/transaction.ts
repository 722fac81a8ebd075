/**
 * How one set of SQL serves two engines. A transaction is a generator: it yields queries and gets their rows. The
 * SQLite driver runs it to its end inside a worker thread, the PostgreSQL driver awaits each query.
 *
 * Text is the SQL that both speak, with `$1` parameters. A bulk query reads its rows from a common table expression
 * `v` that the driver puts before the text: multi-row `values` there, `unnest` here.
 */
export type Value = string | number | Uint8Array | null

export type Row = Readonly<Record<string, Value>>

export type ColumnType = 'text' | 'int' | 'bytes'

export type Query = {
  readonly text: string
  readonly params?: readonly Value[]
}

export type BulkQuery = {
  readonly text: string
  /** Name and type of each of the columns of `v`. The same array object at each call, so that statements are cached. */
  readonly columns: readonly (readonly [name: string, type: ColumnType])[]
  readonly rows: readonly (readonly Value[])[]
}

export type AnyQuery = Query | BulkQuery

export type Transaction<Result> = Generator<AnyQuery, Result, Row[]>

/** What differs between the engines inside a transaction. */
export type Dialect = {
  readonly engine: 'sqlite' | 'postgres'
  /** What the words in braces in the migrations become. */
  readonly words: Readonly<Record<string, string>>
  /** The store's time, milliseconds since 1970, as an expression. */
  readonly nowMs: string
  /**
   * Answers a row for each column of each table: `table_name`, `name`, `type` (a ColumnType, or what the engine calls
   * it), and `key_at`, its place in the primary key from 1 on, or 0.
   */
  readonly listColumns: string
  /** After a `select`: takes only rows that nobody else is about to change, and keeps them until the commit. */
  readonly skipLocked: string
  /** After a `select … from live_delivery l`: keeps the rows from everybody else until the commit. */
  readonly lockLiveRows: string
  /** After a `select … from endpoint e … order by e.id`: locks the rows, in that order, until the commit. */
  readonly lockEndpointRows: string
  /** After a `select … from event …`: locks the rows until the commit, so that nothing new is made of their events. */
  readonly lockEventRows: string
  /** The same for whoever makes something new of them: any number at once. */
  readonly shareEventRows: string
  /** Gives so many free pages back to the file system, where a file does not shrink by itself. */
  readonly giveBackPages: ((pages: number) => Query) | null
  /**
   * Makes the commit wait for disk and standby though nothing was written: after a crash a server shows what it had
   * committed itself, also what its standby doesn't have yet. SQLite shows only what is on disk.
   */
  readonly confirmReads: Query | null
  /** Held to the end by a transaction that reads configuration and relies on it (publish). SQLite has one writer. */
  readonly lockConfigurationShared: Query | null
  /** Held to the end by a transaction that changes configuration. */
  readonly lockConfiguration: Query | null
  /** From here on, the transaction waits at most so long for what others hold, milliseconds; 0: as long as it takes. */
  readonly limitLockWait: (waitMs: number) => Query | null
  /** Held to the end by a transaction that takes steps of the migrations: one process at a time does. */
  readonly lockMigrations: Query | null
  /** Makes the tables that history is written to from now on, where it is cut by time. */
  readonly makeHistory: (() => Transaction<unknown>) | null
}

/**
 * The store can't be used now: disk full, server away. Nothing of the transaction may be relied on, neither that it
 * was stored nor that it was not.
 */
export class StoreUnavailable extends Error {
  constructor(detail: string, options?: ErrorOptions) {
    super(detail, options)
    this.name = 'StoreUnavailable'
  }
}

/** The store keeps nothing for certain as it is set up: a 202 would mean nothing. */
export class NotDurable extends StoreUnavailable {
  constructor(detail: string) {
    super(detail)
    this.name = 'NotDurable'
  }
}

/** Another transaction that has not ended holds what this one needs. Nothing of it was stored; the store is well. */
export class StoreContended extends Error {
  constructor(detail: string, options?: ErrorOptions) {
    super(detail, options)
    this.name = 'StoreContended'
  }
}

/**
 * Ids for an `in (…)`, as parameters from number `first` on. The last is repeated until there are a power of two, so
 * that there are few different statements to prepare.
 */
export function idList(ids: readonly Uint8Array[], first: number): { text: string; params: Uint8Array[] } {
  const count = 2 ** Math.ceil(Math.log2(ids.length))
  const params = Array.from({ length: count }, (_, index) => ids[Math.min(index, ids.length - 1)]!)
  return { text: numbersFrom(first, count), params }
}

/** By first number and count: there are few, and a long one takes longer to make than to send. */
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
