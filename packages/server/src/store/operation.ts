import type { Observation } from './observations.ts'
import type { Codec } from './packing.ts'
import type { Dialect, Transaction } from './transaction.ts'

/**
 * How a writing operation uses the configuration (tenants, endpoints, event types, API keys):
 *
 * - `changes`: it holds the configuration exclusively from its begin to its commit. It is committed after operations
 *   that rely on the configuration, and waits while changes are held back (`Store.holdChanges`).
 * - `relies on`: until its commit, the configuration that it was matched against can't be changed.
 * - `may change`: it finds out while it runs, and calls `lockConfiguration` before its first write.
 * - `ignores`: neither.
 */
export type ConfigurationUse = 'changes' | 'relies on' | 'may change' | 'ignores'

type Run<Args, Result> = (args: Args, dialect: Dialect) => Transaction<Result>

/** What every operation declares. */
type Declared<Args, Result> = {
  /** The transaction. */
  readonly run: Run<Args, Result>
  /**
   * How the arguments and the result cross to the embedded store's thread and back. Default: cloned as they are, which
   * is expensive for a thousand small objects.
   */
  readonly packedArgs?: Codec<Args>
  readonly packedResult?: Codec<Result>
}

type DeclaredRead<Args, Result> = Declared<Args, Result> & {
  /**
   * `people`: it can take long, and must not delay the reads that deliveries depend on. The embedded store runs it in a
   * separate thread.
   */
  readonly waitedForBy: 'engine' | 'people'
  /**
   * Whose turn the read takes, while more of them wait than can be made. Default: that of the tenant in the arguments, or
   * else one that Posthorn's own reads share.
   */
  turnOf?(args: Args): string
}

type DeclaredWrite<Args, Result> = Declared<Args, Result> & {
  readonly configuration: ConfigurationUse
  /**
   * About how many rows it writes at most: a commit takes a limited number of them of each tenant. Default: 16 if it
   * changes the configuration (with its versions, limits and audit entries), otherwise 1.
   */
  rows?(args: Args): number
  /** What is reported once it is committed, for metrics and statistics. Default: nothing. */
  observed?(args: Args, result: Result): readonly Observation[]
}

export type ReadOperation<Args, Result> = DeclaredRead<Args, Result> & { readonly kind: 'read' }
export type WriteOperation<Args, Result> = DeclaredWrite<Args, Result> & { readonly kind: 'write' }
export type Operation<Args, Result> = ReadOperation<Args, Result> | WriteOperation<Args, Result>

/** Declares an operation that only reads: `store.read` runs it, alongside the writer. */
export const reads = <Args, Result>(declared: DeclaredRead<Args, Result>): ReadOperation<Args, Result> => ({
  kind: 'read',
  ...declared,
})

/** Declares an operation that writes: `store.write` runs it, in the same commit as others. */
export const writes = <Args, Result>(declared: DeclaredWrite<Args, Result>): WriteOperation<Args, Result> => ({
  kind: 'write',
  ...declared,
})
