import type { Arguments, OperationName, ReadName, Result } from './operations/index.ts'
import type { Dialect } from './transaction.ts'

/** An operation to run, with its arguments. */
export type OperationCall<Name extends OperationName = OperationName> = {
  readonly name: Name
  readonly args: Arguments<Name>
}

export type OperationResult =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly error: Error }

/** What a call of `keepHistory` did. Spans are named after the day they begin with, such as `20261124`. */
export type HistoryReport = {
  /** How many spans tables were created for. */
  readonly made: number
  readonly dropped: readonly string[]
  /** Old spans that were in use; dropping them is retried later. */
  readonly busy: readonly string[]
}

/** What a database engine has to provide. The SQL is the same for all engines (operations/). */
export type Driver = {
  readonly dialect: Dialect
  /** The store's time, in milliseconds since 1970. */
  now(): number
  /** The latest that the store's time can be: another machine's clock isn't known to the millisecond. */
  latest(): number
  /**
   * Runs the calls in one transaction. If one of them fails, all are run again one by one, so that no caller pays for
   * another's data. A fault of the store itself fails all of them with StoreUnavailable.
   *
   * `timeoutMs`: how long each step can take, for stores that can stop responding without an error. Default: the
   * driver's own.
   */
  write(calls: readonly OperationCall[], timeoutMs?: number): Promise<OperationResult[]>
  /** Runs one read-only call, alongside the writer. Throws StoreUnavailable, or what the call throws. */
  read<Name extends ReadName>(name: Name, args: Arguments<Name>): Promise<Result<Name>>
  /** The settings that durability depends on, as the engine itself reports them. */
  durability(): Promise<Readonly<Record<string, string>>>
  /**
   * Maintains the history tables where they are partitioned by time: creates those for the coming days, and drops those
   * that are older than `retentionDays` (0: none) and no longer needed.
   */
  keepHistory(retentionDays: number): Promise<HistoryReport>
  /** How many days are dropped together if kept for `retentionDays` (0: forever). 0 where nothing is partitioned. */
  spanDays(retentionDays: number): number
  /**
   * Removes what was deleted from the store's files too, as far as the engine allows. Returns false if other
   * transactions blocked it: try again.
   */
  scrub(): Promise<boolean>
  /** Creates the tables for history of any period, moved from another store. Returns how many spans were created. */
  makeHistory(fromMs: number, toMs: number): Promise<number>
  close(): Promise<void>
}
