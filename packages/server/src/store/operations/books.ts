/**
 * The consistency check: compares accepted events with the deliveries and attempts made of them. Each check reads some
 * rows in one statement, so that it sees a row that is being moved in exactly one place, and returns mismatches.
 *
 * At any moment, the following holds for everything that retention has not begun to remove:
 * - An event has as many deliveries as it records (live and ended, not counting manual retries), no two of them to the
 *   same endpoint. Or it is in the inbox with as many as have been created so far. It has more than it records only if
 *   some were created later for endpoints that had none (a replay of missing deliveries).
 * - A delivery is in one table only, and each of its attempts up to its recorded number has a row. There can be more:
 *   an attempt that ended too late to count is recorded all the same.
 * - A delivered delivery has an attempt that succeeded; an exhausted one ended with an attempt that failed.
 * - A live delivery has an event with a payload, and is in its endpoint's partition.
 * - A tenant has as many endpoints as it records.
 */

import { firstIdAt, idBytes, idText } from '../../base/ids.ts'
import { type DeliveryId, type EventId, HELD_REASONS, type TenantId } from '../../base/model.ts'
import { reads, writes } from '../operation.ts'
import { bytes, int, intOrNull, type Row, type Transaction, text } from '../transaction.ts'

/** What doesn't match: a stable name for each way to break a rule above. */
export type MismatchKind =
  | 'event_deliveries'
  | 'event_waits_nowhere'
  | 'delivery_twice'
  | 'delivery_attempts'
  | 'delivery_without_success'
  | 'delivery_without_failure'
  | 'delivery_without_event'
  | 'delivery_partition'
  | 'delivery_state'
  | 'tenant_endpoints'

export type Mismatch = {
  readonly kind: MismatchKind
  readonly tenant: TenantId
  /** The id of the event or delivery, or the tenant itself. */
  readonly id: string
  /** What was found, and what was expected. */
  readonly detail: string
}

export type Checked<Id> = {
  readonly looked: number
  readonly mismatches: readonly Mismatch[]
  /** The last row checked; null if there was none. */
  readonly last: Id | null
}

type Range<Id> = {
  readonly tenant: TenantId
  readonly after: Id | null
  /** Created in this period. */
  readonly fromMs: number
  readonly toMs: number
  readonly limit: number
}

function checked<Id>(
  rows: readonly Row[],
  idOf: (row: Row) => Id,
  judge: (row: Row) => Iterable<Mismatch>,
): Checked<Id> {
  return {
    looked: rows.length,
    mismatches: rows.flatMap(row => [...judge(row)]),
    last: rows.length === 0 ? null : idOf(rows.at(-1)!),
  }
}

function bounds(prefix: 'evt' | 'dlv', { after, fromMs, toMs }: Range<string>): [Uint8Array, Uint8Array] {
  const from = firstIdAt(prefix, fromMs)
  return [idBytes(after !== null && after > from ? after : from), idBytes(firstIdAt(prefix, toMs))]
}

/** Checks events against their deliveries. */
export function* checkEvents(args: Range<EventId>): Transaction<Checked<EventId>> {
  const [after, to] = bounds('evt', args)
  const of = (table: string, what: string, more = '') =>
    `(select ${what} from ${table} d where d.event = e.id and d.tenant = e.tenant and d.replay_of is null ${more})`
  const atOnce = 'and d.created_ms = e.created_ms'
  const both = (what: string, more?: string) => `${of('live_delivery', what, more)} + ${of('delivery', what, more)}`
  const rows = yield {
    text: `select e.id, e.tenant, e.deliveries, i.made,
             ${both('count(*)')} as there, ${both('count(*)', atOnce)} as at_once,
             ${both('count(*) - count(distinct d.endpoint)')} as repeated
           from event e left join inbox i on i.tenant = e.tenant and i.id = e.id
           where e.tenant = $1 and e.id > $2 and e.id < $3 order by e.id limit $4`,
    params: [args.tenant, after, to, args.limit],
  }
  const idOf = (row: Row) => idText('evt', bytes(row.id))
  return checked(rows, idOf, function* (row) {
    const base = { tenant: text(row.tenant), id: idOf(row) }
    const there = int(row.there)
    const said = intOrNull(row.deliveries) ?? intOrNull(row.made)
    if (said === null) {
      yield {
        ...base,
        kind: 'event_waits_nowhere',
        detail: 'its deliveries have not been created, and it is not in the inbox',
      }
    } else if (there < said || int(row.at_once) > said || int(row.repeated) > 0) {
      yield { ...base, kind: 'event_deliveries', detail: `it has ${there} deliveries but records ${said}` }
    }
  })
}

