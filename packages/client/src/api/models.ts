// Generated from the OpenAPI document by `npm run generate:client`. Do not edit.

/** A time in a response, in RFC 3339 format and UTC: `2026-05-03T08:00:00.000Z`. */
export type Timestamp = string

/** A time in a call: a `Date`, or a text in RFC 3339 format. A date alone, such as `2026-05-03`, is midnight UTC. */
export type Time = string | Date

export type Problem = {
  type: string
  title: string
  status: number
  detail: string
  /** Stable error code. Depend on this rather than on `title` or `detail`. */
  code:
    | 'bad_json'
    | 'bad_request'
    | 'unauthorized'
    | 'session_ended'
    | 'forbidden'
    | 'insecure_origin'
    | 'not_found'
    | 'method_not_allowed'
    | 'request_timeout'
    | 'conflict'
    | 'idempotency_conflict'
    | 'call_in_flight'
    | 'already_made'
    | 'event_type_archived'
    | 'schema_conflict'
    | 'body_too_large'
    | 'unsupported_media_type'
    | 'expectation_failed'
    | 'invalid'
    | 'rate_limited'
    | 'headers_too_large'
    | 'internal'
    | 'not_implemented'
    | 'issuer_unavailable'
    | 'store_unavailable'
    | 'shutting_down'
    | 'overloaded'
    | 'busy'
  errors?: FieldError[]
  /** Only with `already_made`: id of what the call made. */
  made?: string
}

export type EventType = {
  name: string
  group: string
  description: string
  /** JSON Schema (2020-12) that payloads must satisfy. */
  schema: unknown
  /** A payload that satisfies the schema. */
  example: unknown
  /** Seconds to wait before each retry, for endpoints without their own schedule. Null for the default. */
  schedule: number[] | null
  /** Whether this is one of Posthorn's own types, which endpoints receive only if they name it. */
  operational: boolean
  /** When the type was archived. Its events can no longer be published. Null if it is in use. */
  archivedAt: Timestamp | null
}

export type PutEventType = EventType & {
  /** Parts of the schema that payloads are not checked by. */
  warnings: Warning[]
  /**
   * Number of recent events that the new schema was checked against. It accepts all of them. Null if the type is new,
   * if its schema stays the same, or with `force`.
   */
  checkedEvents: number | null
}

export type Tenant = {
  id: string
  name: string | null
  metadata: Record<string, string>
  /** Retention periods of this tenant. Null if those in the settings apply. */
  retention: {
    /**
     * Number of days to keep an event with its deliveries and attempts, from 1 to 36,500, counted from the end of its
     * last delivery. If null, retentionDays applies.
     */
    days: number | null
    /** Number of days to keep its payload, counted in the same way. If null, payloadRetentionDays applies. */
    payloadDays: number | null
    /** Number of days to keep a response, counted from the end of its delivery. If null, answerRetentionDays applies. */
    answerDays: number | null
  } | null
  /**
   * What links to the tenant's portal let their users do, unless a link says it itself. Null if the setting of the same
   * name applies.
   */
  portalMay: TenantPortalMay[] | null
  /** When the tenant was created. */
  createdAt: Timestamp
}

export type Erasure = {
  tenant: string
  /** `finished`: nothing of the tenant is left in the store, except in the audit log. */
  state: 'running' | 'finished'
  /** Number of rows removed so far. */
  rowsRemoved: number
  /** When the erasure was requested. */
  requestedAt: Timestamp
  /** When the erasure finished. Null if it is still running. */
  finishedAt: Timestamp | null
}

export type Endpoint = {
  id: string
  tenant: string
  /** `url`: requests are sent to `url`. `listener`: they go to those who listen. See docs/listeners.md. */
  kind: 'url' | 'listener'
  /** The endpoint's uid, which every call accepts in place of its id. Null if it has none. */
  uid: string | null
  /** A name for people. Null if there is none. */
  name: string | null
  /** Where requests go. Null for a listener. */
  url: string | null
  /**
   * Types of the events that the endpoint receives, as names or as patterns in which `*` stands for any characters.
   * Null for all types in the catalogue.
   */
  types: string[] | null
  /** Conditions on the payload: the endpoint receives only events that satisfy them. Null for all events. */
  filter: Record<string, unknown> | null
  description: string | null
  metadata: Record<string, string>
  /**
   * Extra request headers. Their names are in lower case. The value of a secret header is not shown: it is `{"secret":
   * true}`. A header that is not secret in spite of its name is shown with `"secret": false`.
   */
  headers: Record<
    string,
    | string
    | {
        secret: true
      }
    | ShownHeader
  >
  /**
   * Names of the headers that carry the event id, the timestamp and the signatures. Null for those of Standard
   * Webhooks. `webhook-id` is sent in any case.
   */
  signatureHeaders: SignatureHeaders | null
  /** Seconds to wait before each retry. Null for the default. */
  schedule: number[] | null
  /** How long the receiver can take to send its response status, in milliseconds. Null for the default. */
  timeoutMs: number | null
  /** Maximum number of requests started in any period of `perSeconds` seconds. Null for no limit. */
  rateLimit: RateLimit | null
  /**
   * Whether deliveries are sent one at a time in the order of publishing, each after the previous one has ended. A
   * delivery that keeps failing then holds up those behind it.
   */
  ordered: boolean
  /** A disabled endpoint gets nothing: its deliveries are held. */
  state: 'enabled' | 'disabled'
  /**
   * Why the endpoint is disabled. `manual`: by a call. `gone`: the receiver responded with 410. `failing`: no attempt
   * succeeded for days. Null if it is enabled.
   */
  disabledReason: EndpointDisabledReason | null
  /** When the endpoint was disabled. Null if it is enabled, or if an earlier version of Posthorn disabled it. */
  disabledAt: Timestamp | null
  /** When the first attempt of the current run of failures ended. Null if the endpoint is not failing. */
  failingSince: Timestamp | null
  /**
   * Posthorn sends nothing before this time, because the receiver asked it to wait (`Retry-After`). Null if it did not.
   */
  pausedUntil: Timestamp | null
  /** How the receiver does. */
  health: EndpointHealth
  /**
   * Fingerprint of the clientSecret. Equal secrets of a tenant have the same one; it reveals nothing else. Null if
   * there is no clientSecret, or if it cannot be decrypted.
   */
  secretFingerprint: string | null
  /** When the clientSecret expires. Null if there is none, or if it is no JWT that says so. */
  secretExpiresAt: Timestamp | null
  /** The clientSecret that will replace the current one. Null if there is none. */
  nextSecret: NextSecret | null
  /** The signing secrets that are valid now, newest first. */
  signing: Signing[]
  /** The client certificate that Posthorn presents to the receiver (mutual TLS). Null if there is none. */
  clientCertificate: ClientCertificate | null
  /**
   * The OAuth 2.0 client with which Posthorn gets its bearer tokens. Null if requests carry the clientSecret instead.
   */
  oauth: OAuth | null
  /**
   * When someone last listened, to within two minutes, or when the listener was created. It is deleted a day later.
   * Null for an endpoint with a URL.
   */
  lastListenedAt: Timestamp | null
  /** When the endpoint was created. */
  createdAt: Timestamp
  /** When the endpoint was last changed. */
  updatedAt: Timestamp
  /** Problems with the endpoint that are worth fixing. */
  warnings: Warning[]
  /** What happened at the endpoint. Only in lists that ask for it (`stats`). */
  stats?: {
    /** Start of the period. */
    from: Timestamp
    /** End of the period. */
    to: Timestamp
    /** Deliveries that ended in the period, by end state. */
    deliveries: EndpointDelivery
    /** Number of attempts that ended in the period. */
    attempts: number
    /** Number of those that failed. */
    failedAttempts: number
    /** Share of the attempts that failed, from 0 to 1. Null if there were none. */
    failureRate: number | null
    /** The newest delivery that has ended, whenever that was. Null if none has, or none is kept. */
    lastDelivery: {
      id: string
      state: EndpointState
      /** When the delivery ended. */
      endedAt: Timestamp
    } | null
  }
}

