/**
 * Finds anything by an id, a key, a uid or a name exactly as it is written. It has no index of its own, which publishing
 * would pay for: where a table's key begins with the tenant, the tenants are asked one by one, some at a time.
 */
import { idText, isOurId, parseId } from '../../base/ids.ts'
import type { TenantId } from '../../base/model.ts'
import { reads } from '../operation.ts'
import { bytes, type Dialect, type Query, type Transaction, text, textOrNull, type Value } from '../transaction.ts'
import { urlOf } from './endpoints/stored-url.ts'

/** Tenants searched by one call: a few milliseconds, so that others are not kept waiting. */
const TENANTS_AT_ONCE = 1_000

export type FoundKind =
  | 'tenant'
  | 'event_type'
  | 'api_key'
  | 'audit_entry'
  | 'endpoint'
  | 'event'
  | 'delivery'
  | 'replay'

export type Found = {
  readonly kind: FoundKind
  /** null: it belongs to no tenant, or to all of them. */
  readonly tenant: TenantId | null
  readonly id: string
  /** The publisher's own key of an event, or the caller's of a replay. */
  readonly key?: string | null
  readonly uid?: string | null
  readonly name?: string | null
  /** Null: it is a listener. */
  readonly url?: string | null
  /** Of an endpoint that was deleted and is kept for its history. */
  readonly isDeleted?: boolean
  /** Of an event that was rejected because its tenant doesn't exist. */
  readonly isOrphan?: boolean
}

/** Tenants, event types and, for operators, what belongs to no tenant that exists. */
export function* findOutsideTenants(args: {
  readonly text: string
  /** null: all of them */
  readonly tenant: TenantId | null
  /** Whether API keys and audit entries are found. */
  readonly includesOperators: boolean
}): Transaction<Found[]> {
  const { text: sought, tenant } = args
  const found: Found[] = []
  if (tenant === null || tenant === sought) {
    const rows = yield { text: 'select id, name from tenant where id = $1 and deleted_ms is null', params: [sought] }
    found.push(
      ...rows.map(row => ({ kind: 'tenant', tenant: sought, id: sought, name: textOrNull(row.name) }) as const),
    )
  }
  const types = yield { text: 'select name from event_type where name = $1', params: [sought] }
  if (types.length > 0) found.push({ kind: 'event_type', tenant: null, id: sought })
  if (tenant === null) found.push(...(yield* findReplayBatch(sought)), ...(yield* findOrphan(sought)))
  if (args.includesOperators) found.push(...(yield* findOperators(sought)))
  return found
}

/** A replay across tenants. */
function* findReplayBatch(sought: string): Transaction<Found[]> {
  const id = parseId('rpb', sought)
  const rows = yield {
    text: `select id, replay_key from replay_batch where ${id === undefined ? 'replay_key' : 'id'} = $1`,
    params: [id ?? sought],
  }
  return rows.map(row => ({
    kind: 'replay',
    tenant: null,
    id: idText('rpb', bytes(row.id)),
    key: ownKey(text(row.replay_key)),
  }))
}

/** A replay without a key has an id of ours in its place: its own or, as part of a replay across tenants, that one's. */
const ownKey = (key: string): string | null => (isOurId(key) ? null : key)

/** An event that was published from SQL for a tenant that doesn't exist. */
function* findOrphan(sought: string): Transaction<Found[]> {
  const id = parseId('evt', sought)
  if (id === undefined) return []
  const rows = yield {
    text: `select e.tenant, e.event_key from event e where e.rejected is not null and e.id = $1
             and not exists (select 1 from tenant t where t.id = e.tenant and t.deleted_ms is null)`,
    params: [id],
  }
  return rows.map(row => ({
    kind: 'event',
    tenant: text(row.tenant),
    id: sought,
    key: textOrNull(row.event_key),
    isOrphan: true,
  }))
}

function* findOperators(sought: string): Transaction<Found[]> {
  const key = parseId('key', sought)
  if (key !== undefined) {
    const rows = yield { text: 'select tenant, name from api_key where id = $1', params: [key] }
    return rows.map(row => ({ kind: 'api_key', tenant: textOrNull(row.tenant), id: sought, name: text(row.name) }))
  }
  const entry = parseId('aud', sought)
  if (entry === undefined) return []
  const rows = yield { text: 'select tenant from audit where id = $1', params: [entry] }
  return rows.map(row => ({ kind: 'audit_entry', tenant: textOrNull(row.tenant), id: sought }))
}

type Slice = {
  readonly text: string
  /** Only in this tenant; null: in all of them. */
  readonly tenant: TenantId | null
  /** The last tenant searched before; null: begin with the first. */
  readonly after: TenantId | null
  /** The most things found in each way. */
  readonly limit: number
}

export type SliceFound = {
  readonly found: readonly Found[]
  /** The last tenant searched; null: there is none behind it. */
  readonly last: TenantId | null
}

