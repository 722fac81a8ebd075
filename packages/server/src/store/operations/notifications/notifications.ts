/** Who is told by mail or chat, and how an address is confirmed (decision 55). */
import { DAY_MS, HOUR_MS } from '../../../base/durations.ts'
import { idBytes, idText } from '../../../base/ids.ts'
import type { NotificationId, TenantId } from '../../../base/model.ts'
import type { Notification, NotificationType } from '../../../base/notification.ts'
import {
  type BulkQuery,
  bytes,
  int,
  intOrNull,
  type Row,
  type Transaction,
  text,
  textOrNull,
} from '../../transaction.ts'
import { type Place, Where } from '../../where.ts'
import { type By, differences, record } from '../audit.ts'
import { block, spend } from './limits.ts'
import { CONFIRMATION, TEST } from './messages.ts'

const FIELDS = `id, tenant, kind, shown, types, language, confirmed_ms, confirm_until_ms, sent_ms, failed_ms, failure, created_ms`

const toNotification = (row: Row): Notification => {
  const failedAtMs = intOrNull(row.failed_ms)
  return {
    id: idText('ntf', bytes(row.id)),
    tenant: text(row.tenant),
    kind: text(row.kind) as Notification['kind'],
    shown: text(row.shown),
    types: JSON.parse(text(row.types)) as NotificationType[],
    language: text(row.language) as Notification['language'],
    confirmedAtMs: intOrNull(row.confirmed_ms),
    confirmUntilMs: int(row.confirm_until_ms),
    sentAtMs: intOrNull(row.sent_ms),
    failure: failedAtMs === null ? null : { atMs: failedAtMs, reason: textOrNull(row.failure) ?? 'unknown' },
    createdAtMs: int(row.created_ms),
  }
}

const entryOf = ({ id, tenant }: { id: NotificationId; tenant: TenantId }) =>
  ({ target: 'notification', targetId: id, tenant }) as const

/** How many confirmations are requested. */
export type ConfirmationLimits = {
  /** From one address in a day, whichever tenant asks: no one is to be pestered. */
  readonly perAddress: number
  /** The same in thirty days. */
  readonly perAddressInMonth: number
  /** By one tenant in a day. */
  readonly perTenant: number
}

const ID_COLUMNS: BulkQuery['columns'] = [['id', 'bytes']]

const MONTH_MS = 30 * DAY_MS
const asking = (addressHash: Uint8Array): string => `confirm address ${Buffer.from(addressHash).toString('hex')}`

/** Counts a confirmation. Returns null, or when the next one is allowed. */
function* spendConfirmation(
  tenant: TenantId,
  addressHash: Uint8Array,
  { perAddress, perAddressInMonth, perTenant }: ConfirmationLimits,
  nowMs: number,
): Transaction<number | null> {
  const period = { nowMs, periodMs: DAY_MS }
  const ofTenant = yield* spend(`confirm tenant ${tenant}`, { ...period, most: perTenant })
  if (ofTenant !== null) return ofTenant
  const ofDay = yield* spend(asking(addressHash), { ...period, most: perAddress })
  if (ofDay !== null) return ofDay
  const month = { nowMs, periodMs: MONTH_MS, most: perAddressInMonth }
  return yield* spend(`${asking(addressHash)} in a month`, month)
}

export type NewNotification = Omit<Notification, 'confirmedAtMs' | 'sentAtMs' | 'failure'> & {
  /** The same for the same address, in whatever tenant. */
  readonly addressHash: Uint8Array
  /** The address, and the tokens of the links. */
  readonly sealed: Uint8Array
  readonly confirmHash: Uint8Array
  readonly unsubscribeHash: Uint8Array
  /** How many the tenant can have. */
  readonly most: number
  readonly limits: ConfirmationLimits
}

export type Creation =
  | { readonly kind: 'created' }
  | { readonly kind: 'no_tenant' }
  /** The tenant has this address already. */
  | { readonly kind: 'exists'; readonly id: NotificationId }
  | { readonly kind: 'too_many' }
  | { readonly kind: 'limited'; readonly untilMs: number }