export type EndpointWithSecret = {
  id: string
  tenant: string
  /** `url`: requests are sent to `url`. `listener`: they go to those who listen. See docs/listeners.md. */
  kind: 'url' | 'listener'
  /** The endpoint's uid, which every call accepts in place of its id. Null if it has none. */
  uid: string | null
  /** A name for people. Null if there is none. */
  name: string | null
  /** Where requests go. Null for a listener. */
  url: string | null
  /**
   * Types of the events that the endpoint receives, as names or as patterns in which `*` stands for any characters.
   * Null for all types in the catalogue.
   */
  types: string[] | null
  /** Conditions on the payload: the endpoint receives only events that satisfy them. Null for all events. */
  filter: Record<string, unknown> | null
  description: string | null
  metadata: Record<string, string>
  /**
   * Extra request headers. Their names are in lower case. The value of a secret header is not shown: it is `{"secret":
   * true}`. A header that is not secret in spite of its name is shown with `"secret": false`.
   */
  headers: Record<
    string,
    | string
    | {
        secret: true
      }
    | ShownHeader
  >
  /**
   * Names of the headers that carry the event id, the timestamp and the signatures. Null for those of Standard
   * Webhooks. `webhook-id` is sent in any case.
   */
  signatureHeaders: SignatureHeaders | null
  /** Seconds to wait before each retry. Null for the default. */
  schedule: number[] | null
  /** How long the receiver can take to send its response status, in milliseconds. Null for the default. */
  timeoutMs: number | null
  /** Maximum number of requests started in any period of `perSeconds` seconds. Null for no limit. */
  rateLimit: RateLimit | null
  /**
   * Whether deliveries are sent one at a time in the order of publishing, each after the previous one has ended. A
   * delivery that keeps failing then holds up those behind it.
   */
  ordered: boolean
  /** A disabled endpoint gets nothing: its deliveries are held. */
  state: 'enabled' | 'disabled'
  /**
   * Why the endpoint is disabled. `manual`: by a call. `gone`: the receiver responded with 410. `failing`: no attempt
   * succeeded for days. Null if it is enabled.
   */
  disabledReason: EndpointDisabledReason | null
  /** When the endpoint was disabled. Null if it is enabled, or if an earlier version of Posthorn disabled it. */
  disabledAt: Timestamp | null
  /** When the first attempt of the current run of failures ended. Null if the endpoint is not failing. */
  failingSince: Timestamp | null
  /**
   * Posthorn sends nothing before this time, because the receiver asked it to wait (`Retry-After`). Null if it did not.
   */
  pausedUntil: Timestamp | null
  /** How the receiver does. */
  health: EndpointHealth
  /**
   * Fingerprint of the clientSecret. Equal secrets of a tenant have the same one; it reveals nothing else. Null if
   * there is no clientSecret, or if it cannot be decrypted.
   */
  secretFingerprint: string | null
  /** When the clientSecret expires. Null if there is none, or if it is no JWT that says so. */
  secretExpiresAt: Timestamp | null
  /** The clientSecret that will replace the current one. Null if there is none. */
  nextSecret: NextSecret | null
  /** The signing secrets that are valid now, newest first. */
  signing: Signing[]
  /** The client certificate that Posthorn presents to the receiver (mutual TLS). Null if there is none. */
  clientCertificate: ClientCertificate | null
  /**
   * The OAuth 2.0 client with which Posthorn gets its bearer tokens. Null if requests carry the clientSecret instead.
   */
  oauth: OAuth | null
  /**
   * When someone last listened, to within two minutes, or when the listener was created. It is deleted a day later.
   * Null for an endpoint with a URL.
   */
  lastListenedAt: Timestamp | null
  /** When the endpoint was created. */
  createdAt: Timestamp
  /** When the endpoint was last changed. */
  updatedAt: Timestamp
  /** Problems with the endpoint that are worth fixing. */
  warnings: Warning[]
  /**
   * The secret (`whsec_…`) that verifies signatures. Only this response contains it. Null if this call generated none,
   * or a key for `v1a`.
   */
  signingSecret: string | null
}

export type EndpointCheck = {
  /** Why registering the endpoint would be refused. An empty `field` stands for the endpoint as a whole. */
  errors: FieldError[]
  /** What has to be given before the endpoint can be registered. */
  missing: FieldError[]
  /** Warnings that registering the endpoint would give. */
  warnings: Warning[]
}

export type FilterTrial = {
  /** The id of the event. Absent for a payload of the request. */
  event?: string
  /** The publisher's own key of the event. Null if it has none. */
  key?: string | null
  /** The type of the event. */
  type?: string
  /** Whether an endpoint with this filter and these types would receive it. */
  matches: boolean
  /** Whether the filter ran out of steps before it had a result. It then lets the event through. */
  undecided: boolean
  /** The part of the filter that decided. */
  decidedBy: {
    /** A JSON Pointer into the filter. */
    path: string
    /** Why that part holds, or does not, in one sentence. */
    because: string
  }
}

/** Number of the tenant's endpoints that got no delivery, by reason. */
export type NotSent = {
  /** Number of endpoints that do not receive events of this type. */
  type?: number
  /** Number of endpoints whose filter excluded the event. */
  filter?: number
}

export type Event = {
  id: string
  tenant: string
  type: string
  /** The key that the event was published with. Null if it had none. */
  key: string | null
  test: boolean
  /** When the event was published. */
  createdAt: Timestamp
  /** Number of the tenant's endpoints that got no delivery, by reason. Null while they are still being determined. */
  notSent: NotSent | null
  /**
   * Why the event was rejected, which happens only to events published from SQL. Null if it was not rejected. For an
   * API key that cannot see payloads, what is wrong with the payload is left out.
   */
  rejected: FieldError[] | null
  /**
   * The payload, byte for byte as published. Null if the event was rejected for its size, if the retention period of
   * the payload has ended, or if the API key cannot see payloads.
   */
  payload: unknown
  /**
   * True if the payload is not kept, because its retention period has ended or the event was rejected for its size.
   * Such an event cannot be sent again.
   */
  payloadRemoved: boolean
  /** True if the API key lacks the permission `payloads`. `payload` is then null, whatever it is. */
  payloadHidden: boolean
}