/** What is found in some of the tenants, or in one. */
export function* findInTenants(
  { text: sought, tenant, after, limit }: Slice,
  { readByIndex }: Dialect,
): Transaction<SliceFound> {
  if (readByIndex !== null) yield readByIndex
  const last = tenant === null ? yield* lastOfSlice(after) : null
  const found: Found[] = []
  for (const lookup of lookups(sought)) {
    for (const row of yield toQuery(lookup, { tenant, after, last }, limit)) {
      const one = yield* detailsOf(lookup.kind, text(row.tenant), bytes(row.id))
      if (one === null) continue
      const isKnown = found.some(({ kind, tenant, id }) => kind === one.kind && tenant === one.tenant && id === one.id)
      if (!isKnown) found.push(one)
    }
  }
  return { found, last }
}

/** Where the next tenants end; null if these are the last. */
function* lastOfSlice(after: TenantId | null): Transaction<TenantId | null> {
  const rows = yield {
    text: `select id from tenant where deleted_ms is null and id > $1 order by id limit 1 offset ${TENANTS_AT_ONCE - 1}`,
    params: [after ?? ''],
  }
  return rows.length === 0 ? null : text(rows[0]!.id)
}

type KindInTenants = 'endpoint' | 'event' | 'delivery' | 'replay'

/** One way to find at most one thing of a kind in a tenant, by an index that begins with these two columns. */
type Lookup = {
  readonly kind: KindInTenants
  readonly table: string
  /** The column that is equal to `value`. */
  readonly by: string
  readonly value: Value
  /** The column with the id of the thing. Default: `id`. */
  readonly id?: string
  /** Further conditions on the row `x`. */
  readonly and?: string
}

/** The tables that have things with ids of each kind. What was published from SQL may wait in the inbox. */
const TABLES = [
  ['ep', 'endpoint', ['endpoint']],
  ['evt', 'event', ['event', 'inbox']],
  ['dlv', 'delivery', ['live_delivery', 'delivery']],
  ['rpl', 'replay', ['replay']],
] as const

function lookups(sought: string): Lookup[] {
  const byId = TABLES.flatMap(([prefix, kind, tables]) => {
    const value = parseId(prefix, sought)
    return value === undefined ? [] : tables.map(table => ({ kind, table, by: 'id', value }))
  })
  return [
    ...byId,
    {
      kind: 'endpoint',
      table: 'endpoint',
      by: 'uid',
      value: sought,
      and: 'and x.uid is not null and x.deleted_ms is null',
    },
    { kind: 'event', table: 'idempotency', by: 'event_key', value: sought, id: 'event' },
    { kind: 'replay', table: 'replay', by: 'replay_key', value: sought },
  ]
}

type Among = Pick<Slice, 'tenant' | 'after'> & Pick<SliceFound, 'last'>

/**
 * A query for each tenant rather than a join, for which PostgreSQL would sometimes read the whole table, however large
 * (100 ms for 400,000 keys instead of 5).
 */
function toQuery(
  { table, by, value, id = 'id', and = '' }: Lookup,
  { tenant, after, last }: Among,
  limit: number,
): Query {
  const [among, params] =
    tenant !== null
      ? ['t.id = $2', [tenant]]
      : last === null
        ? ['t.id > $2', [after ?? '']]
        : ['t.id > $2 and t.id <= $3', [after ?? '', last]]
  return {
    text: `select q.tenant, q.id from (
             select t.id as tenant, (
               select x.${id} from ${table} x where x.tenant = t.id and x.${by} = $1 ${and}) as id
             from tenant t where t.deleted_ms is null and ${among}) q
           where q.id is not null order by q.tenant limit ${limit}`,
    params: [value, ...params],
  }
}

/** What is shown of a thing; null: it is no longer there. A key can be remembered longer than its event. */
function* detailsOf(kind: KindInTenants, tenant: TenantId, id: Uint8Array): Transaction<Found | null> {
  return kind === 'delivery' ? { kind, tenant, id: idText('dlv', id) } : yield* DETAILS[kind](tenant, id)
}

type Details = (tenant: TenantId, id: Uint8Array) => Transaction<Found | null>

const DETAILS: Readonly<Record<Exclude<KindInTenants, 'delivery'>, Details>> = {
  *endpoint(tenant, id) {
    const [row] = yield { text: 'select uid, name, url, deleted_ms from endpoint where id = $1', params: [id] }
    if (row === undefined) return null
    const { uid, name, url, deleted_ms: deletedMs } = row
    const names = { uid: textOrNull(uid), name: textOrNull(name), url: urlOf(url) }
    return { kind: 'endpoint', tenant, id: idText('ep', id), ...names, isDeleted: deletedMs !== null }
  },
  *event(tenant, id) {
    const [row] = yield {
      text: `select event_key from event where tenant = $1 and id = $2
             union all select event_key from inbox where tenant = $1 and id = $2 and payload is not null`,
      params: [tenant, id],
    }
    return row === undefined ? null : { kind: 'event', tenant, id: idText('evt', id), key: textOrNull(row.event_key) }
  },
  *replay(tenant, id) {
    const [row] = yield { text: 'select replay_key from replay where tenant = $1 and id = $2', params: [tenant, id] }
    if (row === undefined) return null
    return { kind: 'replay', tenant, id: idText('rpl', id), key: ownKey(text(row.replay_key)) }
  },
}

export const searchOperations = {
  findOutsideTenants: reads({ run: findOutsideTenants, waitedForBy: 'people' }),
  findInTenants: reads({ run: findInTenants, waitedForBy: 'people' }),
}
