import { firstIdAt, idBytes, idMs, idText } from '../../base/ids.ts'
import type {
  Attempt,
  Delivery,
  DeliveryId,
  DeliveryState,
  EndpointId,
  EventId,
  HeldReason,
  PublishedEvent,
  TenantId,
} from '../../base/model.ts'
import { bytes, type Dialect, idList, int, type Row, type Transaction } from '../transaction.ts'
import { countSetAside } from './backlog.ts'
import { deliveryRows, type NewDelivery, storeDeliveryRows } from './delivery-rows.ts'
import { ATTEMPT_FIELDS, EVENT_FIELDS, HISTORY_FIELDS, LIVE_FIELDS, toAttempt, toDelivery, toEvent } from './rows.ts'
import { historyRow, storeHistory } from './settle.ts'
import { lockConfiguration } from './versions.ts'
import { Where } from './where.ts'

// Events

export type Range = { readonly fromMs: number | null; readonly toMs: number | null }

const SLACK_MS = 60_000

const idOrNull = (id: string | null): Uint8Array | null => (id === null ? null : idBytes(id))

export function* getEvent(args: { tenant: TenantId; id: EventId }): Transaction<PublishedEvent | null> {
  const rows = yield {
    text: `select ${EVENT_FIELDS} from event where tenant = $1 and id = $2`,
    params: [args.tenant, idBytes(args.id)],
  }
  return rows.length === 0 ? null : toEvent(rows[0]!)
}

/** What was published from SQL and waits in the inbox: an event that nothing is known of yet but what it is. */
export function* getArrival(args: { tenant: TenantId; id: EventId }): Transaction<PublishedEvent | null> {
  const rows = yield {
    text: `select tenant, id, type, event_key, payload, 0 as test, null as not_sent, null as rejected, created_ms
           from inbox where tenant = $1 and id = $2 and payload is not null`,
    params: [args.tenant, idBytes(args.id)],
  }
  return rows.length === 0 ? null : toEvent(rows[0]!)
}

export type EventFilter = Range & { readonly type: string | null; readonly before: EventId | null }

/** Newest first. */
export function* listEvents(args: EventFilter & { tenant: TenantId; limit: number }): Transaction<PublishedEvent[]> {
  const where = new Where()
    .add('tenant = ?', args.tenant)
    .addIf('id < ?', idOrNull(args.before))
    .addIf('id >= ?', args.fromMs === null ? null : idBytes(firstIdAt('evt', args.fromMs)))
    .addIf('id < ?', args.toMs === null ? null : idBytes(firstIdAt('evt', args.toMs)))
    .addIf('type = ?', args.type)
  const rows = yield {
    text: `select ${EVENT_FIELDS} from event where ${where.text} order by id desc limit ${args.limit}`,
    params: where.params,
  }
  return rows.map(toEvent)
}

export type RejectedFilter = { readonly tenant: TenantId | null; readonly before: EventId | null }

/** Of one tenant, or of all, those that don't exist included; newest first. */
export function* listRejectedEvents(args: RejectedFilter & { limit: number }): Transaction<PublishedEvent[]> {
  const where = new Where().addIf('tenant = ?', args.tenant).addIf('id < ?', idOrNull(args.before))
  const rows = yield {
    text: `select ${EVENT_FIELDS} from event where ${['rejected is not null', ...where.conditions].join(' and ')}
           order by id desc limit ${args.limit}`,
    params: where.params,
  }
  return rows.map(toEvent)
}

// Deliveries

export type DeliveryFilter = Range & {
  readonly state: DeliveryState | null
  readonly heldReason?: HeldReason | null
  readonly endpoint: EndpointId | null
  readonly event: EventId | null
  readonly type: string | null
  readonly before: DeliveryId | null
}