export type EventEndpoint = {
  endpoint: string
  /** The endpoint's uid. Null if it has none. */
  endpointUid: string | null
  /** The endpoint's present URL. Null if it is a listener. */
  endpointUrl: string | null
  /**
   * State of the newest delivery of the event to this endpoint. `being_made`: deliveries of the event are still being
   * created. `not_made`: the endpoint got no delivery.
   */
  state: 'pending' | 'held' | 'delivered' | 'exhausted' | 'cancelled' | 'being_made' | 'not_made'
  /**
   * Why the event was not delivered to the endpoint (yet). For `state` `not_made`: `type`: it did not want events of
   * this type. `filter`: its filter excluded the event. `registered_later`: it was registered after the event was
   * published. `deleted`: it was deleted before its delivery was created. `rejected`: the event was rejected. `test`:
   * the event was a test of another endpoint. `unknown`: the data needed to tell is no longer kept. For `pending`:
   * `earlier_delivery`: the endpoint is ordered, and an earlier delivery has not ended (`behind`). `next_attempt`: the
   * next attempt is in the future (`nextAttemptAt`). `paused`: the receiver asked for a pause (`Retry-After`).
   * `failing`: the receiver is failing, so it gets requests slowly. `rate_limit`: none of these, but the endpoint has a
   * rate limit. For `held`: `disabled`: the endpoint is disabled. `set_aside`: the delivery was in flight at three
   * crashes. For `cancelled`: `deleted`: the endpoint was deleted. `cancelled`: someone cancelled the delivery. Null if
   * the delivery is about to be sent, or was sent: `lastAttempt` then says what became of it.
   */
  reason:
    | 'type'
    | 'filter'
    | 'registered_later'
    | 'deleted'
    | 'rejected'
    | 'test'
    | 'unknown'
    | 'earlier_delivery'
    | 'next_attempt'
    | 'paused'
    | 'failing'
    | 'rate_limit'
    | 'no_listener'
    | 'disabled'
    | 'set_aside'
    | 'cancelled'
    | null
  /**
   * For `earlier_delivery`, the id of the first delivery in the queue of the endpoint: it must end before the others
   * are sent. Null for all other reasons.
   */
  behind: string | null
  /** Why the delivery is held. Null if it is not held. */
  heldReason: 'disabled' | 'set_aside' | null
  /** Id of the newest delivery of the event to this endpoint. Null if there is none. */
  delivery: string | null
  /** Number of deliveries of the event to this endpoint. More than one if it was retried manually or replayed. */
  deliveryCount: number
  /** Number of attempts of the newest delivery. */
  attemptCount: number
  /**
   * The last attempt of the delivery. Null before the first one, and for deliveries that ended before Posthorn kept it.
   */
  lastAttempt: LastAttempt | null
  /** When the next attempt is due. Null unless the delivery is pending. */
  nextAttemptAt: Timestamp | null
  /** When the delivery reached its final state (delivered, exhausted or cancelled). Null if it has not. */
  endedAt: Timestamp | null
}

export type EventDetail = Event & {
  /** The newest 1,000 deliveries of the event. */
  deliveries: Delivery[]
  /** The outcome at each of the tenant's newest 1,000 endpoints, with the reason. */
  endpoints: EventEndpoint[]
  /** Cursor for the next endpoints, to pass to `…/events/{id}/endpoints`. Null if there are no more. */
  nextEndpoints: string | null
}

export type RejectedEvent = {
  id: string
  /** The tenant that the event was published for. It might not exist. */
  tenant: string
  type: string
  /** The key that the event was published with. Null if it had none. */
  key: string | null
  test: boolean
  /** When the event was published. */
  createdAt: Timestamp
  /** Number of the tenant's endpoints that got no delivery, by reason. Null while they are still being determined. */
  notSent: NotSent | null
  /**
   * Why the event was rejected, which happens only to events published from SQL. Null if it was not rejected. For an
   * API key that cannot see payloads, what is wrong with the payload is left out.
   */
  rejected: FieldError[] | null
  /**
   * The payload, byte for byte as published. Null if the event was rejected for its size, if the retention period of
   * the payload has ended, or if the API key cannot see payloads.
   */
  payload: unknown
  /**
   * True if the payload is not kept, because its retention period has ended or the event was rejected for its size.
   * Such an event cannot be sent again.
   */
  payloadRemoved: boolean
  /** True if the API key lacks the permission `payloads`. `payload` is then null, whatever it is. */
  payloadHidden: boolean
}

export type PublishedEvent = {
  id: string
  /** The key that the event was published with. Null if it had none. */
  key: string | null
  /**
   * Number of deliveries created for the event. Null if they are still being created, because it goes to very many
   * endpoints (from 5,001 deliveries in a call, or from 257 while several tenants are busy), or because filters or the
   * payload take long.
   */
  deliveries: number | null
  /** Number of the tenant's endpoints that got no delivery, by reason. Null while they are still being determined. */
  notSent: NotSent | null
  /** True if the event was published before. This call then created nothing. */
  duplicate?: boolean
}

export type Delivery = {
  tenant: string
  id: string
  /** Id of the event. */
  event: string
  /** The event's key, which its publisher chose. Null if it has none. */
  key: string | null
  /** Id of the endpoint. */
  endpoint: string
  /** The endpoint's uid. Null if it has none. */
  endpointUid: string | null
  /** The URL that the endpoint has now. Null if it is no longer kept, or a listener. */
  endpointUrl: string | null
  /** The event type. */
  type: string
  state: DeliveryState
  /**
   * Why the delivery is held. `disabled`: its endpoint is disabled. `set_aside`: it was in flight during repeated
   * crashes. Null if it is not held.
   */
  heldReason: 'disabled' | 'set_aside' | null
  attemptCount: number
  /**
   * The last attempt of the delivery. Null before the first one, and for deliveries that ended before Posthorn kept it.
   */
  lastAttempt: LastAttempt | null
  /** When the next attempt is due. Null unless the delivery is pending. */
  nextAttemptAt: Timestamp | null
  /** Id of the delivery that this one repeats. Null if there is none. */
  replayOf: string | null
  test: boolean
  /** When the delivery was created. */
  createdAt: Timestamp
  /** When the delivery reached its final state (delivered, exhausted or cancelled). Null if it has not. */
  endedAt: Timestamp | null
}

/**
 * How many deliveries match, on this page and all others. A number is null if it exceeds 10,000, if counting took
 * longer than 2 seconds, or if payloads are searched.
 */
export type DeliveryCounts = {
  /** Number of deliveries that match. */
  total: number | null
  /** Number of those that are pending. */
  pending: number | null
  /** Number of those that are held. */
  held: number | null
  /** Number of those that were delivered. */
  delivered: number | null
  /** Number of those that are exhausted. */
  exhausted: number | null
  /** Number of those that were cancelled. */
  cancelled: number | null
}

