import type { Observation } from './observations.ts'
import type { Codec } from './packing.ts'
import type { Dialect, Transaction } from './transaction.ts'

/**
 * What a writing operation has to do with the configuration (tenants, endpoints, event types, API keys):
 *
 * - `changes`: it has the configuration to itself from its begin to its commit. It is committed behind what relies on the
 *   configuration, and waits while somebody holds changes (`Store.holdChanges`).
 * - `relies on`: until its commit nobody changes what it was matched against.
 * - `may change`: it finds out on its way, and calls `lockConfiguration` before the first thing that it writes.
 * - `ignores`: neither.
 */
export type ConfigurationUse = 'changes' | 'relies on' | 'may change' | 'ignores'

type Run<Args, Result> = (args: Args, dialect: Dialect) => Transaction<Result>

/** What every operation says of itself. */
type Declared<Args, Result> = {
  /** The transaction. */
  readonly run: Run<Args, Result>
  /**
   * How the arguments, and what it answers, cross to the thread of the embedded store and back. Default: as they are,
   * cloned, which is dear for a thousand small objects.
   */
  readonly packedArgs?: Codec<Args>
  readonly packedResult?: Codec<Result>
}

type DeclaredRead<Args, Result> = Declared<Args, Result> & {
  /**
   * `people`: it may take long, and must not keep waiting what deliveries are made of. The embedded store reads it in a
   * thread of its own.
   */
  readonly waitedForBy: 'engine' | 'people'
}

type DeclaredWrite<Args, Result> = Declared<Args, Result> & {
  readonly configuration: ConfigurationUse
  /** What is told of it once it is committed, for whoever counts. Default: nothing. */
  observed?(args: Args, result: Result): readonly Observation[]
}

export type ReadOperation<Args, Result> = DeclaredRead<Args, Result> & { readonly kind: 'read' }
export type WriteOperation<Args, Result> = DeclaredWrite<Args, Result> & { readonly kind: 'write' }
export type Operation<Args, Result> = ReadOperation<Args, Result> | WriteOperation<Args, Result>

/** Declares an operation that only reads: `store.read` runs it, beside the one that writes. */
export const reads = <Args, Result>(declared: DeclaredRead<Args, Result>): ReadOperation<Args, Result> => ({
  kind: 'read',
  ...declared,
})

/** Declares an operation that writes: `store.write` runs it, in one commit with others. */
export const writes = <Args, Result>(declared: DeclaredWrite<Args, Result>): WriteOperation<Args, Result> => ({
  kind: 'write',
  ...declared,
})
