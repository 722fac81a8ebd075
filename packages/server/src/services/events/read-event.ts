import type { EventId, PublishedEvent, TenantId } from '../../base/model.ts'
import type { Store } from '../../store/store.ts'

/** An event, even one that is still in the inbox. Null if it is not kept. */
export async function readEvent(store: Store, tenant: TenantId, id: EventId): Promise<PublishedEvent | null> {
  const read = () => store.read('getEvent', { tenant, id })
  // Read again, because an event that left the inbox between the first two reads was found by neither.
  return (await read()) ?? (await store.read('getArrival', { tenant, id })) ?? (await read())
}
