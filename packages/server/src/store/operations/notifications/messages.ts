/**
 * What notifications say, and when (decision 55).
 *
 * A fact becomes an item of each notification that tells of it, in the transaction that removes its notice. Items of the
 * same kind about the same endpoint are one row, which counts them. A message takes all items that are due, and becomes
 * the notification's `outgoing` in the same transaction; then it is sent, and removed. So a crash repeats at most a
 * message whose sending had begun, and neither a fact nor a restart makes two messages. An item that was told stays quiet
 * for some hours, whatever happens to its endpoint.
 */
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../../base/durations.ts'
import { idBytes, idText } from '../../../base/ids.ts'
import { type NotificationId, type NotificationKind, OPERATOR_TENANT, type TenantId } from '../../../base/model.ts'
import {
  type BulkQuery,
  bytes,
  type Dialect,
  int,
  type Row,
  type Transaction,
  text,
  textOrNull,
} from '../../transaction.ts'
import { spend } from './limits.ts'

/** How long facts are gathered before the first message about them: an outage disables many endpoints at a time. */
const GATHER_MS = MINUTE_MS
/** The same for a digest. */
const GATHER_DIGEST_MS = 15 * MINUTE_MS
/** The shortest time between two messages of a notification. */
const QUIET_MS = 15 * MINUTE_MS
/** How long nothing more is said of the same kind about the same endpoint: one that flaps is one message. */
const ITEM_QUIET_MS = 6 * HOUR_MS
/** The shortest time between two digests of exhausted deliveries. */
const DIGEST_MS = DAY_MS
/** The most messages to one address in an hour, of whatever tenants. */
const MAX_AN_HOUR = 12
/** How many items a message lists; further ones are only counted. */
const MAX_LISTED = 20
/** How long a node has to send a message before another node tries. */
const CLAIM_MS = 5 * MINUTE_MS
/** How long to wait after each failure. A message is given up after the last. */
const RETRY_MS = [MINUTE_MS, 5 * MINUTE_MS, 30 * MINUTE_MS, 2 * HOUR_MS, 6 * HOUR_MS]

const EXHAUSTED = 'posthorn.delivery.exhausted'

/** What one line of a message is about. Never a payload or a secret. */
export type MessageItem = {
  readonly type: string
  readonly tenant: TenantId
  /** Null if it is not about an endpoint, or the endpoint is gone. */
  readonly endpoint: string | null
  /** The host of its URL: the rest can be secret. */
  readonly host: string | null
  /** How often it has happened since the last message that told of it. */
  readonly count: number
  readonly firstAtMs: number
  readonly lastAtMs: number
  /** The last fact, as its operational event has it, without what failed. */
  readonly data: Readonly<Record<string, unknown>>
}

/** What is sent: the request to confirm the address, or facts. */
export type MessageContent =
  | { readonly kind: 'confirmation' }
  | {
      readonly kind: 'facts'
      readonly items: readonly MessageItem[]
      /** How many more items there are than listed. */
      readonly more: number
    }

export const CONFIRMATION = JSON.stringify({ kind: 'confirmation' } satisfies MessageContent)

/** A message to be sent by the node that took it. */
export type TakenMessage = {
  readonly notification: NotificationId
  readonly tenant: TenantId
  /** The tenant's own name. */
  readonly tenantName: string | null
  readonly kind: NotificationKind
  readonly sealed: Uint8Array
  readonly content: MessageContent
  /** From 1. */
  readonly attempt: number
  /** When the message was made: with the notification it identifies the message, however often it is tried. */
  readonly madeAtMs: number
}

// Facts become items

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

// Items become messages

/** Whether there is anything to look at. */
export function* peekMessages(args: { readonly nowMs: number }): Transaction<boolean> {
  return (yield { text: 'select 1 from notification where due_ms <= $1 limit 1', params: [args.nowMs] }).length > 0
}

type Look = { readonly nowMs: number; readonly limit: number }

