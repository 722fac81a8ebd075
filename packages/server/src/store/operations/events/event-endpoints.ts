/** What the store knows about an event at each endpoint; services/events/event-endpoints.ts interprets it. */

import { firstIdAt, idBytes, idMs, idText } from '../../../base/ids.ts'
import type { Delivery, DeliveryId, EndpointId, EventId, TenantId } from '../../../base/model.ts'
import { forEach } from '../../for-each.ts'
import {
  type BulkQuery,
  bytes,
  type Dialect,
  idList,
  int,
  intOrNull,
  type Row,
  type Transaction,
  text,
  textOrNull,
} from '../../transaction.ts'
import { type Place, Where } from '../../where.ts'
import { getDeliveries } from '../deliveries/reading.ts'
import {
  type EndpointVersions,
  type PastSelection,
  readSelectionsAt,
  toSelection,
  toVersions,
} from '../endpoints/selections.ts'
import { urlOf } from '../endpoints/stored-url.ts'

export type EventFacts = {
  readonly type: string
  readonly test: boolean
  readonly isRejected: boolean
  /** Whether all its deliveries have been created. */
  readonly isMade: boolean
  /** The tenant's version that decided which endpoints want it; null: undecided, or decided by none. */
  readonly tenantVersion: number | null
  readonly endpoints: readonly EndpointFacts[]
}

export type EndpointFacts = EndpointVersions & {
  readonly endpoint: EndpointId
  readonly endpointUid: string | null
  /** What it wanted when the event was matched; null if it didn't exist then, or that is no longer kept. */
  readonly wanted: PastSelection | null
  /** The newest delivery of the event to this endpoint. */
  readonly delivery: Delivery | null
  readonly deliveryCount: number
  /** Null: it is a listener. */
  readonly url: string | null
  readonly deletedAtMs: number | null
  readonly isDisabled: boolean
  readonly isRateLimited: boolean
  /** It is a listener, and no one listens. */
  readonly isUnheard: boolean
  /** null: it isn't failing. */
  readonly failingSinceMs: number | null
  /** The receiver wants no request before this time, which can be in the past; null: it never asked for a pause. */
  readonly pausedUntilMs: number | null
  /** The first delivery in the queue of an ordered endpoint, if `delivery` is pending behind it. Otherwise null. */
  readonly behind: DeliveryId | null
}

const FIELDS = `id, uid, url, types, filter, state, ordered, partition, rate_requests, failing_since_ms, paused_until_ms,
  deleted_ms, created_version, selection_version, deleted_version`

/** The clock of the node that creates a delivery can be a little behind that of the event's node. */
const SLACK_MS = 60_000

/** Includes deleted endpoints. Null if the event doesn't exist. */
export function* listEventEndpoints(
  args: Place<EndpointId> & { tenant: TenantId; event: EventId; limit: number },
  dialect: Dialect,
): Transaction<EventFacts | null> {
  const event = yield* readEvent(args)
  if (event === null) return null
  const where = new Where().add('tenant = ?', args.tenant)
  const order = where.behind(args)
  const rows = yield {
    text: `select ${FIELDS} from endpoint
           where ${where.text} ${order} limit ${args.limit}`,
    params: where.params,
  }
  if (rows.length === 0) return { ...event, endpoints: [] }
  const ends = [rows.at(-1)!, rows[0]!].map(row => idText('ep', bytes(row.id))).sort()
  const ids = [ends[0]!, ends[1]!] as const
  const version = event.tenantVersion
  const past = version === null ? new Map() : yield* readSelectionsAt({ tenant: args.tenant, version, ids })
  const deliveries = yield* newestDeliveries(args, ids)
  const first = yield* firstInQueue(rows, deliveries, dialect)
  const unheard = yield* findUnheard(rows, dialect)
  const endpoints = rows.map((row): EndpointFacts => {
    const endpoint = idText('ep', bytes(row.id))
    const versions = toVersions(row)
    const isAsThen = version !== null && versions.selectionVersion <= version
    const { delivery = null, count = 0 } = deliveries.get(endpoint) ?? {}
    return {
      ...versions,
      endpoint,
      endpointUid: textOrNull(row.uid),
      url: urlOf(row.url),
      deletedAtMs: intOrNull(row.deleted_ms),
      isDisabled: row.state === 'disabled',
      isRateLimited: row.rate_requests !== null,
      isUnheard: unheard.has(endpoint),
      failingSinceMs: intOrNull(row.failing_since_ms),
      pausedUntilMs: intOrNull(row.paused_until_ms),
      wanted: isAsThen ? toSelection(row) : (past.get(endpoint) ?? null),
      delivery,
      deliveryCount: count,
      behind: first.get(endpoint) ?? null,
    }
  })
  return { ...event, endpoints }
}

