import type { Dialect } from '../transaction.ts'

/** A statement for one engine only is not translated. */
export type Statement = string | { readonly engine: Dialect['engine']; readonly text: string }

/**
 * A step of the schema (decision 12), in a file of its own: `0002-what-it-does.ts`. Its number is its place in the list
 * of `index.ts`, from 1. Steps only go forward, and one that was released never changes.
 *
 * The words in braces in its statements become what the engine calls them: on SQLite a {clustered} table is stored in
 * its key's order (`without rowid`), which the history tables want, because their keys rise with time; on PostgreSQL
 * they are cut by time ({cutById}, {cutByDelivery}), by an id that was made in it (decision 13). Whole numbers are
 * {int}; in history also {medium}, up to 2,147,483,647, and {small}, up to 32,767, which take less on PostgreSQL.
 */
export type Migration = {
  /** In one sentence. */
  readonly does: string
  /**
   * The least schema version whose processes can go on running once the step is taken: what they know of the schema
   * still holds. A step that only adds keeps it as it was in the step before; one that takes something away names the
   * version since which nothing uses that.
   */
  readonly compatibleFrom: number
  readonly statements: readonly Statement[]
}
