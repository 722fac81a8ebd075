/** Finding events by their publisher's own key. */

import { firstIdAt, idBytes, idText } from '../../../base/ids.ts'
import type { EventId, TenantId } from '../../../base/model.ts'
import { bytes, type Transaction, text } from '../../transaction.ts'
import { idOrNull, Where } from '../../where.ts'
import type { EventFilter } from './reading.ts'

/** The event that a key belongs to, even if it is still in the inbox. Null if the key is no longer remembered. */
export function* findKeyedEvent(args: { tenant: TenantId; key: string }): Transaction<EventId | null> {
  const rows = yield {
    text: 'select event from idempotency where tenant = $1 and event_key = $2',
    params: [args.tenant, args.key],
  }
  return rows.length === 0 ? null : idText('evt', bytes(rows[0]!.event))
}

export type KeyLook = {
  /** Newest first. */
  readonly found: readonly EventId[]
  /** The last event looked at; null if there are no more. */
  readonly last: EventId | null
}

/** Looks for a key at the next `look` stored events. No index has the keys, because publishing would pay for it. */
export function* lookForKey(
  args: EventFilter & { readonly tenant: TenantId; readonly key: string; readonly look: number },
): Transaction<KeyLook> {
  const where = new Where()
    .add('tenant = ?', args.tenant)
    .addIf('id < ?', idOrNull(args.before))
    .addIf('id >= ?', args.fromMs === null ? null : idBytes(firstIdAt('evt', args.fromMs)))
    .addIf('id < ?', args.toMs === null ? null : idBytes(firstIdAt('evt', args.toMs)))
  const rows = yield {
    text: `select id, type, event_key from event where ${where.text} order by id desc limit ${args.look}`,
    params: where.params,
  }
  const found = rows.filter(row => row.event_key === args.key && (args.type === null || text(row.type) === args.type))
  return {
    found: found.map(row => idText('evt', bytes(row.id))),
    last: rows.length < args.look ? null : idText('evt', bytes(rows.at(-1)!.id)),
  }
}