/** Looks at notifications that are due, and returns the messages to be sent now, each once until its claim ends. */
export function* takeMessages(
  { nowMs, limit }: Look,
  dialect: Dialect,
): Transaction<{ readonly looked: number; readonly messages: TakenMessage[] }> {
  const rows = yield {
    text: `select n.id, n.tenant, n.kind, n.sealed, n.outgoing, n.attempts, n.address_hash, n.confirmed_ms,
             n.confirm_until_ms, n.quiet_until_ms, n.digest_ms
           from notification n where n.due_ms <= $1 order by n.due_ms, n.id limit ${limit} ${dialect.skipLocked}`,
    params: [nowMs],
  }
  const messages: TakenMessage[] = []
  for (const row of rows) {
    const taken = yield* take(row, nowMs)
    if (taken !== null) messages.push(taken)
  }
  return { looked: rows.length, messages }
}

type Outgoing = MessageContent & { readonly madeAtMs?: number }

function* take(row: Row, nowMs: number): Transaction<TakenMessage | null> {
  const outgoing = row.outgoing === null ? yield* compose(row, nowMs) : (JSON.parse(text(row.outgoing)) as Outgoing)
  if (outgoing === null) return null
  const id = bytes(row.id)
  const address = Buffer.from(bytes(row.address_hash)).toString('hex')
  const untilMs = yield* spend(`send ${address}`, { most: MAX_AN_HOUR, periodMs: HOUR_MS, nowMs })
  const madeAtMs = outgoing.madeAtMs ?? nowMs
  const stored = JSON.stringify({ ...outgoing, madeAtMs })
  if (untilMs !== null) {
    yield { text: 'update notification set outgoing = $2, due_ms = $3 where id = $1', params: [id, stored, untilMs] }
    return null
  }
  const attempt = int(row.attempts) + 1
  yield {
    text: 'update notification set outgoing = $2, attempts = $3, due_ms = $4 where id = $1',
    params: [id, stored, attempt, nowMs + CLAIM_MS],
  }
  const tenant = text(row.tenant)
  const names = yield { text: 'select name from tenant where id = $1', params: [tenant] }
  return {
    notification: idText('ntf', id),
    tenant,
    tenantName: textOrNull(names[0]?.name ?? null),
    kind: text(row.kind) as NotificationKind,
    sealed: bytes(row.sealed),
    content: outgoing,
    attempt,
    madeAtMs,
  }
}

/** Makes a message of all items that are due. Null if there is none yet: the notification is then looked at later. */
function* compose(row: Row, nowMs: number): Transaction<Outgoing | null> {
  const id = bytes(row.id)
  if (row.confirmed_ms === null) {
    yield* awaitConfirmation(row, nowMs)
    return null
  }
  const [quietUntilMs, digestMs] = [int(row.quiet_until_ms), int(row.digest_ms)]
  yield {
    text: 'delete from notification_item where notification = $1 and count = 0 and due_ms <= $2',
    params: [id, nowMs],
  }
  const withDigest = digestMs <= nowMs
  const isDue = `notification = $1 and count > 0 and due_ms <= $2 ${withDigest ? '' : `and type <> '${EXHAUSTED}'`}`
  const counts = yield {
    text: `select count(*) as n, max(case when type = '${EXHAUSTED}' then 1 else 0 end) as digest
           from notification_item where ${isDue}`,
    params: [id, nowMs],
  }
  const total = int(counts[0]!.n)
  if (total === 0 || quietUntilMs > nowMs) {
    yield* lookLater(id, { nowMs, quietUntilMs, digestMs })
    return null
  }
  const hasDigest = int(counts[0]!.digest) === 1
  const listed = yield {
    text: `select i.type, i.tenant, i.data, i.count, i.first_ms, i.last_ms from notification_item i
           where ${isDue} order by case when type = '${EXHAUSTED}' then 1 else 0 end, first_ms, about
           limit ${MAX_LISTED}`,
    params: [id, nowMs],
  }
  const items: MessageItem[] = []
  for (const item of listed) items.push(yield* toItem(item))
  yield {
    text: `update notification_item set count = 0, data = '{}', due_ms =
             case when type = '${EXHAUSTED}' then ${nowMs + DIGEST_MS} else ${nowMs + ITEM_QUIET_MS} end
           where ${isDue}`,
    params: [id, nowMs],
  }
  yield {
    text: 'update notification set attempts = 0, quiet_until_ms = $2, digest_ms = $3 where id = $1',
    params: [id, nowMs + QUIET_MS, hasDigest ? nowMs + DIGEST_MS : digestMs],
  }
  return { kind: 'facts', items, more: total - items.length }
}

