/** Finding events by their publisher's own key. */

import { idText } from '../../../base/ids.ts'
import type { EventId, TenantId } from '../../../base/model.ts'
import { bytes, type Transaction } from '../../transaction.ts'

/** The event that a key belongs to, even if it is still in the inbox. Null if the key is no longer remembered. */
export function* findKeyedEvent(args: { tenant: TenantId; key: string }): Transaction<EventId | null> {
  const rows = yield {
    text: 'select event from idempotency where tenant = $1 and event_key = $2',
    params: [args.tenant, args.key],
  }
  return rows.length === 0 ? null : idText('evt', bytes(rows[0]!.event))
}
