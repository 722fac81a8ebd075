/**
 * Retention in small steps: removes an event with everything that belongs to it once it has been finished for its
 * tenant's retention period, and its payload and its responses earlier if their periods are shorter. An event is
 * finished when its last delivery has ended, or from its publication if it has none. A pending or held delivery keeps
 * its event, and the event keeps all its deliveries.
 *
 * Due rows are found by reading alone, alongside the writer, and checked again in the transaction that removes them: in
 * the meantime someone might have created a new delivery of the event.
 */

import { firstIdAt, idBytes, idText } from '../../base/ids.ts'
import type { DeliveryId, EventId, TenantId } from '../../base/model.ts'
import type { Retention } from '../../base/tenant.ts'
import { reads, writes } from '../operation.ts'
import {
  type BulkQuery,
  bytes,
  type Dialect,
  idList,
  int,
  jsonOrNull,
  type Row,
  type Transaction,
  text,
} from '../transaction.ts'

// Choosing tenants

export type RetainedTenant = { readonly tenant: TenantId; readonly retention: Retention | null }

/** The next tenant after `after` that has a row or events, including deleted and unknown ones; null if none is left. */
export function* nextRetained(args: { readonly after: TenantId }): Transaction<RetainedTenant | null> {
  const rows = yield {
    text: `select w.id, t.retention from (
             select * from (select id from tenant where id > $1 order by id limit 1) a
             union select * from (select tenant as id from event where tenant > $1 order by tenant limit 1) b
             union select * from (select tenant as id from delivery where tenant > $1 order by tenant limit 1) c
           ) w left join tenant t on t.id = w.id order by w.id limit 1`,
    params: [args.after],
  }
  if (rows.length === 0) return null
  return { tenant: text(rows[0]!.id), retention: jsonOrNull(rows[0]!.retention) as Retention | null }
}

/** The longest retention period that a tenant has set for itself, in days; 0 if none has. */
export function* readLongestRetention(_args: object): Transaction<number> {
  const rows = yield { text: 'select retention from tenant where retention is not null' }
  return Math.max(0, ...rows.map(row => (jsonOrNull(row.retention) as Retention).days ?? 0))
}

// Events

export type DuePage<Id> = {
  readonly due: readonly Id[]
  /** Rows that are old enough but not due yet. */
  readonly kept: readonly Id[]
  /** The last row read; null if there was none. */
  readonly last: Id | null
}

/** `e` is an event; `ended` is the parameter with the time since which it must have been finished. */
const isDone = (ended: string): string => `
  not exists (select 1 from live_delivery l where l.event = e.id)
  and not exists (select 1 from inbox i where i.tenant = e.tenant and i.id = e.id)
  and not exists (select 1 from delivery d where d.event = e.id and d.ended_ms > ${ended})`

type PageOf<Id> = { readonly tenant: TenantId; readonly after: Id | null; readonly limit: number }

/** The next events published before a time, and which of them have been finished since before it. */
export function* readDueEvents(args: PageOf<EventId> & { readonly beforeMs: number }): Transaction<DuePage<EventId>> {
  const rows = yield {
    text: `select e.id, case when ${isDone('$5')} then 1 else 0 end as is_due from event e
           where e.tenant = $1 and e.id > $2 and e.id < $3 order by e.id limit $4`,
    params: [args.tenant, idOr(args.after), edge('evt', args.beforeMs), args.limit, args.beforeMs],
  }
  return toPage(rows, row => idText('evt', bytes(row.id)))
}

const idOr = (id: string | null): Uint8Array => (id === null ? new Uint8Array(16) : idBytes(id))
const edge = (prefix: 'evt' | 'dlv', ms: number): Uint8Array => idBytes(firstIdAt(prefix, ms))

function toPage<Id>(rows: readonly Row[], idOf: (row: Row) => Id): DuePage<Id> {
  const ids = (isDue: number) => rows.filter(row => row.is_due === isDue).map(idOf)
  return { due: ids(1), kept: ids(0), last: rows.length === 0 ? null : idOf(rows.at(-1)!) }
}

