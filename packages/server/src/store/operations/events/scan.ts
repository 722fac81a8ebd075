/**
 * Reads events in the order of their ids, of one tenant or of all of them together, without their payloads. The key of
 * the table begins with the tenant, and an index by id alone would be paid for by publishing. So the events of all
 * tenants are merged: each tenant's nearest event tells which tenants to read from first.
 */
import { firstIdAt, idBytes, idText } from '../../../base/ids.ts'
import type { EventId, PublishedEvent, TenantId } from '../../../base/model.ts'
import { forEach } from '../../for-each.ts'
import {
  type BulkQuery,
  bytes,
  type Dialect,
  int,
  type Row,
  type Transaction,
  text,
  textOrNull,
  type Value,
} from '../../transaction.ts'
import type { Place, Range } from '../../where.ts'
import { ARRIVAL_FIELDS, EVENT_FIELDS, toEvent } from './event-rows.ts'
import { type EventRow, Merge, type Reading } from './merge.ts'

/** Tenants whose nearest events are looked up by one statement. */
const TENANTS_A_QUERY = 1_000
/** Tenants that are read from by one statement, and the fewest events that are read of each. */
const TENANTS_A_READ = 256
const FEWEST_A_READ = 2

/** Which events: those that satisfy all of it. */
export type EventSelection = Range & {
  /** null: of all tenants. */
  readonly tenant: TenantId | null
  /** null: of all types. */
  readonly types: readonly string[] | null
  /** The publisher's own key; null: any, or none. */
  readonly key: string | null
}

type EventScan = EventSelection &
  Place<EventId> & {
    /** The most events looked at. */
    readonly rows: number
    /** The most events returned. */
    readonly limit: number
  }

export type EventHead = Pick<EventRow, 'tenant' | 'id' | 'bytes'>

export type EventSlice = {
  /** The nearest first. */
  readonly items: readonly EventHead[]
  /** The last event looked at; null: there is none behind it. */
  readonly goesOnAt: EventId | null
}

/** Those that match among the next events. */
export function* scanEvents(args: EventScan, dialect: Dialect): Transaction<EventSlice> {
  if (dialect.readByIndex !== null) yield dialect.readByIndex
  const span = spanOf(args)
  const { readings, areAll } = yield* readingsOf(args, span)
  const merge = new Merge(readings, span.isDescending)
  const items: EventHead[] = []
  let looked = 0
  let goesOnAt: EventId | null = null
  while (looked < args.rows && !merge.isDone) {
    const left = args.rows - looked
    yield* readOn(merge.hungry(), left, args, span, dialect)
    for (const row of merge.take(left)) {
      looked++
      goesOnAt = row.id
      if (isWanted(row, args)) items.push(row)
      if (items.length === args.limit) return { items, goesOnAt }
    }
  }
  return { items, goesOnAt: areAll && merge.isDone ? null : goesOnAt }
}

const isWanted = ({ type, key }: EventRow, wanted: Pick<EventSelection, 'types' | 'key'>): boolean =>
  (wanted.types === null || wanted.types.includes(type)) && (wanted.key === null || wanted.key === key)

/** Ids from `lo`, included, to `hi`, excluded, in the order in which they are read. */
type Span = { readonly lo: Uint8Array; readonly hi: Uint8Array; readonly isDescending: boolean }

const greater = (a: Uint8Array, b: Uint8Array): Uint8Array => (Buffer.compare(a, b) > 0 ? a : b)
const smaller = (a: Uint8Array, b: Uint8Array): Uint8Array => (Buffer.compare(a, b) < 0 ? a : b)

function spanOf({ before, after, fromMs, toMs }: Place<EventId> & Range): Span {
  const lo = fromMs === null ? new Uint8Array(16) : idBytes(firstIdAt('evt', fromMs))
  const hi = toMs === null ? new Uint8Array(16).fill(255) : idBytes(firstIdAt('evt', toMs))
  if (after === undefined) return { lo, hi: before === null ? hi : smaller(hi, idBytes(before!)), isDescending: true }
  return { lo: after === null ? lo : greater(lo, next(idBytes(after))), hi, isDescending: false }
}