export type Attempt = {
  number: number
  /** When the attempt started. */
  startedAt: Timestamp
  durationMs: number
  outcome: 'success' | 'failure'
  /** HTTP status of the response. Null if there was no response. */
  status: number | null
  /** Why the attempt failed. Null if it succeeded. */
  error: AttemptError | null
  /**
   * What exactly the error was, or why `Retry-After` was not obeyed: a stable code, listed in docs/deliveries.md. Null
   * if the error says it all, or if the response was removed.
   */
  detail: string | null
  /**
   * The detail as a sentence, with what the receiver has to do. Null if there is no detail. What it quotes of a
   * response of the token server is left out if the API key cannot see payloads.
   */
  explanation: string | null
  /** Whether the request was lost on a kept connection that the receiver had closed, and repeated on a new one. */
  reconnected: boolean
  /** The address that Posthorn connected to, with its port. Null if there was no connection. */
  address: string | null
  /**
   * The request as it was sent, or as it would have been if a connection had been made. The body is the payload of the
   * event. Null if the request was not made for want of a secret or token, or before Posthorn kept what it sent.
   */
  request: {
    method: 'POST'
    /** The endpoint's URL at that time. Null if the request went to those who listen. */
    url: string | null
    /**
     * Name and value of each, in the order in which they were sent. A secret shows as `[secret]`, the signature as
     * `[signature]`. `content-length` is missing if the payload was removed, `traceparent` if the response was.
     */
    headers: string[][]
    /** Whether Posthorn presented the endpoint's client certificate. */
    clientCertificate: boolean
  } | null
  /**
   * Name and value of each response header, as received, with secrets masked. Empty if the API key cannot see payloads.
   */
  responseHeaders: string[][]
  /** The first 16 KiB of the response body as text, with secrets masked. Empty if the API key cannot see payloads. */
  responseBody: string
  /** Whether `responseBody` is only a part of the response body. */
  responseTruncated: boolean
  /** Whether the response headers and body were removed because their retention period had ended. */
  responseRemoved: boolean
  /** True if the API key lacks the permission `payloads`. `responseHeaders` and `responseBody` are then empty. */
  responseHidden: boolean
}

export type DeliveryDetail = Delivery & {
  attempts: Attempt[]
}

export type Retries = {
  /** Number of pending or set-aside deliveries whose next attempt is due now. */
  madeDue: number
  /** Number of new deliveries, of events whose delivery had ended. */
  created: number
  /**
   * Number of deliveries that had ended and were left alone, because there is a newer delivery of their event to the
   * same endpoint.
   */
  superseded: number
  /** Deliveries that cannot be retried. */
  refused: {
    tenant: string
    delivery: string
    /** Why the delivery cannot be retried. */
    detail: string
  }[]
  /**
   * How far the list looked before its time was up. More can follow: `nextCursor` (or, going back, `prevCursor`)
   * continues there. Null if the page is complete.
   */
  searchedTo: Timestamp | null
  /** Cursor for the next call. Null if all that match were retried. */
  nextCursor: string | null
}

export type Replay = {
  id: string
  tenant: string
  /** The `key` that the replay was created with. Null if it had none. */
  key: string | null
  /**
   * `done`: all deliveries were created, though some might still be pending or held. `cancelled`: no more are created,
   * and those that were pending or held are cancelled.
   */
  state: ReplayState
  states: EndpointState[]
  /** Only events whose delivery got one of these statuses at its last attempt. Null if it can be any. */
  statuses: string[] | null
  missing: boolean
  /** Number of deliveries. Null if there are too many to count in advance; a replay reports it when it ends. */
  deliveries: number | null
  /** Number of deliveries created so far. */
  made: number
  /**
   * Number of deliveries not created after all, because the event was sent again in the meantime, the endpoint was
   * deleted, or the event is no longer kept.
   */
  skipped: number
  /** Number of created deliveries that are delivered, exhausted or cancelled. */
  ended: number
  /** When the replay was created. */
  createdAt: Timestamp
  /** When all deliveries had been created, or the replay was cancelled. Null if it has not ended. */
  endedAt: Timestamp | null
  /** Id of the replay across tenants that this one is part of. Null if it is of none. */
  batch: string | null
  endpoint: string | null
  event: string | null
  types: string[] | null
  /** Only events published at this time or later. Null if there is no lower bound. */
  from: Timestamp | null
  /** Only events published before this time. Null if there is no upper bound. */
  to: Timestamp | null
}

export type CreatedReplay = {
  id: string
  /** The `key` that the replay was created with. Null if it had none. */
  key: string | null
  /** Number of deliveries. Null if there are too many to count in advance; a replay reports it when it ends. */
  deliveries: number | null
  /** True if the replay was created before. This call then created nothing. */
  duplicate?: boolean
}

/** A replay across tenants. Its numbers are the sums over the tenants. */
export type ReplayBatch = {
  id: string
  /** The `key` that the replay was created with. Null if it had none. */
  key: string | null
  /**
   * `done`: all deliveries were created, though some might still be pending or held. `cancelled`: no more are created,
   * and those that were pending or held are cancelled.
   */
  state: ReplayState
  states: EndpointState[]
  /** Only events whose delivery got one of these statuses at its last attempt. Null if it can be any. */
  statuses: string[] | null
  missing: boolean
  /** Number of deliveries in all tenants. Null while it is not known, or if there are too many to count. */
  deliveries: number | null
  /** Number of deliveries created so far. */
  made: number
  /**
   * Number of deliveries not created after all, because the event was sent again in the meantime, the endpoint was
   * deleted, or the event is no longer kept.
   */
  skipped: number
  /** Number of created deliveries that are delivered, exhausted or cancelled. */
  ended: number
  /** When the replay was created. */
  createdAt: Timestamp
  /** When all deliveries had been created, or the replay was cancelled. Null if it has not ended. */
  endedAt: Timestamp | null
  types: string[]
  /** Only events published at this time or later. */
  from: Timestamp
  /** Only events published before this time. */
  to: Timestamp
  /** Whether tenants are still being searched for events, so that the numbers can grow. */
  searching: boolean
  /** Number of tenants that have a replay of their own for this, so far. */
  tenants: number
  /** True if the replay was created before. This call then created nothing. */
  duplicate?: boolean
}

export type Found = {
  kind: 'tenant' | 'event_type' | 'api_key' | 'audit_entry' | 'endpoint' | 'event' | 'delivery' | 'replay'
  /** The tenant that it belongs to. Null if it belongs to none. */
  tenant: string | null
  id: string
  /** The publisher's own key of an event, or the caller's own of a replay. Null if there is none. */
  key?: string | null
  /** The uid of an endpoint. Null if it has none. */
  uid?: string | null
  /** The name of a tenant, an endpoint or an API key. Null if it has none. */
  name?: string | null
  /** The URL of an endpoint. Null if it is a listener. */
  url?: string | null
  /**
   * The path to get it with. For a deleted endpoint, its deliveries; for an event of a tenant that does not exist, that
   * tenant's rejected events.
   */
  href: string
}

export type StatsPoint = {
  /** Start of the step. */
  from: Timestamp
  /** Deliveries that ended in the step, by end state. */
  deliveries: EndpointDelivery
  /** Attempts that ended in the step, by response status. */
  attempts: {
    '2xx': number
    '3xx': number
    '4xx': number
    '5xx': number
    /** Attempts with any other status. */
    other: number
    /** Attempts without a response. */
    none: number
  }
  /**
   * Duration of the attempts that established a connection, in milliseconds, accurate to within 5 %. Null if none did.
   */
  latencyMs: {
    p50: number | null
    p95: number | null
    p99: number | null
  }
}

export type Stats = {
  step: StatsStep
  /** Start of the first step. */
  from: Timestamp
  /** End of the last step. */
  to: Timestamp
  total: StatsPoint
  /** Whether `data` lacks the steps in which nothing ended, because the call asked for that. */
  emptyOmitted: boolean
  /** The steps, in order: every one, or (with `emptyOmitted`) those in which something ended. */
  data: StatsPoint[]
}

