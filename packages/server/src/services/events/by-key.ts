/** Finds a tenant's events by their publisher's own key. */
import { idMs } from '../../base/ids.ts'
import type { EventId, PublishedEvent, TenantId } from '../../base/model.ts'
import type { EventFilter } from '../../store/operations/events/reading.ts'
import type { Store } from '../../store/store.ts'
import { invalid } from '../checks/refusals.ts'

export type KeyedEvents = {
  readonly events: readonly PublishedEvent[]
  /** The event to continue after; null if there is nothing more to look at. */
  readonly last: EventId | null
}

/** Events looked at in one read, and in one call: a call takes about a second at most. */
const EVENTS_A_READ = 5_000
const EVENTS_A_CALL = 50_000

/** For a key in a query parameter: an unknown key is fine there, but an impossible one is a mistake. */
function checkKeyParameter(key: string): void {
  if (/^[!-~]([ -~]{0,253}[!-~])?$/.test(key)) return
  const detail =
    'The value must be the key of an event: 1 to 255 printable ASCII characters, without a space at either end.'
  throw invalid([{ field: 'key', detail }])
}

/**
 * As long as Posthorn remembers the key (`idempotencyDays`), that is its one event. After that, it looks through the
 * events that are kept, newest first, a limited number in each call.
 */
export async function findByKey(
  store: Store,
  tenant: TenantId,
  key: string,
  filter: EventFilter,
): Promise<KeyedEvents> {
  checkKeyParameter(key)
  if (filter.before === null) {
    const known = await store.read('findKeyedEvent', { tenant, key })
    if (known !== null) {
      const event = await readEvent(store, tenant, known)
      return { events: event !== null && passes(filter, event) ? [event] : [], last: null }
    }
  }
  let before = filter.before
  for (let looked = 0; looked < EVENTS_A_CALL; looked += EVENTS_A_READ) {
    const { found, last } = await store.read('lookForKey', { ...filter, tenant, key, before, look: EVENTS_A_READ })
    const [id] = found
    if (id !== undefined) {
      const event = await readEvent(store, tenant, id)
      // The next call continues after it: an event that is long remembered rarely has a namesake.
      return { events: event === null ? [] : [event], last: id }
    }
    if (last === null) return { events: [], last: null }
    before = last
  }
  return { events: [], last: before }
}

function passes({ type, fromMs, toMs }: EventFilter, { id, type: own }: PublishedEvent): boolean {
  const atMs = idMs(id)
  return (type === null || type === own) && (fromMs === null || atMs >= fromMs) && (toMs === null || atMs < toMs)
}

/** An event, even one that is still in the inbox. Null if it is not kept. */
export async function readEvent(store: Store, tenant: TenantId, id: EventId): Promise<PublishedEvent | null> {
  const read = () => store.read('getEvent', { tenant, id })
  // Read again, because an event that left the inbox between the first two reads was found by neither.
  return (await read()) ?? (await store.read('getArrival', { tenant, id })) ?? (await read())
}
