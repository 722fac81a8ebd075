import type { PublishedEvent } from '../../src/base/model.ts'
import type { Store } from '../../src/store/store.ts'

const ALL = { types: null, key: null, fromMs: null, toMs: null, before: null, rows: 1_000, limit: 1_000 }

/** A tenant's events, up to 1,000, newest first. */
export async function eventsOf(store: Store, tenant: string): Promise<PublishedEvent[]> {
  const { items } = await store.read('scanEvents', { ...ALL, tenant })
  const events = await store.read('readEvents', { events: items })
  return items.map(({ id }) => events.find(event => event.id === id)!)
}
