/**
 * Enabled endpoints that fail now, endpoints that are disabled, and secrets that expire: found along indexes that have
 * only these, of one tenant or of all. Of all tenants, the ones that have any are found first, one search of the index
 * for each, so that a tenant with very many hides none of the others.
 */
import { idBytes, idText } from '../../../base/ids.ts'
import type { Endpoint, TenantId } from '../../../base/model.ts'
import { forEach } from '../../for-each.ts'
import {
  type BulkQuery,
  bytes,
  type Dialect,
  int,
  intOrNull,
  type Row,
  type Transaction,
  text,
  textOrNull,
} from '../../transaction.ts'
import { urlOf } from './stored-url.ts'

/**
 * `failing`: enabled, and without a success since the first failure of a run. `disabled`: by whatever. `secret` and
 * `certificate`: enabled, and with a clientSecret or a client certificate of which it is known when it expires.
 */
export type Trouble = 'failing' | 'disabled' | 'secret' | 'certificate'

type Index = {
  /** The time in the index behind the tenant. */
  readonly since: string
  /** What is true of all endpoints in the index. */
  readonly holds: string
  /** Which times come first. */
  readonly first: 'min' | 'max'
}

const expiring = (since: string): Index => ({
  since,
  holds: `e.${since} is not null and e.state = 'enabled' and e.deleted_ms is null`,
  first: 'min',
})

const INDEXES: Readonly<Record<Trouble, Index>> = {
  failing: {
    since: 'failing_since_ms',
    holds: `e.failing_since_ms is not null and e.state = 'enabled' and e.deleted_ms is null`,
    first: 'min',
  },
  disabled: { since: 'disabled_ms', holds: `e.state = 'disabled' and e.deleted_ms is null`, first: 'max' },
  secret: expiring('secret_expires_ms'),
  certificate: expiring('certificate_expires_ms'),
}

/** Endpoints that are counted, of one tenant, and of each if it is all. */
const MAX_COUNTED = { one: 10_000, each: 1_000 }
/** Tenants with trouble of a kind that are looked at. */
const MAX_TENANTS = 2_000

type TroubledTenant = {
  readonly tenant: TenantId
  /** How many of its endpoints; null: more than were counted. */
  readonly endpoints: number | null
  /** The time of the one that comes first. Null if there is none. */
  readonly firstMs: number | null
}

export type TroubledTenants = {
  readonly tenants: readonly TroubledTenant[]
  /** Whether there are no others. At most 2,000 tenants are looked at. */
  readonly areAll: boolean
  /** Whether all of their endpoints were counted: at most 1,000 of each, or 10,000 of a single one. */
  readonly areCounted: boolean
}

type Selection = {
  readonly trouble: Trouble
  /** null: of all tenants. */
  readonly tenant: TenantId | null
  /** Only those with a time up to this one; null: any. */
  readonly untilMs: number | null
}

const TENANT_COLUMNS: BulkQuery['columns'] = [['tenant', 'text']]
const UNTIL_COLUMNS: BulkQuery['columns'] = [
  ['tenant', 'text'],
  ['until_ms', 'int'],
]

/** A row for each tenant, with the time if there is one, and the condition that uses it. */
const until = (tenants: readonly TenantId[], since: string, untilMs: number | null) =>
  untilMs === null
    ? { columns: TENANT_COLUMNS, rows: tenants.map(id => [id]), condition: '' }
    : {
        columns: UNTIL_COLUMNS,
        rows: tenants.map(id => [id, untilMs]),
        condition: `and e.${since} <= v.until_ms`,
      }

/** Which tenants have such endpoints, and how many. */
export function* findTroubledTenants(selection: Selection, dialect: Dialect): Transaction<TroubledTenants> {
  if (dialect.readByIndex !== null) yield dialect.readByIndex
  const { trouble, tenant, untilMs } = selection
  const { since, holds, first } = INDEXES[trouble]
  const found = tenant === null ? yield* tenantsWith(trouble) : [tenant]
  const looked = found.slice(0, MAX_TENANTS)
  const { condition, ...each } = until(looked, since, untilMs)
  const most = tenant === null ? MAX_COUNTED.each : MAX_COUNTED.one
  const rows = yield* forEach(dialect, {
    ...each,
    query: `select tenant, count(*) as n, ${first}(since) as first_ms from (
              select e.tenant, e.${since} as since from endpoint e where ${holds} and e.tenant = v.tenant ${condition}
              order by ${orderOf(trouble)} limit ${most + 1}) s group by tenant`,
  })
  const tenants = rows.map(row => toTenant(row, most))
  const areCounted = tenants.every(({ endpoints }) => endpoints !== null)
  return { tenants, areAll: found.length === looked.length, areCounted }
}

