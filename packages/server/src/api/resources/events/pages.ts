/** Pages of events, serialised here: a payload is copied in as the bytes that it was published as. */

import type { EventId, PublishedEvent } from '../../../base/model.ts'
import { type EventPage, MAX_PAGE_BYTES } from '../../../services/events/event-list.ts'
import type { Found } from '../../../services/slices.ts'
import type { Place } from '../../../store/where.ts'
import { type Pager, writePage } from '../../http/lists.ts'

/** Events in the first chunk. The size of later chunks depends on the payloads read so far. */
const FIRST_CHUNK = 16

type ReadEvents = (place: Place<EventId>, count: number) => Promise<Found<PublishedEvent>>

/** @param more further members of the page */
export function writeEventPage(
  pager: Pager,
  { events, goesOnAt }: EventPage,
  write: (event: PublishedEvent) => string,
  more: object = {},
): string {
  const ids = events.map(({ id }) => id)
  const data = pager.inListOrder(events).map(event => write(event))
  return writePage(data, { ...pager.cursors(ids, goesOnAt), ...more })
}

/** Reads a page in chunks. The size of later chunks depends on the payloads read so far. */
export async function readPage({ place, limit }: Pager, read: ReadEvents): Promise<EventPage> {
  const events: PublishedEvent[] = []
  let bytes = 0
  let chunk = FIRST_CHUNK
  let from: Place<EventId> = place
  while (true) {
    // One more than the page shows, to find out whether there is another page.
    const count = Math.min(chunk, limit - events.length + 1)
    const { items, goesOnAt, isCutShort } = await read(from, count)
    for (const event of items) {
      if (events.length === limit || (events.length > 0 && bytes + event.payload.length > MAX_PAGE_BYTES)) {
        return { events, goesOnAt: events.at(-1)!.id, isCutShort: false }
      }
      events.push(event)
      bytes += event.payload.length
    }
    if (items.length < count) return { events, goesOnAt, isCutShort }
    const { id } = items.at(-1)!
    from = place.after === undefined ? { before: id } : { after: id }
    const each = Math.max(1, bytes / events.length)
    chunk = Math.max(1, Math.min(limit, Math.floor((MAX_PAGE_BYTES - bytes) / each) + 1))
  }
}
