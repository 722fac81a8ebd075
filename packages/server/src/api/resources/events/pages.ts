/** Pages of events, serialised here: a payload is copied in as the bytes that it was published as. */

import type { EventId, PublishedEvent } from '../../../base/model.ts'
import type { Place } from '../../../store/where.ts'
import type { Pager } from '../../http/lists.ts'

/** A page ends when its payloads reach about this size, so that a thousand large ones don't fill the memory. */
export const MAX_PAGE_BYTES = 8 * 1024 * 1024

/** Events in the first chunk. The size of later chunks depends on the payloads read so far. */
const FIRST_CHUNK = 16

type ReadEvents = (place: Place<EventId>, count: number) => Promise<readonly PublishedEvent[]>

/** Events in the order in which they were read. */
type EventPage = { readonly events: readonly PublishedEvent[]; readonly hasMore: boolean }

export function writePage(
  pager: Pager,
  { events, hasMore }: EventPage,
  write: (event: PublishedEvent) => string,
): string {
  const ids = events.map(({ id }) => id)
  const cursors = JSON.stringify(pager.cursors(ids, hasMore ? ids.at(-1)! : null))
  const data = pager.inListOrder(events).map(event => write(event))
  return `{"data":[${data.join(',')}],${cursors.slice(1)}`
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
    const found = await read(from, count)
    for (const event of found) {
      if (events.length === limit || (events.length > 0 && bytes + event.payload.length > MAX_PAGE_BYTES)) {
        return { events, hasMore: true }
      }
      events.push(event)
      bytes += event.payload.length
    }
    if (found.length < count) return { events, hasMore: false }
    const { id } = found.at(-1)!
    from = place.after === undefined ? { before: id } : { after: id }
    const each = Math.max(1, bytes / events.length)
    chunk = Math.max(1, Math.min(limit, Math.floor((MAX_PAGE_BYTES - bytes) / each) + 1))
  }
}
