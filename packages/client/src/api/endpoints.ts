// Generated from the OpenAPI document by `npm run generate:client`. Do not edit.
import type { Connection } from '../http/connection.ts'
import { type List, list, type Page } from '../http/list.ts'
import type { CallOptions, MakingCallOptions } from '../http/options.ts'
import { path } from '../http/path.ts'
import { readNothing } from '../http/responses.ts'
import type {
  CertificateAndKey,
  Endpoint,
  EndpointCheck,
  EndpointWithSecret,
  FilterTrial,
  HealthState,
  ListEndpointsStat,
  OAuthSettings,
  RateLimit,
  SignatureHeaderNames,
  Time,
  Timestamp,
  Warning,
} from './models.ts'

/** Query of: List a tenant's endpoints, newest first. */
export type ListEndpointsQuery = {
  /** Only endpoints in these states. Several are separated by commas, or the parameter is repeated. */
  state?: 'enabled' | 'disabled' | readonly ('enabled' | 'disabled')[] | undefined
  /**
   * Only endpoints whose `health.state` is one of these. Several are separated by commas, or the parameter is repeated.
   */
  health?: HealthState | readonly HealthState[] | undefined
  /** Only endpoints with this uid. At most 128 characters. */
  uid?: string | undefined
  /** Only endpoints with this text in their URL, in upper or lower case. At most 2,048 characters. */
  url?: string | undefined
  /**
   * Only endpoints with this text in their URL, name or uid. Upper and lower case of the letters A to Z are the same.
   * At most 2,048 characters.
   */
  text?: string | undefined
  /**
   * Only endpoints that receive one of these event types. Several are separated by commas, or the parameter is
   * repeated.
   */
  type?: string | readonly string[] | undefined
  /**
   * Adds what happened at each endpoint in this period up to now (the member `stats`). `24h` begins at the start of an
   * hour, `7d` and `30d` at the start of a day (UTC).
   */
  stats?: ListEndpointsStat | undefined
  /** Where to continue: the `nextCursor` or `prevCursor` of another page of this list. */
  cursor?: string | undefined
  /** Maximum number of items to return. From 1 to 1,000. Default: 50. */
  limit?: number | undefined
}

/** A page of endpoints. */
export type ListEndpointsPage = Page<Endpoint> & {
  /**
   * How far the list looked before its time was up. More can follow: `nextCursor` (or, going back, `prevCursor`)
   * continues there. Null if the page is complete.
   */
  searchedTo: Timestamp | null
  /** What is odd about the call, although it was accepted. */
  warnings: Warning[]
}

