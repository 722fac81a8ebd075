import { idBytes } from '../../../base/ids.ts'
import type { Delivery, DeliveryId, TenantId } from '../../../base/model.ts'
import { forEach } from '../../for-each.ts'
import { type BulkQuery, type Dialect, idList, type Transaction } from '../../transaction.ts'
import { type Place, Where } from '../../where.ts'
import { countSetAside } from './backlog.ts'
import { HISTORY_FIELDS, LIVE_FIELDS, toDelivery } from './delivery-rows.ts'

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

const KEY_COLUMNS: BulkQuery['columns'] = [
  ['tenant', 'text'],
  ['id', 'bytes'],
]

/** The same for deliveries of several tenants. */
export function* findDeliveriesByKey(
  keys: readonly Pick<Delivery, 'tenant' | 'id'>[],
  dialect: Pick<Dialect, 'hasLateral'>,
): Transaction<Map<DeliveryId, Delivery>> {
  const distinct = new Map(keys.map(key => [key.id, key]))
  const rows = yield* forEach(dialect, {
    columns: KEY_COLUMNS,
    rows: [...distinct.values()].map(({ tenant, id }) => [tenant, idBytes(id)]),
    query: `select ${LIVE_FIELDS} from live_delivery where tenant = v.tenant and id = v.id
            union all select ${HISTORY_FIELDS} from delivery where tenant = v.tenant and id = v.id`,
  })
  return new Map(rows.map(toDelivery).map(delivery => [delivery.id, delivery]))
}

export function* getDelivery(args: { tenant: TenantId; id: DeliveryId }): Transaction<Delivery | null> {
  const params = [args.tenant, idBytes(args.id)]
  const live = yield { text: `select ${LIVE_FIELDS} from live_delivery where tenant = $1 and id = $2`, params }
  if (live.length > 0) return toDelivery(live[0]!)
  const ended = yield { text: `select ${HISTORY_FIELDS} from delivery where tenant = $1 and id = $2`, params }
  return ended.length > 0 ? toDelivery(ended[0]!) : null
}

/** The deliveries of all tenants that are set aside, and how many there are, counted up to 10,000. */
export function* listSetAside(args: Place<DeliveryId> & { limit: number }): Transaction<{
  count: number
  deliveries: Delivery[]
}> {
  const count = yield* countSetAside()
  const where = new Where()
  const order = where.behind(args)
  const rows = yield {
    text: `select ${LIVE_FIELDS} from live_delivery
           where ${["held_reason = 'set_aside'", ...where.conditions].join(' and ')} ${order} limit ${args.limit}`,
    params: where.params,
  }
  return { count, deliveries: rows.map(toDelivery) }
}
