import { type Transaction, text } from '../transaction.ts'

/**
 * Operators of filters begin with `$` from here on, so a member that is called so is written with another `$` in front.
 * In the first release it was a member like any other.
 */
export function* escapeFilters(): Transaction<void> {
  yield* escapeFiltersOf('endpoint', ['id'])
  yield* escapeFiltersOf('endpoint_selection', ['tenant', 'endpoint', 'until_version'])
}

function* escapeFiltersOf(table: string, key: readonly string[]): Transaction<void> {
  const rows = yield { text: `select ${key.join(', ')}, filter from ${table} where filter like '%"$%'` }
  const where = key.map((column, index) => `${column} = $${index + 2}`).join(' and ')
  for (const row of rows) {
    const filter = JSON.stringify(escapeFilter(JSON.parse(text(row.filter))))
    yield { text: `update ${table} set filter = $1 where ${where}`, params: [filter, ...key.map(name => row[name]!)] }
  }
}

/** A filter of the first release, or a part of one, as it is written now. */
export function escapeFilter(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(escapeFilter)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [name.startsWith('$') ? `$${name}` : name, escapeFilter(inner)]),
  )
}