/** Checks ended deliveries against their attempts. */
export function* checkDeliveries(args: Range<DeliveryId>): Transaction<Checked<DeliveryId>> {
  const [after, to] = bounds('dlv', args)
  const of = 'from attempt a where a.tenant = d.tenant and a.delivery = d.id'
  const rows = yield {
    text: `select d.id, d.tenant, d.state, d.attempts, d.event,
             (select count(distinct a.number) ${of} and a.number <= d.attempts) as numbers,
             (select count(*) ${of} and a.error is null) as successes,
             (select count(*) ${of} and a.number = d.attempts and a.error is not null) as last_failures,
             (select count(*) from live_delivery l where l.tenant = d.tenant and l.id = d.id) as live,
             (select count(*) from event e where e.tenant = d.tenant and e.id = d.event) as events
           from delivery d where d.tenant = $1 and d.id > $2 and d.id < $3 order by d.id limit $4`,
    params: [args.tenant, after, to, args.limit],
  }
  return checked(rows, deliveryId, function* (row) {
    const base = { tenant: text(row.tenant), id: deliveryId(row) }
    yield* attemptsOf(row)
    if (int(row.live) > 0) yield { ...base, kind: 'delivery_twice', detail: 'it has ended but is still to be sent' }
    // The event can be older than the period that is checked; then retention might have removed it.
    const isRecent = idText('evt', bytes(row.event)) > firstIdAt('evt', args.fromMs)
    if (isRecent && row.events === 0) {
      yield { ...base, kind: 'delivery_without_event', detail: `its event ${eventId(row)} does not exist` }
    }
    if (row.state === 'delivered' && row.successes === 0) {
      const detail = 'it is delivered, but none of its attempts succeeded'
      yield { ...base, kind: 'delivery_without_success', detail }
    }
    if (row.state === 'exhausted' && row.last_failures === 0) {
      const detail = `it is exhausted, but attempt ${int(row.attempts)} is not recorded as failed`
      yield { ...base, kind: 'delivery_without_failure', detail }
    }
  })
}

const deliveryId = (row: Row): DeliveryId => idText('dlv', bytes(row.id))

const eventId = (row: Row): EventId => idText('evt', bytes(row.event))

function* attemptsOf(row: Row): Generator<Mismatch> {
  const [said, there] = [int(row.attempts), int(row.numbers)]
  if (said === there) return
  const detail = `it counts ${said} attempts, but only ${there} of them are recorded`
  yield { kind: 'delivery_attempts', tenant: text(row.tenant), id: deliveryId(row), detail }
}

/** Checks live deliveries against their event, endpoint and attempts. */
export function* checkLiveDeliveries(args: Omit<Range<DeliveryId>, 'fromMs'>): Transaction<Checked<DeliveryId>> {
  const [after, to] = bounds('dlv', { ...args, fromMs: 0 })
  const rows = yield {
    text: `select l.id, l.tenant, l.attempts, l.event, l.partition, l.state, l.held_reason, e.partition as endpoint_partition,
             (select count(distinct a.number) from attempt a
              where a.tenant = l.tenant and a.delivery = l.id and a.number <= l.attempts) as numbers,
             (select count(*) from event v where v.tenant = l.tenant and v.id = l.event and length(v.payload) > 0)
               as events
           from live_delivery l left join endpoint e on e.id = l.endpoint and e.tenant = l.tenant
           where l.tenant = $1 and l.id > $2 and l.id < $3 order by l.id limit $4`,
    params: [args.tenant, after, to, args.limit],
  }
  return checked(rows, deliveryId, function* (row) {
    const base = { tenant: text(row.tenant), id: deliveryId(row) }
    yield* attemptsOf(row)
    if (row.events === 0) {
      const detail = `it is still to be sent, but its event ${eventId(row)} has no payload`
      yield { ...base, kind: 'delivery_without_event', detail }
    }
    const isKnown = row.state === 'pending' || (row.state === 'held' && HELD_REASONS.includes(row.held_reason as never))
    if (!isKnown) yield { ...base, kind: 'delivery_state', detail: `its state ${row.state} or its reason is unknown` }
    if (row.partition !== row.endpoint_partition) {
      const where = row.endpoint_partition === null ? 'its endpoint does not exist' : `its endpoint is in another`
      yield { ...base, kind: 'delivery_partition', detail: `it is in partition ${int(row.partition)}, but ${where}` }
    }
  })
}

