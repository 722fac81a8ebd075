import { firstIdAt, idBytes, idMs, idText } from '../../../base/ids.ts'
import type {
  Attempt,
  Delivery,
  DeliveryId,
  DeliveryState,
  EndpointId,
  EventId,
  HeldReason,
  TenantId,
} from '../../../base/model.ts'
import { bytes, idList, type Row, type Transaction } from '../../transaction.ts'
import { idOrNull, type Range, Where } from '../../where.ts'
import { countSetAside } from './backlog.ts'
import { ATTEMPT_FIELDS, HISTORY_FIELDS, LIVE_FIELDS, toAttempt, toDelivery } from './delivery-rows.ts'

const SLACK_MS = 60_000

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
