/** What lanes read: the next deliveries to an endpoint, and which endpoints have any. */

import { idBytes, idText } from '../../../base/ids.ts'
import type { DeliveryId, EndpointId, EventId, TenantId } from '../../../base/model.ts'
import { bytes, idList, int, intOrNull, type Row, type Transaction, text, textOrNull } from '../../transaction.ts'

/** A pending delivery in a lane. */
export type LaneItem = {
  readonly tenant: TenantId
  readonly delivery: DeliveryId
  readonly endpoint: EndpointId
  readonly partition: number
  readonly event: EventId
  readonly type: string
  readonly test: boolean
  /** A replay created it, or it repeats a delivery that had ended: its event was published earlier. */
  readonly replay: boolean
  /** The trace context of the call that published the event (W3C Trace Context). Default: none. */
  readonly traceparent?: string | null
  readonly dueAtMs: number
  /** Attempts made so far. */
  readonly attempts: number
  /** null: to be read when the delivery is sent. */
  readonly payload: Uint8Array | null
}

export type LaneQuery = {
  readonly partition: number
  readonly endpoint: EndpointId
  readonly limit: number
  readonly maxPayloadBytes: number
}

/** An endpoint's pending deliveries that fall due first, with payloads of up to `maxPayloadBytes`. */
export function* readLane(args: LaneQuery): Transaction<LaneItem[]> {
  return (yield* readRows(args, '', 'due_ms, id')).map(({ item }) => item)
}

type LaneRow = { readonly item: LaneItem; readonly isNumbered: boolean }

/** An endpoint's first pending deliveries in the given order, with payloads that are not too large. */
function* readRows(
  { partition, endpoint, limit, maxPayloadBytes }: LaneQuery,
  where: string,
  order: string,
): Transaction<LaneRow[]> {
  const rows = yield {
    text: `select tenant, id, event, type, test, replay_of, replay, due_ms, attempts, seq from live_delivery
           where partition = $1 and endpoint = $2 and state = 'pending' ${where} order by ${order} limit ${limit}`,
    params: [partition, idBytes(endpoint)],
  }
  if (rows.length === 0) return []
  const contents = yield* readContents(
    text(rows[0]!.tenant),
    rows.map(row => bytes(row.event)),
    maxPayloadBytes,
  )
  return rows.map(row => {
    const event = idText('evt', bytes(row.event))
    const content = contents.get(event)
    // Member by member: copying a row with `...` took twice as long as everything else together.
    const item = {
      tenant: text(row.tenant),
      delivery: idText('dlv', bytes(row.id)),
      endpoint,
      partition,
      event,
      type: text(row.type),
      test: row.test === 1,
      replay: isReplay(row),
      traceparent: textOrNull(content?.traceparent ?? null),
      dueAtMs: int(row.due_ms),
      attempts: int(row.attempts),
      payload: (content?.payload ?? null) as Uint8Array | null,
    }
    return { item, isNumbered: row.seq !== null }
  })
}

/** How many bytes of payloads one read returns. The others are read when they are sent. */
const MAX_PAYLOADS_BYTES = 1_048_576

/**
 * What is to be sent of events, with payloads of up to `maxBytes` each, and MAX_PAYLOADS_BYTES in all. By a list of ids rather than a join with the
 * deliveries: PostgreSQL then reads only the tables for those days, whereas for a join of 64 it read those for all days
 * (22 ms instead of 1).
 */
function* readContents(
  tenant: TenantId,
  events: readonly Uint8Array[],
  maxBytes: number,
): Transaction<Map<EventId, Row>> {
  const { text: list, params } = idList(events, 2)
  const isFew = events.length * maxBytes <= MAX_PAYLOADS_BYTES
  const payload = isFew ? `case when length(payload) between 1 and ${maxBytes} then payload end` : 'null'
  const rows = yield {
    text: `select id, traceparent, ${payload} as payload, length(payload) as bytes
           from event where tenant = $1 and id in (${list})`,
    params: [tenant, ...params],
  }
  const contents = new Map(rows.map(row => [idText('evt', bytes(row.id)), row]))
  if (isFew) return contents
  const first = fitting(events, contents, maxBytes)
  if (first.length === 0) return contents
  const chosen = idList(first, 2)
  const payloads = yield {
    text: `select id, payload from event where tenant = $1 and id in (${chosen.text})`,
    params: [tenant, ...chosen.params],
  }
  for (const { id, payload } of payloads) {
    const event = idText('evt', bytes(id))
    contents.set(event, { ...contents.get(event), payload: payload! })
  }
  return contents
}

/** The first events whose payloads are small enough and fit into one read together. */
function fitting(events: readonly Uint8Array[], contents: ReadonlyMap<EventId, Row>, maxBytes: number): Uint8Array[] {
  let left = MAX_PAYLOADS_BYTES
  const first: Uint8Array[] = []
  for (const id of events) {
    const length = intOrNull(contents.get(idText('evt', id))?.bytes ?? null) ?? 0
    if (length === 0 || length > maxBytes) continue
    if (length > left) break
    left -= length
    first.push(id)
  }
  return first
}

export type OrderedLaneQuery = LaneQuery & {
  /** Whether it is known that no delivery is left from before the endpoint was ordered. None can be added later. */
  readonly isNumbered: boolean
}

export type OrderedLane = {
  readonly items: readonly LaneItem[]
  /** No delivery is left from before the endpoint was ordered. */
  readonly isNumbered: boolean
  /** Held deliveries are being released. None can be sent until all are, or later ones would overtake them. */
  readonly isHeldUp: boolean
}

const PENDING = `select 1 from live_delivery h where h.partition = $1 and h.endpoint = $2 and h.state = 'pending'`

