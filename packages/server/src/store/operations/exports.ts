/** Exports everything that belongs to a tenant, page by page, in the order of the ids. */

import { idBytes, idText } from '../../base/ids.ts'
import type { Delivery, DeliveryId, EventId, PublishedEvent, TenantId } from '../../base/model.ts'
import { showHeaders } from '../../secrets/secret-headers.ts'
import { reads } from '../operation.ts'
import { bytes, type Dialect, int, type Row, type Transaction, text } from '../transaction.ts'
import { ATTEMPT_FIELDS, type DeliveryAttempt, toAttempts } from './deliveries/attempts.ts'
import { HISTORY_FIELDS, LIVE_FIELDS, toDelivery } from './deliveries/delivery-rows.ts'
import { parseHeaders } from './endpoints/headers.ts'
import { urlOf } from './endpoints/stored-url.ts'
import { EVENT_FIELDS, toEvent } from './events/event-rows.ts'

type Page<Id> = { readonly tenant: TenantId; readonly after: Id | null; readonly before: Id; readonly limit: number }

const idOr = (id: string | null): Uint8Array => (id === null ? new Uint8Array(16) : idBytes(id))

export function* exportEvents(args: Page<EventId>): Transaction<PublishedEvent[]> {
  const rows = yield {
    text: `select ${EVENT_FIELDS} from event where tenant = $1 and id > $2 and id < $3 order by id limit $4`,
    params: [args.tenant, idOr(args.after), idBytes(args.before), args.limit],
  }
  return rows.map(toEvent)
}

/** Live and ended deliveries. */
export function* exportDeliveries(args: Page<DeliveryId>): Transaction<Delivery[]> {
  const where = 'tenant = $1 and id > $2 and id < $3 order by id limit $4'
  const params = [args.tenant, idOr(args.after), idBytes(args.before), args.limit]
  // The live table first: see `listDeliveries`.
  const live = yield { text: `select ${LIVE_FIELDS} from live_delivery where ${where}`, params }
  const ended = yield { text: `select ${HISTORY_FIELDS} from delivery where ${where}`, params }
  const found = new Map([...live, ...ended].map(row => [idText('dlv', bytes(row.id)), row] as const))
  return [...found.keys()]
    .sort()
    .slice(0, args.limit)
    .map(id => toDelivery(found.get(id)!))
}

/** Attempts of the deliveries `from` to `to`, both included, after the attempt `after` (null: from the first). */
export function* exportAttempts(
  args: {
    readonly tenant: TenantId
    readonly from: DeliveryId
    readonly to: DeliveryId
    readonly after: { readonly delivery: DeliveryId; readonly number: number; readonly startedAtMs: number } | null
    readonly limit: number
  },
  dialect: Dialect,
): Transaction<DeliveryAttempt[]> {
  const { after } = args
  const behind = after === null ? '' : 'and (delivery, number, started_ms) > ($5, $6, $7)'
  const rows = yield {
    text: `select ${ATTEMPT_FIELDS} from attempt
           where tenant = $1 and delivery >= $2 and delivery <= $3 ${behind}
           order by delivery, number, started_ms limit $4`,
    params: [
      args.tenant,
      idBytes(args.from),
      idBytes(args.to),
      args.limit,
      ...(after === null ? [] : [idBytes(after.delivery), after.number, after.startedAtMs]),
    ],
  }
  return yield* toAttempts(rows, dialect)
}

/** An endpoint without its secrets. */
export type ExportedEndpoint = Readonly<Record<string, unknown>>

/** All endpoints after an id (null: from the first), including deleted ones that are kept for history. */
export function* exportEndpoints(args: {
  readonly tenant: TenantId
  readonly after: string | null
  readonly limit: number
}): Transaction<ExportedEndpoint[]> {
  const rows = yield {
    text: `select id, uid, name, url, types, filter, description, metadata, headers, signature_headers, schedule, timeout_ms, rate_requests, rate_seconds,
             ordered, state, disabled_reason, disabled_ms, created_ms, updated_ms, deleted_ms, seen_ms
           from endpoint where tenant = $1 and id > $2 order by id limit $3`,
    params: [args.tenant, idOr(args.after), args.limit],
  }
  return rows.map(viewRow)
}

const time = (ms: unknown): string | null => (ms === null ? null : new Date(int(ms as number)).toISOString())
const json = (value: unknown): unknown => (value === null ? null : JSON.parse(text(value as string)))

const viewRow = (row: Row): ExportedEndpoint => ({
  id: idText('ep', bytes(row.id)),
  uid: row.uid,
  name: row.name,
  // Null for a listener. Its kind isn't among the members: each line has a `kind` of its own.
  url: urlOf(row.url),
  types: json(row.types),
  filter: json(row.filter),
  description: row.description,
  metadata: json(row.metadata),
  headers: showHeaders(parseHeaders(text(row.headers))),
  signatureHeaders: json(row.signature_headers),
  schedule: json(row.schedule),
  timeoutMs: row.timeout_ms,
  rateLimit: row.rate_requests === null ? null : { requests: row.rate_requests, perSeconds: row.rate_seconds },
  ordered: row.ordered === 1,
  state: row.state,
  disabledReason: row.disabled_reason,
  disabledAt: time(row.disabled_ms),
  createdAt: time(row.created_ms),
  updatedAt: time(row.updated_ms),
  deletedAt: time(row.deleted_ms),
  lastListenedAt: time(row.seen_ms),
})

export const exportOperations = {
  exportEvents: reads({ run: exportEvents, waitedForBy: 'people' }),
  exportDeliveries: reads({ run: exportDeliveries, waitedForBy: 'people' }),
  exportAttempts: reads({ run: exportAttempts, waitedForBy: 'people' }),
  exportEndpoints: reads({ run: exportEndpoints, waitedForBy: 'people' }),
}