/** Body of: Register an endpoint. */
export type CreateEndpointBody = {
  /**
   * `url` (the default): requests are sent to `url`, which is required. `listener`: they go to those who read the
   * tenant's stream with `listen`, and there is no `url`.
   */
  kind?: 'url' | 'listener' | undefined
  /**
   * An absolute https URL with a public host. Characters that RFC 3986 does not allow in a path or query are
   * percent-encoded, with the warning `url_encoded`. Nothing else in them is changed.
   */
  url?: string | undefined
  /** Sent as `Authorization: Bearer …`, exactly as given: a b64token (RFC 6750). Never shown again. */
  clientSecret?: string | undefined
  /** `whsec_` and 24 to 64 bytes in Base64. If omitted, Posthorn generates one. */
  signingSecret?: string | undefined
  /**
   * Signature version of the secret that Posthorn generates: `v1` (HMAC) or `v1a` (Ed25519). Defaults to the version of
   * the current secret, or to `v1` for a new endpoint.
   */
  signatureVersion?: 'v1' | 'v1a' | undefined
  /**
   * Certificate (or chain) and private key for mutual TLS, in PEM. Never shown again. Null for no client certificate.
   */
  clientCertificate?: CertificateAndKey | null | undefined
  /**
   * OAuth 2.0 client credentials. Requests carry a token obtained with them instead of the clientSecret. Null for no
   * OAuth.
   */
  oauth?: OAuthSettings | null | undefined
  /**
   * Your own id of the endpoint, unique among the tenant's endpoints. Every call accepts it in place of the id. 1 to
   * 128 letters, digits and `._:@-` characters, beginning with a letter or digit; it must not look like an id of
   * Posthorn. Null for none.
   */
  uid?: string | null | undefined
  /** A name for people, up to 128 characters. Null for none. */
  name?: string | null | undefined
  /**
   * Types of the events that the endpoint receives, as names or as patterns in which `*` stands for any characters.
   * Null for all types in the catalogue. A list must not be empty.
   */
  types?: readonly string[] | null | undefined
  /**
   * Conditions on the payload: the endpoint receives only events that satisfy them. Null for all events. See
   * docs/event-types.md.
   */
  filter?: Readonly<Record<string, unknown>> | null | undefined
  /** At most 1,024 characters. */
  description?: string | null | undefined
  /** Your own labels, at most 50. */
  metadata?: Readonly<Record<string, string>> | null | undefined
  /**
   * Extra request headers, at most 20, as values or as `{"value": …, "secret": …}`. Secret ones are never shown again.
   * By default a header is secret if its name says so (`X-Api-Key`, `X-Auth-Token`, …). `{"secret": true}` without a
   * value keeps the stored value.
   */
  headers?:
    | Readonly<
        Record<
          string,
          | string
          | {
              value?: string | undefined
              secret?: boolean | undefined
            }
        >
      >
    | null
    | undefined
  /**
   * Other names for the headers that carry the event id, the timestamp and the signatures, for a receiver that needs
   * them. Null for those of Standard Webhooks.
   */
  signatureHeaders?: SignatureHeaderNames | null | undefined
  /** Seconds to wait before each retry, for at most 30 retries. Null for the default. */
  schedule?: readonly number[] | null | undefined
  /** How long the receiver can take to send its response status, in milliseconds. Null for the default. */
  timeoutMs?: number | null | undefined
  /** Maximum number of requests started in any period of `perSeconds` seconds. Null for no limit. */
  rateLimit?: RateLimit | null | undefined
  /**
   * Whether deliveries are sent one at a time in the order of publishing, each after the previous one has ended. A
   * delivery that keeps failing then holds up those behind it. False by default.
   */
  ordered?: boolean | undefined
  /** A disabled endpoint gets nothing: its deliveries are held. */
  state?: 'enabled' | 'disabled' | undefined
}

/** Query of: List the endpoints of all tenants, newest first. */
export type ListAllEndpointsQuery = ListEndpointsQuery & {
  /** Only endpoints of this tenant. */
  tenant?: string | undefined
}