/** Newest first, out of the live table and history alike. */
export function* listDeliveries(args: DeliveryFilter & { tenant: TenantId; limit: number }): Transaction<Delivery[]> {
  const heldReason = args.heldReason ?? null
  const where = new Where()
    .add('tenant = ?', args.tenant)
    .addIf('held_reason = ?', heldReason)
    .addIf('id < ?', idOrNull(args.before))
    .addIf('id >= ?', args.fromMs === null ? null : idBytes(firstIdAt('dlv', args.fromMs)))
    .addIf('id < ?', args.toMs === null ? null : idBytes(firstIdAt('dlv', args.toMs)))
    .addIf('state = ?', args.state)
    .addIf('endpoint = ?', idOrNull(args.endpoint))
    .addIf('event = ?', idOrNull(args.event))
    // Nothing is delivered before it was published (but for how far two nodes' times are apart): for older days there
    // is no need to look.
    .addIf('id >= ?', args.event === null ? null : idBytes(firstIdAt('dlv', idMs(args.event) - SLACK_MS)))
    .addIf('type = ?', args.type)
  const isLive = args.state === null || args.state === 'pending' || args.state === 'held'
  const isHistory = heldReason === null && (args.state === null || !isLive)
  // The live table before history: a delivery that ends between the two reads is found in both, and history's row
  // wins below; the other way round it would be found in neither.
  const live: Row[] = isLive
    ? yield {
        text: `select ${LIVE_FIELDS} from live_delivery where ${where.text} order by id desc limit ${args.limit}`,
        params: where.params,
      }
    : []
  const history: Row[] = isHistory
    ? yield {
        text: `select ${HISTORY_FIELDS} from delivery where ${where.text} order by id desc limit ${args.limit}`,
        params: where.params,
      }
    : []
  const found = new Map([...live, ...history].map(row => [idText('dlv', bytes(row.id)), row]))
  return [...found.keys()]
    .sort((a, b) => (a < b ? 1 : -1))
    .slice(0, args.limit)
    .map(id => toDelivery(found.get(id)!))
}

/** Some deliveries by id, live ones and those that have ended: one that ends meanwhile is found as ended. */
export function* getDeliveries(args: {
  tenant: TenantId
  ids: readonly DeliveryId[]
}): Transaction<Map<DeliveryId, Delivery>> {
  const { tenant, ids } = args
  const { text: list, params } = idList(ids.map(idBytes), 2)
  const of = `where tenant = $1 and id in (${list})`
  const live = yield { text: `select ${LIVE_FIELDS} from live_delivery ${of}`, params: [tenant, ...params] }
  const ended = yield { text: `select ${HISTORY_FIELDS} from delivery ${of}`, params: [tenant, ...params] }
  return new Map([...live, ...ended].map(toDelivery).map(delivery => [delivery.id, delivery]))
}

export function* getDelivery(args: { tenant: TenantId; id: DeliveryId }): Transaction<Delivery | null> {
  const params = [args.tenant, idBytes(args.id)]
  const live = yield { text: `select ${LIVE_FIELDS} from live_delivery where tenant = $1 and id = $2`, params }
  if (live.length > 0) return toDelivery(live[0]!)
  const ended = yield { text: `select ${HISTORY_FIELDS} from delivery where tenant = $1 and id = $2`, params }
  return ended.length > 0 ? toDelivery(ended[0]!) : null
}

/** What is set aside of all tenants, newest first, and how much that is, counted up to 10,000. */
export function* listSetAside(args: { before: DeliveryId | null; limit: number }): Transaction<{
  count: number
  deliveries: Delivery[]
}> {
  const count = yield* countSetAside()
  const rows = yield {
    text: `select ${LIVE_FIELDS} from live_delivery
           where held_reason = 'set_aside' ${args.before === null ? '' : 'and id < $1'}
           order by id desc limit ${args.limit}`,
    params: args.before === null ? [] : [idBytes(args.before)],
  }
  return { count, deliveries: rows.map(toDelivery) }
}

export function* listAttempts(args: { tenant: TenantId; delivery: DeliveryId }): Transaction<Attempt[]> {
  const rows = yield {
    text: `select ${ATTEMPT_FIELDS} from attempt
           where tenant = $1 and delivery = $2 order by number, started_ms`,
    params: [args.tenant, idBytes(args.delivery)],
  }
  return rows.map(toAttempt)
}

// What a person does to a delivery

/** A pending delivery's next attempt is now. False if it is not pending. */
export function* makeDueNow(args: { tenant: TenantId; id: DeliveryId; nowMs: number }): Transaction<boolean> {
  const rows = yield {
    text: `update live_delivery set due_ms = $3 where tenant = $1 and id = $2 and state = 'pending' returning id`,
    params: [args.tenant, idBytes(args.id), args.nowMs],
  }
  return rows.length > 0
}

/**
 * What was set aside is sent again, now and as if it had never been, or held while its endpoint is disabled. null if
 * it is not set aside.
 */
export function* releaseSetAside(
  args: { tenant: TenantId; id: DeliveryId; nowMs: number },
  dialect: Dialect,
): Transaction<{ held: boolean } | null> {
  if (dialect.lockConfigurationShared !== null) yield dialect.lockConfigurationShared
  const { tenant, nowMs } = args
  const id = idBytes(args.id)
  const rows = yield {
    text: `select e.state from live_delivery l join endpoint e on e.id = l.endpoint
           where l.tenant = $1 and l.id = $2 and l.held_reason = 'set_aside' ${dialect.lockLiveRows}`,
    params: [tenant, id],
  }
  if (rows.length === 0) return null
  const held = rows[0]!.state === 'disabled'
  yield {
    text: `update live_delivery set state = $3, held_reason = $4, due_ms = $5, open_trials = 0
           where tenant = $1 and id = $2`,
    params: [tenant, id, held ? 'held' : 'pending', held ? 'disabled' : null, nowMs],
  }
  return { held }
}

