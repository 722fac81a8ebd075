/** What runs a statement inside the caller's own transaction: a client of `pg` between its `begin` and `commit`. */
export type SqlTransaction = {
  query(text: string, values: (string | null)[]): Promise<{ readonly rows: readonly unknown[] }>
}

export type EventToPublish = {
  /** The provider's own id of the tenant. */
  readonly tenant: string
  /** The name of an event type. */
  readonly type: string
  /** A text is JSON already and is sent as it is, byte for byte; any other value is serialised. */
  readonly payload: unknown
  /**
   * 1 to 255 printable ASCII characters: the same event again under the same key makes no second one. Default: none.
   */
  readonly key?: string | undefined
}

/**
 * Publishes an event in the caller's own transaction: it exists if that is committed, and only then. Answers its id, or
 * that of the event that the key was first used for.
 *
 * `tx` must be the connection that the transaction runs on. A pool is not: it would run the statement, and commit it, on
 * another connection.
 *
 * Throws a TypeError for a payload that is no JSON, and what the database throws: then the transaction can only be
 * rolled back (or rolled back to a savepoint).
 */
export async function publish(tx: SqlTransaction, event: EventToPublish): Promise<{ id: string }> {
  const { tenant, type, payload, key = null } = event
  const values = [tenant, type, toJson(payload), key]
  const { rows } = await tx.query('select posthorn.publish($1::text, $2::text, $3::json, $4::text) as id', values)
  return { id: (rows[0] as { id: string }).id }
}

function toJson(payload: unknown): string {
  const text: string | undefined = typeof payload === 'string' ? payload : JSON.stringify(payload)
  if (text === undefined) throw new TypeError('The payload is no JSON value: give an object, or a JSON text.')
  // In UTF-8 there is no half of a surrogate pair: it would arrive as another character.
  if (!text.isWellFormed())
    throw new TypeError('The payload has an unpaired surrogate: write it as an escape (\\ud83d).')
  return text
}