/** Body of: Update an endpoint. */
export type UpdateEndpointBody = {
  /**
   * An absolute https URL with a public host. Characters that RFC 3986 does not allow in a path or query are
   * percent-encoded, with the warning `url_encoded`. Nothing else in them is changed.
   */
  url?: string | undefined
  /**
   * What to do with the held deliveries: send them (`release`, the default) or cancel them (`cancel`). Only together
   * with `"state": "enabled"`.
   */
  held?: 'release' | 'cancel' | undefined
  /** Sent as `Authorization: Bearer …`, exactly as given: a b64token (RFC 6750). Never shown again. */
  clientSecret?: string | undefined
  /**
   * When a new clientSecret takes effect. If omitted or null, it takes effect immediately. In RFC 3339 format; a date
   * alone is midnight UTC.
   */
  switchAt?: Time | null | undefined
  /**
   * Certificate (or chain) and private key for mutual TLS, in PEM. Never shown again. Null for no client certificate.
   */
  clientCertificate?: CertificateAndKey | null | undefined
  /**
   * OAuth 2.0 client credentials. Requests carry a token obtained with them instead of the clientSecret. Null for no
   * OAuth.
   */
  oauth?: OAuthSettings | null | undefined
  /**
   * Your own id of the endpoint, unique among the tenant's endpoints. Every call accepts it in place of the id. 1 to
   * 128 letters, digits and `._:@-` characters, beginning with a letter or digit; it must not look like an id of
   * Posthorn. Null for none.
   */
  uid?: string | null | undefined
  /** A name for people, up to 128 characters. Null for none. */
  name?: string | null | undefined
  /**
   * Types of the events that the endpoint receives, as names or as patterns in which `*` stands for any characters.
   * Null for all types in the catalogue. A list must not be empty.
   */
  types?: readonly string[] | null | undefined
  /**
   * Conditions on the payload: the endpoint receives only events that satisfy them. Null for all events. See
   * docs/event-types.md.
   */
  filter?: Readonly<Record<string, unknown>> | null | undefined
  /** At most 1,024 characters. */
  description?: string | null | undefined
  /** Your own labels, at most 50. */
  metadata?: Readonly<Record<string, string>> | null | undefined
  /**
   * Extra request headers, at most 20, as values or as `{"value": …, "secret": …}`. Secret ones are never shown again.
   * By default a header is secret if its name says so (`X-Api-Key`, `X-Auth-Token`, …). `{"secret": true}` without a
   * value keeps the stored value.
   */
  headers?:
    | Readonly<
        Record<
          string,
          | string
          | {
              value?: string | undefined
              secret?: boolean | undefined
            }
        >
      >
    | null
    | undefined
  /**
   * Other names for the headers that carry the event id, the timestamp and the signatures, for a receiver that needs
   * them. Null for those of Standard Webhooks.
   */
  signatureHeaders?: SignatureHeaderNames | null | undefined
  /** Seconds to wait before each retry, for at most 30 retries. Null for the default. */
  schedule?: readonly number[] | null | undefined
  /** How long the receiver can take to send its response status, in milliseconds. Null for the default. */
  timeoutMs?: number | null | undefined
  /** Maximum number of requests started in any period of `perSeconds` seconds. Null for no limit. */
  rateLimit?: RateLimit | null | undefined
  /**
   * Whether deliveries are sent one at a time in the order of publishing, each after the previous one has ended. A
   * delivery that keeps failing then holds up those behind it. False by default.
   */
  ordered?: boolean | undefined
  /** A disabled endpoint gets nothing: its deliveries are held. */
  state?: 'enabled' | 'disabled' | undefined
}

/** Body of: Check an endpoint without registering it. */
export type CheckEndpointBody = {
  /**
   * `url` (the default): requests are sent to `url`, which is required. `listener`: they go to those who read the
   * tenant's stream with `listen`, and there is no `url`.
   */
  kind?: 'url' | 'listener' | undefined
  /**
   * An absolute https URL with a public host. Characters that RFC 3986 does not allow in a path or query are
   * percent-encoded, with the warning `url_encoded`. Nothing else in them is changed.
   */
  url?: string | undefined
  /** Sent as `Authorization: Bearer …`, exactly as given: a b64token (RFC 6750). Never shown again. */
  clientSecret?: string | undefined
  /** `whsec_` and 24 to 64 bytes in Base64. If omitted, Posthorn generates one. */
  signingSecret?: string | undefined
  /**
   * Signature version of the secret that Posthorn generates: `v1` (HMAC) or `v1a` (Ed25519). Defaults to the version of
   * the current secret, or to `v1` for a new endpoint.
   */
  signatureVersion?: 'v1' | 'v1a' | undefined
  /**
   * Certificate (or chain) and private key for mutual TLS, in PEM. Never shown again. Null for no client certificate.
   */
  clientCertificate?: CertificateAndKey | null | undefined
  /**
   * OAuth 2.0 client credentials. Requests carry a token obtained with them instead of the clientSecret. Null for no
   * OAuth.
   */
  oauth?: OAuthSettings | null | undefined
  /**
   * Your own id of the endpoint, unique among the tenant's endpoints. Every call accepts it in place of the id. 1 to
   * 128 letters, digits and `._:@-` characters, beginning with a letter or digit; it must not look like an id of
   * Posthorn. Null for none.
   */
  uid?: string | null | undefined
  /** A name for people, up to 128 characters. Null for none. */
  name?: string | null | undefined
  /**
   * Types of the events that the endpoint receives, as names or as patterns in which `*` stands for any characters.
   * Null for all types in the catalogue. A list must not be empty.
   */
  types?: readonly string[] | null | undefined
  /**
   * Conditions on the payload: the endpoint receives only events that satisfy them. Null for all events. See
   * docs/event-types.md.
   */
  filter?: Readonly<Record<string, unknown>> | null | undefined
  /** At most 1,024 characters. */
  description?: string | null | undefined
  /** Your own labels, at most 50. */
  metadata?: Readonly<Record<string, string>> | null | undefined
  /**
   * Extra request headers, at most 20, as values or as `{"value": …, "secret": …}`. Secret ones are never shown again.
   * By default a header is secret if its name says so (`X-Api-Key`, `X-Auth-Token`, …). `{"secret": true}` without a
   * value keeps the stored value.
   */
  headers?:
    | Readonly<
        Record<
          string,
          | string
          | {
              value?: string | undefined
              secret?: boolean | undefined
            }
        >
      >
    | null
    | undefined
  /**
   * Other names for the headers that carry the event id, the timestamp and the signatures, for a receiver that needs
   * them. Null for those of Standard Webhooks.
   */
  signatureHeaders?: SignatureHeaderNames | null | undefined
  /** Seconds to wait before each retry, for at most 30 retries. Null for the default. */
  schedule?: readonly number[] | null | undefined
  /** How long the receiver can take to send its response status, in milliseconds. Null for the default. */
  timeoutMs?: number | null | undefined
  /** Maximum number of requests started in any period of `perSeconds` seconds. Null for no limit. */
  rateLimit?: RateLimit | null | undefined
  /**
   * Whether deliveries are sent one at a time in the order of publishing, each after the previous one has ended. A
   * delivery that keeps failing then holds up those behind it. False by default.
   */
  ordered?: boolean | undefined
  /** A disabled endpoint gets nothing: its deliveries are held. */
  state?: 'enabled' | 'disabled' | undefined
}

