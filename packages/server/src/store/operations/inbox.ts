/**
 * The inbox: events that were accepted and whose deliveries are yet to be made, because they are very many. A node makes
 * them some at a time, in the order of the endpoints' ids, so that no commit of them keeps others waiting.
 */
import { idBytes, idText } from '../../ids.ts'
import type { EndpointId, EventId, NotSent, TenantId } from '../../model.ts'
import { type BulkQuery, bytes, type Dialect, int, type Transaction, text } from '../transaction.ts'
import { deliveryRows, type NewDelivery, storeDeliveryRows } from './publish.ts'

/** An event that waits in the inbox. */
export type InboxItem = {
  readonly tenant: TenantId
  readonly event: EventId
  readonly type: string
  readonly createdAtMs: number
  /** Its deliveries are made up to this endpoint; null: of none. */
  readonly after: EndpointId | null
  /** How many are made. */
  readonly made: number
}

const MAX_TENANTS = 64
const EVENTS_A_TENANT = 64

const INBOX_COLUMNS: BulkQuery['columns'] = [
  ['tenant', 'text'],
  ['id', 'bytes'],
  ['type', 'text'],
  ['created_ms', 'int'],
]

export function* storeInbox(
  rows: readonly (readonly [tenant: TenantId, event: Uint8Array, type: string, createdAtMs: number])[],
): Transaction<void> {
  if (rows.length === 0) return
  yield {
    text: `insert into inbox (tenant, id, type, created_ms, after_endpoint, made)
           select tenant, id, type, created_ms, null, 0 from v`,
    columns: INBOX_COLUMNS,
    rows,
  }
}

/**
 * The oldest few of each tenant, of so many tenants at most, those behind `after` (empty: from the first). Skips from
 * tenant to tenant along the key.
 */
export function* readInbox(args: { after: TenantId }): Transaction<InboxItem[]> {
  const rows = yield {
    text: `with recursive skip(tenant) as (
             select (select tenant from inbox where tenant > $1 order by tenant limit 1)
             union all
             select (select i.tenant from inbox i where i.tenant > skip.tenant order by i.tenant limit 1)
             from skip where skip.tenant is not null)
           select i.tenant, i.id, i.type, i.created_ms, i.after_endpoint, i.made
           from (select tenant from skip where tenant is not null limit ${MAX_TENANTS}) s
           join inbox i on i.tenant = s.tenant
             and i.id in (select x.id from inbox x where x.tenant = s.tenant order by x.id limit ${EVENTS_A_TENANT})
           order by i.tenant, i.id`,
    params: [args.after],
  }
  return rows.map(row => ({
    tenant: text(row.tenant),
    event: idText('evt', bytes(row.id)),
    type: text(row.type),
    createdAtMs: int(row.created_ms),
    after: row.after_endpoint === null ? null : idText('ep', bytes(row.after_endpoint)),
    made: int(row.made),
  }))
}

export type FanOutRequest = {
  readonly item: InboxItem
  /** The version of the tenant's configuration that the endpoints were matched against; null: the tenant is gone. */
  readonly tenantVersion: number | null
  readonly nowMs: number
  /** For endpoints in the order of their ids, from behind `item.after` on. */
  readonly deliveries: readonly NewDelivery[]
  /** After these, none is left: what became of the other endpoints. Undefined: more are to come. */
  readonly notSent: NotSent | undefined
}

/** `stale`: the configuration moved, match again. `gone`: somebody else has gone on with this item. */
export type FanOutResult = 'stored' | 'stale' | 'gone'

/** Stores the next deliveries of an event that waits in the inbox. */
export function* fanOut(args: FanOutRequest, dialect: Dialect): Transaction<FanOutResult> {
  if (dialect.lockConfigurationShared !== null) yield dialect.lockConfigurationShared
  const { item, deliveries, notSent, nowMs } = args
  const { tenant, event } = item
  const versions = yield { text: 'select version from tenant where id = $1 and deleted_ms is null', params: [tenant] }
  if ((versions.length === 0 ? null : int(versions[0]!.version)) !== args.tenantVersion) return 'stale'
  const made = item.made + deliveries.length
  const last = deliveries.at(-1)?.endpoint ?? item.after
  // Conditional on where it stood: two nodes never make the same deliveries.
  const moved = yield {
    text: `update inbox set after_endpoint = $1, made = $2 where tenant = $3 and id = $4 and made = $5
           returning id`,
    params: [last === null ? null : idBytes(last), made, tenant, idBytes(event), item.made],
  }
  if (moved.length === 0) return 'gone'
  yield* storeDeliveryRows(deliveryRows(tenant, nowMs, event, item.type, false, deliveries))
  if (notSent === undefined) return 'stored'
  yield { text: 'delete from inbox where tenant = $1 and id = $2', params: [tenant, idBytes(event)] }
  yield {
    text: 'update event set deliveries = $1, not_sent = $2 where tenant = $3 and id = $4',
    params: [made, JSON.stringify(notSent), tenant, idBytes(event)],
  }
  return 'stored'
}
