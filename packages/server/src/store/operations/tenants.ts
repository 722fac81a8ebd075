/** Tenants: the provider's customers. */

import { idText } from '../../base/ids.ts'
import type { EndpointId, TenantId } from '../../base/model.ts'
import type { PortalPermission } from '../../base/portal.ts'
import { OPERATOR_TENANT, type Retention, type Tenant } from '../../base/tenant.ts'
import { reads, writes } from '../operation.ts'
import { bytes, int, jsonOrNull, type Row, type Transaction, text, textOrNull } from '../transaction.ts'
import { type Place, patternOf, Where } from '../where.ts'
import { revokeKeysOf } from './api-keys.ts'
import { type By, record, recordPut } from './audit.ts'
import { nextChange } from './configuration.ts'
import { eraseCalls } from './idempotent-calls.ts'
import { dropNotificationsOf } from './notifications/notifications.ts'
import { closePortal } from './portal-links.ts'
import { cancelReplaysOf } from './replays/replays.ts'

const toTenant = (row: Row): Tenant => ({
  id: text(row.id),
  name: textOrNull(row.name),
  metadata: JSON.parse(text(row.metadata)) as Record<string, string>,
  retention: jsonOrNull(row.retention) as Retention | null,
  portalMay: jsonOrNull(row.portal_may) as PortalPermission[] | null,
  createdAtMs: int(row.created_ms),
})

const TENANT_FIELDS = 'id, name, metadata, retention, portal_may, created_ms'

type TenantValues = Pick<Tenant, 'id' | 'name' | 'metadata'> & Partial<Pick<Tenant, 'retention' | 'portalMay'>>

/**
 * Creates or replaces a tenant. Returns null while an earlier tenant with this id is being erased. A new tenant starts
 * at the version given by its change number, so that no version recurs after a tenant has been removed for good.
 */
export function* putTenant(
  args: TenantValues & { nowMs: number } & By,
): Transaction<{ tenant: Tenant; created: boolean } | null> {
  const { id, name, metadata, retention = null, portalMay = null, nowMs } = args
  const erased = yield {
    text: `select 1 from erasure where tenant_id = $1 and state = 'running'`,
    params: [id],
  }
  if (erased.length > 0) return null
  const before = yield* getTenant({ id })
  if (before === null) {
    const earlier = yield { text: 'select 1 from tenant where id = $1', params: [id] }
    // Its calls were removed when it was deleted, unless that was cut short.
    if (earlier.length > 0) yield* eraseCalls(id, Number.MAX_SAFE_INTEGER)
  }
  const rows = yield {
    text: `insert into tenant (id, name, metadata, retention, version, created_ms, change_seq, portal_may)
           values ($1, $2, $3, $4, $5, $6, $5, $7)
           on conflict (id) do update set name = excluded.name, metadata = excluded.metadata,
             retention = excluded.retention, portal_may = excluded.portal_may, created_ms = case when tenant.deleted_ms is null then tenant.created_ms else excluded.created_ms end,
             deleted_ms = null, version = tenant.version + 1, change_seq = excluded.change_seq
           returning ${TENANT_FIELDS}`,
    params: [
      id,
      name,
      JSON.stringify(metadata),
      retention === null ? null : JSON.stringify(retention),
      yield* nextChange(),
      nowMs,
      portalMay === null ? null : JSON.stringify(portalMay),
    ],
  }
  const tenant = toTenant(rows[0]!)
  const of = { target: 'tenant', targetId: id, tenant: id } as const
  yield* recordPut(args, of, before ?? undefined, tenant, ['name', 'metadata', 'retention', 'portalMay'])
  return { tenant, created: before === null }
}

export function* getTenant(args: { id: TenantId }): Transaction<Tenant | null> {
  const rows = yield {
    text: `select ${TENANT_FIELDS} from tenant where id = $1 and deleted_ms is null`,
    params: [args.id],
  }
  return rows.length === 0 ? null : toTenant(rows[0]!)
}

/** Without the operator's own tenant, which is not a customer. */
export function* listTenants(args: Place<TenantId> & { limit: number }): Transaction<Tenant[]> {
  const where = new Where().add('id <> ?', OPERATOR_TENANT)
  const order = where.behind(args, 'id', id => id)
  const rows = yield {
    text: `select ${TENANT_FIELDS} from tenant where deleted_ms is null and ${where.text} ${order} limit ${args.limit}`,
    params: where.params,
  }
  return rows.map(toTenant)
}