/** Body of: Rotate an endpoint's signing secret. */
export type RotateSigningSecretBody = {
  /** `whsec_` and 24 to 64 bytes in Base64. If omitted, Posthorn generates one. */
  signingSecret?: string | undefined
  /**
   * Signature version of the secret that Posthorn generates: `v1` (HMAC) or `v1a` (Ed25519). Defaults to the version of
   * the current secret, or to `v1` for a new endpoint.
   */
  signatureVersion?: 'v1' | 'v1a' | undefined
  /**
   * How long older signing secrets stay valid at most, in seconds. 0 drops all of them immediately, for example because
   * one has leaked. From 0 to 604,800. Default: 86,400.
   */
  gracePeriodSeconds?: number | undefined
}

/** Body of: Send a test event to an endpoint. */
export type TestEndpointBody = {
  /** The event type to send. Defaults to the first one that the endpoint receives. */
  type?: string | undefined
}

/** The test event was created. Get its delivery to see the outcome. */
export type TestEndpointResult = {
  event: string
  delivery: string
  type: string
}

/** Body of: Enable an endpoint. */
export type EnableEndpointBody = {
  /** What to do with the held deliveries: send them (`release`, the default) or cancel them (`cancel`). */
  held?: 'release' | 'cancel' | undefined
}

/** Body of: Try a filter. */
export type TryFilterBody = {
  /** The filter, as an endpoint takes it. See docs/event-types.md. */
  filter: Readonly<Record<string, unknown>>
  /** Event types, as an endpoint takes them. Null or omitted for all types in the catalogue. */
  types?: readonly string[] | null | undefined
  /** Payloads to try the filter on. At most 100 items. */
  payloads?: readonly unknown[] | undefined
  /** Ids or keys of events to try the filter on. At most 100 items. */
  events?: readonly string[] | undefined
  /** How many of the newest events of these types to try the filter on. From 1 to 100. */
  recent?: number | undefined
}

/** What the filter decides. */
export type TryFilterResult = {
  /** One for each payload or event, in the order of the request. Recent events are newest first. */
  data: FilterTrial[]
  /** How far back events were looked at, if there were too many to find as many as asked for. Otherwise null. */
  searchedTo: Timestamp | null
  /** The warnings that an endpoint with this filter and these types would have. */
  warnings: Warning[]
}