function* toItem(row: Row): Transaction<MessageItem> {
  const data = JSON.parse(text(row.data)) as MessageItem['data']
  const endpoint = typeof data.endpoint === 'string' ? data.endpoint : null
  const found =
    endpoint === null
      ? []
      : yield {
          text: 'select url from endpoint where tenant = $1 and id = $2',
          params: [text(row.tenant), idBytes(endpoint)],
        }
  return {
    type: text(row.type),
    tenant: text(row.tenant),
    endpoint,
    host: found.length === 0 ? null : (URL.parse(text(found[0]!.url))?.host ?? null),
    count: int(row.count),
    firstAtMs: int(row.first_ms),
    lastAtMs: int(row.last_ms),
    data,
  }
}

/** An address that no one confirms is forgotten. */
function* awaitConfirmation(row: Row, nowMs: number): Transaction<void> {
  const [id, untilMs] = [bytes(row.id), int(row.confirm_until_ms)]
  if (untilMs <= nowMs) yield { text: 'delete from notification where id = $1', params: [id] }
  else yield { text: 'update notification set due_ms = $2 where id = $1', params: [id, untilMs] }
}

/** Sets when there is something to say, or to forget, unless something happens before. */
function* lookLater(
  id: Uint8Array,
  { nowMs, quietUntilMs, digestMs }: { nowMs: number; quietUntilMs: number; digestMs: number },
): Transaction<void> {
  const rows = yield {
    text: `select min(case when type = '${EXHAUSTED}' and due_ms < $2 and count > 0 then $2 else due_ms end) as at_ms
           from notification_item where notification = $1`,
    params: [id, digestMs],
  }
  const nextMs = rows[0]!.at_ms
  const dueMs = nextMs === null ? null : Math.max(Number(nextMs), quietUntilMs, nowMs + 1_000)
  yield { text: 'update notification set due_ms = $2 where id = $1', params: [id, dueMs] }
}

/** How sending a message ended. `isFinal`: trying again would not help. */
export type Sending =
  | { readonly isSent: true }
  | { readonly isSent: false; readonly reason: string; readonly isFinal: boolean }

/** Records how sending ended. Returns whether the message was given up. */
export function* finishMessage(args: {
  readonly notification: NotificationId
  readonly attempt: number
  readonly sending: Sending
  readonly nowMs: number
}): Transaction<boolean> {
  const { notification, attempt, sending, nowMs } = args
  const id = idBytes(notification)
  if (sending.isSent) {
    yield {
      text: `update notification set outgoing = null, attempts = 0, due_ms = $3, failed_ms = null, failure = null
             where id = $1 and attempts = $2 and outgoing is not null`,
      params: [id, attempt, nowMs],
    }
    return false
  }
  const waitMs = sending.isFinal ? undefined : RETRY_MS[attempt - 1]
  if (waitMs === undefined) {
    yield {
      text: `update notification set outgoing = null, attempts = 0, due_ms = $3, failed_ms = $3, failure = $4
             where id = $1 and attempts = $2 and outgoing is not null`,
      params: [id, attempt, nowMs, sending.reason],
    }
    return true
  }
  yield {
    text: `update notification set due_ms = $3, failed_ms = $5, failure = $4
           where id = $1 and attempts = $2 and outgoing is not null`,
    params: [id, attempt, nowMs + waitMs, sending.reason, nowMs],
  }
  return false
}
