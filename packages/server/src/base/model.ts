/**
 * The glossary: the things that exist, their states, and the allowed transitions.
 *
 * delivery:  pending → delivered | exhausted | cancelled      (these three states are final)
 *            pending ⇄ held                                   (endpoint disabled, or set aside after crashes)
 *            held    → delivered | cancelled                  (delivered: the 2xx was on its way when it was held)
 * endpoint:  enabled ⇄ disabled, and deleted (for good; its deliveries are cancelled)
 * replay:    running ⇄ paused → done | cancelled              (done: all deliveries made; cancelled: none is pending)
 */

import { DAY_MS } from './durations.ts'
import type { FieldError } from './errors.ts'
import type { SentRequest, SignatureHeaders } from './webhook-request.ts'

/** A TypeID: a prefix, `_`, and 26 characters of base32 for a UUIDv7. The store has its 16 bytes. */
export type EventId = string
export type DeliveryId = string
export type EndpointId = string
/** What callers name an endpoint by: its id, or the uid that they gave it. */
export type EndpointReference = string
/** The provider's own id for its customer. */
export type TenantId = string
export type ApiKeyId = string
export type SessionId = string
export type PortalLinkId = string
export type NotificationId = string
export type AuditEntryId = string
export type ReplayId = string
export type ReplayBatchId = string

export type LiveState = 'pending' | 'held'
export const END_STATES = ['delivered', 'exhausted', 'cancelled'] as const
export type EndState = (typeof END_STATES)[number]
export type DeliveryState = LiveState | EndState
export type EndpointState = 'enabled' | 'disabled'
/** What gets an endpoint's requests: the receiver at its URL, or those who listen (decision 54). */
export const ENDPOINT_KINDS = ['url', 'listener'] as const
export type EndpointKind = (typeof ENDPOINT_KINDS)[number]
/** What disabled an endpoint: an API call, the receiver's 410, or days without a success (C11). */
export const DISABLED_REASONS = ['manual', 'gone', 'failing'] as const
export type DisabledReason = (typeof DISABLED_REASONS)[number]

export const DELIVERY_STATES: readonly DeliveryState[] = ['pending', 'held', 'delivered', 'exhausted', 'cancelled']

/** The endpoint is disabled; or the delivery was in flight at repeated crashes, and waits to be retried manually. */
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

/** The number of slices of all endpoints. An endpoint's partition is drawn once, stored, and never recomputed. */
export const PARTITION_COUNT = 256

export type EventType = {
  readonly name: string
  readonly group: string
  readonly description: string
  /** The JSON Schema (2020-12) that payloads must satisfy. */
  readonly schema: unknown
  /** A payload that satisfies the schema. Sent when an endpoint is tested. */
  readonly example: unknown
  /** The retry schedule at endpoints that have none of their own. Null or left out for the operator's. */
  readonly schedule?: RetrySchedule | null
  /** When the type was archived: it can't be published any longer, and endpoints can't add it. Null if it is in use. */
  readonly archivedAtMs: number | null
}

/** The prefix of the types that Posthorn itself publishes. An endpoint gets them only if it names them. */
export const OPERATIONAL_PREFIX = 'posthorn.'
export const isOperational = (type: string): boolean => type.startsWith(OPERATIONAL_PREFIX)

/** Conditions on a payload. catalogue/filter.ts evaluates them. */
export type PayloadFilter = Readonly<Record<string, unknown>>

/** Delays in seconds, each from the end of the previous attempt. Its length is the number of retries (C12). */
export type RetrySchedule = readonly number[]

/** The maximum number of an endpoint's attempts, or of a key's calls, in any period of `perSeconds`. */
export type RateLimit = { readonly requests: number; readonly perSeconds: number }

