/**
 * The glossary: what there is, its states, and which transitions are allowed.
 *
 * delivery:  pending → delivered | exhausted | cancelled      (the three end states are final)
 *            pending ⇄ held                                   (endpoint disabled, or set aside after crashes)
 *            held    → delivered | cancelled                  (delivered: a 2xx that was on its way when it was held)
 * endpoint:  enabled ⇄ disabled, and deleted (gone for good; its deliveries are cancelled)
 * replay:    running ⇄ paused → done | cancelled             (done: all of it is made; cancelled: none of it is pending)
 */

import { DAY_MS } from './durations.ts'
import type { FieldError } from './errors.ts'

/** A TypeID: a prefix, `_`, and 26 characters of base32 over a UUIDv7. In the store its 16 bytes. */
export type EventId = string
export type DeliveryId = string
export type EndpointId = string
/** What callers name an endpoint by: its id, or the uid that they gave it. */
export type EndpointReference = string
/** The provider's own id of its customer. */
export type TenantId = string
export type ApiKeyId = string
export type AuditEntryId = string
export type ReplayId = string

export type LiveState = 'pending' | 'held'
export type EndState = 'delivered' | 'exhausted' | 'cancelled'
export type DeliveryState = LiveState | EndState
export type EndpointState = 'enabled' | 'disabled'
/** Who or what disabled an endpoint: a person, the receiver's 410, or days without a success (C11). */
export const DISABLED_REASONS = ['manual', 'gone', 'failing'] as const
export type DisabledReason = (typeof DISABLED_REASONS)[number]

export const DELIVERY_STATES: readonly DeliveryState[] = ['pending', 'held', 'delivered', 'exhausted', 'cancelled']

/** Its endpoint is disabled; or it was in flight at repeated crashes, and is not sent until a person says so. */
export const HELD_REASONS = ['disabled', 'set_aside'] as const
export type HeldReason = (typeof HELD_REASONS)[number]

const TRANSITIONS: Record<DeliveryState, readonly DeliveryState[]> = {
  pending: ['held', 'delivered', 'exhausted', 'cancelled'],
  held: ['pending', 'delivered', 'cancelled'],
  delivered: [],
  exhausted: [],
  cancelled: [],
}

export function isTransitionAllowed(from: DeliveryState, to: DeliveryState): boolean {
  return TRANSITIONS[from].includes(to)
}

/** Slices of all endpoints; an endpoint's is drawn once, stored, and never recomputed. */
export const PARTITION_COUNT = 256

export type EventType = {
  readonly name: string
  readonly group: string
  readonly description: string
  /** JSON Schema (2020-12) that payloads must satisfy. */
  readonly schema: unknown
  /** A payload that satisfies it. Sent by an endpoint's test. */
  readonly example: unknown
  /** For its deliveries, at endpoints without one of their own; null or left out: the operator's. */
  readonly schedule?: RetrySchedule | null
  /** Since then nothing of it is published, and no endpoint can begin to want it; null: it is in use. */
  readonly archivedAtMs: number | null
}

/** Of the events that Posthorn publishes itself. An endpoint gets them only if it asks for them by this prefix. */
export const OPERATIONAL_PREFIX = 'posthorn.'
export const isOperational = (type: string): boolean => type.startsWith(OPERATIONAL_PREFIX)

/** Conditions on a payload, as catalogue/filter.ts reads them. */
export type PayloadFilter = Readonly<Record<string, unknown>>

export type Tenant = {
  readonly id: TenantId
  readonly name: string | null
  readonly metadata: Record<string, string>
  /** How long what is done with is kept of it; null: as long as the settings say. */
  readonly retention: Retention | null
  readonly createdAtMs: number
}

/** Ages in days, counted from the end of an event's last delivery (of a delivery, for its answers); null: the setting's. */
export type Retention = {
  /** Of an event with everything of it. */
  readonly days: number | null
  readonly payloadDays: number | null
  readonly answerDays: number | null
}

