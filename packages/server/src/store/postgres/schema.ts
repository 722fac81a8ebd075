import { type Query, type Transaction, text } from '../transaction.ts'

/** There is no schema for Posthorn, and its role may not make one. */
export class SchemaMissing extends Error {
  constructor(role: string) {
    super(
      `the database has no schema posthorn, and the role ${role} is not allowed to create it: as the owner of the ` +
        `database, run create schema posthorn authorization ${role}`,
    )
    this.name = 'SchemaMissing'
  }
}

/** Makes the schema that everything of Posthorn is in. An administrator may have made it beforehand. */
export function* createSchema(lock: Query): Transaction<void> {
  // Under the lock: of two nodes that start at once, one would fail.
  yield lock
  const found = yield { text: `select 1 from pg_namespace where nspname = 'posthorn'` }
  // "if not exists" would ask for the right to create one although there is one.
  if (found.length > 0) return
  const [us] = yield {
    text: `select has_database_privilege(current_database(), 'create')::int as may, quote_ident(current_user) as role`,
  }
  if (us!.may === 0) throw new SchemaMissing(text(us!.role))
  yield { text: 'create schema posthorn' }
}
