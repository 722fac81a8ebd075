/**
 * The inbox: what has been accepted, and has no deliveries yet. Two kinds of rows lie there. An arrival was published
 * from SQL: it has a payload, and is not an event yet; a node validates and matches it, and stores it with its
 * deliveries. The other is an event that is stored already and has very many deliveries: a node makes them some at a
 * time, in the order of the endpoints' ids, so that no commit of them keeps others waiting.
 *
 * A node claims rows for some seconds before it works on them, so that nodes don't do each other's work; whatever it
 * stores is conditional on the row still being there as it was, so that two that did would not store it twice.
 */
import type { FieldError } from '../../base/errors.ts'
import { idBytes, idText } from '../../base/ids.ts'
import type { EndpointId, EventId, NotSent, TenantId } from '../../base/model.ts'
import {
  type BulkQuery,
  bytes,
  type Dialect,
  int,
  intOrNull,
  jsonOrNull,
  type Row,
  type Transaction,
  text,
  textOrNull,
  type Value,
} from '../transaction.ts'
import { deliveryRows, type NewDelivery, storeDeliveryRows } from './delivery-rows.ts'
import { storeEventRows } from './event-rows.ts'
import { catalogueVersion, tenantVersions } from './versions.ts'

type InboxRow = {
  readonly tenant: TenantId
  readonly event: EventId
  readonly type: string
  readonly createdAtMs: number
}

/** An event that is stored, and whose deliveries are being made. */
export type InboxItem = InboxRow & {
  /** Its deliveries are made up to this endpoint; null: of none. */
  readonly after: EndpointId | null
  /** The version of its tenant that decides who wants it: what is configured later is for later events. */
  readonly tenantVersion: number
  /** How many are made. */
  readonly made: number
  /** What became of the other endpoints up to there. */
  readonly notSent: NotSent
}

/** What was published from SQL. */
export type Arrival = InboxRow & {
  readonly key: string | null
  /** null: larger than what was asked for. */
  readonly payload: Uint8Array | null
  readonly payloadBytes: number
}

const MAX_TENANTS = 64
/** Rows claimed at once. */
const MAX_ROWS = 512
/** Of rows claimed at once, together: they are judged in one go, and the process does nothing else meanwhile. */
const MAX_PAYLOAD_BYTES = 2 * 1024 * 1024

const INBOX_COLUMNS: BulkQuery['columns'] = [
  ['tenant', 'text'],
  ['id', 'bytes'],
  ['type', 'text'],
  ['created_ms', 'int'],
  ['tenant_version', 'int'],
]

export function* storeInbox(
  rows: readonly (readonly [
    tenant: TenantId,
    event: Uint8Array,
    type: string,
    createdAtMs: number,
    tenantVersion: number,
  ])[],
): Transaction<void> {
  if (rows.length === 0) return
  yield {
    text: `insert into inbox (tenant, id, type, created_ms, tenant_version)
           select tenant, id, type, created_ms, tenant_version from v`,
    columns: INBOX_COLUMNS,
    rows,
  }
}

/** Whether there is anything that nobody has claimed. */
export function* peekInbox(_args: object, dialect: Dialect): Transaction<boolean> {
  const rows = yield {
    text: `select tenant from inbox where claimed_until_ms <= ${dialect.nowMs} order by tenant, id limit 1`,
  }
  return rows.length > 0
}

// Claiming

export type InboxClaim = {
  /** Tenants behind this one; empty: from the first. */
  readonly after: TenantId
  /** How long nobody else takes the rows, milliseconds. */
  readonly claimMs: number
  /** Larger payloads are left in the store. */
  readonly maxPayloadBytes: number
}

export type ClaimedInbox = {
  readonly arrivals: readonly Arrival[]
  readonly items: readonly InboxItem[]
  /** The last tenant of whom something was claimed; empty: nothing was left. */
  readonly last: TenantId
  /** Behind that tenant, or of it, there may be more. */
  readonly hasMore: boolean
}

/** The oldest few of each tenant that nobody has claimed, of so many tenants at most. */
export function* claimInbox(args: InboxClaim, dialect: Dialect): Transaction<ClaimedInbox> {
  const tenants = yield* waitingTenants(args.after, dialect)
  if (tenants.length === 0) return { arrivals: [], items: [], last: '', hasMore: false }
  const found = yield* lockOldest(tenants, dialect)
  const chosen = withinBytes(found, args.maxPayloadBytes)
  const rows = chosen.length === 0 ? [] : yield* claimRows(chosen, args, dialect)
  const isArrival = (row: Row) => row.payload_bytes !== null
  const isCut = chosen.length < found.length
  return {
    arrivals: rows.filter(isArrival).map(toArrival),
    items: rows.filter(row => !isArrival(row)).map(toItem),
    // Where payloads were too many, those behind them come with the next claim.
    last: isCut ? text(chosen.at(-1)!.tenant) : tenants.at(-1)!,
    hasMore: isCut || tenants.length === MAX_TENANTS,
  }
}

