/** Pages of events, which are written by hand: a payload goes into them as the bytes that it was published as. */

import type { EventId, PublishedEvent } from '../../../base/model.ts'
import { encodeCursor } from '../../http/lists.ts'

/** A page ends when its payloads come to about this much, so that a thousand big ones don't fill the memory. */
export const MAX_PAGE_BYTES = 8 * 1024 * 1024

/** Events read at first; the next time as many as their payloads allow. */
const FIRST_CHUNK = 16

type ReadEvents = (before: EventId | null, count: number) => Promise<readonly PublishedEvent[]>

type EventPage = { readonly events: readonly PublishedEvent[]; readonly hasMore: boolean }

export function writePage({ events, hasMore }: EventPage, write: (event: PublishedEvent) => string): string {
  const nextCursor = hasMore ? `"${encodeCursor(events.at(-1)!.id)}"` : 'null'
  return `{"data":[${events.map(event => write(event)).join(',')}],"nextCursor":${nextCursor}}`
}

/** Reads a page in chunks, the later ones as large as the payloads so far allow. */
export async function readPage(first: EventId | null, limit: number, read: ReadEvents): Promise<EventPage> {
  const events: PublishedEvent[] = []
  let bytes = 0
  let chunk = FIRST_CHUNK
  let before = first
  while (true) {
    // One more than is shown tells whether there is more.
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