export type Endpoint = {
  readonly id: EndpointId
  readonly tenant: TenantId
  readonly partition: number
  /** The caller's own name of it, unique among the tenant's endpoints; null: none. */
  readonly uid: string | null
  /** For people; null: none. */
  readonly name: string | null
  /** Null: it is a listener (decision 54), whose requests go to those who listen. */
  readonly url: string | null
  /** The credentials of its requests (secrets/credentials.ts), sealed (secrets/keyring.ts). */
  readonly sealedCredentials: Uint8Array
  /** HMAC of the newest clientSecret under the server's key, the same for equal secrets. Null if it has none. */
  readonly secretDigest: Uint8Array | null
  /** The event types it receives, by name or by a pattern with `*`. Null for all types in the catalogue. */
  readonly types: readonly string[] | null
  /** Which events of these types it receives. Null for all. */
  readonly filter: PayloadFilter | null
  readonly description: string | null
  readonly metadata: Record<string, string>
  /** Extra request headers, with lower-case names. */
  readonly headers: ExtraHeaders
  /** Null for those of Standard Webhooks. */
  readonly signatureHeaders: SignatureHeaders | null
  /** Null for the type's schedule, or else the operator's. */
  readonly schedule: RetrySchedule | null
  /** Milliseconds from the first byte sent to the status. Null for the operator's timeout (C11: 15,000). */
  readonly timeoutMs: number | null
  /** Null if there is none. */
  readonly rateLimit: RateLimit | null
  /**
   * Whether it gets one delivery at a time, in the order in which they were stored. A failing one blocks the others.
   */
  readonly ordered: boolean
  readonly state: EndpointState
  readonly disabledReason: DisabledReason | null
  /** null: it is enabled, or was disabled before this was recorded. */
  readonly disabledAtMs: number | null
  readonly health: EndpointHealth
  readonly expiry: CredentialExpiry
  /** Of a listener: when someone last listened, to within a minute or two; its creation, if no one did. Otherwise null. */
  readonly seenAtMs: number | null
  readonly createdAtMs: number
  readonly updatedAtMs: number
}

/** @param url the endpoint's, null for a listener */
export const kindOf = (url: string | null): EndpointKind => (url === null ? 'listener' : 'url')

/** How long a listener is kept that no one listens to. */
export const LISTENER_KEPT_MS = DAY_MS

/** Listeners of a tenant. */
export const MAX_LISTENERS = 100

/** By name. */
export type ExtraHeaders = Readonly<Record<string, ExtraHeader>>

export type ExtraHeader = {
  /** Whether its value is never shown. */
  readonly secret: boolean
  /**
   * Null if it is sealed with the endpoint's credentials. A secret with a value was stored by an earlier version, and is
   * sealed at the endpoint's next change.
   */
  readonly value: string | null
}

/** The health of the receiver. Written by the engine, never together with the endpoint's settings. */
export type EndpointHealth = {
  /** When the first failure of the current run of failures ended. Null if the last conclusive attempt was a success. */
  readonly failingSinceMs: number | null
  /** The number of warnings (FAILING_STAGES) given in this run of failures. Outside of one, 0 or RETURNING. */
  readonly stage: number
  /** The receiver asked for no requests before this time (Retry-After). It can be in the past. */
  readonly pausedUntilMs: number | null
}

/** After a run of failures, the endpoint was enabled again or got another URL, and has had no success since. */
export const RETURNING = -1

export const WELL: EndpointHealth = { failingSinceMs: null, stage: 0, pausedUntilMs: null }

/** When its credentials expire, in milliseconds since 1970. Null for never, as far as known. */
export type CredentialExpiry = { readonly secretMs: number | null; readonly certificateMs: number | null }

/** When to warn, as fractions of the time until an endpoint is disabled: after 1, 2 and 4 days of five (C11). */
export const FAILING_STAGES = [0.2, 0.4, 0.8] as const
/** The time that the fractions refer to if endpoints are never disabled for failing. */
const UNLIMITED_FAILING_MS = 5 * DAY_MS
/** A run of failures counts only if its last failure is no older than this (C11). */
export const FAILING_RECENTLY_MS = DAY_MS

/**
 * How long a run of failures lasts until the next step, in milliseconds: a warning or, after the last one, disabling.
 * @param disableAfterMs 0 if endpoints are never disabled for failing
 */
export function failingStepMs(stage: number, disableAfterMs: number): number {
  const part = FAILING_STAGES[stage]
  if (part !== undefined) return part * (disableAfterMs || UNLIMITED_FAILING_MS)
  return disableAfterMs || Number.POSITIVE_INFINITY
}

/** What an attempt came to, in short. */
export type AttemptResult = {
  readonly startedAtMs: number
  readonly durationMs: number
  /** Null if there was no response. */
  readonly status: number | null
  /** Null if it succeeded. */
  readonly error: AttemptError | null
}

/** One event for one endpoint: the event's own delivery, a test, or a manual retry or replay of one (`replayOf`). */
export type Delivery = {
  readonly id: DeliveryId
  readonly tenant: TenantId
  readonly endpoint: EndpointId
  readonly event: EventId
  readonly type: string
  readonly state: DeliveryState
  readonly heldReason: HeldReason | null
  readonly attempts: number
  /** The attempt that led to the current state. Null before the first, and if it ended before this was kept. */
  readonly lastAttempt: AttemptResult | null
  /** When the next attempt is due. Null unless the delivery is pending. */
  readonly dueAtMs: number | null
  readonly replayOf: DeliveryId | null
  readonly test: boolean
  readonly createdAtMs: number
  readonly endedAtMs: number | null
}