type SomeEvents = {
  readonly tenant: TenantId
  readonly events: readonly EventId[]
  /** The time since which they must have been finished. */
  readonly beforeMs: number
}

/** Locks the events, then checks in a separate statement, after the locks, which of them are still finished. */
function* lockDone({ tenant, events, beforeMs }: SomeEvents, dialect: Dialect): Transaction<Uint8Array[]> {
  if (events.length === 0) return []
  const ids = events.map(idBytes)
  if (dialect.lockEventRows !== '') {
    const locked = idList(ids, 2)
    yield {
      text: `select 1 from event where tenant = $1 and id in (${locked.text}) order by id ${dialect.lockEventRows}`,
      params: [tenant, ...locked.params],
    }
  }
  const { text: list, params } = idList(ids, 3)
  const rows = yield {
    text: `select e.id from event e where e.tenant = $1 and e.id in (${list}) and ${isDone('$2')}`,
    params: [tenant, beforeMs, ...params],
  }
  return rows.map(row => bytes(row.id))
}

export type Dropped = {
  readonly rows: number
  /** There are more deliveries than one step removes, so the events are still there. */
  readonly isMore: boolean
}

/** Removes finished events, each one after the last of its deliveries. */
export function* dropEvents(
  args: SomeEvents & { readonly maxDeliveries: number },
  dialect: Dialect,
): Transaction<Dropped> {
  const { tenant, maxDeliveries } = args
  const done = yield* lockDone(args, dialect)
  if (done.length === 0) return { rows: 0, isMore: false }
  const { text: list, params } = idList(done, 2)
  const found = yield {
    text: `select id from delivery where tenant = $1 and event in (${list}) limit ${maxDeliveries}`,
    params: [tenant, ...params],
  }
  const rows = yield* dropDeliveryRows(
    tenant,
    found.map(row => bytes(row.id)),
  )
  if (found.length === maxDeliveries) return { rows, isMore: true }
  yield { text: `delete from event where tenant = $1 and id in (${list})`, params: [tenant, ...params] }
  yield {
    text: `delete from retention_kept where tenant = $1 and kind = 'event' and id in (${list})`,
    params: [tenant, ...params],
  }
  return { rows: rows + done.length, isMore: false }
}

function* dropDeliveryRows(tenant: TenantId, ids: readonly Uint8Array[]): Transaction<number> {
  if (ids.length === 0) return 0
  const { text: list, params } = idList(ids, 2)
  const all = [tenant, ...params]
  const attempts = yield {
    text: `delete from attempt where tenant = $1 and delivery in (${list}) returning number`,
    params: all,
  }
  yield { text: `delete from delivery where tenant = $1 and id in (${list})`, params: all }
  yield {
    text: `delete from retention_kept where tenant = $1 and kind = 'delivery' and id in (${list})`,
    params: all,
  }
  return attempts.length + ids.length
}

/**
 * The next deliveries created before a time. One is due if it ended before that time and its event no longer exists
 * because the tables for its days were dropped.
 */
export function* readOrphans(
  args: PageOf<DeliveryId> & { readonly beforeMs: number },
): Transaction<DuePage<DeliveryId>> {
  const rows = yield {
    text: `select d.id, case when d.ended_ms <= $5
               and not exists (select 1 from event e where e.tenant = d.tenant and e.id = d.event) then 1 else 0 end
             as is_due
           from delivery d where d.tenant = $1 and d.id > $2 and d.id < $3 order by d.id limit $4`,
    params: [args.tenant, idOr(args.after), edge('dlv', args.beforeMs), args.limit, args.beforeMs],
  }
  return toPage(rows, row => idText('dlv', bytes(row.id)))
}

export function* dropDeliveries(args: {
  readonly tenant: TenantId
  readonly deliveries: readonly DeliveryId[]
}): Transaction<number> {
  return yield* dropDeliveryRows(args.tenant, args.deliveries.map(idBytes))
}

// Payloads

const NOTHING = new Uint8Array(0)

