/** Reads attempts, and rebuilds the requests that they sent from what is kept of endpoints, senders and events. */

import { idBytes, idText } from '../../../base/ids.ts'
import type { Attempt, AttemptError, Delivery, DeliveryId, EventId, TenantId } from '../../../base/model.ts'
import { type RequestTemplate, rebuildRequest, type SentRequest } from '../../../base/webhook-request.ts'
import { forEach } from '../../for-each.ts'
import {
  type BulkQuery,
  bytes,
  type Dialect,
  int,
  intOrNull,
  type Row,
  type Transaction,
  text,
  textOrNull,
} from '../../transaction.ts'
import { readSenders, readTemplates, type Sender, templateKey } from '../endpoints/requests.ts'
import { unpackHeaders } from './answer-headers.ts'
import { readNotes } from './attempt-notes.ts'
import { findDeliveriesByKey } from './reading.ts'
import { sentTrace, withoutTrace } from './sent-trace.ts'

export const ATTEMPT_FIELDS = `tenant, delivery, number, started_ms, duration_ms, status, error, address, headers, body, truncated,
  request_version, sender`

export type DeliveryAttempt = Attempt & { readonly delivery: DeliveryId }

export function* listAttempts(
  args: { tenant: TenantId; delivery: DeliveryId },
  dialect: Dialect,
): Transaction<DeliveryAttempt[]> {
  const rows = yield {
    text: `select ${ATTEMPT_FIELDS} from attempt
           where tenant = $1 and delivery = $2 order by number, started_ms`,
    params: [args.tenant, idBytes(args.delivery)],
  }
  return yield* toAttempts(rows, dialect)
}

/** @param rows have the ATTEMPT_FIELDS */
export function* toAttempts(rows: readonly Row[], dialect: Dialect): Transaction<DeliveryAttempt[]> {
  const sources = yield* readSources(rows, dialect)
  return rows.map(row => toAttempt(row, sources))
}

/** @param sources null: the request isn't wanted, or none was kept */
export function toAttempt(row: Row, sources: Sources | null): DeliveryAttempt {
  const stored = unpackHeaders(bytes(row.headers))
  const { detail, reconnected, headers } = readNotes(withoutTrace(stored))
  return {
    delivery: deliveryOf(row),
    number: int(row.number),
    startedAtMs: int(row.started_ms),
    durationMs: int(row.duration_ms),
    outcome: row.error === null ? 'success' : 'failure',
    status: intOrNull(row.status),
    error: textOrNull(row.error) as AttemptError | null,
    detail,
    reconnected,
    address: textOrNull(row.address),
    request: sources === null ? null : requestOf(row, stored, sources),
    responseHeaders: headers,
    responseBody: bytes(row.body),
    responseTruncated: row.truncated === 1,
    responseRemoved: row.truncated === 2,
  }
}

const deliveryOf = (row: Row): DeliveryId => idText('dlv', bytes(row.delivery))

// What was sent

/** What a request shows of its event. `payloadBytes` is null if the payload was removed. */
type SentEvent = { readonly traceparent: string | null; readonly payloadBytes: number | null }

/** What the requests of some attempts are rebuilt from. */
type Sources = {
  readonly deliveries: ReadonlyMap<DeliveryId, Delivery>
  readonly events: ReadonlyMap<EventId, SentEvent>
  readonly templates: ReadonlyMap<string, RequestTemplate>
  readonly senders: ReadonlyMap<number, Sender>
}

/** Null if none of the attempts sent anything that was kept. */
function* readSources(rows: readonly Row[], dialect: Dialect): Transaction<Sources | null> {
  const sent = rows.filter(row => row.request_version !== null)
  if (sent.length === 0) return null
  if (dialect.readByIndex !== null) yield dialect.readByIndex
  const deliveries = yield* findDeliveriesByKey(
    sent.map(row => ({ tenant: text(row.tenant), id: deliveryOf(row) })),
    dialect,
  )
  const keys = sent.flatMap(row => {
    const endpoint = deliveries.get(deliveryOf(row))?.endpoint
    return endpoint === undefined ? [] : [{ tenant: text(row.tenant), endpoint, version: int(row.request_version) }]
  })
  return {
    deliveries,
    events: yield* readEvents([...deliveries.values()], dialect),
    templates: yield* readTemplates(keys),
    senders: new Map((yield* readSenders()).map(sender => [sender.id, sender])),
  }
}

const EVENT_COLUMNS: BulkQuery['columns'] = [
  ['tenant', 'text'],
  ['id', 'bytes'],
]

function* readEvents(
  deliveries: readonly Delivery[],
  dialect: Pick<Dialect, 'hasLateral'>,
): Transaction<Map<EventId, SentEvent>> {
  const tenants = new Map(deliveries.map(({ event, tenant }) => [event, tenant]))
  const rows = yield* forEach(dialect, {
    columns: EVENT_COLUMNS,
    rows: [...tenants].map(([event, tenant]) => [tenant, idBytes(event)]),
    query: `select id, traceparent, length(payload) as payload_bytes from event
            where tenant = v.tenant and id = v.id`,
  })
  const toEvent = (row: Row): SentEvent => ({
    traceparent: textOrNull(row.traceparent),
    payloadBytes: int(row.payload_bytes) || null,
  })
  return new Map(rows.map(row => [idText('evt', bytes(row.id)), toEvent(row)]))
}

function requestOf(row: Row, headers: readonly string[], sources: Sources): SentRequest | null {
  const delivery = sources.deliveries.get(deliveryOf(row))
  if (delivery === undefined || row.request_version === null) return null
  const { endpoint, event, type, test: isTest } = delivery
  const template = sources.templates.get(templateKey({ endpoint, version: int(row.request_version) }))
  const sender = sources.senders.get(int(row.sender))
  if (template === undefined || sender === undefined) return null
  const { traceparent: published = null, payloadBytes = null } = sources.events.get(event) ?? {}
  const traceparent = sentTrace(headers, published)
  return rebuildRequest(template, sender, {
    event,
    type: sender.namesType ? type : null,
    traceparent,
    isTest,
    startedAtMs: int(row.started_ms),
    payloadBytes,
  })
}