/** A tenant that is being erased, or was. */
export type Erasure = {
  readonly tenant: TenantId
  readonly state: 'running' | 'finished'
  readonly rowsRemoved: number
  readonly requestedAtMs: number
  readonly finishedAtMs: number | null
}

/** Seconds after the end of the attempt before; its length is how many retries there are (C12). */
export type RetrySchedule = readonly number[]

/** At most so many, attempts of an endpoint or calls of a key, in any stretch of so many seconds. */
export type RateLimit = { readonly requests: number; readonly perSeconds: number }

export type Endpoint = {
  readonly id: EndpointId
  readonly tenant: TenantId
  readonly partition: number
  /** The caller's own name of it, unique among the tenant's endpoints; null: none. */
  readonly uid: string | null
  /** For people; null: none. */
  readonly name: string | null
  readonly url: string
  /** What it authenticates with (secrets/credentials.ts), sealed (secrets/keyring.ts). */
  readonly sealedCredentials: Uint8Array
  /** HMAC of the newest clientSecret under the server's key: equal ones of a tenant have equal digests; null: none. */
  readonly secretDigest: Uint8Array | null
  /** Event types wanted, by name or by a pattern with `*`; null: all of the catalogue's. */
  readonly types: readonly string[] | null
  /** Which events of these types are wanted; null: all. */
  readonly filter: PayloadFilter | null
  readonly description: string | null
  readonly metadata: Record<string, string>
  /** Extra request headers, lower-case names. */
  readonly headers: ExtraHeaders
  /** null: those of Standard Webhooks. */
  readonly signatureHeaders: SignatureHeaders | null
  /** null: the type's, or the operator's. */
  readonly schedule: RetrySchedule | null
  /** Milliseconds from the first byte sent to the status; null: the operator's (C11: 15,000). */
  readonly timeoutMs: number | null
  /** null: none. */
  readonly rateLimit: RateLimit | null
  /** One delivery at a time, in the order in which they were stored; a failing one holds up those behind it. */
  readonly ordered: boolean
  readonly state: EndpointState
  readonly disabledReason: DisabledReason | null
  /** null: it is enabled, or was disabled before this was recorded. */
  readonly disabledAtMs: number | null
  readonly health: EndpointHealth
  readonly expiry: CredentialExpiry
  readonly createdAtMs: number
  readonly updatedAtMs: number
}

/** Names of the headers that carry an event's id, the attempt's time and the signatures, in lower case. */
export type SignatureHeaders = { readonly id: string; readonly timestamp: string; readonly signature: string }

export const STANDARD_SIGNATURE_HEADERS: SignatureHeaders = {
  id: 'webhook-id',
  timestamp: 'webhook-timestamp',
  signature: 'webhook-signature',
}

/** By name. */
export type ExtraHeaders = Readonly<Record<string, ExtraHeader>>

export type ExtraHeader = {
  /** Whether its value is never shown. */
  readonly secret: boolean
  /**
   * null: it is sealed with the endpoint's credentials. A secret with a value was stored by an earlier version, and is
   * sealed at the endpoint's next change.
   */
  readonly value: string | null
}

/** How the receiver does. Written by the engine, never with the endpoint's settings. */
export type EndpointHealth = {
  /** When the first failure of the present run ended; null: the last attempt that tells was a success, or there was none. */
  readonly failingSinceMs: number | null
  /** How many of the warnings (FAILING_STAGES) were given in this run; RETURNING outside of one. */
  readonly stage: number
  /** The receiver wants no request before that (Retry-After); can be past. */
  readonly pausedUntilMs: number | null
}

/** Enabled again, or sent elsewhere, after a time of failures, and without a success since. */
export const RETURNING = -1

export const WELL: EndpointHealth = { failingSinceMs: null, stage: 0, pausedUntilMs: null }

/** When what it authenticates with expires, milliseconds since 1970; null: never, as far as is known. */
export type CredentialExpiry = { readonly secretMs: number | null; readonly certificateMs: number | null }

