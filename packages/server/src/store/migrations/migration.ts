import type { Dialect } from '../transaction.ts'

/** A statement for only one engine is not translated. */
export type Statement = string | { readonly engine: Dialect['engine']; readonly text: string }

/** By name, because a step crosses to the thread of the embedded store, and a function can't. */
export type CodeName = 'escape filters'

/**
 * A step of the schema (decision 12), in its own file: `0002-what-it-does.ts`. Its number is its position in the list
 * in `index.ts`, from 1. Steps only go forward, and a released one never changes.
 *
 * Words in braces in its statements are replaced with the engine's own. On SQLite a {clustered} table is stored in the
 * order of its key (`without rowid`), which suits the history tables, because their keys rise with time. On PostgreSQL
 * the history tables are partitioned by time ({cutById}, {cutByDelivery}), through the time in an id (decision 13).
 * Whole numbers are {int}; in history also {medium}, up to 2,147,483,647, and {small}, up to 32,767, which take less
 * space on PostgreSQL.
 */
export type Migration = {
  /** What the step does, in one sentence. */
  readonly does: string
  /**
   * The lowest schema version whose processes can keep running once the step is taken, because what they know of the
   * schema still holds. A step that only adds keeps the value of the step before; one that removes something names the
   * first version in which nothing uses it.
   */
  readonly compatibleFrom: number
  readonly statements: readonly Statement[]
  /** What SQL can't do (index.ts, CODE), run in the same transaction after the statements. Default: nothing. */
  readonly code?: CodeName
}
