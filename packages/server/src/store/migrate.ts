import { MIGRATIONS } from './migrations.ts'
import { getMeta, setMeta } from './operations/versions.ts'
import type { Dialect, Transaction } from './transaction.ts'

/** The store was written by a newer Posthorn than this one. */
export class StoreTooNew extends Error {
  constructor(found: number) {
    super(
      `The store has schema version ${found}, and this Posthorn knows versions up to ${MIGRATIONS.length}: ` +
        'start the newer Posthorn that wrote it, or restore a backup made before the upgrade.',
    )
    this.name = 'StoreTooNew'
  }
}

/** Brings the store to this version's schema; the whole of it or nothing. Answers how many steps were taken. */
export function* migrate(_args: object, dialect: Dialect): Transaction<number> {
  const translate = (sql: string) => sql.replace(/\{(\w+)\}/g, (_all, word: string) => dialect.words[word]!)
  yield { text: translate('create table if not exists meta (key {text} not null primary key, value {text} not null)') }
  const found = Number((yield* getMeta('schema_version')) ?? 0)
  if (found > MIGRATIONS.length) throw new StoreTooNew(found)
  for (const statement of MIGRATIONS.slice(found).flat()) {
    if (typeof statement === 'string') yield { text: translate(statement) }
    else if (statement.engine === dialect.engine) yield { text: statement.text }
  }
  yield* setMeta('schema_version', String(MIGRATIONS.length))
  return MIGRATIONS.length - found
}