/** Skips from tenant to tenant along the key. */
function* waitingTenants(after: TenantId, { nowMs }: Dialect): Transaction<TenantId[]> {
  const rows = yield {
    text: `with recursive skip(tenant) as (
             select (select tenant from inbox where tenant > $1 and claimed_until_ms <= ${nowMs}
                     order by tenant limit 1)
             union all
             select (select i.tenant from inbox i where i.tenant > skip.tenant and i.claimed_until_ms <= ${nowMs}
                     order by i.tenant limit 1)
             from skip where skip.tenant is not null)
           select tenant from skip where tenant is not null limit ${MAX_TENANTS}`,
    params: [after],
  }
  return rows.map(row => text(row.tenant))
}

/**
 * A statement for each tenant: one for all of them, PostgreSQL before 17 would answer by reading the whole inbox. And so
 * it does where it knows the limit and thinks that no more rows are there (31 ms instead of 1, of 50,000): a limit out
 * of a query it can't know beforehand, and reads along the key.
 */
function* lockOldest(tenants: readonly TenantId[], { nowMs, skipLocked }: Dialect): Transaction<Row[]> {
  const each = Math.floor(MAX_ROWS / tenants.length)
  const found: Row[] = []
  for (const tenant of tenants) {
    const rows = yield {
      text: `select tenant, id, coalesce(length(payload), 0) as size from inbox
             where tenant = $1 and claimed_until_ms <= ${nowMs} order by id
             limit (select cast($2 as bigint)) ${skipLocked}`,
      params: [tenant, each],
    }
    for (const row of rows) found.push(row)
  }
  return found
}

/** The first of these whose payloads fit into memory together, and at least one. */
function withinBytes(rows: readonly Row[], maxPayloadBytes: number): Row[] {
  let left = MAX_PAYLOAD_BYTES
  const end = rows.findIndex((row, index) => {
    const size = int(row.size)
    if (size <= maxPayloadBytes) left -= size
    return left < 0 && index > 0
  })
  return rows.slice(0, end < 0 ? rows.length : end)
}

const KEY_COLUMNS: BulkQuery['columns'] = [
  ['tenant', 'text'],
  ['id', 'bytes'],
]

const keyOf = (row: Row): [Value, Value] => [row.tenant!, row.id!]

function* claimRows(rows: readonly Row[], args: InboxClaim, { nowMs }: Dialect): Transaction<Row[]> {
  const claimed = yield {
    text: `update inbox set claimed_until_ms = ${nowMs} + ${args.claimMs} where (tenant, id) in (select tenant, id from v)
           returning tenant, id, type, event_key, created_ms, after_endpoint, made, not_sent, tenant_version,
             length(payload) as payload_bytes,
             case when length(payload) <= ${args.maxPayloadBytes} then payload end as payload`,
    columns: KEY_COLUMNS,
    rows: rows.map(keyOf),
  }
  return claimed.sort((a, b) =>
    a.tenant === b.tenant ? Buffer.compare(bytes(a.id), bytes(b.id)) : a.tenant! < b.tenant! ? -1 : 1,
  )
}

const toRow = (row: Row): InboxRow => ({
  tenant: text(row.tenant),
  event: idText('evt', bytes(row.id)),
  type: text(row.type),
  createdAtMs: int(row.created_ms),
})

const toItem = (row: Row): InboxItem => ({
  ...toRow(row),
  after: row.after_endpoint === null ? null : idText('ep', bytes(row.after_endpoint)),
  tenantVersion: int(row.tenant_version),
  made: int(row.made),
  notSent: (jsonOrNull(row.not_sent) ?? {}) as NotSent,
})

const toArrival = (row: Row): Arrival => ({
  ...toRow(row),
  key: textOrNull(row.event_key),
  payload: row.payload === null ? null : bytes(row.payload),
  payloadBytes: intOrNull(row.payload_bytes)!,
})

/** They are not worked on after all: anybody may, so many milliseconds from now. */
export function* releaseInbox(
  args: { rows: readonly Pick<InboxRow, 'tenant' | 'event'>[]; afterMs: number },
  { nowMs }: Dialect,
): Transaction<void> {
  if (args.rows.length === 0) return
  yield {
    text: `update inbox set claimed_until_ms = ${nowMs} + ${args.afterMs}
           where (tenant, id) in (select tenant, id from v)`,
    columns: KEY_COLUMNS,
    rows: args.rows.map(({ tenant, event }) => [tenant, idBytes(event)]),
  }
}