/** Stores a notification, and has its confirmation sent. */
export function* createNotification(args: NewNotification & By): Transaction<Creation> {
  const { id, tenant, addressHash, createdAtMs: nowMs } = args
  const tenants = yield { text: 'select 1 from tenant where id = $1 and deleted_ms is null', params: [tenant] }
  if (tenants.length === 0) return { kind: 'no_tenant' }
  const same = yield {
    text: 'select id from notification where tenant = $1 and address_hash = $2',
    params: [tenant, addressHash],
  }
  if (same.length > 0) return { kind: 'exists', id: idText('ntf', bytes(same[0]!.id)) }
  const count = yield { text: 'select count(*) as n from notification where tenant = $1', params: [tenant] }
  if (int(count[0]!.n) >= args.most) return { kind: 'too_many' }
  const untilMs = yield* spendConfirmation(tenant, addressHash, args.limits, nowMs)
  if (untilMs !== null) return { kind: 'limited', untilMs }
  const made = yield {
    text: `insert into notification (id, tenant, kind, shown, address_hash, sealed, types, language, confirm_hash,
             confirm_until_ms, confirmed_ms, unsubscribe_hash, outgoing, attempts, due_ms, told, quiet_until_ms,
             digest_ms, sent_ms, failed_ms, failure, created_ms)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, null, $11, $12, 0, $13, 0, 0, 0, null, null, null, $13)
           on conflict (tenant, address_hash) do nothing returning id`,
    params: [
      idBytes(id),
      tenant,
      args.kind,
      args.shown,
      addressHash,
      args.sealed,
      JSON.stringify(args.types),
      args.language,
      args.confirmHash,
      args.confirmUntilMs,
      args.unsubscribeHash,
      CONFIRMATION,
      nowMs,
    ],
  }
  // Another call has stored the same address since.
  if (made.length === 0) return { kind: 'limited', untilMs: nowMs + 1_000 }
  yield* record(args, { ...entryOf(args), action: 'created' }, nowMs)
  return { kind: 'created' }
}

/** Has the confirmation sent again. Returns null if there is no such notification. */
export function* requestConfirmation(args: {
  readonly id: NotificationId
  readonly tenant: TenantId
  readonly nowMs: number
  readonly untilMs: number
  readonly limits: ConfirmationLimits
}): Transaction<{ kind: 'sent' } | { kind: 'confirmed' } | { kind: 'limited'; untilMs: number } | null> {
  const { id, tenant, nowMs } = args
  const [row] = yield {
    text: 'select address_hash, confirmed_ms from notification where id = $1 and tenant = $2',
    params: [idBytes(id), tenant],
  }
  if (row === undefined) return null
  if (row.confirmed_ms !== null) return { kind: 'confirmed' }
  const untilMs = yield* spendConfirmation(tenant, bytes(row.address_hash), args.limits, nowMs)
  if (untilMs !== null) return { kind: 'limited', untilMs }
  yield {
    text: `update notification set outgoing = $3, attempts = 0, due_ms = $4, confirm_until_ms = $5
           where id = $1 and tenant = $2 and confirmed_ms is null`,
    params: [idBytes(id), tenant, CONFIRMATION, nowMs, args.untilMs],
  }
  return { kind: 'sent' }
}

export function* listNotifications(
  args: Place<NotificationId> & { tenant: TenantId; limit: number },
): Transaction<Notification[]> {
  const where = new Where().add('tenant = ?', args.tenant)
  const order = where.behind(args)
  const rows = yield {
    text: `select ${FIELDS} from notification where ${where.text} ${order} limit ${args.limit}`,
    params: where.params,
  }
  return rows.map(toNotification)
}

export function* getNotification(args: { id: NotificationId; tenant: TenantId }): Transaction<Notification | null> {
  const rows = yield {
    text: `select ${FIELDS} from notification where id = $1 and tenant = $2`,
    params: [idBytes(args.id), args.tenant],
  }
  return rows.length === 0 ? null : toNotification(rows[0]!)
}

/** Changes what it tells of, or its language. Returns false if it doesn't exist. */
export function* updateNotification(
  args: Pick<Notification, 'id' | 'tenant' | 'types' | 'language'> & { readonly nowMs: number } & By,
): Transaction<boolean> {
  const before = yield* getNotification(args)
  if (before === null) return false
  const after = { ...before, types: args.types, language: args.language }
  yield {
    text: 'update notification set types = $3, language = $4 where id = $1 and tenant = $2',
    params: [idBytes(args.id), args.tenant, JSON.stringify(args.types), args.language],
  }
  const fields = differences(before, after, ['types', 'language'])
  if (fields.length === 0) return true
  yield* record(args, { ...entryOf(args), action: 'updated', fields }, args.nowMs)
  return true
}

/** Removes it, and what it was to tell. Returns false if it doesn't exist. */
export function* deleteNotification(
  args: { id: NotificationId; tenant: TenantId; nowMs: number } & By,
): Transaction<boolean> {
  const rows = yield {
    text: 'delete from notification where id = $1 and tenant = $2 returning id',
    params: [idBytes(args.id), args.tenant],
  }
  if (rows.length === 0) return false
  yield { text: 'delete from notification_item where notification = $1', params: [idBytes(args.id)] }
  yield* record(args, { ...entryOf(args), action: 'deleted' }, args.nowMs)
  return true
}