type Marked<Id> = {
  readonly tenant: TenantId
  /** Rows that couldn't be processed yet, to be checked again later. */
  readonly kept: readonly Id[]
  /** Where the next page starts; null leaves the mark unchanged. */
  readonly mark: Id | null
}

/** Removes the payloads of finished events. Their payload is then empty, and an empty payload is never sent. */
export function* removePayloads(args: SomeEvents & Marked<EventId>, dialect: Dialect): Transaction<void> {
  const { tenant } = args
  const done = yield* lockDone(args, dialect)
  if (done.length > 0) {
    const { text: list, params } = idList(done, 3)
    yield {
      text: `update event set payload = $2 where tenant = $1 and id in (${list}) and length(payload) > 0`,
      params: [tenant, NOTHING, ...params],
    }
  }
  const isDue = new Set(done.map(id => idText('evt', id)))
  const kept = [...args.kept, ...args.events.filter(id => !isDue.has(id))]
  yield* keepForLater({ tenant, kind: 'event', kept, mark: args.mark })
  yield* notKept(tenant, 'event', done)
}

// Responses

const IS_ENDED = `exists (select 1 from delivery d where d.tenant = w.tenant and d.id = w.id and d.ended_ms <= $5)`

/** The next deliveries created before a time, and which of them ended before it. */
export function* readDeliveryPage(
  args: PageOf<DeliveryId> & { readonly beforeMs: number },
): Transaction<DuePage<DeliveryId>> {
  const range = 'tenant = $1 and id > $2 and id < $3 order by id limit $4'
  const rows = yield {
    text: `select w.id, case when ${IS_ENDED} then 1 else 0 end as is_due from (
             select tenant, id from (select tenant, id from live_delivery where ${range}) a
             union select tenant, id from (select tenant, id from delivery where ${range}) b
           ) w order by w.id limit $4`,
    params: [args.tenant, idOr(args.after), edge('dlv', args.beforeMs), args.limit, args.beforeMs],
  }
  return toPage(rows, row => idText('dlv', bytes(row.id)))
}

/** Removes headers and bodies of the responses to these deliveries' attempts. */
export function* removeAnswers(
  args: Marked<DeliveryId> & { readonly deliveries: readonly DeliveryId[] },
): Transaction<void> {
  const { tenant } = args
  const ids = args.deliveries.map(idBytes)
  if (ids.length > 0) {
    const { text: list, params } = idList(ids, 3)
    yield {
      text: `update attempt set headers = $2, body = $2, truncated = 2
             where tenant = $1 and delivery in (${list}) and truncated <> 2`,
      params: [tenant, NOTHING, ...params],
    }
  }
  yield* keepForLater({ ...args, kind: 'delivery' })
  yield* notKept(tenant, 'delivery', ids)
}

// Progress, and rows kept for later

type Kind = 'event' | 'delivery'

const KEPT_COLUMNS: BulkQuery['columns'] = [
  ['tenant', 'text'],
  ['kind', 'text'],
  ['id', 'bytes'],
]

function* keepForLater({ tenant, kind, kept, mark }: Marked<string> & { kind: Kind }): Transaction<void> {
  if (kept.length > 0) {
    yield {
      text: `insert into retention_kept (tenant, kind, id) select tenant, kind, id from v where true
             on conflict do nothing`,
      columns: KEPT_COLUMNS,
      rows: kept.map(id => [tenant, kind, idBytes(id)]),
    }
  }
  if (mark === null) return
  yield {
    text: `insert into retention_mark (tenant, kind, id) values ($1, $2, $3)
           on conflict (tenant, kind) do update set id = excluded.id`,
    params: [tenant, kind, idBytes(mark)],
  }
}

function* notKept(tenant: TenantId, kind: Kind, ids: readonly Uint8Array[]): Transaction<void> {
  if (ids.length === 0) return
  const { text: list, params } = idList(ids, 3)
  yield {
    text: `delete from retention_kept where tenant = $1 and kind = $2 and id in (${list})`,
    params: [tenant, kind, ...params],
  }
}

