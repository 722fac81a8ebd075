import { type Query, type Transaction, text } from '../transaction.ts'

/** Posthorn's schema doesn't exist, and its role is not allowed to create it. */
export class SchemaMissing extends Error {
  constructor(role: string) {
    super(
      `the database has no schema posthorn, and the role ${role} is not allowed to create it: as the owner of the ` +
        `database, run create schema posthorn authorization ${role}`,
    )
    this.name = 'SchemaMissing'
  }
}

/** The database stores text in an encoding that can't hold every payload, key and name. */
export class EncodingRefused extends Error {
  constructor(encoding: string) {
    super(
      `its encoding is ${encoding}, which cannot hold every event: create one with ` +
        `create database posthorn encoding 'UTF8' template template0`,
    )
    this.name = 'EncodingRefused'
  }
}

/** Creates the schema that holds everything of Posthorn. An administrator can have created it beforehand. */
export function* createSchema(lock: Query): Transaction<void> {
  // Under the lock: otherwise, of two nodes that start at the same time, one would fail.
  yield lock
  const [at] = yield { text: `select current_setting('server_encoding') as encoding` }
  if (at!.encoding !== 'UTF8') throw new EncodingRefused(text(at!.encoding))
  const found = yield { text: `select 1 from pg_namespace where nspname = 'posthorn'` }
  // "if not exists" would require the right to create a schema even if it exists.
  if (found.length > 0) return
  const [us] = yield {
    text: `select has_database_privilege(current_database(), 'create')::int as may, quote_ident(current_user) as role`,
  }
  if (us!.may === 0) throw new SchemaMissing(text(us!.role))
  yield { text: 'create schema posthorn' }
}