/** Warnings on the way to being disabled, as parts of that time: 1, 2 and 4 days of five (C11). */
export const FAILING_STAGES = [0.2, 0.4, 0.8] as const
/** Of that, where endpoints are never disabled for it. */
const UNLIMITED_FAILING_MS = 5 * DAY_MS
/** The last failure of a run must be no longer ago for it to count (C11). */
export const FAILING_RECENTLY_MS = DAY_MS

/**
 * How long a run of failures is at the next step, milliseconds: a warning, or, after the last, the end.
 * @param disableAfterMs 0: it is never disabled for that
 */
export function failingStepMs(stage: number, disableAfterMs: number): number {
  const part = FAILING_STAGES[stage]
  if (part !== undefined) return part * (disableAfterMs || UNLIMITED_FAILING_MS)
  return disableAfterMs || Number.POSITIVE_INFINITY
}

/** The provider's own: its endpoints get operational events. It is always there. */
export const OPERATOR_TENANT = 'posthorn'

export const API_KEY_SCOPES = ['all', 'publish', 'read'] as const
export type ApiKeyScope = (typeof API_KEY_SCOPES)[number]

/** A key of the API beside the root key. The key itself is nowhere: the store has its hash. */
export type ApiKey = {
  readonly id: ApiKeyId
  readonly name: string
  /** What it can do: everything, publish and nothing else, or read. */
  readonly scope: ApiKeyScope
  /** The one tenant that it can do it for; null: all of them. */
  readonly tenant: TenantId | null
  /** Of its calls, at each node; null: none. */
  readonly rateLimit: RateLimit | null
  readonly createdAtMs: number
  /** null: it does not expire. */
  readonly expiresAtMs: number | null
  readonly revokedAtMs: number | null
}

/** Who changes the configuration: the root key, another key, or Posthorn itself. */
export const ACTOR_KINDS = ['root', 'key', 'system'] as const
export type Actor = {
  readonly kind: (typeof ACTOR_KINDS)[number]
  /** Of a key: its id and name. */
  readonly key: ApiKeyId | null
  readonly name: string | null
  /** The address that the call came from. */
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
] as const
export const AUDIT_TARGETS = ['event_type', 'tenant', 'endpoint', 'api_key', 'encryption_key', 'root_key'] as const

/** One change of the configuration. It names what was changed, never a value. */
export type AuditEntry = {
  readonly id: AuditEntryId
  readonly atMs: number
  readonly actor: Actor
  readonly action: (typeof AUDIT_ACTIONS)[number]
  readonly target: (typeof AUDIT_TARGETS)[number]
  /** The id of what was changed; the name of an event type. */
  readonly targetId: string
  /** Whose it is; null for what is of no tenant. */
  readonly tenant: TenantId | null
  /** Names of the members that changed, for `updated`. */
  readonly fields: readonly string[]
}

/** What a delivery is to its event: of itself, a test, or a repetition of a delivery by hand. */
export type Delivery = {
  readonly id: DeliveryId
  readonly tenant: TenantId
  readonly endpoint: EndpointId
  readonly event: EventId
  readonly type: string
  readonly state: DeliveryState
  readonly heldReason: HeldReason | null
  readonly attempts: number
  /** When the next attempt falls due; null unless pending. */
  readonly dueAtMs: number | null
  readonly replayOf: DeliveryId | null
  readonly test: boolean
  readonly createdAtMs: number
  readonly endedAtMs: number | null
}

export type PublishedEvent = {
  readonly id: EventId
  readonly tenant: TenantId
  readonly type: string
  readonly key: string | null
  /** Empty: it was removed before the event. */
  readonly payload: Uint8Array
  readonly test: boolean
  readonly createdAtMs: number
  /** null: its deliveries are yet to be made. */
  readonly notSent: NotSent | null
  /** Why it has no deliveries, though it was published (from SQL, where it can't be refused); null: it is sound. */
  readonly rejected: readonly FieldError[] | null
}

/** Why endpoints of the tenant got no delivery of an event, and how many. */
export type NotSentReason = 'type' | 'filter'
export type NotSent = Partial<Record<NotSentReason, number>>

