/** Pages of events, serialised here: a payload is copied in as the bytes that it was published as. */

import { idMs } from '../../../base/ids.ts'
import type { EventId, PublishedEvent } from '../../../base/model.ts'
import type { KeyedEvents } from '../../../services/events/by-key.ts'
import { encodeCursor } from '../../http/lists.ts'
import { time } from '../../http/shapes.ts'

/** A page ends when its payloads reach about this size, so that a thousand large ones don't fill the memory. */
export const MAX_PAGE_BYTES = 8 * 1024 * 1024

/** Events in the first chunk. The size of later chunks depends on the payloads read so far. */
const FIRST_CHUNK = 16

type ReadEvents = (before: EventId | null, count: number) => Promise<readonly PublishedEvent[]>

type EventPage = { readonly events: readonly PublishedEvent[]; readonly hasMore: boolean }

export function writePage({ events, hasMore }: EventPage, write: (event: PublishedEvent) => string): string {
  const nextCursor = hasMore ? `"${encodeCursor(events.at(-1)!.id)}"` : 'null'
  return `{"data":[${events.map(event => write(event)).join(',')}],"nextCursor":${nextCursor}}`
}

/** A page that also says how far back the events were searched. */
export function writeSearched({ events, last }: KeyedEvents, write: (event: PublishedEvent) => string): string {
  const end =
    last === null
      ? { nextCursor: null, searchedTo: null }
      : { nextCursor: encodeCursor(last), searchedTo: time(idMs(last)) }
  return `{"data":[${events.map(event => write(event)).join(',')}],${JSON.stringify(end).slice(1)}`
}

/** Reads a page in chunks. The size of later chunks depends on the payloads read so far. */
export async function readPage(first: EventId | null, limit: number, read: ReadEvents): Promise<EventPage> {
  const events: PublishedEvent[] = []
  let bytes = 0
  let chunk = FIRST_CHUNK
  let before = first
  while (true) {
    // One more than the page shows, to find out whether there is another page.
    const count = Math.min(chunk, limit - events.length + 1)
    const found = await read(before, count)
    for (const event of found) {
      if (events.length === limit || (events.length > 0 && bytes + event.payload.length > MAX_PAGE_BYTES)) {
        return { events, hasMore: true }
      }
      events.push(event)
      bytes += event.payload.length
    }
    if (found.length < count) return { events, hasMore: false }
    before = found.at(-1)!.id
    const each = Math.max(1, bytes / events.length)
    chunk = Math.max(1, Math.min(limit, Math.floor((MAX_PAGE_BYTES - bytes) / each) + 1))
  }
}
