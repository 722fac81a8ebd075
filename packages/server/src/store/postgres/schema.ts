import type pg from 'pg'

const INSUFFICIENT_PRIVILEGE = '42501'

/** There is no schema for Posthorn, and its role may not make one. */
export class SchemaMissing extends Error {
  constructor(role: string) {
    super(
      `there is no schema posthorn in the database, and the role ${role} may not create one: as its owner, run ` +
        `create schema posthorn authorization ${role}`,
    )
    this.name = 'SchemaMissing'
  }
}

/** Makes the schema that everything of Posthorn is in. An administrator may have made it beforehand. */
export async function createSchema(pool: pg.Pool, lock: string): Promise<void> {
  const client = await pool.connect()
  try {
    // Looked for first: `if not exists` needs the right to create one although it is there.
    const look = `select to_regnamespace('posthorn') is not null as is_there, quote_ident(current_user) as role`
    const { is_there: isThere, role } = (await client.query<{ is_there: boolean; role: string }>(look)).rows[0]!
    if (isThere) return
    try {
      // Under the lock: of two nodes that start at once, one would fail.
      await client.query(`begin; ${lock}; create schema if not exists posthorn; commit`)
    } catch (error) {
      await client.query('rollback')
      throw (error as { code?: unknown }).code === INSUFFICIENT_PRIVILEGE ? new SchemaMissing(role) : error
    }
  } finally {
    client.release()
  }
}
