import type { EventTypeName, PayloadOf } from './event-payloads.ts'
import { runIn, type Transaction } from './transactions.ts'

export type EventToPublish = TypedOrText & {
  /** Your own id of the tenant. */
  readonly tenant: string
  /** Idempotency key, 1 to 255 printable ASCII characters: publishing again with it adds no event. Default: none. */
  readonly key?: string | undefined
}

type TypedOrText<Type extends EventTypeName = EventTypeName> = Type extends unknown
  ? {
      /** The name of an event type. */
      readonly type: Type
      /** A string must already be JSON and is sent as it is, byte for byte; any other value is serialised. */
      readonly payload: PayloadOf<Type> | string
    }
  : never

/**
 * Publishes an event in the caller's transaction: the event exists if and only if the transaction commits. Returns its
 * id, or the id of the event that first used the key.
 *
 * `tx` is the connection that the transaction runs on, or what Drizzle, Kysely or Prisma pass to the callback of a
 * transaction.
 *
 * Throws TypeError if the payload is not a JSON value or has an unpaired surrogate, or if `tx` is a pool or another handle
 * that is no transaction, and rethrows errors of the database. After a database error the transaction can only be rolled
 * back, as a whole or to a savepoint.
 */
export async function publish(tx: Transaction, event: EventToPublish): Promise<{ id: string }> {
  const { tenant, type, payload, key = null } = event
  const values = [tenant, type, toJson(payload), key]
  const rows = await runIn(tx, 'select posthorn.publish($1::text, $2::text, $3::json, $4::text) as id', values)
  return { id: (rows[0] as { id: string }).id }
}

function toJson(payload: unknown): string {
  const text: string | undefined = typeof payload === 'string' ? payload : JSON.stringify(payload)
  if (text === undefined) throw new TypeError('The payload is not a JSON value. Pass an object or a string of JSON.')
  // The database would name a token that can't be seen.
  if (text.startsWith('\uFEFF')) throw new TypeError('The payload begins with a byte order mark. Remove it.')
  // UTF-8 can't encode half of a surrogate pair: it would arrive as another character.
  if (!text.isWellFormed())
    throw new TypeError('The payload contains an unpaired surrogate. Write it as an escape sequence (\\ud83d).')
  return text
}
