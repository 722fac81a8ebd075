/**
 * Lists that look for what matches a filter. If little does, finding a page means reading very many rows, so they are
 * read in slices: short reads, each of a limited number of rows. After a while the list answers with what it has found
 * and with how far it has looked, and its cursor continues there.
 */
import type { Clock } from '../base/clock.ts'
import type { Place } from '../store/where.ts'

/** How long a list looks for matches, in milliseconds. The slice that is being read then is still read to its end. */
export const SEARCH_MS = 2_000

/** What a short read found, the nearest first, and the id behind which the next one begins; null: it was the last. */
export type Slice<Item> = { readonly items: readonly Item[]; readonly goesOnAt: string | null }

/** What was found in all slices. */
export type Found<Item> = Slice<Item> & {
  /** Whether the time was up before there were enough items. The search then continues at `goesOnAt`. */
  readonly isCutShort: boolean
}

/**
 * Reads slices until there are `count` items, or nothing is left to read, or the time is up. At least one is read.
 *
 * @param read reads a slice; the items of slices that follow each other must do so too
 */
export async function searchInSlices<Item>(
  place: Place,
  count: number,
  read: (place: Place, count: number) => Promise<Slice<Item>>,
  clock: Pick<Clock, 'monotonicMs'>,
): Promise<Found<Item>> {
  const endsAtMs = clock.monotonicMs() + SEARCH_MS
  const items: Item[] = []
  let from = place
  while (true) {
    const slice = await read(from, count - items.length)
    items.push(...slice.items)
    const { goesOnAt } = slice
    if (goesOnAt === null || items.length >= count) return { items, goesOnAt, isCutShort: false }
    if (clock.monotonicMs() >= endsAtMs) return { items, goesOnAt, isCutShort: true }
    from = place.after === undefined ? { before: goesOnAt } : { after: goesOnAt }
  }
}
