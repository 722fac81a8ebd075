import { idBytes, idText } from '../../../base/ids.ts'
import type { Delivery, DeliveryId } from '../../../base/model.ts'
import { forEach } from '../../for-each.ts'
import { type BulkQuery, bytes, type Dialect, type Transaction } from '../../transaction.ts'

/** Deliveries of one event, and of one event to one endpoint, that are looked at. With more, a newer one can be missed. */
const LOOKED_AT = 1_000

const PLACE_COLUMNS: BulkQuery['columns'] = [
  ['event', 'bytes'],
  ['endpoint', 'bytes'],
]
const EVENT_COLUMNS: BulkQuery['columns'] = [['event', 'bytes']]

/** Those of some deliveries whose event had a newer delivery to the same endpoint. */
export function* findSuperseded(
  args: { readonly deliveries: readonly Pick<Delivery, 'id' | 'event' | 'endpoint'>[] },
  dialect: Dialect,
): Transaction<Set<DeliveryId>> {
  if (dialect.readByIndex !== null) yield dialect.readByIndex
  const { deliveries } = args
  const ended = yield* forEach(dialect, {
    columns: PLACE_COLUMNS,
    rows: deliveries.map(({ event, endpoint }) => [idBytes(event), idBytes(endpoint)]),
    // Without a condition on the id, which would lead to the index by endpoint and id, and to all newer ones there.
    query: `select event, endpoint, id from delivery where event = v.event and endpoint = v.endpoint limit ${LOOKED_AT}`,
  })
  const live = yield* forEach(dialect, {
    columns: EVENT_COLUMNS,
    rows: [...new Set(deliveries.map(({ event }) => event))].map(event => [idBytes(event)]),
    query: `select event, endpoint, id from live_delivery where event = v.event limit ${LOOKED_AT}`,
  })
  const newest = new Map<string, DeliveryId>()
  for (const row of [...ended, ...live]) {
    const place = `${idText('evt', bytes(row.event))} ${idText('ep', bytes(row.endpoint))}`
    const id = idText('dlv', bytes(row.id))
    if (id > (newest.get(place) ?? '')) newest.set(place, id)
  }
  const isOlder = ({ id, event, endpoint }: (typeof deliveries)[number]) =>
    (newest.get(`${event} ${endpoint}`) ?? '') > id
  return new Set(deliveries.filter(isOlder).map(({ id }) => id))
}
