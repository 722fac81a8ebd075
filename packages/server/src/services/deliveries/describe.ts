import type { Delivery, DescribedDelivery } from '../../base/model.ts'
import type { Store } from '../../store/store.ts'

/** Adds what people know the events and endpoints of deliveries by. */
export async function describeDeliveries(
  store: Pick<Store, 'read'>,
  deliveries: readonly Delivery[],
): Promise<DescribedDelivery[]> {
  if (deliveries.length === 0) return []
  const events = new Map(deliveries.map(({ tenant, event }) => [event, { tenant, event }]))
  const ids = new Set(deliveries.map(({ endpoint }) => endpoint))
  const { keys, endpoints } = await store.read('describeDeliveries', {
    events: [...events.values()],
    endpoints: [...ids],
  })
  return deliveries.map(delivery => ({
    ...delivery,
    key: keys.get(delivery.event) ?? null,
    endpointUid: endpoints.get(delivery.endpoint)?.uid ?? null,
    endpointUrl: endpoints.get(delivery.endpoint)?.url ?? null,
  }))
}
