/** The configuration as a whole: its versions, its lock, and what has changed in it. */

import { bytesMs, idText } from '../../base/ids.ts'
import type { EndpointId, TenantId } from '../../base/model.ts'
import { reads } from '../operation.ts'
import type { EndpointChange } from '../stream-notes.ts'
import { type BulkQuery, bytes, type Dialect, int, type Transaction, text } from '../transaction.ts'
import { getMeta, setMeta } from './meta.ts'

/**
 * The configuration has version numbers, so that a caller who matched events against a cached copy can tell, inside the
 * transaction that stores them, whether the copy was still current.
 */
export function* catalogueVersion(): Transaction<number> {
  const rows = yield { text: `select value from meta where key = 'catalogue_version'` }
  return rows.length === 0 ? 0 : int(Number(rows[0]!.value))
}

/** The versions of the catalogue and of a tenant's endpoints. The tenant's is null if the tenant doesn't exist. */
export function* readVersions(args: {
  tenant: TenantId
}): Transaction<{ readonly catalogue: number; readonly tenant: number | null }> {
  const catalogue = yield* catalogueVersion()
  const rows = yield { text: 'select version from tenant where id = $1 and deleted_ms is null', params: [args.tenant] }
  return { catalogue, tenant: rows.length === 0 ? null : int(rows[0]!.version) }
}

const TENANT_COLUMNS: BulkQuery['columns'] = [['id', 'text']]

/** The versions of those of the given tenants that exist. */
export function* tenantVersions(tenants: readonly TenantId[]): Transaction<Map<TenantId, number>> {
  const rows = yield {
    text: 'select t.id, t.version from tenant t join v on t.id = v.id where t.deleted_ms is null',
    columns: TENANT_COLUMNS,
    rows: [...new Set(tenants)].map(tenant => [tenant]),
  }
  return new Map(rows.map(row => [text(row.id), int(row.version)]))
}

/** To be yielded first by every transaction that changes configuration. */
export function* lockConfiguration(dialect: Dialect): Transaction<void> {
  if (dialect.lockConfiguration !== null) yield dialect.lockConfiguration
}

export function* bumpCatalogue(): Transaction<void> {
  const next = (yield* catalogueVersion()) + 1
  yield* setMeta('catalogue_version', String(next))
}

/** Marks a tenant's endpoints as changed, and the endpoint with this id. */
export function* bumpTenant(
  tenant: TenantId,
  endpoint: Uint8Array,
  what: EndpointChange = 'updated',
): Transaction<void> {
  const change = yield* nextChange()
  yield { text: 'update tenant set version = version + 1, change_seq = $2 where id = $1', params: [tenant, change] }
  yield { text: 'update endpoint set change_seq = $2 where id = $1', params: [endpoint, change] }
  yield { note: () => [{ kind: 'endpoint', tenant, id: endpoint, change: what }] }
}

/** The next number for a change of tenants, endpoints, API keys or sessions. A lock makes numbers rise in commit order. */
export function* nextChange(): Transaction<number> {
  const next = Number((yield* getMeta('change_seq')) ?? 0) + 1
  yield* setMeta('change_seq', String(next))
  return next
}

export type ChangesSince = {
  /** The newest change: pass it as `after` the next time. */
  readonly seq: number
  readonly catalogueVersion: number
  readonly tenants: readonly TenantId[]
  readonly endpoints: readonly {
    readonly tenant: TenantId
    readonly endpoint: EndpointId
    readonly partition: number
  }[]
  /** Whether API keys were created or revoked, or sessions started or ended. */
  readonly apiKeys: boolean
}

/** What was configured after a change, by any node, including deleted tenants and endpoints. */
export function* readChanges(args: { after: number }): Transaction<ChangesSince> {
  const meta = yield { text: `select key, value from meta where key in ('change_seq', 'catalogue_version')` }
  const numberOf = (key: string) => Number(meta.find(row => row.key === key)?.value ?? 0)
  const now = { seq: numberOf('change_seq'), catalogueVersion: numberOf('catalogue_version') }
  if (now.seq === args.after) return { ...now, tenants: [], endpoints: [], apiKeys: false }
  const range = [args.after, now.seq]
  const tenants = yield { text: 'select id from tenant where change_seq > $1 and change_seq <= $2', params: range }
  const endpoints = yield {
    text: 'select id, tenant, partition from endpoint where change_seq > $1 and change_seq <= $2',
    params: range,
  }
  const keys = yield {
    text: `select 1 from api_key where change_seq > $1 and change_seq <= $2
           union all select 1 from session where change_seq > $1 and change_seq <= $2`,
    params: range,
  }
  return {
    ...now,
    apiKeys: keys.length > 0,
    tenants: tenants.map(row => text(row.id)),
    endpoints: endpoints.map(row => ({
      tenant: text(row.tenant),
      endpoint: idText('ep', bytes(row.id)),
      partition: int(row.partition),
    })),
  }
}

/** When the newest endpoint or audit entry was created, in milliseconds since 1970; 0 if there is none. */
export function* readNewestConfiguredMs(_args: object): Transaction<number> {
  let newest = 0
  for (const table of ['endpoint', 'audit']) {
    const rows = yield { text: `select id from ${table} order by id desc limit 1` }
    if (rows.length > 0) newest = Math.max(newest, bytesMs(bytes(rows[0]!.id)))
  }
  return newest
}

export const configurationOperations = {
  readVersions: reads({ run: readVersions, waitedForBy: 'engine' }),
  readChanges: reads({ run: readChanges, waitedForBy: 'engine' }),
  readNewestConfiguredMs: reads({ run: readNewestConfiguredMs, waitedForBy: 'engine' }),
}
