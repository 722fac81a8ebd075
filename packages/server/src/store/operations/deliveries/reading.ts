import { firstIdAt, idBytes, idMs, idText } from '../../../base/ids.ts'
import type {
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
import { HISTORY_FIELDS, LIVE_FIELDS, toDelivery } from './delivery-rows.ts'

const SLACK_MS = 60_000

export type DeliveryFilter = Range & {
  readonly state: DeliveryState | null
  readonly heldReason?: HeldReason | null
  readonly endpoint: EndpointId | null
  readonly event: EventId | null
  readonly type: string | null
  readonly before: DeliveryId | null
}

/** Newest first, from the live table and history together. */
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
    // A delivery can't be older than its event, except for the clock difference between two nodes, so tables of earlier
    // days need not be searched.
    .addIf('id >= ?', args.event === null ? null : idBytes(firstIdAt('dlv', idMs(args.event) - SLACK_MS)))
    .addIf('type = ?', args.type)
  const isLive = args.state === null || args.state === 'pending' || args.state === 'held'
  const isHistory = heldReason === null && (args.state === null || !isLive)
  // The live table before history: a delivery that ends between the two reads is found in both, and history's row wins
  // below. The other way round, it would be found in neither.
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

/** Finds live and ended deliveries by id. One that ends during the call is returned as ended. */
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

/** The deliveries of all tenants that are set aside, newest first, and how many there are, counted up to 10,000. */
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
