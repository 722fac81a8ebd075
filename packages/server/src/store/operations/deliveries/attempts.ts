/** Reads attempts, and rebuilds the requests that they sent from what is kept of endpoints, senders and events. */

import { idBytes, idText } from '../../../base/ids.ts'
import type { Attempt, AttemptError, Delivery, DeliveryId, EventId, TenantId } from '../../../base/model.ts'
import { type RequestTemplate, rebuildRequest, type SentRequest } from '../../../base/webhook-request.ts'
import { bytes, idList, int, intOrNull, type Row, type Transaction, textOrNull } from '../../transaction.ts'
import { readSenders, readTemplates, type Sender, templateKey } from '../endpoints/requests.ts'
import { unpackHeaders } from './answer-headers.ts'
import { readNotes } from './attempt-notes.ts'
import { getDeliveries } from './reading.ts'
import { sentTrace, withoutTrace } from './sent-trace.ts'

export const ATTEMPT_FIELDS = `delivery, number, started_ms, duration_ms, status, error, address, headers, body, truncated,
  request_version, sender`

export type DeliveryAttempt = Attempt & { readonly delivery: DeliveryId }

export function* listAttempts(args: { tenant: TenantId; delivery: DeliveryId }): Transaction<DeliveryAttempt[]> {
  const rows = yield {
    text: `select ${ATTEMPT_FIELDS} from attempt
           where tenant = $1 and delivery = $2 order by number, started_ms`,
    params: [args.tenant, idBytes(args.delivery)],
  }
  return yield* toAttempts(args.tenant, rows)
}

/** @param rows have the ATTEMPT_FIELDS */
export function* toAttempts(tenant: TenantId, rows: readonly Row[]): Transaction<DeliveryAttempt[]> {
  const sources = yield* readSources(tenant, rows)
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
function* readSources(tenant: TenantId, rows: readonly Row[]): Transaction<Sources | null> {
  const sent = rows.filter(row => row.request_version !== null)
  if (sent.length === 0) return null
  const deliveries = yield* getDeliveries({ tenant, ids: [...new Set(sent.map(deliveryOf))] })
  const keys = sent.flatMap(row => {
    const endpoint = deliveries.get(deliveryOf(row))?.endpoint
    return endpoint === undefined ? [] : [{ endpoint, version: int(row.request_version) }]
  })
  return {
    deliveries,
    events: yield* readEvents(tenant, [...new Set([...deliveries.values()].map(({ event }) => event))]),
    templates: yield* readTemplates(tenant, keys),
    senders: new Map((yield* readSenders()).map(sender => [sender.id, sender])),
  }
}

function* readEvents(tenant: TenantId, ids: readonly EventId[]): Transaction<Map<EventId, SentEvent>> {
  if (ids.length === 0) return new Map()
  const { text, params } = idList(ids.map(idBytes), 2)
  const rows = yield {
    text: `select id, traceparent, length(payload) as payload_bytes from event where tenant = $1 and id in (${text})`,
    params: [tenant, ...params],
  }
  const toEvent = (row: Row): SentEvent => ({
    traceparent: textOrNull(row.traceparent),
    payloadBytes: int(row.payload_bytes) || null,
  })
  return new Map(rows.map(row => [idText('evt', bytes(row.id)), toEvent(row)]))
}

function requestOf(row: Row, headers: readonly string[], sources: Sources): SentRequest | null {
  const delivery = sources.deliveries.get(deliveryOf(row))
  if (delivery === undefined || row.request_version === null) return null
  const { endpoint, event, test: isTest } = delivery
  const template = sources.templates.get(templateKey({ endpoint, version: int(row.request_version) }))
  const sender = sources.senders.get(int(row.sender))
  if (template === undefined || sender === undefined) return null
  const { traceparent: published = null, payloadBytes = null } = sources.events.get(event) ?? {}
  const traceparent = sentTrace(headers, published)
  return rebuildRequest(template, sender, {
    event,
    traceparent,
    isTest,
    startedAtMs: int(row.started_ms),
    payloadBytes,
  })
}
