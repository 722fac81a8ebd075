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

/** The most rejected events, of all tenants and with any key, that one short read looks at. */
export const REJECTED_A_READ = 10_000

/** The slices of two lists as one of both: up to `count` items, as far as both were read. */
export function mergeSlices<Item extends { readonly id: string }>(
  place: Place,
  slices: readonly Slice<Item>[],
  count: number,
): Slice<Item> {
  const order = place.after === undefined ? -1 : 1
  const nearerFirst = (a: string, b: string): number => (a < b ? -order : a > b ? order : 0)
  const [edge = null] = slices.flatMap(({ goesOnAt }) => goesOnAt ?? []).sort(nearerFirst)
  const all = new Map(slices.flatMap(({ items }) => items.map(item => [item.id, item])))
  const items = [...all.values()]
    .filter(({ id }) => edge === null || nearerFirst(id, edge) <= 0)
    .sort((a, b) => nearerFirst(a.id, b.id))
  if (items.length <= count) return { items, goesOnAt: edge }
  return { items: items.slice(0, count), goesOnAt: items[count - 1]!.id }
}

/**
 * Reads slices until there are `count` items, or nothing is left to read, or the time is up. At least one is read.
 *
 * @param read reads a slice; the items of slices that follow each other must do so too
 * @param isFull whether the items that were read fill a page although there are fewer. Default: never
 */
export async function searchInSlices<Item>(
  place: Place,
  count: number,
  read: (place: Place, count: number) => Promise<Slice<Item>>,
  clock: Pick<Clock, 'monotonicMs'>,
  isFull: () => boolean = () => false,
): Promise<Found<Item>> {
  const endsAtMs = clock.monotonicMs() + SEARCH_MS
  const items: Item[] = []
  let from = place
  while (true) {
    const slice = await read(from, count - items.length)
    items.push(...slice.items)
    const { goesOnAt } = slice
    if (goesOnAt === null || items.length >= count || isFull()) return { items, goesOnAt, isCutShort: false }
    if (clock.monotonicMs() >= endsAtMs) return { items, goesOnAt, isCutShort: true }
    from = place.after === undefined ? { before: goesOnAt } : { after: goesOnAt }
  }
}
