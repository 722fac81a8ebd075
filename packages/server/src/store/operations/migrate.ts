import { CODE, MIGRATIONS } from '../migrations/index.ts'
import type { Migration, Statement } from '../migrations/migration.ts'
import { writes } from '../operation.ts'
import type { Dialect, Transaction } from '../transaction.ts'
import { getMeta, setMeta } from './meta.ts'

/** The store was written by a newer Posthorn, and what this one knows of its schema does not hold any more. */
export class StoreTooNew extends Error {
  constructor(found: number, compatibleFrom: number, known: number) {
    super(
      `The store has schema version ${found}, which needs a Posthorn that knows version ${compatibleFrom} or later, ` +
        `and this one knows versions up to ${known}: ` +
        'start the newer Posthorn that wrote it, or restore a backup made before the upgrade.',
    )
    this.name = 'StoreTooNew'
  }
}

/** A change of a table that waits for a long transaction makes everybody wait who comes after it. */
const LOCK_TIMEOUT_MS = 2_000
export type MigrateArgs = {
  /** Default: those of this Posthorn. */
  readonly steps?: readonly Migration[]
  /** How many are taken in this transaction at most. Default: all. */
  readonly limit?: number
}

/**
 * Takes the steps that are missing, in one transaction, and makes the tables that history goes to; answers how many
 * steps were taken. A store that newer processes have taken further is left as it is, if this one can go on with it.
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