/** Removes all of a tenant that is deleted. */
export function* dropNotificationsOf(tenant: TenantId): Transaction<void> {
  const gone = yield { text: 'delete from notification where tenant = $1 returning id', params: [tenant] }
  if (gone.length === 0) return
  yield {
    text: 'delete from notification_item where notification in (select id from v)',
    columns: ID_COLUMNS,
    rows: gone.map(row => [bytes(row.id)]),
  }
}

// The links in messages

/** Which of its two links a token is of, by the hash of the token. */
export type Link = { readonly link: 'confirm' | 'unsubscribe'; readonly hash: Uint8Array; readonly nowMs: number }

const BY_LINK = {
  confirm: 'confirm_hash = $1 and (confirmed_ms is not null or confirm_until_ms > $2)',
  unsubscribe: 'unsubscribe_hash = $1 and confirm_until_ms + $2 > 0',
} as const

/** The notification that a link is of. Null if the link doesn't work, or no longer. */
export function* findNotification({ link, hash, nowMs }: Link): Transaction<Notification | null> {
  const rows = yield { text: `select ${FIELDS} from notification where ${BY_LINK[link]}`, params: [hash, nowMs] }
  return rows.length === 0 ? null : toNotification(rows[0]!)
}

/** Follows a link: confirms the address, which can be repeated, or removes the notification. */
export function* followLink(args: Link & By): Transaction<Notification | null> {
  const found = yield* findNotification(args)
  if (found === null) return null
  if (args.link === 'unsubscribe') {
    if (found.confirmedAtMs === null) yield* refuse(found.id, args.nowMs)
    yield* deleteNotification({ ...args, id: found.id, tenant: found.tenant })
    return found
  }
  if (found.confirmedAtMs !== null) return found
  yield {
    text: `update notification set confirmed_ms = $2, outgoing = null, attempts = 0, due_ms = null
           where id = $1 and confirmed_ms is null`,
    params: [idBytes(found.id), args.nowMs],
  }
  yield* record(args, { ...entryOf(found), action: 'enabled' }, args.nowMs)
  return { ...found, confirmedAtMs: args.nowMs }
}

/** Someone who refuses is asked no more for a while, whichever tenant wants to. */
function* refuse(id: NotificationId, nowMs: number): Transaction<void> {
  const [row] = yield { text: 'select address_hash from notification where id = $1', params: [idBytes(id)] }
  if (row !== undefined) yield* block(asking(bytes(row.address_hash)), nowMs + MONTH_MS)
}

// Tests

/** How many tests of one notification can be asked for in an hour. */
const TESTS_AN_HOUR = 5

/** Has a test sent. Null if there is no such notification. `busy`: another message is waiting to be sent. */
export function* requestTest(args: {
  readonly id: NotificationId
  readonly tenant: TenantId
  readonly nowMs: number
}): Transaction<{ kind: 'sent' | 'unconfirmed' | 'busy' } | { kind: 'limited'; untilMs: number } | null> {
  const { id, tenant, nowMs } = args
  const [row] = yield {
    text: 'select confirmed_ms, outgoing from notification where id = $1 and tenant = $2',
    params: [idBytes(id), tenant],
  }
  if (row === undefined) return null
  if (row.confirmed_ms === null) return { kind: 'unconfirmed' }
  if (row.outgoing !== null) return { kind: 'busy' }
  const untilMs = yield* spend(`test ${id}`, { nowMs, periodMs: HOUR_MS, most: TESTS_AN_HOUR })
  if (untilMs !== null) return { kind: 'limited', untilMs }
  const set = yield {
    text: `update notification set outgoing = $2, attempts = 0, due_ms = $3
           where id = $1 and outgoing is null and confirmed_ms is not null returning id`,
    params: [idBytes(id), TEST, nowMs],
  }
  return { kind: set.length === 0 ? 'busy' : 'sent' }
}

// While a new encryption key replaces the old one

export type SealedNotification = { readonly id: NotificationId; readonly sealed: Uint8Array }

export function* readSealedNotifications(args: {
  readonly after: NotificationId | null
  readonly limit: number
}): Transaction<SealedNotification[]> {
  const rows = yield {
    text: `select id, sealed from notification ${args.after === null ? '' : 'where id > $1'} order by id
           limit ${args.limit}`,
    params: args.after === null ? [] : [idBytes(args.after)],
  }
  return rows.map(row => ({ id: idText('ntf', bytes(row.id)), sealed: bytes(row.sealed) }))
}

const RESEALED: BulkQuery['columns'] = [
  ['id', 'bytes'],
  ['sealed', 'bytes'],
]

export function* resealNotifications(args: { readonly items: readonly SealedNotification[] }): Transaction<void> {
  if (args.items.length === 0) return
  yield {
    text: 'update notification set sealed = v.sealed from v where notification.id = v.id',
    columns: RESEALED,
    rows: args.items.map(({ id, sealed }) => [idBytes(id), sealed]),
  }
}
