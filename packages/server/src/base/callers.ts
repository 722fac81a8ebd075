/** Who calls the API: keys, sessions and the people in them, and what the audit log says of what they changed. */
import type { ApiKeyId, AuditEntryId, RateLimit, SessionId, TenantId } from './model.ts'
import type { Portal } from './portal.ts'

export const API_KEY_SCOPES = ['all', 'publish', 'read'] as const
export type ApiKeyScope = (typeof API_KEY_SCOPES)[number]

/** An API key in addition to the root key. The key itself is not stored, only its hash. */
export type ApiKey = {
  readonly id: ApiKeyId
  readonly name: string
  /** What the key can do: everything, only publish, or only read. */
  readonly scope: ApiKeyScope
  /** The only tenant that the key can be used for. Null for all tenants. */
  readonly tenant: TenantId | null
  /** Whether payloads and receivers' responses are shown to it. */
  readonly payloads: boolean
  /** Limits the key's calls, at each node. Null for no limit. */
  readonly rateLimit: RateLimit | null
  readonly createdAtMs: number
  /** Null if it does not expire. */
  readonly expiresAtMs: number | null
  readonly revokedAtMs: number | null
}

/** Someone who signed in through an issuer of OpenID Connect, and what they can do (decision 56). */
export type Person = {
  /** The issuer's id in the settings. */
  readonly issuer: string
  /** Who it is for the issuer: `sub`, which is unique there and never changes. */
  readonly subject: string
  /** What the issuer says that they are called. */
  readonly name: string | null
  readonly scope: Exclude<ApiKeyScope, 'publish'>
  /** Whether they see payloads and what receivers responded. */
  readonly payloads: boolean
}

/**
 * A browser that signed in: with an API key, then it can do what the key can, with a portal link, or a person through
 * single sign-on. The first two end with the key, which is the one that made the link.
 */
export type Session = {
  readonly id: SessionId
  /** Null: the root key, or a person's session. */
  readonly key: ApiKeyId | null
  /** The tenant of a portal, or the only one of a key or person. */
  readonly tenant: TenantId | null
  /** Null: not the session of a portal. */
  readonly portal: Portal | null
  /** Null: the session of an API key or a portal. */
  readonly person: Person | null
  /** The address that signed in. */
  readonly address: string | null
  /** What the browser called itself. */
  readonly userAgent: string | null
  readonly createdAtMs: number
  /** The last call, to within a minute. */
  readonly usedAtMs: number
  /** When it ends, however much it is used. */
  readonly expiresAtMs: number
  /** When it was signed out or revoked. */
  readonly endedAtMs: number | null
}

/**
 * Who changed the configuration: the root key, another key, a user of a tenant's portal, a person who signed in through
 * single sign-on, or Posthorn itself.
 */
export const ACTOR_KINDS = ['root', 'key', 'portal', 'person', 'system'] as const
export type Actor = {
  readonly kind: (typeof ACTOR_KINDS)[number]
  /** The key's id. For `portal`, the key that made the link. Null for the root key and a person. */
  readonly key: ApiKeyId | null
  /** The key's name. For `portal`, the user that the link names. For `person`, their name, issuer and subject. */
  readonly name: string | null
  /** The address that made the call. */
  readonly address: string | null
}

export const SYSTEM: Actor = { kind: 'system', key: null, name: null, address: null }

export const AUDIT_ACTIONS = [
  'created',
  'updated',
  'enabled',
  'disabled',
  'archived',
  'unarchived',
  'revoked',
  'deleted',
  'replaced',
  'erased',
  'tested',
  'retried',
  'cancelled',
  'paused',
  'resumed',
] as const
export const AUDIT_TARGETS = [
  'event_type',
  'tenant',
  'endpoint',
  'api_key',
  'encryption_key',
  'root_key',
  'session',
  'portal_link',
  'portal',
  'portal_logo',
  'notification',
  'delivery',
  'replay',
  'replay_batch',
] as const

/** One change of the configuration, or one act on deliveries. It says what was changed, but contains no values. */
export type AuditEntry = {
  readonly id: AuditEntryId
  readonly atMs: number
  readonly actor: Actor
  readonly action: (typeof AUDIT_ACTIONS)[number]
  readonly target: (typeof AUDIT_TARGETS)[number]
  /** The id of what was changed; for an event type, its name. */
  readonly targetId: string
  /** The tenant that it belongs to. Null if it belongs to none. */
  readonly tenant: TenantId | null
  /** For `updated`, the names of the fields that changed. */
  readonly fields: readonly string[]
}
