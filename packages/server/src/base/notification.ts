/** Who is told by mail or chat (decision 55). */
import type { NotificationId, TenantId } from './model.ts'

/** Operational events that a notification can tell of (docs/notifications.md). */
export const NOTIFICATION_TYPES = [
  'posthorn.endpoint.failing',
  'posthorn.endpoint.disabled',
  'posthorn.secret.expiring',
  'posthorn.delivery.exhausted',
] as const
/** Only for the operator. */
export const OPERATOR_NOTIFICATION_TYPES = [...NOTIFICATION_TYPES, 'posthorn.node.lost'] as const
export type NotificationType = (typeof OPERATOR_NOTIFICATION_TYPES)[number]

export const NOTIFICATION_KINDS = ['email', 'slack', 'teams'] as const
export type NotificationKind = (typeof NOTIFICATION_KINDS)[number]

/** The languages that messages are in, and the pages that their links lead to. */
export const NOTIFICATION_LANGUAGES = ['en', 'de'] as const
export type NotificationLanguage = (typeof NOTIFICATION_LANGUAGES)[number]

/** Who is told by mail or chat of what happens to a tenant's endpoints. */
export type Notification = {
  readonly id: NotificationId
  /** The operator's own tenant: told about all tenants. */
  readonly tenant: TenantId
  readonly kind: NotificationKind
  /** The mail address, or the origin of the chat's URL, whose path is secret. */
  readonly shown: string
  readonly types: readonly NotificationType[]
  readonly language: NotificationLanguage
  /** Null until someone at the address confirms it. Nothing else is sent there before. */
  readonly confirmedAtMs: number | null
  /** When it is removed unless it is confirmed. */
  readonly confirmUntilMs: number
  /** When the last message was sent. Null if none was. */
  readonly sentAtMs: number | null
  /** The last message that could not be sent. Null if the last one was sent, or there was none. */
  readonly failure: { readonly atMs: number; readonly reason: string } | null
  readonly createdAtMs: number
}