/** Reads the inbox first: an arrival that leaves it in the meantime is an event by then. */
function* readEvent(args: { tenant: TenantId; event: EventId }): Transaction<Omit<EventFacts, 'endpoints'> | null> {
  const params = [args.tenant, idBytes(args.event)]
  const arrivals = yield {
    text: 'select type from inbox where tenant = $1 and id = $2 and payload is not null',
    params,
  }
  const events = yield {
    text: 'select type, test, deliveries, rejected, tenant_version from event where tenant = $1 and id = $2',
    params,
  }
  const [row] = events
  if (row !== undefined) {
    return {
      type: text(row.type),
      test: int(row.test) === 1,
      isRejected: row.rejected !== null,
      isMade: row.deliveries !== null,
      tenantVersion: intOrNull(row.tenant_version),
    }
  }
  const [arrival] = arrivals
  if (arrival === undefined) return null
  return { type: text(arrival.type), test: false, isRejected: false, isMade: false, tenantVersion: null }
}

type Newest = { readonly delivery: Delivery; readonly count: number }

function* newestDeliveries(
  { tenant, event }: { tenant: TenantId; event: EventId },
  [first, last]: readonly [EndpointId, EndpointId],
): Transaction<Map<EndpointId, Newest>> {
  const params = [
    tenant,
    idBytes(event),
    idBytes(first),
    idBytes(last),
    // No delivery is older than its event, so tables of earlier days need not be searched.
    idBytes(firstIdAt('dlv', idMs(event) - SLACK_MS)),
  ]
  const where = 'tenant = $1 and event = $2 and endpoint >= $3 and endpoint <= $4 and id >= $5'
  // The live table before history: a delivery that ends between the two reads is found in both, not in neither.
  const live = yield { text: `select id, endpoint from live_delivery where ${where}`, params }
  const ended = yield { text: `select id, endpoint from delivery where ${where}`, params }
  const own = new Map<EndpointId, Set<DeliveryId>>()
  for (const row of [...live, ...ended]) {
    const endpoint = idText('ep', bytes(row.endpoint))
    const known = own.get(endpoint) ?? new Set()
    own.set(endpoint, known.add(idText('dlv', bytes(row.id))))
  }
  if (own.size === 0) return new Map()
  const newest = new Map([...own].map(([endpoint, ids]) => [endpoint, [...ids].sort().at(-1)!]))
  const found = yield* getDeliveries({ tenant, ids: [...newest.values()] })
  const entries = [...newest].flatMap(([endpoint, id]): [EndpointId, Newest][] => {
    const delivery = found.get(id)
    return delivery === undefined ? [] : [[endpoint, { delivery, count: own.get(endpoint)!.size }]]
  })
  return new Map(entries)
}

/** The listeners among endpoints to which no one listens. */
function* findUnheard(endpoints: readonly Row[], { nowMs }: Dialect): Transaction<Set<EndpointId>> {
  const ids = endpoints.flatMap(({ id, url }) => (urlOf(url) === null ? [bytes(id)] : []))
  if (ids.length === 0) return new Set()
  const { text: list, params } = idList(ids, 1)
  const heard = yield {
    text: `select endpoint from listener_reader where endpoint in (${list}) and until_ms > (select ${nowMs})`,
    params,
  }
  const unheard = new Set(ids.map(id => idText('ep', id)))
  for (const { endpoint } of heard) unheard.delete(idText('ep', bytes(endpoint)))
  return unheard
}

const QUEUED_COLUMNS: BulkQuery['columns'] = [
  ['tenant', 'text'],
  ['delivery', 'bytes'],
  ['endpoint', 'bytes'],
  ['partition', 'int'],
]

const PENDING = `from live_delivery q where q.partition = v.partition and q.endpoint = v.endpoint and q.state = 'pending'`

/** Deliveries without a number are from before the endpoint was ordered. No index has them, so few are looked at. */
const UNNUMBERED_LOOKED_AT = 100

/** As `readOrderedLane` in ../lanes/lanes.ts sends them. */
const FIRST_IN_QUEUE = `select d.endpoint, d.seq,
    (select q.id ${PENDING} and q.seq is not null order by q.seq limit 1) as numbered,
    (select u.id from (select q.id, q.seq ${PENDING} order by q.due_ms, q.id limit ${UNNUMBERED_LOOKED_AT}) u
     where u.seq is null order by u.id limit 1) as unnumbered
  from live_delivery d where d.tenant = v.tenant and d.id = v.delivery`

/** For each ordered endpoint whose delivery is pending behind another one: the first in its queue. */
function* firstInQueue(
  endpoints: readonly Row[],
  deliveries: ReadonlyMap<EndpointId, Newest>,
  dialect: Dialect,
): Transaction<Map<EndpointId, DeliveryId>> {
  const queued = endpoints.flatMap(row => {
    const delivery = deliveries.get(idText('ep', bytes(row.id)))?.delivery
    if (row.ordered !== 1 || delivery?.state !== 'pending') return []
    return [[delivery.tenant, idBytes(delivery.id), bytes(row.id), int(row.partition)] as const]
  })
  const rows = yield* forEach(dialect, { columns: QUEUED_COLUMNS, rows: queued, query: FIRST_IN_QUEUE })
  const entries = rows.flatMap((row): [EndpointId, DeliveryId][] => {
    const endpoint = idText('ep', bytes(row.endpoint))
    const first = row.unnumbered ?? (row.seq === null ? null : row.numbered)
    if (first === null) return []
    const id = idText('dlv', bytes(first))
    return id === deliveries.get(endpoint)!.delivery.id ? [] : [[endpoint, id]]
  })
  return new Map(entries)
}