export type FailingEndpoint = {
  tenant: string
  /** The endpoint's id. */
  endpoint: string
  /** The endpoint's uid. Null if it has none. */
  uid: string | null
  /** The endpoint's name. Null if it has none. */
  name: string | null
  /** The endpoint's URL. Null if it is a listener. */
  url: string | null
  /** When the first attempt of the current run of failures ended. */
  failingSince: Timestamp
  /** Why the last attempt failed. Null if no failed attempt is kept. */
  lastError: AttemptError | null
  /** HTTP status of the response to that attempt. Null if there was no response, or no such attempt. */
  lastStatus: number | null
  /** When that attempt ended. Null if there is no such attempt. */
  lastFailureAt: Timestamp | null
  /** Posthorn sends nothing before this time. Null if the receiver did not ask for a pause. */
  pausedUntil: Timestamp | null
  /** Number of its pending deliveries. Null if there are more than 1,000. */
  pending: number | null
}

export type DisabledEndpoint = {
  tenant: string
  /** The endpoint's id. */
  endpoint: string
  /** The endpoint's uid. Null if it has none. */
  uid: string | null
  /** The endpoint's name. Null if it has none. */
  name: string | null
  /** The endpoint's URL. Null if it is a listener. */
  url: string | null
  /** When the endpoint was disabled. */
  disabledAt: Timestamp
  /** Why the endpoint is disabled. Null if an earlier version of Posthorn disabled it. */
  reason: EndpointDisabledReason | null
  /** Number of its held deliveries. Null if there are more than 1,000. */
  held: number | null
}

export type ExpiringSecret = {
  tenant: string
  /** The endpoint's id. */
  endpoint: string
  /** The endpoint's uid. Null if it has none. */
  uid: string | null
  /** The endpoint's name. Null if it has none. */
  name: string | null
  /** The endpoint's URL. Null if it is a listener. */
  url: string | null
  /** Which secret expires. */
  secret: 'clientSecret' | 'clientCertificate'
  /** When it expires. It can be in the past. */
  expiresAt: Timestamp
}

export type Overview = {
  /** When the overview was made. */
  at: Timestamp
  /** The tenant that it is of. Null if it is of all. */
  tenant: string | null
  /** The pending deliveries. Null if they could not be counted in time. */
  backlog: {
    /** Number of pending deliveries. */
    pending: number
    /** Number of those that are due: the backlog. */
    due: number
    /** When the first of the backlog became due. Null if nothing is due. */
    oldestDueAt: Timestamp | null
    /** When the oldest pending delivery was created. Null if there is none. */
    oldestCreatedAt: Timestamp | null
    /** When they were counted. Very many are counted about every 15 seconds. */
    countedAt: Timestamp
    /**
     * False if there are more than were counted: of a tenant more than the oldest 10,000 deliveries that have not ended,
     * of all tenants more than could be counted so far. The numbers are then the least that there are.
     */
    complete: boolean
  } | null
  /** Number of held deliveries. Null if there are more than 10,000. */
  held: number | null
  /** Number of deliveries set aside. Null if there are more than 10,000. */
  setAside: number | null
  /** The enabled endpoints whose receiver is failing. */
  failing: {
    /** Number of enabled endpoints whose receiver is failing. Null if there are more than 10,000. */
    count: number | null
    /** Number of tenants that they are of. Null if there are too many to count. */
    tenants: number | null
    /** Those that have failed for longest. At most 20, and of all tenants at most 3 of each. */
    data: FailingEndpoint[]
  }
  /** The disabled endpoints. */
  disabled: {
    /** Number of disabled endpoints. Null if there are more than 10,000. */
    count: number | null
    /** Number of tenants that they are of. Null if there are too many to count. */
    tenants: number | null
    /** Those that were disabled last. At most 20, and of all tenants at most 3 of each. */
    data: DisabledEndpoint[]
  }
  /**
   * The clientSecrets and client certificates of enabled endpoints that have expired or expire within 30 days, as far
   * as it is known when.
   */
  expiring: {
    /**
     * Number of clientSecrets and client certificates of enabled endpoints that have expired or expire within 30 days, as
     * far as it is known when. Null if there are more than 10,000.
     */
    count: number | null
    /** Number of tenants that they are of. Null if there are too many to count. */
    tenants: number | null
    /** Those that expire first. At most 20, and of all tenants at most 3 of each. */
    data: ExpiringSecret[]
  }
  /** Number of replays that are running or paused. Null if there are more than 10,000. */
  replays: number | null
  /**
   * Number of replays across tenants that are running or paused. 0 for a single tenant. Null if there are more than
   * 10,000.
   */
  replayBatches: number | null
  /** Events that were rejected in the last 24 hours. */
  rejected: {
    /** Events rejected at or after this time are counted. */
    since: Timestamp
    /**
     * Number of events published from SQL that were rejected since. Of a single tenant, only those among the newest
     * 10,000 of all tenants. Null if there are more than 10,000.
     */
    count: number | null
  }
}

export type TenantStats = {
  tenant: string
  /** The tenant's name. Null if it has none. */
  name: string | null
  /** Deliveries that ended in the period, by end state. */
  deliveries: EndpointDelivery
  /** Number of attempts that ended in the period. */
  attempts: number
  /** Number of those that failed. */
  failedAttempts: number
  /** Share of the attempts that failed, from 0 to 1. Null if there were none. */
  failureRate: number | null
  /** Number of its enabled endpoints that fail now. Null if there are more than 1,000. */
  failingEndpoints: number | null
}

export type SchedulePreview = {
  /** Seconds to wait before each retry. */
  schedule: number[]
  /** Where the schedule comes from: the call itself, the endpoint, the event type or the settings. */
  source: 'given' | 'endpoint' | 'type' | 'setting'
  /** When each retry is due. The duration of the attempts themselves is not included. */
  retries: {
    /** Number of the attempt: 2 for the first retry. */
    attempt: number
    waitSeconds: number
    /** Earliest time of the retry, in seconds after the end of the first attempt. */
    earliestSeconds: number
    /** Latest time of the retry, with the largest random delay added. */
    latestSeconds: number
  }[]
}

export type ApiKey = {
  id: string
  name: string
  /** What the key allows: everything (`all`), publishing only (`publish`) or reading only (`read`). */
  scope: ApiKeyScope
  /** The only tenant that the key can be used for. Null if it can be used for all tenants. */
  tenant: string | null
  /** Whether responses to calls with the key show payloads and what receivers responded. */
  payloads: boolean
  /** Maximum rate of calls with this key, counted by each node separately. Null for no limit. */
  rateLimit: RateLimit | null
  /** When the key was created. */
  createdAt: Timestamp
  /** When the key expires. Null if it never does. */
  expiresAt: Timestamp | null
  /** When the key was revoked. Null if it was not. */
  revokedAt: Timestamp | null
}

export type NewApiKey = ApiKey & {
  /** The key itself. Only this response contains it. */
  key: string
}