const toTenant = (row: Row, most: number): TroubledTenant => ({
  tenant: text(row.tenant),
  endpoints: int(row.n) > most ? null : int(row.n),
  firstMs: intOrNull(row.first_ms),
})

/** The order of the index, in the direction in which the first ones come first. */
function orderOf(trouble: Trouble): string {
  const { since, first } = INDEXES[trouble]
  const direction = first === 'min' ? 'asc' : 'desc'
  return ['tenant', since, 'id'].map(column => `e.${column} ${direction}`).join(', ')
}

/** Goes from each tenant in the index to the next one, whatever the number of its endpoints. */
function* tenantsWith(trouble: Trouble): Transaction<TenantId[]> {
  const { holds, since } = INDEXES[trouble]
  const next = (behind: string) =>
    `(select e.tenant from endpoint e where ${holds} ${behind} order by e.tenant, e.${since}, e.id limit 1)`
  const rows = yield {
    text: `with recursive t(tenant) as (
             select * from ${next('')} s union all
             select ${next('and e.tenant > t.tenant')} from t where t.tenant is not null)
           select tenant from t where tenant is not null limit ${MAX_TENANTS + 1}`,
  }
  return rows.map(row => text(row.tenant))
}

/** An endpoint as far as the overview shows it. */
export type Troubled = Pick<
  Endpoint,
  'id' | 'tenant' | 'partition' | 'uid' | 'name' | 'url' | 'disabledReason' | 'health'
> & {
  /** Since when it fails or is disabled, or when the secret expires. */
  readonly sinceMs: number
}

/** The first few such endpoints of some tenants. */
export function* findTroubled(
  args: Omit<Selection, 'tenant'> & {
    readonly tenants: readonly TenantId[]
    /** The most of each tenant. */
    readonly limit: number
  },
  dialect: Dialect,
): Transaction<Troubled[]> {
  if (dialect.readByIndex !== null) yield dialect.readByIndex
  const { since, holds } = INDEXES[args.trouble]
  const { condition, ...each } = until(args.tenants, since, args.untilMs)
  const rows = yield* forEach(dialect, {
    ...each,
    query: `select e.id, e.tenant, e.partition, e.uid, e.name, e.url, e.disabled_reason, e.failing_since_ms,
              e.failing_stage, e.paused_until_ms, e.${since} as since_ms
            from endpoint e where ${holds} and e.tenant = v.tenant and e.${since} is not null ${condition}
            order by ${orderOf(args.trouble)} limit ${args.limit}`,
  })
  return rows.map(toTroubled)
}

const toTroubled = (row: Row): Troubled => ({
  id: idText('ep', bytes(row.id)),
  tenant: text(row.tenant),
  partition: int(row.partition),
  uid: textOrNull(row.uid),
  name: textOrNull(row.name),
  url: urlOf(row.url),
  disabledReason: textOrNull(row.disabled_reason) as Endpoint['disabledReason'],
  health: {
    failingSinceMs: intOrNull(row.failing_since_ms),
    stage: int(row.failing_stage),
    pausedUntilMs: intOrNull(row.paused_until_ms),
  },
  sinceMs: int(row.since_ms),
})

const QUEUE_COLUMNS: BulkQuery['columns'] = [
  ['endpoint', 'bytes'],
  ['partition', 'int'],
]

/** How many deliveries of some endpoints have not ended, each up to `limit`. */
export function* countQueues(
  args: { readonly endpoints: readonly Pick<Endpoint, 'id' | 'partition'>[]; readonly limit: number },
  dialect: Dialect,
): Transaction<Map<string, number>> {
  if (dialect.readByIndex !== null) yield dialect.readByIndex
  const of = (state: string) =>
    `select endpoint from live_delivery where partition = v.partition and endpoint = v.endpoint and state = '${state}'`
  const rows = yield* forEach(dialect, {
    columns: QUEUE_COLUMNS,
    rows: args.endpoints.map(({ id, partition }) => [idBytes(id), partition]),
    query: `select endpoint, count(*) as n from (
              select * from (${of('pending')} limit ${args.limit}) p
              union all select * from (${of('held')} limit ${args.limit}) h) l group by endpoint`,
  })
  return new Map(rows.map(row => [idText('ep', bytes(row.endpoint)), Math.min(int(row.n), args.limit)]))
}