/** The smallest id behind this one. */
function next(id: Uint8Array): Uint8Array {
  const bytes = Uint8Array.from(id)
  for (let at = bytes.length - 1; at >= 0; at--) {
    bytes[at] = (bytes[at]! + 1) & 255
    if (bytes[at] !== 0) break
  }
  return bytes
}

type Readings = {
  readonly readings: readonly Reading[]
  /** Whether there is nothing to read from other tenants. */
  readonly areAll: boolean
}

/** What there is to read from: one tenant, or as many of all tenants as can have one of the next `rows` events. */
function* readingsOf({ tenant, rows }: EventScan, { lo, hi, isDescending }: Span): Transaction<Readings> {
  if (tenant !== null) return { readings: [{ tenant, lo, hi, bound: '', found: [] }], areAll: true }
  const readings: Reading[] = []
  for (let after: TenantId | null = ''; after !== null; ) {
    const found: Row[] = yield {
      text: `select t.id as tenant, (
               select e.id from event e where e.tenant = t.id and e.id >= $1 and e.id < $2
               order by e.id ${isDescending ? 'desc' : ''} limit 1) as nearest
             from tenant t where t.deleted_ms is null and t.id > $3 order by t.id limit ${TENANTS_A_QUERY}`,
      params: [lo, hi, after],
    }
    for (const row of found) {
      if (row.nearest === null) continue
      readings.push({ tenant: text(row.tenant), lo, hi, bound: idText('evt', bytes(row.nearest)), found: [] })
    }
    after = found.length < TENANTS_A_QUERY ? null : text(found.at(-1)!.tenant)
  }
  const order = isDescending ? -1 : 1
  readings.sort((a, b) => (a.bound! < b.bound! ? -order : order))
  return { readings: readings.slice(0, rows), areAll: readings.length <= rows }
}

const READING_COLUMNS: BulkQuery['columns'] = [
  ['tenant', 'text'],
  ['lo', 'bytes'],
  ['hi', 'bytes'],
]

/** Reads the next events of the first of these tenants: their share of about twice what is wanted of all of them. */
function* readOn(
  hungry: readonly Reading[],
  wanted: number,
  { key }: EventSelection,
  { isDescending }: Span,
  dialect: Dialect,
): Transaction<void> {
  if (hungry.length === 0) return
  const readings = hungry.slice(0, TENANTS_A_READ)
  const share = hungry.length === 1 ? wanted : Math.max(FEWEST_A_READ, (2 * wanted) / hungry.length)
  // A power of two, so that there are few different statements to prepare.
  const each = 2 ** Math.ceil(Math.log2(share))
  const rows = yield* forEach(dialect, {
    columns: READING_COLUMNS,
    rows: readings.map(({ tenant, lo, hi }) => [tenant, lo, hi]),
    query: `select tenant, id, type, length(payload) as bytes, ${key === null ? 'null' : 'event_key'} as event_key
            from event where tenant = v.tenant and id >= v.lo and id < v.hi
            order by id ${isDescending ? 'desc' : ''} limit ${each}`,
  })
  const byTenant = Map.groupBy(rows, row => text(row.tenant))
  for (const reading of readings) {
    const found = byTenant.get(reading.tenant) ?? []
    reading.found.push(...found.map(toEventRow))
    const last = found.length < each ? undefined : found.at(-1)
    reading.bound = last === undefined ? null : idText('evt', bytes(last.id))
    if (last === undefined) continue
    if (isDescending) reading.hi = bytes(last.id)
    else reading.lo = next(bytes(last.id))
  }
}

const toEventRow = (row: Row): EventRow => ({
  tenant: text(row.tenant),
  id: idText('evt', bytes(row.id)),
  type: text(row.type),
  key: textOrNull(row.event_key),
  bytes: int(row.bytes),
})

/** The most events counted, and the most looked at for it if few of them match. */
const MAX_COUNTED = 10_000
const MAX_LOOKED_AT = 50_000

