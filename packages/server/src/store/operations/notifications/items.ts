/**
 * Facts become items of the notifications that tell of them (decision 55): one row for each kind of fact about each
 * endpoint, which counts what no message has said yet.
 */
import { MINUTE_MS } from '../../../base/durations.ts'
import type { TenantId } from '../../../base/model.ts'
import { OPERATOR_TENANT } from '../../../base/tenant.ts'
import { type BulkQuery, bytes, type Row, type Transaction, text } from '../../transaction.ts'

/** How long facts are gathered before the first message about them: an outage disables many endpoints at a time. */
const GATHER_MS = MINUTE_MS
/** The same for a digest. */
const GATHER_DIGEST_MS = 15 * MINUTE_MS

/** The type whose facts come as a digest. */
export const EXHAUSTED = 'posthorn.delivery.exhausted'

type Fact = { readonly type: string; readonly tenant: TenantId | null; readonly data: string; readonly atMs: number }
type FactData = {
  readonly endpoint?: string
  readonly secret?: string
  readonly node?: string
  readonly count?: number
}

type Item = {
  readonly notification: Uint8Array
  readonly about: string
  readonly tenant: TenantId
  readonly type: string
  readonly data: string
  count: number
  readonly atMs: number
}

const ITEM_COLUMNS: BulkQuery['columns'] = [
  ['notification', 'bytes'],
  ['about', 'text'],
  ['tenant', 'text'],
  ['type', 'text'],
  ['data', 'text'],
  ['count', 'int'],
  ['at_ms', 'int'],
  ['due_ms', 'int'],
]
const ID_COLUMNS: BulkQuery['columns'] = [['id', 'bytes']]
const TENANT_COLUMNS: BulkQuery['columns'] = [['id', 'text']]

/** Of these tenants and the operator's, those that have confirmed notifications. */
export function* tenantsWithNotifications(tenants: readonly TenantId[]): Transaction<TenantId[]> {
  const rows = yield {
    text: `select v.id from v where exists (
             select 1 from notification n where n.tenant = v.id and n.confirmed_ms is not null)`,
    columns: TENANT_COLUMNS,
    rows: [...new Set([OPERATOR_TENANT, ...tenants])].map(tenant => [tenant]),
  }
  return rows.map(row => text(row.id))
}

/** Puts facts on what confirmed notifications say next. To be yielded in the transaction that removes their notices. */
export function* addItems(facts: readonly Fact[], nowMs: number): Transaction<void> {
  if (facts.length === 0) return
  const tenants = new Set([OPERATOR_TENANT, ...facts.flatMap(({ tenant }) => (tenant === null ? [] : [tenant]))])
  const found = yield {
    text: `select n.id, n.tenant, n.types from notification n join v on n.tenant = v.id
           where n.confirmed_ms is not null order by n.id`,
    columns: TENANT_COLUMNS,
    rows: [...tenants].map(tenant => [tenant]),
  }
  const items = [...itemsOf(facts, found).values()]
  const there = yield* wake(items, nowMs + GATHER_MS)
  const stored = items.filter(({ notification }) => there.has(Buffer.from(notification).toString('hex')))
  if (stored.length === 0) return
  yield {
    text: `insert into notification_item (notification, about, tenant, type, data, count, first_ms, last_ms, due_ms)
           select notification, about, tenant, type, data, count, at_ms, at_ms, due_ms from v where true
           on conflict (notification, about) do update set
             first_ms = case when notification_item.count = 0 then excluded.first_ms else notification_item.first_ms end,
             due_ms = case when notification_item.count = 0 and notification_item.due_ms < excluded.last_ms
                           then excluded.due_ms else notification_item.due_ms end,
             count = notification_item.count + excluded.count, data = excluded.data, last_ms = excluded.last_ms`,
    columns: ITEM_COLUMNS,
    rows: stored.map(({ notification, about, tenant, type, data, count, atMs }) => {
      const dueMs = nowMs + (type === EXHAUSTED ? GATHER_DIGEST_MS : GATHER_MS)
      return [notification, about, tenant, type, data, count, atMs, dueMs]
    }),
  }
}

/**
 * Has notifications looked at, and locks them: always before their items, as taking a message does. Returns those that
 * still exist, in hexadecimal digits.
 */
function* wake(items: readonly Item[], atMs: number): Transaction<Set<string>> {
  if (items.length === 0) return new Set()
  const ids = new Map(items.map(({ notification }) => [Buffer.from(notification).toString('hex'), notification]))
  const rows = yield {
    text: `update notification set due_ms = case when outgoing is null and (due_ms is null or due_ms > ${atMs})
                                                 then ${atMs} else due_ms end
           from v where notification.id = v.id returning notification.id`,
    columns: ID_COLUMNS,
    rows: [...ids.values()].map(id => [id]),
  }
  return new Set(rows.map(row => Buffer.from(bytes(row.id)).toString('hex')))
}

/** One item for each kind of fact about each endpoint, in the order of the key. */
function itemsOf(facts: readonly Fact[], notifications: readonly Row[]): Map<string, Item> {
  const items = new Map<string, Item>()
  for (const row of notifications) {
    const own = text(row.tenant)
    const types = JSON.parse(text(row.types)) as string[]
    for (const { type, tenant, data, atMs } of facts) {
      if (!types.includes(type) || (own !== OPERATOR_TENANT && own !== tenant)) continue
      const { endpoint, secret, node, count = 1 } = JSON.parse(data) as FactData
      const about = [type, endpoint ?? node ?? '', secret ?? ''].join(' ').trim()
      const key = `${Buffer.from(bytes(row.id)).toString('hex')} ${about}`
      const before = items.get(key)?.count ?? 0
      const subject = tenant ?? OPERATOR_TENANT
      items.set(key, { notification: bytes(row.id), about, tenant: subject, type, data, count: before + count, atMs })
    }
  }
  return new Map([...items].sort(([a], [b]) => (a < b ? -1 : 1)))
}