// Arrivals

/** An arrival as it is to be stored. */
export type AcceptedArrival = {
  readonly tenant: TenantId
  readonly event: EventId
  readonly type: string
  readonly key: string | null
  readonly createdAtMs: number
  readonly payload: Uint8Array
  /** Why it gets no deliveries; null: it is sound. */
  readonly rejected: readonly FieldError[] | null
  readonly notSent: NotSent
  /** null: they are very many, and made later, out of the inbox as well. */
  readonly deliveries: readonly NewDelivery[] | null
}

export type AcceptRequest = {
  /** The versions of the configuration that arrivals were validated and matched against; null: no such tenant. */
  readonly catalogueVersion: number
  readonly tenants: readonly { readonly tenant: TenantId; readonly version: number | null }[]
  readonly nowMs: number
  readonly arrivals: readonly AcceptedArrival[]
}

export type AcceptResult = {
  /** Tenants whose configuration moved: nothing of theirs was stored, match again. */
  readonly stale: readonly TenantId[]
  /** For ordered endpoints, with something of their tenant before them that is not stored yet: try again later. */
  readonly behind: readonly EventId[]
  /** Those stored now; the others were somebody else's already. */
  readonly stored: readonly EventId[]
}

/** Makes arrivals events, with their deliveries, or rejected. */
export function* acceptArrivals(args: AcceptRequest, dialect: Dialect): Transaction<AcceptResult> {
  if (dialect.lockConfigurationShared !== null) yield dialect.lockConfigurationShared
  const isCatalogueMoved = (yield* catalogueVersion()) !== args.catalogueVersion
  const versions = yield* tenantVersions(args.tenants.map(({ tenant }) => tenant))
  const stale = args.tenants
    .filter(({ tenant, version }) => isCatalogueMoved || (versions.get(tenant) ?? null) !== version)
    .map(({ tenant }) => tenant)
  const current = args.arrivals.filter(({ tenant }) => !stale.includes(tenant))
  const behind = yield* overtaking(current)
  const ready = behind.size === 0 ? current : current.filter(({ event }) => !behind.has(event))
  const stored = yield* takeOut(ready, args.nowMs, versions)
  const won = ready.filter(({ event }) => stored.has(event))
  yield* storeEventRows(won.map(arrival => eventRow(arrival, versions.get(arrival.tenant) ?? null)))
  yield* storeDeliveryRows(
    won.flatMap(({ tenant, event, type, deliveries }) =>
      deliveryRows(tenant, args.nowMs, event, type, false, deliveries ?? []),
    ),
    dialect,
  )
  yield* freeKeys(won.filter(({ rejected, key }) => rejected !== null && key !== null))
  return { stale, behind: [...behind], stored: [...stored] }
}

/**
 * Arrivals for ordered endpoints that would overtake what lies before them in the inbox: another node may be about to
 * store that, and the order of the numbers is that of the commits.
 */
function* overtaking(arrivals: readonly AcceptedArrival[]): Transaction<Set<EventId>> {
  const behind = new Set<EventId>()
  for (const [tenant, own] of Map.groupBy(arrivals, arrival => arrival.tenant)) {
    const lastOrdered = own.findLast(({ deliveries }) => deliveries?.some(({ ordered }) => ordered))
    if (lastOrdered === undefined) continue
    // What is only made a longer-lasting row of the inbox is not out of the way.
    const leaving = new Set(own.filter(({ deliveries }) => deliveries !== null).map(({ event }) => event))
    const rows = yield {
      text: `select id from inbox where tenant = $1 and id <= $2 order by id limit ${own.length + 1}`,
      params: [tenant, idBytes(lastOrdered.event)],
    }
    const first = rows.map(row => idText('evt', bytes(row.id))).find(id => !leaving.has(id))
    if (first === undefined) continue
    for (const { event, deliveries } of own) {
      if (event > first && deliveries?.some(({ ordered }) => ordered)) behind.add(event)
    }
  }
  return behind
}

/** Conditional on what is there: two nodes never both store an arrival. */
function* takeOut(
  arrivals: readonly AcceptedArrival[],
  nowMs: number,
  versions: ReadonlyMap<TenantId, number>,
): Transaction<Set<EventId>> {
  const rowsOf = (some: readonly AcceptedArrival[]) => some.map(({ tenant, event }) => [tenant, idBytes(event)])
  const now = arrivals.filter(({ deliveries }) => deliveries !== null)
  const later = arrivals.filter(({ deliveries }) => deliveries === null)
  const taken: Row[] = []
  if (now.length > 0) {
    const text = `delete from inbox where (tenant, id) in (select tenant, id from v) and payload is not null
                  returning id`
    taken.push(...(yield { text, columns: KEY_COLUMNS, rows: rowsOf(now) }))
  }
  for (const [tenant, own] of Map.groupBy(later, arrival => arrival.tenant)) {
    // The time and the version of now: endpoints that are there now get it.
    const text = `update inbox set payload = null, claimed_until_ms = 0, created_ms = ${nowMs},
                    tenant_version = ${versions.get(tenant) ?? 0}
                  where (tenant, id) in (select tenant, id from v) and payload is not null returning id`
    taken.push(...(yield { text, columns: KEY_COLUMNS, rows: rowsOf(own) }))
  }
  return new Set(taken.map(row => idText('evt', bytes(row.id))))
}

