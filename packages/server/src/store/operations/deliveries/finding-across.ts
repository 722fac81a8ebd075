/**
 * Finding deliveries of all tenants. No index has them in order of id, since publishing would pay for it: only those of
 * each tenant are in order. So a list reads one window of time after the other and merges what the tenants have in it.
 * services/deliveries/across.ts decides how long a window is, by how many deliveries the ones before had.
 */

import { idBytes } from '../../../base/ids.ts'
import type { Delivery, DeliveryId, TenantId } from '../../../base/model.ts'
import { type Dialect, int, type Transaction, text } from '../../transaction.ts'
import { type Place, Where } from '../../where.ts'
import { toDelivery } from './delivery-rows.ts'
import { addConditions, addRange, type DeliveryFilter, FIELDS, statesIn, type Table } from './filter.ts'
import { type StateCounts, toCounts, type Union, union } from './finding.ts'

/** Tenants that a read looks at: one search of an index for each, ten milliseconds' worth. */
export const TENANTS_A_READ = 2_000

export type DeliveryWindow = DeliveryFilter &
  Place<DeliveryId> & {
    /** The id at which the window ends, itself included; null: the last one in this direction. */
    readonly edge: DeliveryId | null
    /** Reads the tenants after this one; null: from the first. */
    readonly afterTenant: TenantId | null
    /** How many rows can be looked at, at most. With more, nothing is found. */
    readonly maxRows: number
  }

type Looked = {
  /** How many rows were looked at: more than `maxRows` if there are too many. */
  readonly rows: number
  /** The tenant to continue after; null: no tenant is left. */
  readonly lastTenant: TenantId | null
}

export type WindowPart = Looked & { readonly items: readonly Delivery[] }

export type CountedPart = Looked & { readonly counts: Readonly<StateCounts> }

/** At most `limit` deliveries of the next tenants in a window, the nearest first. */
export function* findInWindow(
  window: DeliveryWindow & { readonly limit: number },
  dialect: Dialect,
): Transaction<WindowPart> {
  const { tenants, ...looked } = yield* look(window, dialect)
  if (tenants.length === 0) return { ...looked, items: [] }
  const { text: parts, params } = rowsOf(window, tenants, table => FIELDS[table], window.limit)
  const direction = window.after === undefined ? 'desc' : 'asc'
  const limit = new Where(params).limit(window.limit)
  const found = yield { text: `select * from (${parts}) f order by id ${direction} ${limit}`, params }
  return { ...looked, items: found.map(toDelivery) }
}

/** How many deliveries of the next tenants in a window pass the filter, by state. */
export function* countInWindow(window: DeliveryWindow, dialect: Dialect): Transaction<CountedPart> {
  const { tenants, ...looked } = yield* look(window, dialect)
  if (tenants.length === 0) return { ...looked, counts: toCounts([]) }
  const { text: parts, params } = rowsOf(window, tenants, () => 'd.state', null)
  const counted = yield { text: `select state, count(*) as n from (${parts}) f group by state`, params }
  return { ...looked, counts: toCounts(counted) }
}

/** Which of the next tenants have rows in the window, whatever they are; none if there are too many rows. */
function* look(
  window: DeliveryWindow,
  { readByIndex }: Dialect,
): Transaction<Looked & { readonly tenants: readonly TenantId[] }> {
  if (readByIndex !== null) yield readByIndex
  const { afterTenant, maxRows } = window
  const next = new Where().addIf('id > ?', afterTenant)
  const [end] = yield {
    text: `select id from tenant where ${['deleted_ms is null', ...next.conditions].join(' and ')}
           order by id limit 1 offset ${TENANTS_A_READ - 1}`,
    params: next.params,
  }
  const lastTenant = end === undefined ? null : text(end.id)
  const { text: parts, params } = union(tablesOf(window), (table, where) => {
    const some = new Where(where.params).addIf('t.id > ?', afterTenant).addIf('t.id <= ?', lastTenant)
    where.conditions.push(
      `d.tenant in (select t.id from tenant t where ${['t.deleted_ms is null', ...some.conditions].join(' and ')})`,
    )
    addBounds(where, window)
    return `select d.tenant from ${table} d where ${where.text} ${where.limit(maxRows + 1)}`
  })
  const found = yield { text: `select tenant, count(*) as n from (${parts}) f group by tenant`, params }
  const rows = found.reduce((sum, row) => sum + int(row.n), 0)
  return { rows, lastTenant, tenants: rows > maxRows ? [] : found.map(row => text(row.tenant)) }
}

const tablesOf = (window: DeliveryWindow): Table[] =>
  (['live_delivery', 'delivery'] as const).filter(table => statesIn(table, window).length > 0)

function addBounds(where: Where, window: DeliveryWindow): string {
  const order = addRange(where, window)
  if (window.edge !== null) where.add(window.after === undefined ? 'd.id >= ?' : 'd.id <= ?', idBytes(window.edge))
  return order
}

function rowsOf(
  window: DeliveryWindow,
  tenants: readonly TenantId[],
  fieldsOf: (table: Table) => string,
  limit: number | null,
): Union {
  return union(tablesOf(window), (table, where) => {
    where.addIn('d.tenant', tenants)
    const order = addBounds(where, window)
    addConditions(where, table, window)
    const some = limit === null ? '' : `${order} ${where.limit(limit)}`
    return `select ${fieldsOf(table)} from ${table} d where ${where.text} ${some}`
  })
}