/** How many events match. Null: more than 10,000, or too many to look at. */
export function* countEvents(
  { tenant, types, key, ...range }: EventSelection & { readonly tenant: TenantId },
  { readByIndex }: Dialect,
): Transaction<number | null> {
  if (readByIndex !== null) yield readByIndex
  const { lo, hi } = spanOf({ ...range, before: null })
  const limit = types === null && key === null ? MAX_COUNTED + 1 : MAX_LOOKED_AT
  const params: Value[] = [tenant, lo, hi]
  const place = (value: Value) => `$${params.push(value)}`
  const conditions = [
    ...(types === null ? [] : [`x.type in (${types.map(place).join(', ')})`]),
    ...(key === null ? [] : [`x.event_key = ${place(key)}`]),
  ]
  const matching = conditions.length === 0 ? '*' : `case when ${conditions.join(' and ')} then 1 end`
  const [counted] = yield {
    text: `select count(*) as looked, count(${matching}) as counted from (
             select type, ${key === null ? 'null as event_key' : 'event_key'} from event
             where tenant = $1 and id >= $2 and id < $3 order by id desc limit ${limit}) x`,
    params,
  }
  const total = int(counted!.counted)
  return int(counted!.looked) === limit || total > MAX_COUNTED ? null : total
}

const KEY_COLUMNS: BulkQuery['columns'] = [
  ['tenant', 'text'],
  ['id', 'bytes'],
]

/**
 * The events that keys stand for as long as they are remembered, even if they are still in the inbox: at most one of
 * each tenant, and its newest one with this key.
 */
export function* findEventsByKey(
  args: EventSelection & Place<EventId> & { readonly key: string; readonly limit: number },
  dialect: Dialect,
): Transaction<EventSlice> {
  if (dialect.readByIndex !== null) yield dialect.readByIndex
  const { lo, hi, isDescending } = spanOf(args)
  // A query for each tenant: see `toQuery` in ../search.ts.
  const known = yield {
    text: `select q.tenant, q.event from (
             select t.id as tenant, (
               select i.event from idempotency i
               where i.tenant = t.id and i.event_key = $1 and i.event >= $2 and i.event < $3) as event
             from tenant t where t.deleted_ms is null ${args.tenant === null ? '' : 'and t.id = $4'}) q
           where q.event is not null order by q.event ${isDescending ? 'desc' : ''} limit ${args.limit}`,
    params: [args.key, lo, hi, ...(args.tenant === null ? [] : [args.tenant])],
  }
  const rows = yield* forEach(dialect, {
    columns: KEY_COLUMNS,
    rows: known.map(row => [text(row.tenant), bytes(row.event)]),
    query: `select tenant, id, type, length(payload) as bytes, event_key from event where tenant = v.tenant and id = v.id
            union all
            select tenant, id, type, length(payload) as bytes, event_key from inbox
            where tenant = v.tenant and id = v.id and payload is not null`,
  })
  const order = isDescending ? -1 : 1
  const items = rows
    .map(toEventRow)
    .filter(row => isWanted(row, args))
    .sort((a, b) => (a.id < b.id ? -order : order))
  return { items, goesOnAt: known.length < args.limit ? null : idText('evt', bytes(known.at(-1)!.event)) }
}

/** The events with their payloads, in any order. Those that are no longer kept are missing. */
export function* readEvents(
  { events }: { readonly events: readonly Pick<EventHead, 'tenant' | 'id'>[] },
  dialect: Dialect,
): Transaction<PublishedEvent[]> {
  const rows = yield* forEach(dialect, {
    columns: KEY_COLUMNS,
    rows: events.map(({ tenant, id }) => [tenant, idBytes(id)]),
    query: `select ${EVENT_FIELDS} from event where tenant = v.tenant and id = v.id
            union all select ${ARRIVAL_FIELDS} from inbox where tenant = v.tenant and id = v.id and payload is not null`,
  })
  return rows.map(toEvent)
}