export function* readMark(args: { readonly tenant: TenantId; readonly kind: Kind }): Transaction<string | null> {
  const rows = yield {
    text: 'select id from retention_mark where tenant = $1 and kind = $2',
    params: [args.tenant, args.kind],
  }
  return rows.length === 0 ? null : idText(args.kind === 'event' ? 'evt' : 'dlv', bytes(rows[0]!.id))
}

/** Events whose payload had to be kept, and which of them are finished now; removed events count as due. */
export function* readKeptEvents(args: PageOf<EventId> & { readonly beforeMs: number }): Transaction<DuePage<EventId>> {
  const rows = yield {
    text: `select k.id, case when e.id is null or (${isDone('$4')}) then 1 else 0 end as is_due
           from retention_kept k left join event e on e.tenant = k.tenant and e.id = k.id
           where k.tenant = $1 and k.kind = 'event' and k.id > $2 order by k.id limit $3`,
    params: [args.tenant, idOr(args.after), args.limit, args.beforeMs],
  }
  return toPage(rows, row => idText('evt', bytes(row.id)))
}

/** Deliveries whose responses had to be kept, and which of them have ended now; removed deliveries count as due. */
export function* readKeptDeliveries(
  args: PageOf<DeliveryId> & { readonly beforeMs: number },
): Transaction<DuePage<DeliveryId>> {
  const rows = yield {
    text: `select k.id, case when exists (select 1 from live_delivery l where l.tenant = k.tenant and l.id = k.id)
               or exists (select 1 from delivery d where d.tenant = k.tenant and d.id = k.id and d.ended_ms > $4)
             then 0 else 1 end as is_due
           from retention_kept k where k.tenant = $1 and k.kind = 'delivery' and k.id > $2 order by k.id limit $3`,
    params: [args.tenant, idOr(args.after), args.limit, args.beforeMs],
  }
  return toPage(rows, row => idText('dlv', bytes(row.id)))
}

/** Forgets kept rows that no longer exist. */
export function* forgetKept(args: {
  readonly tenant: TenantId
  readonly kind: Kind
  readonly ids: readonly string[]
}): Transaction<void> {
  yield* notKept(args.tenant, args.kind, args.ids.map(idBytes))
}

// Pages of the database file

/** Returns up to `pages` free pages to the file system. Returns how many are still free, and how many there are in all. */
export function* giveBackPages(
  args: { readonly pages: number },
  dialect: Dialect,
): Transaction<{ free: number; all: number }> {
  if (dialect.giveBackPages === null) return { free: 0, all: 0 }
  if (args.pages > 0) yield dialect.giveBackPages(args.pages)
  const free = yield { text: 'pragma freelist_count' }
  const all = yield { text: 'pragma page_count' }
  return { free: int(free[0]!.freelist_count), all: int(all[0]!.page_count) }
}

export const retentionOperations = {
  nextRetained: reads({ run: nextRetained, waitedForBy: 'engine' }),
  readLongestRetention: reads({ run: readLongestRetention, waitedForBy: 'engine' }),
  readDueEvents: reads({ run: readDueEvents, waitedForBy: 'people' }),
  readKeptEvents: reads({ run: readKeptEvents, waitedForBy: 'people' }),
  readOrphans: reads({ run: readOrphans, waitedForBy: 'people' }),
  readDeliveryPage: reads({ run: readDeliveryPage, waitedForBy: 'people' }),
  readKeptDeliveries: reads({ run: readKeptDeliveries, waitedForBy: 'people' }),
  readMark: reads({ run: readMark, waitedForBy: 'engine' }),
  dropEvents: writes({ run: dropEvents, configuration: 'ignores' }),
  dropDeliveries: writes({ run: dropDeliveries, configuration: 'ignores' }),
  removePayloads: writes({ run: removePayloads, configuration: 'ignores' }),
  removeAnswers: writes({ run: removeAnswers, configuration: 'ignores' }),
  forgetKept: writes({ run: forgetKept, configuration: 'ignores' }),
  giveBackPages: writes({ run: giveBackPages, configuration: 'ignores' }),
}
