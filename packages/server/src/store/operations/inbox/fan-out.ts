/** Creates the deliveries of events that have very many. */

import { idBytes } from '../../../base/ids.ts'
import type { EndpointId, NotSent } from '../../../base/model.ts'
import type { Dialect, Transaction } from '../../transaction.ts'
import { tenantVersions } from '../configuration.ts'
import { deliveryRows, type NewDelivery, storeDeliveryRows } from '../deliveries/new-deliveries.ts'
import type { InboxItem } from './inbox.ts'

const idOrNull = (id: EndpointId | null): Uint8Array | null => (id === null ? null : idBytes(id))

export type FanOutRequest = {
  readonly item: InboxItem
  /** The version of the tenant's configuration that endpoints were matched against; null: the tenant is gone. */
  readonly tenantVersion: number | null
  readonly nowMs: number
  /** Deliveries to endpoints in the order of their ids, starting after `item.after`. */
  readonly deliveries: readonly NewDelivery[]
  /** The last endpoint that was matched. */
  readonly after: EndpointId | null
  /** Why the other endpoints up to there got no delivery. */
  readonly notSent: NotSent
  /** More endpoints are still to be matched. */
  readonly isUnfinished: boolean
}

/**
 * `stale`: the configuration has changed, match again. `gone`: another node has continued with this item. `behind`: an
 * ordered endpoint must first get earlier rows of the tenant from the inbox.
 */
export type FanOutResult = 'stored' | 'stale' | 'gone' | 'behind'

/** Stores the next deliveries of an event that is in the inbox. */
export function* fanOut(args: FanOutRequest, dialect: Dialect): Transaction<FanOutResult> {
  const { item, deliveries, after, notSent, nowMs } = args
  const { tenant, event } = item
  const versions = yield* tenantVersions([tenant])
  if ((versions.get(tenant) ?? null) !== args.tenantVersion) return 'stale'
  if (deliveries.some(({ ordered }) => ordered)) {
    const before = yield {
      text: 'select id from inbox where tenant = $1 and id < $2 limit 1',
      params: [tenant, idBytes(event)],
    }
    if (before.length > 0) return 'behind'
  }
  const made = item.made + deliveries.length
  // Only if the item is where it was: two nodes never create the same deliveries.
  const moved = yield {
    text: `update inbox set after_endpoint = $1, made = $2, not_sent = $3, claimed_until_ms = 0
           where tenant = $4 and id = $5 and made = $6 and after_endpoint is not distinct from $7 and payload is null
           returning id`,
    params: [idOrNull(after), made, JSON.stringify(notSent), tenant, idBytes(event), item.made, idOrNull(item.after)],
  }
  if (moved.length === 0) return 'gone'
  yield* storeDeliveryRows(deliveryRows(tenant, nowMs, event, item.type, false, deliveries), dialect)
  if (args.isUnfinished) return 'stored'
  yield { text: 'delete from inbox where tenant = $1 and id = $2', params: [tenant, idBytes(event)] }
  yield {
    text: 'update event set deliveries = $1, not_sent = $2 where tenant = $3 and id = $4',
    params: [made, JSON.stringify(notSent), tenant, idBytes(event)],
  }
  yield { note: () => [{ kind: 'event', tenant, id: idBytes(event) }] }
  return 'stored'
}
