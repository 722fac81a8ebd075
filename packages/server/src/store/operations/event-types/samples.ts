/**
 * Where the newest events of a type are. They have a table of their own, because events are ordered by id, and finding
 * a rare type among many others would mean reading all of them. Events that the table doesn't have yet (another node
 * has just stored them, or died before it recorded them) are looked for among the newest deliveries and the newest
 * events of tenants.
 */

import { Buffer } from 'node:buffer'
import { DAY_MS } from '../../../base/durations.ts'
import { firstIdAt, idBytes, idText } from '../../../base/ids.ts'
import type { EventId, TenantId } from '../../../base/model.ts'
import { type BulkQuery, bytes, idList, type Row, type Transaction, text } from '../../transaction.ts'

export type EventReference = { readonly tenant: TenantId; readonly event: EventId }

/** Events kept for each type. */
const MAX_KEPT = 500

/** How much is read where the table might be behind: deliveries, tenants, and events for each of these tenants. */
const MAX_DELIVERIES = 2_000

const MAX_TENANTS = 200

const EVENTS_A_TENANT = 100

/** Nothing older than this is read then. */
const RECENT_MS = DAY_MS

const SAMPLE_COLUMNS: BulkQuery['columns'] = [
  ['type', 'text'],
  ['event', 'bytes'],
  ['tenant', 'text'],
]

/** Adds events to their types' samples, and removes the oldest. */
export function* recordTypeSamples(args: {
  rows: readonly (EventReference & { readonly type: string })[]
}): Transaction<void> {
  if (args.rows.length === 0) return
  // In the same order on every node, so that two transactions wait for each other instead of deadlocking.
  const rows = [...args.rows].sort((a, b) =>
    a.type === b.type ? (a.event < b.event ? -1 : 1) : a.type < b.type ? -1 : 1,
  )
  yield {
    text: `insert into event_type_sample (type, event, tenant) select type, event, tenant from v where true
           on conflict (type, event) do nothing`,
    columns: SAMPLE_COLUMNS,
    rows: rows.map(({ type, event, tenant }) => [type, idBytes(event), tenant]),
  }
  for (const type of new Set(rows.map(row => row.type))) {
    yield {
      text: `delete from event_type_sample where type = $1 and event <= (
               select event from event_type_sample where type = $1 order by event desc limit 1 offset ${MAX_KEPT})`,
      params: [type],
    }
  }
}

/** The newest known events of a type, of all tenants, newest first. Can include test events. */
export function* findEventsOfType(args: { type: string; limit: number; nowMs: number }): Transaction<EventReference[]> {
  const { type, limit, nowMs } = args
  const since = nowMs - RECENT_MS
  const found = [
    ...(yield {
      text: `select tenant, event as id from event_type_sample where type = $1 order by event desc limit ${limit}`,
      params: [type],
    }),
    ...(yield* newestDelivered('live_delivery', type, since)),
    ...(yield* newestDelivered('delivery', type, since)),
    ...(yield* newestOfTenants(type, since)),
  ]
  const references = new Map(
    found.map(row => {
      const event = idText('evt', bytes(row.id))
      return [event, { tenant: text(row.tenant), event }]
    }),
  )
  return [...references.values()].sort((a, b) => (a.event < b.event ? 1 : -1)).slice(0, limit)
}

/** Reads along the index of deliveries by event, newest first, a limited number of rows whatever their types are. */
function* newestDelivered(table: 'live_delivery' | 'delivery', type: string, sinceMs: number): Transaction<Row[]> {
  const rows = yield {
    text: `select tenant, event as id, type, test from ${table} where event >= $1 and id >= $2
           order by event desc limit ${MAX_DELIVERIES}`,
    params: [idBytes(firstIdAt('evt', sinceMs)), idBytes(firstIdAt('dlv', sinceMs))],
  }
  return rows.filter(row => row.type === type && row.test === 0)
}

/** Events that no endpoint wanted have no deliveries. */
function* newestOfTenants(type: string, sinceMs: number): Transaction<Row[]> {
  const tenants = yield {
    text: `select id from tenant where deleted_ms is null order by change_seq desc limit ${MAX_TENANTS}`,
  }
  const found: Row[] = []
  for (const { id: tenant } of tenants) {
    const rows = yield {
      text: `select tenant, id, type, test from event where tenant = $1 and id >= $2
             order by id desc limit ${EVENTS_A_TENANT}`,
      params: [tenant!, idBytes(firstIdAt('evt', sinceMs))],
    }
    found.push(...rows.filter(row => row.type === type && row.test === 0))
  }
  return found
}

/** Payloads of those events that exist, are not tests and were not rejected. Leaves out payloads over `maxBytes`. */
export function* readSamplePayloads(args: {
  events: readonly EventReference[]
  maxBytes: number
}): Transaction<{ event: EventId; payload: Uint8Array }[]> {
  const found: Row[] = []
  for (const [tenant, events] of Map.groupBy(args.events, event => event.tenant)) {
    const { text: list, params } = idList(
      events.map(({ event }) => idBytes(event)),
      2,
    )
    found.push(
      ...(yield {
        text: `select id, payload from event where tenant = $1 and id in (${list}) and test = 0 and rejected is null
                 and length(payload) <= ${args.maxBytes}`,
        params: [tenant, ...params],
      }),
    )
  }
  return found
    .sort((a, b) => Buffer.compare(bytes(b.id), bytes(a.id)))
    .map(row => ({ event: idText('evt', bytes(row.id)), payload: bytes(row.payload) }))
}

/** Whether an event of a type is still kept, even if the type was deleted. Only the newest events are looked at. */
export function* isTypeKept(args: { type: string }): Transaction<boolean> {
  const rows = yield {
    text: `select 1 from event_type_sample s where s.type = $1
             and exists (select 1 from event e where e.tenant = s.tenant and e.id = s.event) limit 1`,
    params: [args.type],
  }
  return rows.length > 0
}