const eventRow = (arrival: AcceptedArrival, tenantVersion: number | null): readonly Value[] => [
  arrival.tenant,
  idBytes(arrival.event),
  arrival.type,
  arrival.key,
  arrival.payload,
  0,
  arrival.deliveries?.length ?? null,
  arrival.deliveries === null ? null : JSON.stringify(arrival.notSent),
  arrival.rejected === null ? null : JSON.stringify(arrival.rejected),
  arrival.createdAtMs,
  // A transaction of somebody's own belongs to no call of ours.
  null,
  tenantVersion,
]

const FREED_COLUMNS: BulkQuery['columns'] = [
  ['tenant', 'text'],
  ['event_key', 'text'],
  ['event', 'bytes'],
]

/** As in the API, what is refused keeps no key: the same can be published again when its fault is mended. */
function* freeKeys(arrivals: readonly AcceptedArrival[]): Transaction<void> {
  if (arrivals.length === 0) return
  yield {
    text: 'delete from idempotency where (tenant, event_key, event) in (select tenant, event_key, event from v)',
    columns: FREED_COLUMNS,
    rows: arrivals.map(({ tenant, key, event }) => [tenant, key, idBytes(event)]),
  }
}

// Events with very many deliveries

const idOrNull = (id: EndpointId | null): Uint8Array | null => (id === null ? null : idBytes(id))

export type FanOutRequest = {
  readonly item: InboxItem
  /** The version of the tenant's configuration that the endpoints were matched against; null: the tenant is gone. */
  readonly tenantVersion: number | null
  readonly nowMs: number
  /** For endpoints in the order of their ids, from behind `item.after` on. */
  readonly deliveries: readonly NewDelivery[]
  /** The last endpoint that was judged. */
  readonly after: EndpointId | null
  /** What became of all other endpoints up to there. */
  readonly notSent: NotSent
  /** More endpoints are to be judged. */
  readonly isUnfinished: boolean
}

/**
 * `stale`: the configuration moved, match again. `gone`: somebody else has gone on with this item. `behind`: an ordered
 * endpoint is to get it after something of the tenant that lies before it in the inbox.
 */
export type FanOutResult = 'stored' | 'stale' | 'gone' | 'behind'

/** Stores the next deliveries of an event that waits in the inbox. */
export function* fanOut(args: FanOutRequest, dialect: Dialect): Transaction<FanOutResult> {
  if (dialect.lockConfigurationShared !== null) yield dialect.lockConfigurationShared
  const { item, deliveries, after, notSent, nowMs } = args
  const { tenant, event } = item
  const versions = yield* tenantVersions([tenant])
  if ((versions.get(tenant) ?? null) !== args.tenantVersion) return 'stale'
  if (deliveries.some(({ ordered }) => ordered)) {
    const before = yield {
      text: 'select id from inbox where tenant = $1 and id < $2 limit 1',
      params: [tenant, idBytes(event)],
    }
    if (before.length > 0) return 'behind'
  }
  const made = item.made + deliveries.length
  // Conditional on where it stood: two nodes never make the same deliveries.
  const moved = yield {
    text: `update inbox set after_endpoint = $1, made = $2, not_sent = $3, claimed_until_ms = 0
           where tenant = $4 and id = $5 and made = $6 and after_endpoint is not distinct from $7 and payload is null
           returning id`,
    params: [idOrNull(after), made, JSON.stringify(notSent), tenant, idBytes(event), item.made, idOrNull(item.after)],
  }
  if (moved.length === 0) return 'gone'
  yield* storeDeliveryRows(deliveryRows(tenant, nowMs, event, item.type, false, deliveries), dialect)
  if (args.isUnfinished) return 'stored'
  yield { text: 'delete from inbox where tenant = $1 and id = $2', params: [tenant, idBytes(event)] }
  yield {
    text: 'update event set deliveries = $1, not_sent = $2 where tenant = $3 and id = $4',
    params: [made, JSON.stringify(notSent), tenant, idBytes(event)],
  }
  return 'stored'
}