/** The calls of the API about endpoints. */
export class EndpointsResource {
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /**
   * List a tenant's endpoints, newest first: `GET /v1/tenants/{tenant}/endpoints`.
   *
   * A page with large endpoints can have fewer items than `limit`. If little matches, the list answers after about 2
   * seconds with what it has found until then, possibly nothing, and says in `searchedTo` how far it looked. Follow
   * `nextCursor` until it is null.
   *
   * @param tenant The tenant's id, chosen by the provider.
   * @throws ApiError with the codes that any call can have, or `not_found`.
   */
  list(tenant: string, query?: ListEndpointsQuery, options?: CallOptions): List<Endpoint, ListEndpointsPage> {
    return list(this.#connection, path`/v1/tenants/${tenant}/endpoints`, query, options)
  }

  /**
   * Register an endpoint: `POST /v1/tenants/{tenant}/endpoints`.
   *
   * @param tenant The tenant's id, chosen by the provider.
   * @throws ApiError with the codes that any call can have, or `not_found`, `conflict` or `event_type_archived`.
   */
  create(tenant: string, body: CreateEndpointBody, options?: MakingCallOptions): Promise<EndpointWithSecret> {
    return this.#connection.call(
      { method: 'POST', path: path`/v1/tenants/${tenant}/endpoints`, body, makes: true },
      options,
    )
  }

  /**
   * List the endpoints of all tenants, newest first: `GET /v1/endpoints`.
   *
   * For API keys without a tenant. `health=failing` answers which tenants have failing endpoints, since when, and why.
   * A page with large endpoints can have fewer items than `limit`. If little matches, the list answers after about 2
   * seconds with what it has found until then, possibly nothing, and says in `searchedTo` how far it looked. Follow
   * `nextCursor` until it is null.
   */
  listAll(query?: ListAllEndpointsQuery, options?: CallOptions): List<Endpoint, ListEndpointsPage> {
    return list(this.#connection, path`/v1/endpoints`, query, options)
  }

  /**
   * Get an endpoint: `GET /v1/tenants/{tenant}/endpoints/{id}`.
   *
   * @param tenant The tenant's id, chosen by the provider.
   * @param id The endpoint's id or uid.
   * @throws ApiError with the codes that any call can have, or `not_found`.
   */
  get(tenant: string, id: string, options?: CallOptions): Promise<Endpoint> {
    return this.#connection.call({ method: 'GET', path: path`/v1/tenants/${tenant}/endpoints/${id}` }, options)
  }

  /**
   * Update an endpoint: `PATCH /v1/tenants/{tenant}/endpoints/{id}`.
   *
   * Changes the given fields and keeps the others. Null resets a field. The next attempts use the new values.
   *
   * @param tenant The tenant's id, chosen by the provider.
   * @param id The endpoint's id or uid.
   * @throws ApiError with the codes that any call can have, or `not_found`, `conflict` or `event_type_archived`.
   */
  update(tenant: string, id: string, body?: UpdateEndpointBody, options?: CallOptions): Promise<EndpointWithSecret> {
    return this.#connection.call({ method: 'PATCH', path: path`/v1/tenants/${tenant}/endpoints/${id}`, body }, options)
  }

  /**
   * Delete an endpoint: `DELETE /v1/tenants/{tenant}/endpoints/{id}`.
   *
   * Also cancels the endpoint's pending and held deliveries.
   *
   * @param tenant The tenant's id, chosen by the provider.
   * @param id The endpoint's id or uid.
   * @throws ApiError with the codes that any call can have, or `not_found`.
   */
  delete(tenant: string, id: string, options?: CallOptions): Promise<void> {
    return this.#connection.call(
      { method: 'DELETE', path: path`/v1/tenants/${tenant}/endpoints/${id}` },
      options,
      readNothing,
    )
  }

