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
import type { NotificationId, TenantId } from '../../../base/model.ts'
import type { NotificationKind, NotificationLanguage } from '../../../base/notification.ts'
import { OPERATOR_TENANT } from '../../../base/tenant.ts'
import { bytes, type Dialect, int, type Row, type Transaction, text, textOrNull } from '../../transaction.ts'
import { EXHAUSTED } from './items.ts'
import { spend } from './limits.ts'
import { type MessageItem, readItem } from './message-items.ts'

/** The shortest time between two messages of a notification. It doubles with each message in a row, up to the longest. */
const QUIET_MS = 15 * MINUTE_MS
const LONGEST_QUIET_MS = 2 * HOUR_MS
/** How long there must have been nothing to say for the next message to be the first of a row again. */
const CALM_MS = 6 * HOUR_MS
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

/** What is sent: the request to confirm the address, a test that someone asked for, or facts. */
export type MessageContent =
  | { readonly kind: 'confirmation' }
  | { readonly kind: 'test' }
  | {
      readonly kind: 'facts'
      readonly items: readonly MessageItem[]
      /** How many more items there are than listed. */
      readonly more: number
    }

export const CONFIRMATION = JSON.stringify({ kind: 'confirmation' } satisfies MessageContent)
export const TEST = JSON.stringify({ kind: 'test' } satisfies MessageContent)

/** A message to be sent by the node that took it. */
export type TakenMessage = {
  readonly notification: NotificationId
  readonly tenant: TenantId
  /** The tenant's own name. */
  readonly tenantName: string | null
  /** The address, or the origin of the chat's URL. */
  readonly shown: string
  readonly language: NotificationLanguage
  /** When an address that is not confirmed is removed. */
  readonly confirmUntilMs: number
  readonly kind: NotificationKind
  readonly sealed: Uint8Array
  readonly content: MessageContent
  /** From 1. */
  readonly attempt: number
  /** When the message was made: with the notification it identifies the message, however often it is tried. */
  readonly madeAtMs: number
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
    text: `select n.id, n.tenant, n.kind, n.shown, n.language, n.sealed, n.outgoing, n.attempts, n.address_hash, n.confirmed_ms,
             n.confirm_until_ms, n.told, n.quiet_until_ms, n.digest_ms
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
    shown: text(row.shown),
    language: text(row.language) as NotificationLanguage,
    confirmUntilMs: int(row.confirm_until_ms),
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
  for (const item of listed) items.push(yield* readItem(item))
  yield {
    text: `update notification_item set count = 0, data = '{}', due_ms =
             case when type = '${EXHAUSTED}' then ${nowMs + DIGEST_MS} else ${nowMs + ITEM_QUIET_MS} end
           where ${isDue}`,
    params: [id, nowMs],
  }
  const told = quietUntilMs + CALM_MS > nowMs ? int(row.told) + 1 : 1
  const quietMs = Math.min(QUIET_MS * 2 ** Math.min(told - 1, 10), LONGEST_QUIET_MS)
  yield {
    text: 'update notification set attempts = 0, told = $4, quiet_until_ms = $2, digest_ms = $3 where id = $1',
    params: [id, nowMs + quietMs, hasDigest ? nowMs + DIGEST_MS : digestMs, told],
  }
  return { kind: 'facts', items, more: total - items.length }
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

/** Leaves out what the operator's messages that are waiting to be sent tell of a tenant. */
export function* forgetTenantInMessages(tenant: TenantId): Transaction<void> {
  const rows = yield {
    text: 'select id, outgoing from notification where tenant = $1 and outgoing is not null',
    params: [OPERATOR_TENANT],
  }
  for (const row of rows) {
    const outgoing = JSON.parse(text(row.outgoing)) as Outgoing
    if (outgoing.kind !== 'facts') continue
    const items = outgoing.items.filter(item => item.tenant !== tenant)
    if (items.length === outgoing.items.length) continue
    const left = items.length === 0 ? null : JSON.stringify({ ...outgoing, items })
    yield { text: 'update notification set outgoing = $2 where id = $1', params: [bytes(row.id), left] }
  }
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
  /** A test is sent once: the one who asked for it is waiting. */
  readonly isTest: boolean
  readonly nowMs: number
}): Transaction<boolean> {
  const { notification, attempt, sending, isTest, nowMs } = args
  const id = idBytes(notification)
  if (sending.isSent) {
    yield {
      text: `update notification set outgoing = null, attempts = 0, due_ms = $3, sent_ms = $3, failed_ms = null,
               failure = null
             where id = $1 and attempts = $2 and outgoing is not null`,
      params: [id, attempt, nowMs],
    }
    return false
  }
  const waitMs = sending.isFinal || isTest ? undefined : RETRY_MS[attempt - 1]
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