/** Answers the endpoint that it was to go to; null if it is not there, or has ended. */
export function* cancelDelivery(args: {
  tenant: TenantId
  id: DeliveryId
  nowMs: number
}): Transaction<EndpointId | null> {
  const rows = yield {
    text: `delete from live_delivery where tenant = $1 and id = $2
           returning tenant, id, endpoint, event, type, attempts, replay_of, test, created_ms`,
    params: [args.tenant, idBytes(args.id)],
  }
  yield* storeHistory(rows.map(row => historyRow(row, 'cancelled', int(row.attempts), args.nowMs)))
  return rows.length === 0 ? null : idText('ep', bytes(rows[0]!.endpoint))
}

/** A new delivery of an event that is there already, to an endpoint as it is now; null if either is gone. */
export function* createDelivery(
  args: {
    tenant: TenantId
    event: EventId
    type: string
    test: boolean
    delivery: Omit<NewDelivery, 'held' | 'ordered'>
    nowMs: number
  },
  dialect: Dialect,
): Transaction<{ held: boolean } | null> {
  if (dialect.lockConfigurationShared !== null) yield dialect.lockConfigurationShared
  const rows = yield {
    text: 'select state, ordered from endpoint where id = $1 and deleted_ms is null',
    params: [idBytes(args.delivery.endpoint)],
  }
  if (rows.length === 0) return null
  // Also keeps the event: neither it nor its payload goes with what is old before this is committed.
  const events = yield {
    text: `select 1 from event where tenant = $1 and id = $2 and length(payload) > 0 ${dialect.shareEventRows}`,
    params: [args.tenant, idBytes(args.event)],
  }
  if (events.length === 0) return null
  const held = rows[0]!.state === 'disabled'
  const { tenant, nowMs, event, type, test } = args
  const delivery = { ...args.delivery, held, ordered: rows[0]!.ordered === 1 }
  yield* storeDeliveryRows(deliveryRows(tenant, nowMs, event, type, test, [delivery]), dialect)
  return { held }
}

// What an endpoint's change does to its deliveries, a limited number at a time

type OfEndpoint = { readonly partition: number; readonly endpoint: EndpointId; readonly limit: number }

/** Pending deliveries of a disabled endpoint become held; answers how many. */
export function* holdDeliveries(args: OfEndpoint, dialect: Dialect): Transaction<number> {
  yield* lockConfiguration(dialect)
  const rows = yield {
    text: `update live_delivery set state = 'held', held_reason = 'disabled' where (tenant, id) in (
             select l.tenant, l.id from live_delivery l join endpoint e on e.id = l.endpoint
             where l.partition = $1 and l.endpoint = $2 and l.state = 'pending' and e.state = 'disabled'
             limit ${args.limit})
           returning id`,
    params: [args.partition, idBytes(args.endpoint)],
  }
  return rows.length
}

/** Held deliveries of an enabled endpoint become pending and are due now; answers how many. */
export function* releaseDeliveries(args: OfEndpoint & { nowMs: number }, dialect: Dialect): Transaction<number> {
  yield* lockConfiguration(dialect)
  const rows = yield {
    text: `update live_delivery set state = 'pending', held_reason = null,
             due_ms = case when due_ms > $3 then due_ms else $3 end
           where (tenant, id) in (
             select l.tenant, l.id from live_delivery l join endpoint e on e.id = l.endpoint
             where l.partition = $1 and l.endpoint = $2 and l.state = 'held' and l.held_reason = 'disabled'
               and e.state = 'enabled' order by l.id limit ${args.limit})
           returning id`,
    params: [args.partition, idBytes(args.endpoint), args.nowMs],
  }
  return rows.length
}

/** Cancels live deliveries of an endpoint, all of them or the held ones; answers how many. */
export function* cancelDeliveries(args: OfEndpoint & { only: 'held' | 'all'; nowMs: number }): Transaction<number> {
  const states =
    args.only === 'held' ? `l.state = 'held' and l.held_reason = 'disabled'` : `l.state in ('pending', 'held')`
  const rows = yield {
    text: `delete from live_delivery where (tenant, id) in (
             select l.tenant, l.id from live_delivery l
             where l.partition = $1 and l.endpoint = $2 and ${states} limit ${args.limit})
           returning tenant, id, endpoint, event, type, attempts, replay_of, test, created_ms`,
    params: [args.partition, idBytes(args.endpoint)],
  }
  yield* storeHistory(rows.map(row => historyRow(row, 'cancelled', int(row.attempts), args.nowMs)))
  return rows.length
}
