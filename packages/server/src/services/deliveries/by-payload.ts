/** Of the deliveries that a list reads, those whose events have a payload that matches. */
import { Buffer } from 'node:buffer'
import type { Clock } from '../../base/clock.ts'
import type { Delivery, DeliveryId, EventId } from '../../base/model.ts'
import type { Store } from '../../store/store.ts'
import type { Place } from '../../store/where.ts'
import type { PayloadTest } from '../events/payload-test.ts'
import type { Slice } from '../slices.ts'
import { callTurns } from '../turns.ts'

/** Deliveries whose payloads are looked at in one slice, the events read together, and the bytes of their payloads. */
const DELIVERIES_A_SLICE = 1_000
const EVENTS_A_READ = 64
const BYTES_A_READ = 1024 * 1024
/** How long payloads are looked at in one slice, in milliseconds. */
const SLICE_MS = 250

type ReadSlice = (place: Place<DeliveryId>, count: number) => Promise<Slice<Delivery>>

/** Reads slices of those that match. */
export function matchingSlices(
  store: Pick<Store, 'read'>,
  clock: Pick<Clock, 'monotonicMs'>,
  matches: PayloadTest,
  read: ReadSlice,
): ReadSlice {
  return async (place, count) => {
    const { items, goesOnAt } = await read(place, DELIVERIES_A_SLICE)
    const endsAtMs = clock.monotonicMs() + SLICE_MS
    const known = new Map<EventId, boolean>()
    const found: Delivery[] = []
    for (const [index, delivery] of items.entries()) {
      if (!known.has(delivery.event)) await look(store, matches, items.slice(index), known)
      if (known.get(delivery.event) === true) found.push(delivery)
      const isLate = index < items.length - 1 && clock.monotonicMs() >= endsAtMs
      if (found.length === count || isLate) return { items: found, goesOnAt: delivery.id }
    }
    // A window of time can have more than were asked for.
    return { items: found, goesOnAt: items.length >= DELIVERIES_A_SLICE ? items.at(-1)!.id : goesOnAt }
  }
}

/** Tests the next events that are not known yet, of one tenant, and remembers what it found. */
async function look(
  store: Pick<Store, 'read'>,
  matches: PayloadTest,
  deliveries: readonly Delivery[],
  known: Map<EventId, boolean>,
): Promise<void> {
  const { tenant } = deliveries[0]!
  const unknown = deliveries.filter(delivery => delivery.tenant === tenant && !known.has(delivery.event))
  const events = [...new Set(unknown.map(({ event }) => event))].slice(0, EVENTS_A_READ)
  for (const { event, payload } of await store.read('readPayloads', { tenant, events, maxBytes: BYTES_A_READ })) {
    known.set(event, payload !== null && (await callTurns.run(tenant, matches(Buffer.from(payload)))))
  }
}