export type Session = {
  id: string
  /**
   * The API key that signed in. The session can do what the key can, and ends with it. If `person` is not null, there
   * is no key, and this is what the person can do.
   */
  apiKey: {
    /** Id of the API key. Null for the root key, and for a person. */
    id: string | null
    /** Name of the API key, or of the person. Null for the root key. */
    name: string | null
    scope: ApiKeyScope
    /** The only tenant that the session can see. Null for all tenants. */
    tenant: string | null
    /** Whether the session sees payloads and what receivers responded. */
    payloads: boolean
  }
  /** Who signed in through single sign-on. Null for a session of an API key or a portal. */
  person: {
    /** The issuer's id in the setting `singleSignOn`. */
    issuer: string
    /** Who it is for the issuer (`sub`). */
    subject: string
    /** What the issuer says that they are called. Null if it does not say it. */
    name: string | null
  } | null
  /** IP address that signed in. Null if it is unknown. */
  address: string | null
  /** What the browser called itself, up to 256 characters. Null if it did not. */
  userAgent: string | null
  /** When the session began. */
  createdAt: Timestamp
  /** When the session was last used, to within two minutes. */
  lastUsedAt: Timestamp
  /** When the session ends unless it is used before. */
  idleUntil: Timestamp
  /** When the session ends, however much it is used. */
  expiresAt: Timestamp
  /**
   * Whose portal the session is of. Null for a session of the dashboard. `apiKey` is then the key that made the link.
   */
  portal: {
    /** The tenant that it shows. */
    tenant: string
    /** The user that the link names. Null if it names none. */
    user: string | null
    /** What the user can do. */
    may: TenantPortalMay[]
  } | null
  /** Whether this call was made with the session. */
  isCurrent: boolean
}

export type SessionState = {
  /** The session. Null if there is none. */
  session: Session | null
  /** Whether the browser has a session that has ended. */
  hasEnded: boolean
}

export type SignInLink = {
  /** The link. Only this response contains it. */
  url: string
  /** When the link stops working. */
  expiresAt: Timestamp
}

export type SignInOptions = {
  /** The issuers that people can sign in through, in the order of the setting `singleSignOn`. */
  issuers: {
    /** Id of the issuer. */
    id: string
    /** What the sign-in page calls it. */
    name: string
    /** Whether it responds, or did so a few seconds ago. */
    isAvailable: boolean
  }[]
}

export type BegunSignIn = {
  /** The issuer's page, which the browser has to open. */
  url: string
}

export type SignedOut = {
  /**
   * The issuer's own sign-out, which the browser has to open to end the session there too. Null for a session that did
   * not begin at an issuer, or if the issuer has no such page or does not respond.
   */
  url: string | null
}

export type PortalLink = {
  id: string
  /** The only tenant that the link shows. */
  tenant: string
  /** Who the link is for, as you name them. The audit log shows it. */
  user: string | null
  /**
   * What the portal's user can do: `look` at endpoints, deliveries and events, see their `payloads`, `retry` and replay
   * deliveries, `test` endpoints, manage `endpoints`, manage `secrets`. All of them include `look`.
   */
  may: TenantPortalMay[]
  /** Null: as the user's browser prefers. */
  theme: PortalLinkTheme | null
  /** Null: as the user's browser prefers. */
  language: 'en' | 'de' | null
  /** Where the portal leads back to. Null: nowhere. */
  returnUrl: string | null
  /** How often the link can still be used. */
  usesLeft: number
  /** How long each of its sessions lasts, in minutes. */
  sessionMinutes: number
  /** When the link was created. */
  createdAt: Timestamp
  /** When the link stops working. Sessions that it has started go on. */
  expiresAt: Timestamp
}

export type NewPortalLink = PortalLink & {
  /** The link. Only this response contains it. */
  url: string
}

export type PortalSession = {
  id: string
  /** The tenant that it shows. */
  tenant: PortalSessionTenant
  /** Who the link is for, as you name them. The audit log shows it. */
  user: string | null
  /**
   * What the portal's user can do: `look` at endpoints, deliveries and events, see their `payloads`, `retry` and replay
   * deliveries, `test` endpoints, manage `endpoints`, manage `secrets`. All of them include `look`.
   */
  may: TenantPortalMay[]
  /** Null: as the user's browser prefers. */
  theme: PortalLinkTheme | null
  /** Null: as the user's browser prefers. */
  language: 'en' | 'de' | null
  /** Where the portal leads back to. Null: nowhere. */
  returnUrl: string | null
  /** When the session began. */
  createdAt: Timestamp
  /** When the session ends unless it is used before. */
  idleUntil: Timestamp
  /** When the session ends, however much it is used. */
  expiresAt: Timestamp
}

export type NewPortalSession = PortalSession & {
  /** The token to send as `Authorization: Bearer <token>`. Null if it is in the cookie. */
  token: string | null
}

export type PortalSessionState = {
  /** The session. Null if there is none. */
  session: PortalSession | null
  /** Whether the browser, or the frame, has a session that has ended. */
  hasEnded: boolean
}

export type PortalLooks = {
  /** The product's name, which the pages show. Null if they show only the tenant. */
  name: string | null
  /** Colour of links and buttons, as `#rrggbb`. Null for Posthorn's own. */
  accent: string | null
  /** The same on dark backgrounds. Null if `accent` is used there too. */
  accentDark: string | null
  /** For links without a `theme`: `system` lets the browser decide. */
  theme: PortalLinkTheme
  /** Radius of corners in CSS pixels, from 0 to 24. */
  radius: number
  /** Pages that are left out. The API still has their data. */
  hiddenPages: PortalLooksHiddenPage[]
  /** Links to pages of yours, at most 8. */
  help: Help[]
  /** Whether anyone can read the event types, without a session. */
  publicTypes: boolean
  /** The logo. Null if there is none. */
  logo: {
    /** Path of the logo, which changes with its content. */
    url: string
    type: 'image/svg+xml' | 'image/png' | 'image/jpeg' | 'image/webp'
    /** Its size. */
    bytes: number
  } | null
  /** When the looks or the logo were changed. Null if they never were. */
  updatedAt: Timestamp | null
}

export type ShownPortalLooks = {
  /** The product's name, which the pages show. Null if they show only the tenant. */
  name: string | null
  /** On light backgrounds. Null for Posthorn's own. */
  accent: Accent | null
  /** On dark backgrounds. Null for Posthorn's own. */
  accentDark: Accent | null
  /** For links without a `theme`: `system` lets the browser decide. */
  theme: PortalLinkTheme
  /** Radius of corners in CSS pixels, from 0 to 24. */
  radius: number
  /** Pages that are left out. The API still has their data. */
  hiddenPages: PortalLooksHiddenPage[]
  /** Links to pages of yours, at most 8. */
  help: Help[]
  /** Whether anyone can read the event types, without a session. */
  publicTypes: boolean
  /** Path of the logo. Null if there is none. */
  logo: string | null
}

export type PublicEventType = {
  name: string
  group: string
  description: string
  /** JSON Schema (2020-12) of payloads. */
  schema: unknown
  /** A payload that satisfies the schema. */
  example: unknown
}