type TenantSlice = {
  /** The nearest first. */
  readonly items: readonly Tenant[]
  /** The last tenant looked at; null: there is none behind it. */
  readonly goesOnAt: TenantId | null
}

/**
 * Those with a text in their id or name among the next `rows` tenants, as there is no index for it. Letters other than A
 * to Z are found as they are written, and perhaps otherwise: SQLite knows no other case.
 *
 * @param args.limit the most that are returned
 */
export function* findTenants(
  args: Place<TenantId> & { readonly text: string; readonly rows: number; readonly limit: number },
): Transaction<TenantSlice> {
  const place = () => {
    const where = new Where().add('id <> ?', OPERATOR_TENANT)
    return { where, order: where.behind(args, 'id', id => id) }
  }
  const looked = place()
  const edges = yield {
    text: `select id from tenant where ${looked.where.text} ${looked.order} limit 1 offset ${args.rows - 1}`,
    params: looked.where.params,
  }
  const edge = edges.length === 0 ? null : text(edges[0]!.id)
  const { where, order } = place()
  where.addIf(args.after === undefined ? 'id >= ?' : 'id <= ?', edge)
  const pattern = `$${where.params.push(patternOf(args.text))}`
  const conditions = ['id', 'name'].map(column => `lower(${column}) like lower(${pattern}) escape '!'`)
  const rows = yield {
    text: `select ${TENANT_FIELDS} from tenant
           where deleted_ms is null and ${where.text} and (${conditions.join(' or ')}) ${order} limit ${args.limit}`,
    params: where.params,
  }
  const items = rows.map(toTenant)
  return { items, goesOnAt: items.length < args.limit ? edge : items.at(-1)!.id }
}

/** The names of those of some tenants that exist; null: it has none. */
export function* readTenantNames(args: {
  readonly tenants: readonly TenantId[]
}): Transaction<Map<TenantId, string | null>> {
  if (args.tenants.length === 0) return new Map()
  const where = new Where().addIn('id', args.tenants)
  const rows = yield {
    text: `select id, name from tenant where deleted_ms is null and ${where.text}`,
    params: where.params,
  }
  return new Map(rows.map(row => [text(row.id), textOrNull(row.name)]))
}

/** Deletes the tenant and its endpoints. Returns the endpoints whose deliveries are to be cancelled, or null. */
export function* deleteTenant(
  args: { id: TenantId; nowMs: number } & By,
): Transaction<{ id: EndpointId; partition: number }[] | null> {
  const change = yield* nextChange()
  const gone = yield {
    text: `update tenant set deleted_ms = $2, version = version + 1, endpoint_count = 0, selection_characters = 0,
             change_seq = $3
           where id = $1 and deleted_ms is null returning version`,
    params: [args.id, args.nowMs, change],
  }
  if (gone.length === 0) return null
  const rows = yield {
    text: `update endpoint set deleted_ms = $2, credentials = null, secret_digest = null, headers = '{}',
             change_seq = $3,
             deleted_version = $4
           where tenant = $1 and deleted_ms is null returning id, partition`,
    params: [args.id, args.nowMs, change, gone[0]!.version!],
  }
  yield {
    note: () => rows.map(row => ({ kind: 'endpoint', tenant: args.id, id: bytes(row.id), change: 'deleted' })),
  }
  yield* revokeKeysOf(args, change)
  yield* closePortal(args.id, args.nowMs, change)
  yield* dropNotificationsOf(args.id)
  yield* cancelReplaysOf(args.id)
  const entry = { action: 'deleted', target: 'tenant', targetId: args.id, tenant: args.id } as const
  yield* record(args, entry, args.nowMs)
  return rows.map(row => ({ id: idText('ep', bytes(row.id)), partition: int(row.partition) }))
}

/** Removes tenants that were deleted before a time and have no data left. */
export function* dropDeletedTenants({
  limit,
  beforeMs,
}: {
  readonly limit: number
  readonly beforeMs: number
}): Transaction<number> {
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

export const tenantOperations = {
  putTenant: writes({ run: putTenant, configuration: 'changes' }),
  getTenant: reads({ run: getTenant, waitedForBy: 'engine', turnOf: ({ id }) => id }),
  readTenantNames: reads({ run: readTenantNames, waitedForBy: 'people' }),
  listTenants: reads({ run: listTenants, waitedForBy: 'people' }),
  findTenants: reads({ run: findTenants, waitedForBy: 'people' }),
  deleteTenant: writes({ run: deleteTenant, configuration: 'changes' }),
  dropDeletedTenants: writes({ run: dropDeletedTenants, configuration: 'ignores' }),
}
