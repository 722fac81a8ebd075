import type { TenantId } from '../../model.ts'
import { type Dialect, int, type Transaction } from '../transaction.ts'

/**
 * Configuration carries version numbers, so that whoever matched events against a cached copy can tell, inside the
 * transaction that stores them, whether the copy was still true.
 */
export function* catalogueVersion(): Transaction<number> {
  const rows = yield { text: `select value from meta where key = 'catalogue_version'` }
  return rows.length === 0 ? 0 : int(Number(rows[0]!.value))
}

/** To be yielded first by every transaction that changes configuration. */
export function* lockConfiguration(dialect: Dialect): Transaction<void> {
  if (dialect.lockConfiguration !== null) yield dialect.lockConfiguration
}

export function* bumpCatalogue(): Transaction<void> {
  const next = (yield* catalogueVersion()) + 1
  yield* setMeta('catalogue_version', String(next))
}

export function* bumpTenant(tenant: TenantId): Transaction<void> {
  yield { text: 'update tenant set version = version + 1 where id = $1', params: [tenant] }
}

export function* getMeta(key: string): Transaction<string | null> {
  const rows = yield { text: 'select value from meta where key = $1', params: [key] }
  return rows.length === 0 ? null : (rows[0]!.value as string)
}

export function* setMeta(key: string, value: string): Transaction<void> {
  yield {
    text: 'insert into meta (key, value) values ($1, $2) on conflict (key) do update set value = excluded.value',
    params: [key, value],
  }
}
