import type { Arguments, OperationName, ReadName, Result } from './operations/index.ts'
import type { Dialect } from './transaction.ts'

/** One operation to run, and its arguments. */
export type OperationCall<Name extends OperationName = OperationName> = {
  readonly name: Name
  readonly args: Arguments<Name>
}

export type OperationResult =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly error: Error }

/** What was done about the tables of history; spans of time by the day that they begin with, such as `20261124`. */
export type HistoryReport = {
  /** Spans that tables were made for. */
  readonly made: number
  readonly dropped: readonly string[]
  /** Old ones that were in use just now: they are tried again. */
  readonly busy: readonly string[]
}

/** What an engine must be able to do; the SQL is the same for all (operations/). */
export type Driver = {
  readonly dialect: Dialect
  /** The store's time, milliseconds since 1970. */
  now(): number
  /** The same at the latest: where the store's time is another machine's, it isn't known to the millisecond. */
  latest(): number
  /**
   * Runs the calls in one transaction. If one of them fails, all is done again one by one, so that nobody pays for a
   * stranger's data. A fault of the store itself fails them all with StoreUnavailable.
   *
   * `timeoutMs`: how long each step of it can take, where a store can be away without a word. Default: the driver's own.
   */
  write(calls: readonly OperationCall[], timeoutMs?: number): Promise<OperationResult[]>
  /** Runs one call that only reads, beside the writer. Throws StoreUnavailable, or what the call throws. */
  read<Name extends ReadName>(name: Name, args: Arguments<Name>): Promise<Result<Name>>
  /** Settings that durability rests on, as the engine itself reports them. */
  durability(): Promise<Readonly<Record<string, string>>>
  /**
   * Looks after the tables that history is in, where it is cut by time: makes those of the days to come, and drops
   * what is older than so many days (0: nothing) and not needed any more.
   */
  keepHistory(retentionDays: number): Promise<HistoryReport>
  /** How many days are dropped together, kept for so many days (0: for ever); 0 where nothing is cut by time. */
  spanDays(retentionDays: number): number
  /**
   * Sees to it that of what was deleted nothing is left in the store's files, as far as the engine lets it; false: others
   * were in the way, try again.
   */
  scrub(): Promise<boolean>
  /** Makes the tables for history of another time, that comes from elsewhere; answers how many spans were made. */
  makeHistory(fromMs: number, toMs: number): Promise<number>
  close(): Promise<void>
}