const HELD = `select 1 from live_delivery h where h.partition = $1 and h.endpoint = $2 and h.state = 'held'
  and h.held_reason = 'disabled'`

/** Deliveries without a number are from before the endpoint was ordered, and go first. */
const ORDERS = {
  numbered: 'seq',
  mixed: 'case when seq is null then 0 else 1 end, seq, id',
}

/** The first pending deliveries of an ordered endpoint, in the order in which they must be sent. */
export function* readOrderedLane(args: OrderedLaneQuery): Transaction<OrderedLane> {
  const params = [args.partition, idBytes(args.endpoint)]
  const where = args.isNumbered ? 'and seq is not null' : ''
  const order = args.isNumbered ? ORDERS.numbered : ORDERS.mixed
  // One statement checks both: between two, the last held delivery could be released.
  const rows = yield* readRows(args, `${where} and not exists (${HELD})`, order)
  // A delivery that exists now but was not returned might have been held a moment ago.
  const left = rows.length > 0 ? [] : yield { text: `select 1 where exists (${HELD}) or exists (${PENDING})`, params }
  const isHeldUp = left.length > 0
  const isNumbered = args.isNumbered || (!isHeldUp && rows.every(row => row.isNumbered))
  return { items: rows.map(({ item }) => item), isNumbered, isHeldUp }
}

/** One delivery for its lane, without its payload; null unless it is pending. */
export function* readPending(args: {
  tenant: TenantId
  delivery: DeliveryId
}): Transaction<Omit<LaneItem, 'endpoint' | 'partition' | 'payload'> | null> {
  const [row] = yield {
    text: `select event, type, test, replay_of, replay, due_ms, attempts from live_delivery
           where tenant = $1 and id = $2 and state = 'pending'`,
    params: [args.tenant, idBytes(args.delivery)],
  }
  if (row === undefined) return null
  return {
    ...args,
    event: idText('evt', bytes(row.event)),
    type: text(row.type),
    test: row.test === 1,
    replay: isReplay(row),
    dueAtMs: int(row.due_ms),
    attempts: int(row.attempts),
  }
}

const isReplay = (row: Row): boolean => row.replay_of !== null || row.replay !== null

export type LaneHead = {
  readonly tenant: TenantId
  readonly endpoint: EndpointId
  readonly partition: number
  readonly dueAtMs: number
}

/**
 * A partition's endpoints that have pending deliveries, each with its earliest due time. Skips from endpoint to
 * endpoint along the index, so that an endpoint with a million rows costs no more than one with a single row.
 */
export function* discoverLanes(args: { partition: number }): Transaction<LaneHead[]> {
  const rows = yield {
    text: `with recursive skip(endpoint) as (
             select (select endpoint from live_delivery where partition = $1 and state = 'pending'
                     order by endpoint limit 1)
             union all
             select (select l.endpoint from live_delivery l where l.partition = $1 and l.state = 'pending'
                       and l.endpoint > skip.endpoint order by l.endpoint limit 1)
             from skip where skip.endpoint is not null)
           select s.endpoint, e.tenant, (select l.due_ms from live_delivery l where l.partition = $1 and l.state = 'pending'
                                 and l.endpoint = s.endpoint order by l.due_ms limit 1) as due_ms
           from skip s join endpoint e on e.id = s.endpoint`,
    params: [args.partition],
  }
  return rows.map(row => ({
    tenant: text(row.tenant),
    endpoint: idText('ep', bytes(row.endpoint)),
    partition: args.partition,
    dueAtMs: intOrNull(row.due_ms) ?? 0,
  }))
}

export type Unfinished = {
  readonly endpoint: EndpointId
  readonly partition: number
  readonly todo: 'hold' | 'release' | 'cancel'
}

/** Endpoints whose change was cut short by a crash: some of their deliveries don't match the endpoint's state yet. */
export function* findUnfinished(args: { partition: number }): Transaction<Unfinished[]> {
  const skip = (which: string) => `with recursive skip(endpoint) as (
      select (select l.endpoint from live_delivery l where l.partition = $1 and ${which} order by l.endpoint limit 1)
      union all
      select (select l.endpoint from live_delivery l where l.partition = $1 and ${which}
                and l.endpoint > skip.endpoint order by l.endpoint limit 1)
      from skip where skip.endpoint is not null)
    select e.id, e.state, e.deleted_ms from skip s join endpoint e on e.id = s.endpoint`
  const found: Unfinished[] = []
  const pending = yield { text: skip(`l.state = 'pending'`), params: [args.partition] }
  for (const row of pending) {
    const endpoint = idText('ep', bytes(row.id))
    if (row.deleted_ms !== null) found.push({ endpoint, partition: args.partition, todo: 'cancel' })
    else if (row.state === 'disabled') found.push({ endpoint, partition: args.partition, todo: 'hold' })
  }
  const held = yield { text: skip(`l.state = 'held' and l.held_reason = 'disabled'`), params: [args.partition] }
  for (const row of held) {
    const endpoint = idText('ep', bytes(row.id))
    if (row.deleted_ms !== null) found.push({ endpoint, partition: args.partition, todo: 'cancel' })
    else if (row.state === 'enabled') found.push({ endpoint, partition: args.partition, todo: 'release' })
  }
  const setAside = yield {
    text: `select distinct e.id from live_delivery l join endpoint e on e.id = l.endpoint
           where l.held_reason = 'set_aside' and l.partition = $1 and e.deleted_ms is not null`,
    params: [args.partition],
  }
  for (const row of setAside) {
    found.push({ endpoint: idText('ep', bytes(row.id)), partition: args.partition, todo: 'cancel' })
  }
  return found
}
