/** The end of what is kept beside events: keys of publishers, the audit log, API keys, endpoints and tenants. */
import { firstIdAt, idBytes } from '../../base/ids.ts'
import type { Dialect, Transaction } from '../transaction.ts'

/** So many at once, at most; each answers how many went. */
type Some = { readonly limit: number }

/** Publishers' keys that have expired. One that is being used anew just now is left alone. */
export function* dropExpiredKeys({ limit }: Some, dialect: Dialect): Transaction<number> {
  const rows = yield {
    text: `delete from idempotency where (tenant, event_key) in (
             select tenant, event_key from idempotency where expires_ms <= ${dialect.nowMs}
             order by expires_ms limit ${limit} ${dialect.skipLocked})
           returning tenant`,
  }
  return rows.length
}

export function* dropOldAudit({ limit, beforeMs }: Some & { readonly beforeMs: number }): Transaction<number> {
  const rows = yield {
    text: `delete from audit where id in (select id from audit where id < $1 order by id limit ${limit}) returning id`,
    params: [idBytes(firstIdAt('aud', beforeMs))],
  }
  return rows.length
}

/** API keys that were revoked, or expired, before a time. */
export function* dropOldApiKeys({ limit, beforeMs }: Some & { readonly beforeMs: number }): Transaction<number> {
  const rows = yield {
    text: `delete from api_key where id in (
             select id from api_key where revoked_ms < $1 or expires_ms < $1 limit ${limit}) returning id`,
    params: [beforeMs],
  }
  return rows.length
}

/** Erasures that were over before a time: that they were made is in the audit log as long. */
export function* dropOldErasures({ limit, beforeMs }: Some & { readonly beforeMs: number }): Transaction<number> {
  const rows = yield {
    text: `delete from erasure where tenant_id in (
             select tenant_id from erasure where finished_ms < $1 limit ${limit}) returning tenant_id`,
    params: [beforeMs],
  }
  return rows.length
}

/** Endpoints that were deleted before a time, and of which no delivery is left. */
export function* dropDeletedEndpoints({ limit, beforeMs }: Some & { readonly beforeMs: number }): Transaction<number> {
  const rows = yield {
    text: `delete from endpoint where id in (
             select e.id from endpoint e where e.deleted_ms < $1
               and not exists (select 1 from live_delivery l
                               where l.partition = e.partition and l.endpoint = e.id and l.state = 'pending')
               and not exists (select 1 from live_delivery l
                               where l.partition = e.partition and l.endpoint = e.id and l.state = 'held')
               and not exists (select 1 from delivery d where d.endpoint = e.id)
             limit ${limit}) returning id`,
    params: [beforeMs],
  }
  return rows.length
}

/** Tenants that were deleted before a time, and of which nothing is left. */
export function* dropDeletedTenants({ limit, beforeMs }: Some & { readonly beforeMs: number }): Transaction<number> {
  const none = (table: string) => `not exists (select 1 from ${table} x where x.tenant = t.id)`
  const tables = ['endpoint', 'event', 'delivery', 'live_delivery', 'inbox', 'idempotency']
  const rows = yield {
    text: `delete from tenant where id in (
             select t.id from tenant t where t.deleted_ms < $1 and ${tables.map(none).join(' and ')} limit ${limit})
           returning id`,
    params: [beforeMs],
  }
  for (const row of rows) {
    yield { text: 'delete from retention_mark where tenant = $1', params: [row.id!] }
    yield { text: 'delete from retention_kept where tenant = $1', params: [row.id!] }
  }
  return rows.length
}
