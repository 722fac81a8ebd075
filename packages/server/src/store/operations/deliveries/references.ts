/** What lists of deliveries refer to: endpoints, events and keys that select them, and what they show of them. */

import { idBytes, idText } from '../../../base/ids.ts'
import type { EndpointId, EventId, TenantId } from '../../../base/model.ts'
import {
  type BulkQuery,
  bytes,
  type Dialect,
  idList,
  int,
  type Row,
  type Transaction,
  text,
  textOrNull,
} from '../../transaction.ts'
import { Where } from '../../where.ts'
import { urlOf } from '../endpoints/stored-url.ts'
import type { SearchedEndpoint } from './filter.ts'

const toSearchedEndpoint = (row: Row): SearchedEndpoint => ({
  id: idText('ep', bytes(row.id)),
  tenant: text(row.tenant),
  partition: int(row.partition),
})

/** The endpoint with an id, even a deleted one. Null if it doesn't exist, or is not the tenant's. */
export function* findEndpointById(args: {
  readonly tenant: TenantId | null
  readonly id: EndpointId
}): Transaction<SearchedEndpoint | null> {
  const where = new Where().add('e.id = ?', idBytes(args.id)).addIf('e.tenant = ?', args.tenant)
  const rows = yield {
    text: `select e.id, e.tenant, e.partition from endpoint e join tenant t on t.id = e.tenant
           where t.deleted_ms is null and ${where.text}`,
    params: where.params,
  }
  return rows.length === 0 ? null : toSearchedEndpoint(rows[0]!)
}

const OF_A_TENANT = 'in (select t.id from tenant t where t.deleted_ms is null)'

/** Whether an event exists, even if it is still in the inbox; of one tenant, or (null) of any. */
/** What an event is told apart by. */
export type EventDescription = { readonly type: string; readonly key: string | null }

/** Null if there is no event with this id. */
export function* describeEvent(
  args: { readonly tenant: TenantId | null; readonly id: EventId },
  { readByIndex }: Dialect,
): Transaction<EventDescription | null> {
  if (readByIndex !== null) yield readByIndex
  const params = [idBytes(args.id), ...(args.tenant === null ? [] : [args.tenant])]
  const own = `tenant ${args.tenant === null ? OF_A_TENANT : '= $2'} and id = $1`
  // The inbox first: an arrival that leaves it in the meantime is an event by then.
  for (const table of ['inbox', 'event']) {
    const [row] = yield { text: `select type, event_key from ${table} where ${own}`, params }
    if (row !== undefined) return { type: text(row.type), key: textOrNull(row.event_key) }
  }
  return null
}

/**
 * The events that a key stands for as long as it is remembered: one of each tenant, even if it is still in the inbox.
 * At most `limit` of them, for one tenant or (null) all of them.
 */
export function* findEventsOfKey(
  args: { readonly tenant: TenantId | null; readonly key: string; readonly limit: number },
  { readByIndex }: Dialect,
): Transaction<EventId[]> {
  if (readByIndex !== null) yield readByIndex
  const rows = yield {
    text: `select event from idempotency where event_key = $1 and tenant ${args.tenant === null ? OF_A_TENANT : '= $2'}
           limit ${args.limit}`,
    params: [args.key, ...(args.tenant === null ? [] : [args.tenant])],
  }
  return rows.map(row => idText('evt', bytes(row.event)))
}

const EVENT_COLUMNS: BulkQuery['columns'] = [
  ['tenant', 'text'],
  ['id', 'bytes'],
]

export type Descriptions = {
  /** Keys of events that have one. */
  readonly keys: ReadonlyMap<EventId, string>
  readonly endpoints: ReadonlyMap<EndpointId, { readonly uid: string | null; readonly url: string | null }>
}

/** What people know events and endpoints by. Those that are no longer kept are missing. */
export function* describeDeliveries(
  args: {
    readonly events: readonly { readonly tenant: TenantId; readonly event: EventId }[]
    readonly endpoints: readonly EndpointId[]
  },
  { readByIndex }: Dialect,
): Transaction<Descriptions> {
  if (readByIndex !== null) yield readByIndex
  if (args.events.length === 0) return { keys: new Map(), endpoints: new Map() }
  const events = yield {
    text: `select e.id, e.event_key from v cross join event e
           where e.tenant = v.tenant and e.id = v.id and e.event_key is not null`,
    columns: EVENT_COLUMNS,
    rows: args.events.map(({ tenant, event }) => [tenant, idBytes(event)]),
  }
  const { text: list, params } = idList(args.endpoints.map(idBytes), 1)
  const endpoints = yield { text: `select id, uid, url from endpoint where id in (${list})`, params }
  return {
    keys: new Map(events.map(row => [idText('evt', bytes(row.id)), text(row.event_key)])),
    endpoints: new Map(
      endpoints.map(row => [idText('ep', bytes(row.id)), { uid: textOrNull(row.uid), url: urlOf(row.url) }]),
    ),
  }
}