export const REPLAY_STATES = ['running', 'paused', 'done', 'cancelled'] as const
export type ReplayState = (typeof REPLAY_STATES)[number]

/** Of what is pending or held, another attempt follows anyhow. */
export const REPLAYABLE_STATES = ['delivered', 'exhausted', 'cancelled'] as const satisfies readonly EndState[]

/** What a replay is of: events that satisfy all of it. */
export type ReplaySelection = {
  /** To this endpoint alone; null: to each of the tenant's. */
  readonly endpoint: EndpointId | null
  readonly event: EventId | null
  /** Event types by name; null: all. */
  readonly types: readonly string[] | null
  /** What the event has come to at the endpoint. */
  readonly states: readonly EndState[]
  /** Also events that the endpoint never got, and would get as it is now. */
  readonly missing: boolean
  /** Published at this time or later, and before that one; milliseconds since 1970. */
  readonly fromMs: number | null
  readonly toMs: number | null
}

/** New deliveries of events that were published before, made a few at a time. */
export type Replay = {
  /** The store's own, by which replays are in order of time. */
  readonly id: ReplayId
  /** The caller's id, or the text of our own where none was given. */
  readonly key: string
  readonly tenant: TenantId
  readonly selection: ReplaySelection
  readonly state: ReplayState
  /** How many it makes, as counted when it was made; null: too many to count then. At its end: made and skipped. */
  readonly deliveries: number | null
  readonly made: number
  /** Not made after all: sent again by somebody else meanwhile, or the endpoint or the event is gone. */
  readonly skipped: number
  /** Of those made, how many are pending or held. */
  readonly live: number
  readonly createdAtMs: number
  readonly endedAtMs: number | null
}

/**
 * Why an endpoint has no delivery of an event: it did not want the type, or its filter did not let it through; it was
 * registered after it; it was deleted before its delivery was made; the event was rejected; it was another's test.
 * `unknown`: nothing is kept any more that would tell.
 */
export const NOT_MADE_REASONS = [
  'type',
  'filter',
  'registered_later',
  'deleted',
  'rejected',
  'test',
  'unknown',
] as const
export type NotMadeReason = (typeof NOT_MADE_REASONS)[number]

/** What became of an event at one endpoint of its tenant. */
export type EventEndpoint = {
  readonly endpoint: EndpointId
  readonly endpointUid: string | null
  /** `being_made`: the event is in the inbox, and it is not known yet, or its delivery is not made yet. */
  readonly state: DeliveryState | 'being_made' | 'not_made'
  /** null unless it is `not_made`. */
  readonly reason: NotMadeReason | null
  /** The newest, where there are several: retries by hand, and replays. */
  readonly delivery: Delivery | null
  readonly deliveryCount: number
}

export type AttemptOutcome = 'success' | 'failure'

/** Stable words for why an attempt failed; docs/deliveries.md explains each. */
export const ATTEMPT_ERRORS = [
  'dns_failed',
  'target_refused',
  'proxy_failed',
  'connect_refused',
  'connect_timeout',
  'connect_failed',
  'tls_failed',
  'connection_reset',
  'response_timeout',
  'response_malformed',
  'response_too_large',
  'http_redirect',
  'http_gone',
  'http_client_error',
  'http_server_error',
  'http_unexpected',
  'secret_unreadable',
  'token_unavailable',
  'internal',
] as const
export type AttemptError = (typeof ATTEMPT_ERRORS)[number]

export type Attempt = {
  /** 1 for the first. */
  readonly number: number
  readonly startedAtMs: number
  readonly durationMs: number
  readonly outcome: AttemptOutcome
  readonly status: number | null
  readonly error: AttemptError | null
  /** The address connected to, `address:port`. */
  readonly address: string | null
  /** The answer's headers as received, name and value in turn, secrets blanked. */
  readonly responseHeaders: readonly string[]
  /** The answer's first 16 KiB, secrets blanked. */
  readonly responseBody: Uint8Array
  readonly responseTruncated: boolean
  /** Headers and body were removed before the rest. Default: false. */
  readonly responseRemoved?: boolean
}
