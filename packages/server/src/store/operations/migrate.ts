import { CODE, MIGRATIONS } from '../migrations/index.ts'
import type { Migration, Statement } from '../migrations/migration.ts'
import { writes } from '../operation.ts'
import type { Dialect, Transaction } from '../transaction.ts'
import { getMeta, setMeta } from './meta.ts'

/** A newer Posthorn wrote the store, and its schema is no longer compatible with what this one knows. */
export class StoreTooNew extends Error {
  constructor(found: number, compatibleFrom: number, known: number) {
    super(
      `The store has schema version ${found}, which requires a Posthorn that knows version ${compatibleFrom} or ` +
        `later. This one knows versions up to ${known}: ` +
        'start the newer Posthorn that wrote it, or restore a backup made before the upgrade.',
    )
    this.name = 'StoreTooNew'
  }
}

/** While a table change waits for a long transaction, all later transactions on that table wait too. */
const LOCK_TIMEOUT_MS = 2_000
export type MigrateArgs = {
  /** Default: this Posthorn's migrations. */
  readonly steps?: readonly Migration[]
  /** The most steps to take in this transaction. Default: all. */
  readonly limit?: number
}

/**
 * Takes the missing steps in one transaction and creates the tables for history. Returns how many steps were taken.
 * Leaves a store that newer processes have migrated further as it is, if this Posthorn can still work with it.
 */
export function* migrate(args: MigrateArgs, dialect: Dialect): Transaction<number> {
  const steps = args.steps ?? MIGRATIONS
  if (dialect.lockMigrations !== null) yield dialect.lockMigrations
  const limit = dialect.limitLockWait(LOCK_TIMEOUT_MS)
  if (limit !== null) yield limit
  yield {
    text: wordsOf(dialect, 'create table if not exists meta (key {text} not null primary key, value {text} not null)'),
  }
  const found = Number((yield* getMeta('schema_version')) ?? 0)
  const compatibleFrom = Number((yield* getMeta('schema_compatible_from')) ?? found)
  if (found > steps.length && compatibleFrom > steps.length) throw new StoreTooNew(found, compatibleFrom, steps.length)
  const missing = steps.slice(found, found + (args.limit ?? steps.length))
  for (const [index, step] of missing.entries()) {
    for (const statement of step.statements) {
      const text = textFor(dialect, statement)
      if (text !== undefined) yield { text }
    }
    if (step.code !== undefined) yield* CODE[step.code]()
    yield* setMeta('schema_version', String(found + index + 1))
    yield* setMeta('schema_compatible_from', String(step.compatibleFrom))
  }
  if (found + missing.length >= steps.length && dialect.makeHistory !== null) yield* dialect.makeHistory()
  return missing.length
}

const wordsOf = ({ words }: Dialect, sql: string): string =>
  sql.replace(/\{(\w+)\}/g, (_all, word: string) => words[word]!)

function textFor(dialect: Dialect, statement: Statement): string | undefined {
  if (typeof statement === 'string') return wordsOf(dialect, statement)
  return statement.engine === dialect.engine ? wordsOf(dialect, statement.text) : undefined
}

export const migrateOperations = {
  migrate: writes({ run: migrate, configuration: 'ignores' }),
}
