/** Finds and counts deliveries of one tenant or of all, in short reads and for a limited time. */
import type { Clock } from '../../base/clock.ts'
import { DELIVERY_STATES, type Delivery, type DeliveryId, type DeliveryState } from '../../base/model.ts'
import type { StateCounts } from '../../store/operations/deliveries/finding.ts'
import type { Store } from '../../store/store.ts'
import type { Place } from '../../store/where.ts'
import { type Found, SEARCH_MS, type Slice, searchInSlices } from '../slices.ts'
import { windowReader } from './across.ts'
import { matchingSlices } from './by-payload.ts'
import type { DeliverySelection } from './query.ts'

type Reader = Pick<Store, 'read' | 'now'>
type Stopwatch = Pick<Clock, 'monotonicMs'>

/** Rows that a short read looks at, at most: ten to thirty milliseconds' worth. */
export type ReadBounds = {
  /** Along indexes, of one tenant, or of some endpoints. */
  readonly slice: number
  /** In a window of time, of all tenants. */
  readonly window: number
}

export const READ_BOUNDS: ReadBounds = { slice: 10_000, window: 20_000 }

/** Counting stops here. */
export const MAX_COUNTED = 10_000

/** How many deliveries there are; null: more than 10,000, or more than can be counted in the time. */
export type DeliveryCounts = Readonly<Record<DeliveryState | 'total', number | null>>

/** Up to `count` deliveries behind a place, the nearest first. */
export function findDeliveries(
  store: Reader,
  clock: Stopwatch,
  selection: DeliverySelection,
  place: Place<DeliveryId>,
  count: number,
  bounds = READ_BOUNDS,
): Promise<Found<Delivery>> {
  const read = sliceReader(store, selection, bounds)
  const { matches } = selection
  return searchInSlices(place, count, matches === null ? read : matchingSlices(store, clock, matches, read), clock)
}

/** Whether all of the deliveries can be found along an index, without looking at every tenant. */
const isIndexed = ({ tenant, filter }: DeliverySelection): boolean =>
  tenant !== null || filter.endpoints !== null || filter.events !== null

function sliceReader(
  store: Reader,
  selection: DeliverySelection,
  { slice: maxRows, window }: ReadBounds,
): (place: Place<DeliveryId>, limit: number) => Promise<Slice<Delivery>> {
  const { tenant, filter } = selection
  if (isIndexed(selection)) {
    return (place, limit) => store.read('findDeliveries', { ...filter, ...place, tenant, limit, maxRows })
  }
  let limit = 0
  const next = windowReader(filter, store.now(), window, part =>
    store.read('findInWindow', { ...filter, ...part, limit }),
  )
  return async (place, wanted) => {
    limit = wanted
    const { parts, goesOnAt } = await next(place)
    const items = parts.flatMap(part => part.items).sort((a, b) => (a.id < b.id ? -1 : 1))
    return { items: (place.after === undefined ? items.toReversed() : items).slice(0, limit), goesOnAt }
  }
}

/** In the order in which they are counted: there are rarely many that have not ended. */
const COUNTED_TOGETHER: readonly (readonly DeliveryState[])[] = [
  ['pending', 'held'],
  ['delivered', 'exhausted', 'cancelled'],
]

/** Counts the deliveries of a selection, by state. Those with a certain payload are not counted. */
export async function countDeliveries(
  store: Reader,
  clock: Stopwatch,
  { tenant, filter, ...rest }: DeliverySelection,
  bounds = READ_BOUNDS,
): Promise<DeliveryCounts> {
  if (rest.matches !== null) return UNCOUNTED
  const endsAtMs = clock.monotonicMs() + SEARCH_MS
  const counts: Record<DeliveryState, number | null> = { pending: 0, held: 0, delivered: 0, exhausted: 0, cancelled: 0 }
  const { heldReason } = filter
  const wanted = heldReason === null ? (filter.states ?? DELIVERY_STATES) : (['held'] as const)
  for (const group of COUNTED_TOGETHER) {
    const states = group.filter(state => wanted.includes(state))
    if (states.length === 0) continue
    const read = countReader(store, { ...rest, tenant, filter: { ...filter, states } }, bounds)
    Object.assign(counts, await countAll(read, states, () => clock.monotonicMs() >= endsAtMs))
  }
  const all = Object.values(counts)
  const total = all.includes(null) ? null : bounded(all.reduce<number>((sum, count) => sum + count!, 0))
  return { total, ...counts }
}

const UNCOUNTED: DeliveryCounts = {
  total: null,
  pending: null,
  held: null,
  delivered: null,
  exhausted: null,
  cancelled: null,
}

const bounded = (count: number): number | null => (count > MAX_COUNTED ? null : count)

type CountReader = (
  place: Place<DeliveryId>,
) => Promise<{ readonly counts: readonly Readonly<StateCounts>[]; readonly goesOnAt: DeliveryId | null }>

/** Null: too many, or not all of them were counted before the time was up. */
async function countAll(
  read: CountReader,
  states: readonly DeliveryState[],
  isTimeUp: () => boolean,
): Promise<Partial<Record<DeliveryState, number | null>>> {
  const sums = new Map(states.map(state => [state, 0]))
  let before: DeliveryId | null = null
  while (true) {
    const { counts, goesOnAt }: Awaited<ReturnType<CountReader>> = await read({ before })
    for (const some of counts) for (const state of states) sums.set(state, sums.get(state)! + some[state])
    const isEnd = goesOnAt === null || [...sums.values()].every(count => count > MAX_COUNTED)
    if (isEnd) return Object.fromEntries([...sums].map(([state, count]) => [state, bounded(count)]))
    if (isTimeUp()) return Object.fromEntries(states.map(state => [state, null]))
    before = goesOnAt
  }
}

function countReader(store: Reader, selection: DeliverySelection, { slice: maxRows, window }: ReadBounds): CountReader {
  const { tenant, filter } = selection
  if (isIndexed(selection)) {
    return async place => {
      const { counts, goesOnAt } = await store.read('countDeliveries', { ...filter, ...place, tenant, maxRows })
      return { counts: [counts], goesOnAt }
    }
  }
  const next = windowReader(filter, store.now(), window, part => store.read('countInWindow', { ...filter, ...part }))
  return async place => {
    const { parts, goesOnAt } = await next(place)
    return { counts: parts.map(part => part.counts), goesOnAt }
  }
}