export type Notification = {
  id: string
  /** Whose endpoints it tells about. `posthorn`: those of all tenants. */
  tenant: string
  /** By mail, or to an incoming webhook of Slack or Teams. */
  kind: NotificationKind
  /** The mail address, or the origin of the webhook's URL, whose path is secret. */
  address: string
  /** The operational events that it tells of. */
  types: (
    | 'posthorn.endpoint.failing'
    | 'posthorn.endpoint.disabled'
    | 'posthorn.secret.expiring'
    | 'posthorn.delivery.exhausted'
    | 'posthorn.node.lost'
  )[]
  /** The language of its messages. */
  language: 'en' | 'de'
  /** Nothing but the request to confirm it is sent to an address that is not confirmed. */
  state: 'unconfirmed' | 'confirmed'
  /** When someone at the address confirmed it. Null if no one has yet. */
  confirmedAt: Timestamp | null
  /** When it is removed unless it is confirmed. Null if it is confirmed. */
  confirmUntil: Timestamp | null
  /** When the last message was sent, including tests. Null if none was. */
  lastSentAt: Timestamp | null
  /** Why the last message could not be sent. Null if it was, or there was none. */
  lastFailure: {
    /** When sending failed. */
    at: Timestamp
    /** Such as `smtp 550` or `http 404`. */
    reason: string
  } | null
  /** When the notification was created. */
  createdAt: Timestamp
}

export type AuditEntry = {
  id: string
  /** When the change was made. */
  at: Timestamp
  actor: {
    /**
     * Who made the change: the root key (`root`), another API key (`key`), a user of a portal (`portal`) or Posthorn
     * itself (`system`).
     */
    kind: 'root' | 'key' | 'portal' | 'person' | 'system'
    /** Id of the API key. For `portal`, of the one that made the link. Null for the root key and for `system`. */
    key: string | null
    /** Name of the API key. For `portal`, the user that the link names. Null for the root key and for `system`. */
    name: string | null
    /** IP address that the call came from. Null if there was no call, or if the address is unknown. */
    address: string | null
  }
  action: AuditEntryAction
  target: {
    type: AuditEntryType
    id: string
  }
  /** The tenant that the target belongs to. Null if it belongs to none. */
  tenant: string | null
  /** Names of the fields that changed. Their values are not kept. */
  fields: string[]
}

export type EncryptionKeys = {
  /** Names of the encryption keys. The first one encrypts; the others only decrypt. */
  keys: string[]
  /** State of the latest rotation. `interrupted`: its node stopped before it finished; start it again. */
  state: 'idle' | 'running' | 'done' | 'failed' | 'interrupted'
  /** Number of endpoints whose secrets have been re-encrypted. */
  resealed: number
  /** Number of endpoints whose secrets no key can decrypt. Set a new clientSecret for each of them. */
  unreadable: number
}

/** A process that serves. With the embedded store there is only one. */
export type Node = {
  /** Created at each startup of the process. */
  id: string
  /**
   * `running`; `draining`: the node is shutting down; `lost`: it has stopped reporting without a shutdown, at most an
   * hour ago.
   */
  state: 'running' | 'draining' | 'lost'
  /** Whether this node responded to the call. */
  answered: boolean
  /** Version of Posthorn. Null if it is an older one, which does not report. */
  version: string | null
  /** The setting `role`: `all`, `api` or `delivery`. Null if it is unknown. */
  role: string | null
  /** Name of the machine or container. Null if it is unknown. */
  host: string | null
  /** Number of the process on that machine. Null if it is unknown. */
  pid: number | null
  /** When the process was started. Null if it is unknown. */
  startedAt: Timestamp | null
  /** When the node reported last. Null if it is unknown. */
  seenAt: Timestamp | null
  /** Numbers of the partitions, from 0 to 255. Each endpoint belongs to one of them. */
  partitions: number[]
  /**
   * Pending deliveries in these partitions. If more than 20,000 deliveries are pending in all, the numbers are up to
   * some minutes old. Null if they cannot be counted now.
   */
  backlog: Backlog | null
  /** What the node was doing when it reported last. Null if it is lost, or if its version does not report. */
  load: {
    /** Number of attempts in flight. */
    inFlight: number
    /** Number of endpoints for which the node has work. */
    lanes: number
    /** Number of outcomes that are not stored yet. At 1,000, the node sends nothing. */
    unsettled: number
    /** Number of open connections to the node's API. */
    connections: number
    /** How late timers fired during the last minute: how busy the process is. */
    eventLoopDelay: {
      /** Mean, in milliseconds. */
      meanMs: number
      /** 99th percentile, in milliseconds. */
      p99Ms: number
      /** Maximum, in milliseconds. */
      maxMs: number
    }
    memory: {
      /** Memory of the process, in bytes. */
      residentBytes: number
      /** Memory used by JavaScript objects, in bytes. */
      heapBytes: number
      /** What JavaScript objects can use at most, in bytes. */
      heapLimitBytes: number
    }
  } | null
}

export type Nodes = {
  /** The nodes, the one that was started first at the top. */
  data: Node[]
  /** Partitions that no node sends for. Their deliveries wait until a node takes them over. */
  unassigned: {
    /** Numbers of the partitions, from 0 to 255. Each endpoint belongs to one of them. */
    partitions: number[]
    /**
     * Pending deliveries in these partitions. If more than 20,000 deliveries are pending in all, the numbers are up to
     * some minutes old. Null if they cannot be counted now.
     */
    backlog: Backlog | null
  }
}

export type Setting = {
  /** Name of the setting, and its key in the configuration file. */
  name: string
  /**
   * The value in effect, as it would be written in the configuration file. Null if there is none, or if the setting is
   * secret.
   */
  value: string | number | boolean | (string | number)[] | null
  /** Whether the value is secret, and therefore never shown. */
  secret: boolean
  /** Whether the setting has a value, the default included. */
  set: boolean
  /** Where the value comes from. `argument`: from the program that Posthorn runs in. */
  source: 'argument' | 'flag' | 'environment' | 'file' | 'default'
  /** Sources that also have a value, which does not apply because `source` comes before them. */
  overridden: ('argument' | 'flag' | 'environment' | 'file')[]
  /** The default. Null if there is none. */
  default: string | number | boolean | (string | number)[] | null
  description: string
  /** What a value must be; completes "must be …". */
  rule: string
  /** The flag that sets it. Null if there is none. */
  flag: string | null
  /** The environment variable that sets it. */
  variable: string
  /** Whether the configuration file can set it. */
  inFile: boolean
  /** Whether a change takes effect only when the node is restarted. Today, all settings are such. */
  needsRestart: boolean
}

export type Settings = {
  /** Id of the node that responded. Others can have other settings. */
  node: string
  /** All settings, in the order of the documentation. */
  data: Setting[]
}

export type Finding = {
  /**
   * `ok`; `warn`: something needs attention, or could not be checked; `fail`: something is wrong, so that events can be
   * lost or cannot be accepted or delivered.
   */
  level: FindingLevel
  /** What was checked, in one or two words. */
  part: string
  /** What was found. */
  message: string
  /** What to do. Null if nothing needs doing. */
  advice: string | null
}

export type Checks = {
  /** The worst level of all findings. */
  level: FindingLevel
  /** Id of the node that ran the checks. */
  node: string
  /** When the checks were complete. */
  checkedAt: Timestamp
  /** How long they took, in milliseconds. */
  durationMs: number
  /** At least one finding for each check. */
  data: Finding[]
}

/** The IP addresses that deliveries are sent from, for firewall rules. Empty if they are not fixed. */
export type Egress = {
  addresses: string[]
}

/** Whether the node is ready, and what its store can do. */
export type Readiness = {
  /**
   * `ready`; `degraded`: something is unavailable, but no other node could do better; `unavailable`; `starting`;
   * `draining`: the node is shutting down.
   */
  status: string
  /**
   * Whether the store takes events and changes: `available` or `unavailable`. Absent while the node is starting or
   * shutting down.
   */
  publishing?: string
  /**
   * Whether the store can be read: `available` or `unavailable`. Absent while the node is starting or shutting down.
   */
  reading?: string
}