/** Checks a tenant's endpoint count. */
export function* checkTenant(args: { readonly tenant: TenantId }): Transaction<Checked<TenantId>> {
  const rows = yield {
    text: `select t.id, t.endpoint_count,
             (select count(*) from endpoint e where e.tenant = t.id and e.deleted_ms is null) as endpoints
           from tenant t where t.id = $1`,
    params: [args.tenant],
  }
  const idOf = (row: Row) => text(row.id)
  return checked(rows, idOf, function* (row) {
    const [said, there] = [int(row.endpoint_count), int(row.endpoints)]
    if (said === there) return
    const id = idOf(row)
    yield { kind: 'tenant_endpoints', tenant: id, id, detail: `it has ${there} endpoints but records ${said}` }
  })
}

/** Stores mismatches. One that is found again keeps the time at which it was first found. */
export function* storeMismatches(args: {
  readonly mismatches: readonly Mismatch[]
  readonly nowMs: number
}): Transaction<void> {
  for (const { kind, tenant, id, detail } of args.mismatches) {
    yield {
      text: `insert into mismatch (kind, tenant, id, detail, found_ms, seen_ms) values ($1, $2, $3, $4, $5, $5)
             on conflict (kind, tenant, id) do update set detail = excluded.detail, seen_ms = excluded.seen_ms`,
      params: [kind, tenant, id, detail, args.nowMs],
    }
  }
}

/** Removes mismatches that the check which began at `beforeMs` didn't find again. */
export function* forgetMismatches(args: { readonly beforeMs: number }): Transaction<void> {
  yield { text: 'delete from mismatch where seen_ms < $1', params: [args.beforeMs] }
}

export type MismatchList = {
  readonly count: number
  readonly some: readonly (Mismatch & { readonly foundAtMs: number })[]
}

/** How many mismatches there are. Asked every few seconds, so it must not keep a thread of its own. */
export function* readMismatchCount(_args: object): Transaction<number> {
  const counted = yield { text: 'select count(*) as n from mismatch' }
  return int(counted[0]!.n)
}

/** How many mismatches there are, and the first few, oldest first. */
export function* listMismatches(args: { readonly limit: number }): Transaction<MismatchList> {
  const count = yield* readMismatchCount({})
  const rows = yield {
    text: `select kind, tenant, id, detail, found_ms from mismatch order by found_ms, kind, tenant, id limit $1`,
    params: [args.limit],
  }
  return {
    count,
    some: rows.map(row => ({
      kind: text(row.kind) as MismatchKind,
      tenant: text(row.tenant),
      id: text(row.id),
      detail: text(row.detail),
      foundAtMs: int(row.found_ms),
    })),
  }
}

export const bookOperations = {
  checkEvents: reads({ run: checkEvents, waitedForBy: 'people' }),
  checkDeliveries: reads({ run: checkDeliveries, waitedForBy: 'people' }),
  checkLiveDeliveries: reads({ run: checkLiveDeliveries, waitedForBy: 'people' }),
  checkTenant: reads({ run: checkTenant, waitedForBy: 'people' }),
  storeMismatches: writes({ run: storeMismatches, configuration: 'ignores' }),
  forgetMismatches: writes({ run: forgetMismatches, configuration: 'ignores' }),
  readMismatchCount: reads({ run: readMismatchCount, waitedForBy: 'engine' }),
  listMismatches: reads({ run: listMismatches, waitedForBy: 'people' }),
}
