/**
 * Finding deliveries of one tenant, of some endpoints or of some events, a slice at a time. A slice ends where a limited
 * number of rows has been looked at, whatever they are, so that each read is short even if nothing matches.
 *
 * Each table is read along an index that has its rows in order of id: those of a tenant, or of an endpoint. Deliveries
 * of an event, and the pending ones of an endpoint that has few, are read as a whole.
 */

import { idBytes, idText } from '../../../base/ids.ts'
import type { Delivery, DeliveryId, DeliveryState } from '../../../base/model.ts'
import { bytes, type Dialect, int, type Row, type Transaction, text, type Value } from '../../transaction.ts'
import { Where } from '../../where.ts'
import { toDelivery } from './delivery-rows.ts'
import { addConditions, addRange, FIELDS } from './filter.ts'
import { type DeliverySearch, type Line, linesOf } from './lines.ts'

type Slicing = {
  /** Rows that a slice looks at, about at most, besides those that are read as a whole. */
  readonly maxRows: number
}

/** The id at which the slice ends, since there are enough rows up to there; null: nothing is left behind it. */
function* edgeOf(lines: readonly Line[], search: DeliverySearch & Slicing): Transaction<DeliveryId | null> {
  const inOrder = lines.filter(({ isInOrder }) => isInOrder)
  if (inOrder.length === 0) return null
  const offset = Math.ceil(search.maxRows / inOrder.length) - 1
  const rows = yield union(inOrder, (line, where) => {
    const source = line.source(where)
    const order = addRange(where, search)
    return `select d.id from ${source} where ${where.text} ${order} limit 1 offset ${offset}`
  })
  const ids = rows.map(row => idText('dlv', bytes(row.id))).sort()
  return (search.after === undefined ? ids.at(-1) : ids[0]) ?? null
}

/** A statement of several selects, whose parameters can be added to. */
export type Union = { readonly text: string; readonly params: Value[] }

/** One statement for all lines: in one snapshot, a delivery that ends meanwhile is in exactly one of the tables. */
export function union<Item>(items: readonly Item[], part: (item: Item, where: Where) => string): Union {
  const params: Value[] = []
  const parts = items.map((item, index) => `select * from (${part(item, new Where(params))}) p${index}`)
  return { text: parts.join(' union all '), params }
}

/**
 * What lies between the place and the edge and passes the filter.
 *
 * @param limit of rows from each line, the nearest first; null: all, but only their states
 */
function rowsOf(lines: readonly Line[], search: DeliverySearch, edge: DeliveryId | null, limit: number | null): Union {
  return union(lines, (line, where) => {
    const source = line.source(where)
    const order = addRange(where, search)
    const isForward = search.after === undefined
    if (edge !== null) where.add(isForward ? 'd.id >= ?' : 'd.id <= ?', idBytes(edge))
    line.addRest(where)
    addConditions(where, line.table, search)
    const fields = limit === null ? 'd.state' : FIELDS[line.table]
    return `select ${fields} from ${source} ${where.clause} ${limit === null ? '' : `${order} ${where.limit(limit)}`}`
  })
}

/** Whether a line has rows that don't match: then a limit alone would not keep the read short. */
function isSelective(line: Line, search: DeliverySearch): boolean {
  const where = new Where()
  line.addRest(where)
  addConditions(where, line.table, search)
  return where.conditions.length > 0
}

export type DeliverySlice = { readonly items: readonly Delivery[]; readonly goesOnAt: DeliveryId | null }

/** The next slice: at most `limit` deliveries, the nearest first, and the id behind which the next slice begins. */
export function* findDeliveries(
  search: DeliverySearch & Slicing & { readonly limit: number },
  { readByIndex }: Dialect,
): Transaction<DeliverySlice> {
  if (readByIndex !== null) yield readByIndex
  const lines = yield* linesOf(search)
  if (lines.length === 0) return { items: [], goesOnAt: null }
  const edge = lines.some(line => isSelective(line, search)) ? yield* edgeOf(lines, search) : null
  const { text: rows, params } = rowsOf(lines, search, edge, search.limit)
  const direction = search.after === undefined ? 'desc' : 'asc'
  const limit = new Where(params).limit(search.limit)
  const found = yield { text: `select * from (${rows}) f order by id ${direction} ${limit}`, params }
  const items = found.map(toDelivery)
  if (edge !== null) return { items, goesOnAt: edge }
  return { items, goesOnAt: items.length < search.limit ? null : items.at(-1)!.id }
}

export type StateCounts = Record<DeliveryState, number>

export type CountedSlice = { readonly counts: Readonly<StateCounts>; readonly goesOnAt: DeliveryId | null }

/** How many deliveries of the next slice pass the filter, by state. */
export function* countDeliveries(
  search: DeliverySearch & Slicing,
  { readByIndex }: Dialect,
): Transaction<CountedSlice> {
  if (readByIndex !== null) yield readByIndex
  const lines = yield* linesOf(search)
  if (lines.length === 0) return { counts: toCounts([]), goesOnAt: null }
  const edge = yield* edgeOf(lines, search)
  const { text: rows, params } = rowsOf(lines, search, edge, null)
  const counted = yield { text: `select state, count(*) as n from (${rows}) f group by state`, params }
  return { counts: toCounts(counted), goesOnAt: edge }
}

export function toCounts(rows: readonly Row[]): StateCounts {
  const counts: StateCounts = { pending: 0, held: 0, delivered: 0, exhausted: 0, cancelled: 0 }
  for (const row of rows) counts[text(row.state) as DeliveryState] += int(row.n)
  return counts
}