/** A delivery with what people know its event and its endpoint by. */
export type DescribedDelivery = Delivery & {
  /** The key of its event. Null if it has none. */
  readonly key: string | null
  readonly endpointUid: string | null
  /** Null if the endpoint is no longer kept, or is a listener. */
  readonly endpointUrl: string | null
}

export type PublishedEvent = {
  readonly id: EventId
  readonly tenant: TenantId
  readonly type: string
  readonly key: string | null
  /** Empty if the payload was removed before the event. */
  readonly payload: Uint8Array
  readonly test: boolean
  readonly createdAtMs: number
  /** Null if its deliveries have not been made yet. */
  readonly notSent: NotSent | null
  /** Why an event published from SQL, where it can't be refused, gets no deliveries. Null if it is valid. */
  readonly rejected: readonly FieldError[] | null
}

/** How many of the tenant's endpoints got no delivery of an event, by reason. */
export type NotSentReason = 'type' | 'filter'
export type NotSent = Partial<Record<NotSentReason, number>>

/**
 * Why an endpoint has no delivery of an event: it doesn't receive the type; its filter excluded the event; it was
 * registered after the event; it was deleted before the delivery was made; the event was rejected; the event was a test
 * of another endpoint. `unknown`: the records that would tell are no longer kept.
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

/**
 * Why a delivery of an event was not sent (yet): an earlier one of an ordered endpoint has not ended; its next attempt
 * is due later; the receiver asked for a pause, or is failing and gets few requests; the endpoint has a rate limit, and
 * nothing else explains the wait; no one listens to a listener; the endpoint is disabled; it was set aside; someone
 * cancelled it. `deleted`, of those above, also stands for a delivery that was cancelled with its endpoint.
 */
export const NOT_SENT_YET_REASONS = [
  'earlier_delivery',
  'next_attempt',
  'paused',
  'failing',
  'rate_limit',
  'no_listener',
  'disabled',
  'set_aside',
  'cancelled',
] as const

export const OUTCOME_REASONS = [...NOT_MADE_REASONS, ...NOT_SENT_YET_REASONS] as const
export type OutcomeReason = (typeof OUTCOME_REASONS)[number]

/** What became of an event at one of its tenant's endpoints. */
export type EventEndpoint = {
  readonly endpoint: EndpointId
  readonly endpointUid: string | null
  /** Null: it is a listener. */
  readonly endpointUrl: string | null
  /** `being_made`: the event is in the inbox. Its delivery is not made yet, or it is not known if there will be one. */
  readonly state: DeliveryState | 'being_made' | 'not_made'
  /** Why it was not sent (yet). Null if it is about to be sent, or if its attempts say what became of it. */
  readonly reason: OutcomeReason | null
  /** For the reason `earlier_delivery`, the one that is sent first. Null for all others. */
  readonly behind: DeliveryId | null
  /** The newest delivery, if manual retries or replays have made several. */
  readonly delivery: Delivery | null
  readonly deliveryCount: number
}

export type AttemptOutcome = 'success' | 'failure'

/** Stable codes for why an attempt failed. docs/deliveries.md explains each. */
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
  'no_listener',
  'internal',
] as const
export type AttemptError = (typeof ATTEMPT_ERRORS)[number]

/** What exactly went wrong in an attempt: a code (base/attempt-details.ts), and what was seen, such as a position. */
export type AttemptDetail = { readonly code: string; readonly value: string | null }

export type Attempt = {
  /** 1 for the first. */
  readonly number: number
  readonly startedAtMs: number
  readonly durationMs: number
  readonly outcome: AttemptOutcome
  readonly status: number | null
  readonly error: AttemptError | null
  /** What exactly the error was, or what was wrong with `Retry-After`. Null if nothing more is known. */
  readonly detail: AttemptDetail | null
  /** The request was lost on a kept connection and repeated on a new one (C12). */
  readonly reconnected: boolean
  /** The address of the connection, `address:port`. */
  readonly address: string | null
  /** The request as it was sent. Null if nothing was sent, or if it was sent before Posthorn kept requests. */
  readonly request: SentRequest | null
  /** The response's headers as received, alternating names and values, with secrets blanked. */
  readonly responseHeaders: readonly string[]
  /** The first 16 KiB of the response's body, with secrets blanked. */
  readonly responseBody: Uint8Array
  readonly responseTruncated: boolean
  /** Whether the headers and the body were removed before the rest of the attempt. Default: false. */
  readonly responseRemoved?: boolean
}