export type FieldError = {
  /** JSON Pointer into the request body, or the name of a parameter, followed by a pointer if its value is JSON. */
  field: string
  detail: string
  /** Zero-based index of the first invalid character. */
  position?: number
  /** Stable identifier for the kind of problem. */
  reason?: string
}

export type Warning = {
  code: string
  detail: string
  /** The member concerned, as a JSON Pointer into the body, or the name of the parameter. Absent if there is none. */
  field?: string
}

export type TenantPortalMay = 'look' | 'payloads' | 'retry' | 'test' | 'endpoints' | 'secrets'

export type ShownHeader = {
  value: string
  secret: false
}

export type SignatureHeaders = {
  id: string
  timestamp: string
  signature: string
}

export type RateLimit = {
  /** Number of requests, from 1 to 10,000. */
  requests: number
  /** Length of the period in seconds, from 1 to 86,400. */
  perSeconds: number
}

export type EndpointDisabledReason = 'manual' | 'gone' | 'failing'

export type EndpointHealth = {
  /**
   * `failing`: no attempt has succeeded since `failingSince`. `paused`: the endpoint is not failing, but its receiver
   * asked to wait until `pausedUntil`. `healthy`: neither, and one of its newest deliveries arrived. `unknown`: nothing
   * that is kept tells, or it was failing, was then enabled again or got another URL, and no attempt was made since.
   */
  state: HealthState
  /** When the first attempt of the current run of failures ended. Null if the endpoint is not failing. */
  failingSince: Timestamp | null
  /**
   * Why the last attempt failed, as far as the newest deliveries show. Null if the endpoint is not failing, or if no
   * failed attempt is kept.
   */
  lastError: AttemptError | null
  /** HTTP status of the response to that attempt. Null if there was no response, or no such attempt. */
  lastStatus: number | null
  /** When that attempt ended. Null if there is no such attempt. */
  lastFailureAt: Timestamp | null
  /** Posthorn sends nothing before this time. Null if the receiver did not ask for a pause. */
  pausedUntil: Timestamp | null
}

export type HealthState = 'healthy' | 'failing' | 'paused' | 'unknown'

export type AttemptError =
  | 'dns_failed'
  | 'target_refused'
  | 'proxy_failed'
  | 'connect_refused'
  | 'connect_timeout'
  | 'connect_failed'
  | 'tls_failed'
  | 'connection_reset'
  | 'response_timeout'
  | 'response_malformed'
  | 'response_too_large'
  | 'http_redirect'
  | 'http_gone'
  | 'http_client_error'
  | 'http_server_error'
  | 'http_unexpected'
  | 'secret_unreadable'
  | 'token_unavailable'
  | 'no_listener'
  | 'internal'

export type NextSecret = {
  fingerprint: string
  /** When the secret takes effect. */
  switchAt: Timestamp
  /** When the secret expires. Null if it is no JWT that says so. */
  expiresAt: Timestamp | null
}

export type Signing = {
  version: 'v1' | 'v1a'
  /** Identifies the secret without revealing it. */
  fingerprint: string
  /** The public key (`whpk_…`) that verifies `v1a` signatures. Null for `v1`. */
  publicKey: string | null
  /** When the secret was created. */
  createdAt: Timestamp
  /** When the secret expires. Null if it is the current one. */
  expiresAt: Timestamp | null
}

export type ClientCertificate = {
  subject: string
  fingerprint: string
  /** When the certificate expires. */
  expiresAt: Timestamp
}

export type OAuth = {
  tokenUrl: string
  clientId: string
  scope: string | null
  audience: string | null
  resource: string[] | null
  credentialsIn: 'header' | 'body'
}

export type EndpointDelivery = {
  delivered: number
  exhausted: number
  cancelled: number
}

export type EndpointState = 'delivered' | 'exhausted' | 'cancelled'

export type LastAttempt = {
  /** When the attempt started. */
  at: Timestamp
  /** How long the attempt took, in milliseconds. */
  durationMs: number
  /** HTTP status of the response. Null if there was no response. */
  status: number | null
  /** Why the attempt failed. Null if it succeeded. */
  error: AttemptError | null
}

export type DeliveryState = 'pending' | 'held' | 'delivered' | 'exhausted' | 'cancelled'

export type ReplayState = 'running' | 'paused' | 'done' | 'cancelled'

export type StatsStep = 'minute' | 'hour' | 'day'

export type ApiKeyScope = 'all' | 'publish' | 'read'

export type PortalLinkTheme = 'light' | 'dark' | 'system'

export type PortalSessionTenant = {
  id: string
  name: string | null
}

export type PortalLooksHiddenPage = 'overview' | 'endpoints' | 'deliveries' | 'events' | 'event-types'

export type Help = {
  label: string
  url: string
}

export type Accent = {
  /** As `#rrggbb`. */
  colour: string
  /** Colour of text on it: `#ffffff` or `#000000`. */
  text: string
}

export type NotificationKind = 'email' | 'slack' | 'teams'

export type AuditEntryAction =
  | 'created'
  | 'updated'
  | 'enabled'
  | 'disabled'
  | 'archived'
  | 'unarchived'
  | 'revoked'
  | 'deleted'
  | 'replaced'
  | 'erased'
  | 'tested'
  | 'retried'
  | 'cancelled'
  | 'paused'
  | 'resumed'

export type AuditEntryType =
  | 'event_type'
  | 'tenant'
  | 'endpoint'
  | 'api_key'
  | 'encryption_key'
  | 'root_key'
  | 'session'
  | 'portal_link'
  | 'portal'
  | 'portal_logo'
  | 'notification'
  | 'delivery'
  | 'replay'
  | 'replay_batch'

export type Backlog = {
  /** Number of pending deliveries, not including held ones. */
  pending: number
  /** How many of them are due, including those to receivers that are being given a rest. */
  due: number
  /** For how long the first of those that are due has been due, in milliseconds. 0 if none is. */
  lagMs: number
}

export type FindingLevel = 'ok' | 'warn' | 'fail'

export type ListEndpointsStat = '24h' | '7d' | '30d'

export type CertificateAndKey = {
  certificate: string
  key: string
}

export type OAuthSettings = {
  /** An absolute https URL with a public host, encoded like `url`. */
  tokenUrl: string
  clientId: string
  clientSecret: string
  /** The scopes to request, separated by spaces. */
  scope?: string | null | undefined
  /** What the token is for, if the server asks for it. */
  audience?: string | null | undefined
  /** One or several URIs of what the token is for (RFC 8707), at most 10. */
  resource?: string | readonly string[] | null | undefined
  /**
   * Where the token request carries `clientId` and `clientSecret`: in the header `Authorization: Basic` (`header`, the
   * default) or in the form (`body`).
   */
  credentialsIn?: 'header' | 'body' | undefined
}

export type SignatureHeaderNames = {
  /** Defaults to `webhook-id`, which is sent in any case. */
  id?: string | null | undefined
  /** Defaults to `webhook-timestamp`. */
  timestamp?: string | null | undefined
  /** Defaults to `webhook-signature`. */
  signature?: string | null | undefined
}

export type ReadStreamKind = 'event' | 'delivery' | 'attempt' | 'endpoint' | 'request'