  /**
   * Check an endpoint without registering it: `POST /v1/tenants/{tenant}/endpoint-checks`.
   *
   * Says what registering the endpoint would refuse and warn of, of as many members as are given. Stores nothing, and
   * sends nothing to the receiver.
   *
   * @param tenant The tenant's id, chosen by the provider.
   * @throws ApiError with the codes that any call can have, or `not_found`.
   */
  check(tenant: string, body?: CheckEndpointBody, options?: CallOptions): Promise<EndpointCheck> {
    return this.#connection.call({ method: 'POST', path: path`/v1/tenants/${tenant}/endpoint-checks`, body }, options)
  }

  /**
   * Rotate an endpoint's signing secret: `POST /v1/tenants/{tenant}/endpoints/{id}/signing-secrets`.
   *
   * The new secret takes effect immediately. The previous one stays valid for the grace period, 24 hours by default,
   * and requests carry a signature for each valid secret.
   *
   * @param tenant The tenant's id, chosen by the provider.
   * @param id The endpoint's id or uid.
   * @throws ApiError with the codes that any call can have, or `not_found` or `conflict`.
   */
  rotateSigningSecret(
    tenant: string,
    id: string,
    body?: RotateSigningSecretBody,
    options?: MakingCallOptions,
  ): Promise<EndpointWithSecret> {
    return this.#connection.call(
      { method: 'POST', path: path`/v1/tenants/${tenant}/endpoints/${id}/signing-secrets`, body, makes: true },
      options,
    )
  }

  /**
   * Send a test event to an endpoint: `POST /v1/tenants/{tenant}/endpoints/{id}/test`.
   *
   * Sends the example of an event type with the header `X-Posthorn-Test: true`, even if the endpoint does not otherwise
   * want that type.
   *
   * @param tenant The tenant's id, chosen by the provider.
   * @param id The endpoint's id or uid.
   * @throws ApiError with the codes that any call can have, or `not_found`, `conflict` or `event_type_archived`.
   */
  test(tenant: string, id: string, body?: TestEndpointBody, options?: MakingCallOptions): Promise<TestEndpointResult> {
    return this.#connection.call(
      { method: 'POST', path: path`/v1/tenants/${tenant}/endpoints/${id}/test`, body, makes: true },
      options,
    )
  }

  /**
   * Disable an endpoint: `POST /v1/tenants/{tenant}/endpoints/{id}/disable`.
   *
   * Holds the endpoint's pending deliveries, and those of events published while it is disabled.
   *
   * @param tenant The tenant's id, chosen by the provider.
   * @param id The endpoint's id or uid.
   * @throws ApiError with the codes that any call can have, or `not_found`.
   */
  disable(tenant: string, id: string, options?: CallOptions): Promise<Endpoint> {
    return this.#connection.call({ method: 'POST', path: path`/v1/tenants/${tenant}/endpoints/${id}/disable` }, options)
  }

  /**
   * Enable an endpoint: `POST /v1/tenants/{tenant}/endpoints/{id}/enable`.
   *
   * @param tenant The tenant's id, chosen by the provider.
   * @param id The endpoint's id or uid.
   * @throws ApiError with the codes that any call can have, or `not_found`.
   */
  enable(tenant: string, id: string, body?: EnableEndpointBody, options?: CallOptions): Promise<Endpoint> {
    return this.#connection.call(
      { method: 'POST', path: path`/v1/tenants/${tenant}/endpoints/${id}/enable`, body },
      options,
    )
  }

  /**
   * Try a filter: `POST /v1/tenants/{tenant}/filter-trials`.
   *
   * Says for payloads of the request (`payloads`), for events (`events`) or for the newest events (`recent`) whether a
   * filter lets them through, and which part of it decided. Set exactly one of the three. The filter is checked as it
   * is when an endpoint is registered. Nothing is stored or sent. To try stored events, a key needs the permission
   * `payloads`. `recent` leaves out tests, rejected events, and those whose payload is no longer kept.
   *
   * @param tenant The tenant's id, chosen by the provider.
   * @throws ApiError with the codes that any call can have, or `not_found`.
   */
  tryFilter(tenant: string, body: TryFilterBody, options?: CallOptions): Promise<TryFilterResult> {
    return this.#connection.call({ method: 'POST', path: path`/v1/tenants/${tenant}/filter-trials`, body }, options)
  }
}
