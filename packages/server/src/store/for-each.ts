import type { BulkQuery, Dialect, Row, Transaction } from './transaction.ts'

/**
 * Runs a query for each row of `v`, such as one with an `order by` and a `limit` of its own, and returns what they find,
 * one after the other. On PostgreSQL several rows are one statement, so that a hundred of them cost one round trip.
 *
 * @param query refers to the row's columns as `v.name`
 */
export function* forEach(
  { hasLateral }: Pick<Dialect, 'hasLateral'>,
  { columns, rows, query }: Pick<BulkQuery, 'columns' | 'rows'> & { readonly query: string },
): Transaction<Row[]> {
  if (rows.length === 0) return []
  if (hasLateral && rows.length > 1)
    return yield { text: `select q.* from v cross join lateral (${query}) q`, columns, rows }
  const places = new Map(columns.map(([name], index) => [name, `$${index + 1}`]))
  const text = query.replaceAll(/\bv\.(\w+)/g, (whole, name: string) => places.get(name) ?? whole)
  const found: Row[] = []
  for (const params of rows) found.push(...(yield { text, params }))
  return found
}
