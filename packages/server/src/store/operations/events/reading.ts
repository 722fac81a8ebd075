import { idBytes, idText } from '../../../base/ids.ts'
import type { EventId, PublishedEvent, TenantId } from '../../../base/model.ts'
import { bytes, idList, int, type Transaction, text, textOrNull } from '../../transaction.ts'
import { Where } from '../../where.ts'
import { ARRIVAL_FIELDS, EVENT_FIELDS, toEvent } from './event-rows.ts'

export function* getEvent(args: { tenant: TenantId; id: EventId }): Transaction<PublishedEvent | null> {
  const rows = yield {
    text: `select ${EVENT_FIELDS} from event where tenant = $1 and id = $2`,
    params: [args.tenant, idBytes(args.id)],
  }
  return rows.length === 0 ? null : toEvent(rows[0]!)
}

/** What was published from SQL and waits in the inbox. */
export function* getArrival(args: { tenant: TenantId; id: EventId }): Transaction<PublishedEvent | null> {
  const rows = yield {
    text: `select ${ARRIVAL_FIELDS} from inbox where tenant = $1 and id = $2 and payload is not null`,
    params: [args.tenant, idBytes(args.id)],
  }
  return rows.length === 0 ? null : toEvent(rows[0]!)
}

/** The trace context of the call that published an event; null if it had none. */
export function* readTraceparent(args: { tenant: TenantId; event: EventId }): Transaction<string | null> {
  const rows = yield {
    text: 'select traceparent from event where tenant = $1 and id = $2',
    params: [args.tenant, idBytes(args.event)],
  }
  return rows.length === 0 ? null : textOrNull(rows[0]!.traceparent)
}

/** Returns null if the payload doesn't exist or was removed. Nothing is ever sent without one. */
export function* readPayload(args: { tenant: TenantId; event: EventId }): Transaction<Uint8Array | null> {
  const rows = yield {
    text: 'select payload from event where tenant = $1 and id = $2',
    params: [args.tenant, idBytes(args.event)],
  }
  return rows.length === 0 || bytes(rows[0]!.payload).length === 0 ? null : bytes(rows[0]!.payload)
}

export type ReadPayload = {
  readonly event: EventId
  /** null: the event, or its payload, is no longer kept. */
  readonly payload: Uint8Array | null
}

/** Payloads of events, in their order, until `maxBytes` are reached; at least the first. */
export function* readPayloads(args: {
  readonly tenant: TenantId
  readonly events: readonly EventId[]
  readonly maxBytes: number
}): Transaction<ReadPayload[]> {
  const { tenant, events, maxBytes } = args
  if (events.length === 0) return []
  const all = idList(
    events.map(event => idBytes(event)),
    2,
  )
  const sizes = yield {
    text: `select id, length(payload) as size from event where tenant = $1 and id in (${all.text})`,
    params: [tenant, ...all.params],
  }
  const sizeOf = new Map(sizes.map(row => [idText('evt', bytes(row.id)), int(row.size)]))
  let sum = 0
  const wanted = events.filter((event, index) => {
    sum += sizeOf.get(event) ?? 0
    return index === 0 || sum <= maxBytes
  })
  const some = idList(
    wanted.map(event => idBytes(event)),
    2,
  )
  const rows = yield {
    text: `select id, payload from event where tenant = $1 and id in (${some.text}) and length(payload) > 0`,
    params: [tenant, ...some.params],
  }
  const payloads = new Map(rows.map(row => [idText('evt', bytes(row.id)), bytes(row.payload)]))
  return wanted.map(event => ({ event, payload: payloads.get(event) ?? null }))
}

export type EventHead = Pick<PublishedEvent, 'id' | 'type' | 'key'> & {
  /** Whether it was matched with endpoints: neither a test nor rejected. */
  readonly isMatched: boolean
  readonly hasPayload: boolean
}

/** The tenant's events without their payloads, newest first. */
export function* listEventHeads(args: {
  tenant: TenantId
  before: EventId | null
  limit: number
}): Transaction<EventHead[]> {
  const where = new Where().add('tenant = ?', args.tenant)
  const order = where.behind(args)
  const rows = yield {
    text: `select id, type, event_key, test, rejected, length(payload) as bytes from event where ${where.text}
           ${order} limit ${args.limit}`,
    params: where.params,
  }
  return rows.map(row => ({
    id: idText('evt', bytes(row.id)),
    type: text(row.type),
    key: textOrNull(row.event_key),
    isMatched: row.test === 0 && row.rejected === null,
    hasPayload: row.bytes !== 0,
  }))
}
