/** What the parts of one call say together that nothing can satisfy. */
import type { FieldError } from '../../base/errors.ts'
import { idMs } from '../../base/ids.ts'
import type { EventId, TenantId } from '../../base/model.ts'
import type { EventDescription } from '../../store/operations/deliveries/references.ts'
import type { Store } from '../../store/store.ts'
import type { Range } from '../../store/where.ts'
import type { Warning } from './warnings.ts'

/** Callers' clocks can be ahead of the store's by this much. */
const SKEW_MS = 60_000
/** If a key stands for more events than this, their types are not compared. */
const MAX_KEYED_EVENTS = 20

/**
 * Adds a fault if nothing can lie in the period yet, or ever.
 *
 * @param at what comes before the names of the bounds in a refusal: `/` for those of a body
 */
export function checkPeriod({ fromMs, toMs }: Partial<Range>, nowMs: number, at: '' | '/', faults: FieldError[]): void {
  if (typeof fromMs === 'number' && fromMs > nowMs + SKEW_MS) {
    faults.push({ field: `${at}from`, detail: '`from` must be before now.' })
  }
  if (typeof toMs === 'number' && toMs <= 0) faults.push({ field: `${at}to`, detail: '`to` must be after 1970-01-01.' })
}

/** Adds a fault if an event is not of one of the types. */
export function checkTypeOfEvent(type: string, types: readonly string[] | null, field: string, faults: FieldError[]) {
  if (types === null || types.includes(type)) return
  faults.push({ field, detail: `The event has the type \`${type}\`. Add it, or omit the types or the event.` })
}

/** Adds a fault if the event was published at the end of the period or later. */
export function checkEndOfPeriod(event: EventId, toMs: number | null, field: string, faults: FieldError[]): void {
  const atMs = idMs(event)
  if (toMs !== null && atMs >= toMs) faults.push({ field, detail: `${published(atMs)}, which is not before \`to\`.` })
}

/** Adds a fault if the event was published before the period. */
export function checkStartOfPeriod(event: EventId, fromMs: number | null, field: string, faults: FieldError[]): void {
  const atMs = idMs(event)
  if (fromMs !== null && atMs < fromMs) faults.push({ field, detail: `${published(atMs)}, which is before \`from\`.` })
}

const published = (atMs: number): string => `The event was published at ${new Date(atMs).toISOString()}`

/** Warns if the events that a key stands for all have other types: an older one that had the key can have one of them. */
export async function adviseOnKey(
  store: Pick<Store, 'read'>,
  tenant: TenantId | null,
  key: string | null,
  types: readonly string[] | null,
): Promise<Warning[]> {
  if (key === null || types === null) return []
  const events = await store.read('findEventsOfKey', { tenant, key, limit: MAX_KEYED_EVENTS + 1 })
  if (events.length === 0 || events.length > MAX_KEYED_EVENTS) return []
  const found = new Set<string>()
  for (const id of events) {
    const event: EventDescription | null = await store.read('describeEvent', { tenant, id })
    if (event === null || types.includes(event.type)) return []
    found.add(event.type)
  }
  const [first] = found
  const what = found.size === 1 ? `has the type \`${first}\`` : `has one of ${found.size} other types`
  const detail = `The event with this key ${what}, which \`type\` leaves out.`
  return [{ code: 'key_of_other_type', field: 'type', detail }]
}
