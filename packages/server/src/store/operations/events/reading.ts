import { idBytes, idText } from '../../../base/ids.ts'
import type { EventId, PublishedEvent, TenantId } from '../../../base/model.ts'
import { bytes, type Dialect, idList, int, type Transaction, text, textOrNull } from '../../transaction.ts'
import { type Place, Where } from '../../where.ts'
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

export type RejectedFilter = Place<EventId> & { readonly tenant: TenantId | null }

export type RejectedSlice = {
  /** The nearest first. */
  readonly items: readonly PublishedEvent[]
  /** The id behind which the next slice begins; null: there is none. */
  readonly goesOnAt: EventId | null
}

/**
 * Rejected events of one tenant, or of all, including tenants that don't exist. They are read along an index that has
 * those of all tenants in order, so of one tenant only the next `maxRows` are looked at.
 */
export function* listRejectedEvents(
  args: RejectedFilter & { limit: number; maxRows: number },
  { readByIndex }: Dialect,
): Transaction<RejectedSlice> {
  if (readByIndex !== null) yield readByIndex
  const edge = args.tenant === null ? null : yield* rejectedEdge(args)
  const where = new Where()
  const order = where.behind(args)
  if (edge !== null) where.add(args.after === undefined ? 'id >= ?' : 'id <= ?', edge)
  // An expression, since the key of the table begins with the tenant: it would be read with all events in between.
  where.addIf(`tenant || '' = ?`, args.tenant)
  const rows = yield {
    text: `select ${EVENT_FIELDS} from event where ${['rejected is not null', ...where.conditions].join(' and ')}
           ${order} limit ${args.limit}`,
    params: where.params,
  }
  const items = rows.map(toEvent)
  if (edge !== null) return { items, goesOnAt: idText('evt', edge) }
  return { items, goesOnAt: items.length < args.limit ? null : items.at(-1)!.id }
}

/** The id of the last of the next `maxRows` rejected events; null: there are fewer. */
function* rejectedEdge(args: Place<EventId> & { maxRows: number }): Transaction<Uint8Array | null> {
  const where = new Where()
  const order = where.behind(args)
  const [row] = yield {
    text: `select id from event where ${['rejected is not null', ...where.conditions].join(' and ')}
           ${order} limit 1 offset ${args.maxRows - 1}`,
    params: where.params,
  }
  return row === undefined ? null : bytes(row.id)
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
