// Generated from the OpenAPI document by `npm run generate:client`. Do not edit.
import type { Connection } from '../http/connection.ts'
import { type List, list, type Page } from '../http/list.ts'
import type { CallOptions, MakingCallOptions } from '../http/options.ts'
import { path } from '../http/path.ts'
import type {
  AttemptError,
  Delivery,
  DeliveryCounts,
  DeliveryDetail,
  DeliveryState,
  Retries,
  Stats,
  StatsStep,
  Time,
  Timestamp,
  Warning,
} from './models.ts'

/** Query of: List a tenant's deliveries, newest first. */
export type ListDeliveriesQuery = {
  /** Only deliveries in one of these states. Several are separated by commas, or the parameter is repeated. */
  state?: DeliveryState | readonly DeliveryState[] | undefined
  /** Only deliveries held for this reason. */
  heldReason?: 'disabled' | 'set_aside' | undefined
  /**
   * Only deliveries whose last attempt got one of these statuses: a status (`503`), a class (`5xx`), or `none` for no
   * response. Several are separated by commas, or the parameter is repeated.
   */
  status?: string | readonly string[] | undefined
  /**
   * Only deliveries whose last attempt failed for one of these reasons. Several are separated by commas, or the
   * parameter is repeated.
   */
  error?: AttemptError | readonly AttemptError[] | undefined
  /** Only deliveries of these event types. Several are separated by commas, or the parameter is repeated. */
  type?: string | readonly string[] | undefined
  /**
   * Only deliveries to these endpoints, by id or uid. They can be deleted ones. Several are separated by commas, or the
   * parameter is repeated.
   */
  endpoint?: string | readonly string[] | undefined
  /** Only deliveries of the event with this id. */
  event?: string | undefined
  /**
   * Only deliveries of the event with this key. While Posthorn remembers the key (`idempotencyDays`), it finds the
   * event directly; after that, it looks through all deliveries.
   */
  key?: string | undefined
  /**
   * Only deliveries of events whose payload satisfies this filter: JSON in the language of endpoints' filters. Needs
   * the permission `payloads`.
   */
  filter?: string | undefined
  /**
   * Only deliveries of events with this text in their payload, in upper and lower case as it is written. Needs the
   * permission `payloads`. At most 256 characters.
   */
  text?: string | undefined
  /** Only items created at or after this time. In RFC 3339 format; a date alone is midnight UTC. */
  from?: Time | undefined
  /** Only items created before this time. In RFC 3339 format; a date alone is midnight UTC. */
  to?: Time | undefined
  /** `true` also counts the deliveries that match, by state. */
  counts?: boolean | undefined
  /** Where to continue: the `nextCursor` or `prevCursor` of another page of this list. */
  cursor?: string | undefined
  /** Maximum number of items to return. From 1 to 1,000. Default: 50. */
  limit?: number | undefined
}

/** A page of deliveries. */
export type ListDeliveriesPage = Page<Delivery> & {
  /**
   * How far the list looked before its time was up. More can follow: `nextCursor` (or, going back, `prevCursor`)
   * continues there. Null if the page is complete.
   */
  searchedTo: Timestamp | null
  counts?: DeliveryCounts
  /** What is odd about the call, although it was accepted. */
  warnings: Warning[]
}

/** Query of: List the deliveries of all tenants, newest first. */
export type ListAllDeliveriesQuery = ListDeliveriesQuery & {
  /** Only deliveries of this tenant. */
  tenant?: string | undefined
}

/** Query of: List the set-aside deliveries of all tenants, newest first. */
export type ListSetAsideDeliveriesQuery = {
  /** Where to continue: the `nextCursor` or `prevCursor` of another page of this list. */
  cursor?: string | undefined
  /** Maximum number of items to return. From 1 to 1,000. Default: 50. */
  limit?: number | undefined
}

/** A page of set-aside deliveries. */
export type ListSetAsideDeliveriesPage = Page<Delivery> & {
  /** Number of set-aside deliveries. 10,000 means 10,000 or more. */
  count: number
}

/** Query of: Retry a tenant's deliveries that match, or those with given ids. */
export type RetryMatchingDeliveriesQuery = {
  /** Only deliveries in one of these states. Several are separated by commas, or the parameter is repeated. */
  state?: DeliveryState | readonly DeliveryState[] | undefined
  /** Only deliveries held for this reason. */
  heldReason?: 'disabled' | 'set_aside' | undefined
  /**
   * Only deliveries whose last attempt got one of these statuses: a status (`503`), a class (`5xx`), or `none` for no
   * response. Several are separated by commas, or the parameter is repeated.
   */
  status?: string | readonly string[] | undefined
  /**
   * Only deliveries whose last attempt failed for one of these reasons. Several are separated by commas, or the
   * parameter is repeated.
   */
  error?: AttemptError | readonly AttemptError[] | undefined
  /** Only deliveries of these event types. Several are separated by commas, or the parameter is repeated. */
  type?: string | readonly string[] | undefined
  /**
   * Only deliveries to these endpoints, by id or uid. They can be deleted ones. Several are separated by commas, or the
   * parameter is repeated.
   */
  endpoint?: string | readonly string[] | undefined
  /** Only deliveries of the event with this id. */
  event?: string | undefined
  /**
   * Only deliveries of the event with this key. While Posthorn remembers the key (`idempotencyDays`), it finds the
   * event directly; after that, it looks through all deliveries.
   */
  key?: string | undefined
  /**
   * Only deliveries of events whose payload satisfies this filter: JSON in the language of endpoints' filters. Needs
   * the permission `payloads`.
   */
  filter?: string | undefined
  /**
   * Only deliveries of events with this text in their payload, in upper and lower case as it is written. Needs the
   * permission `payloads`. At most 256 characters.
   */
  text?: string | undefined
  /** Only items created at or after this time. In RFC 3339 format; a date alone is midnight UTC. */
  from?: Time | undefined
  /** Only items created before this time. In RFC 3339 format; a date alone is midnight UTC. */
  to?: Time | undefined
  /** `true` changes nothing: the response is what the call would return. */
  dryRun?: boolean | undefined
  /** Where to continue: the `nextCursor` or `prevCursor` of another page of this list. */
  cursor?: string | undefined
  /** Maximum number of deliveries to retry in this call. From 1 to 500. Default: 100. */
  limit?: number | undefined
}

/** Body of: Retry a tenant's deliveries that match, or those with given ids. */
export type RetryMatchingDeliveriesBody = {
  /** Retry the deliveries with these ids instead of those that match the parameters. At most 500 items. */
  ids?: readonly string[] | undefined
}

/** Query of: Retry the deliveries of all tenants that match. */
export type RetryAllMatchingDeliveriesQuery = RetryMatchingDeliveriesQuery & {
  /** Only deliveries of this tenant. */
  tenant?: string | undefined
}

/** Query of: Get a tenant's deliveries and attempts over time. */
export type GetStatsQuery = {
  /** Only deliveries to this endpoint: its id or uid. It can be a deleted one. */
  endpoint?: string | undefined
  /** Start of the period, rounded down to the start of a step. In RFC 3339 format; a date alone is midnight UTC. */
  from?: Time | undefined
  /** End of the period. Defaults to now. In RFC 3339 format; a date alone is midnight UTC. */
  to?: Time | undefined
  /** Length of each step. If omitted, Posthorn chooses one that suits the period. Steps are aligned to UTC. */
  step?: StatsStep | undefined
  /** `false` leaves out the steps in which no delivery and no attempt ended. Defaults to `true`. */
  empty?: boolean | undefined
}

/** Query of: Get the deliveries and attempts of all tenants over time. */
export type GetAllStatsQuery = {
  /** Only this tenant. */
  tenant?: string | undefined
  /** Only deliveries to this endpoint of `tenant`: its id or uid. It can be a deleted one. */
  endpoint?: string | undefined
  /** Start of the period, rounded down to the start of a step. In RFC 3339 format; a date alone is midnight UTC. */
  from?: Time | undefined
  /** End of the period. Defaults to now. In RFC 3339 format; a date alone is midnight UTC. */
  to?: Time | undefined
  /** Length of each step. If omitted, Posthorn chooses one that suits the period. Steps are aligned to UTC. */
  step?: StatsStep | undefined
  /** `false` leaves out the steps in which no delivery and no attempt ended. Defaults to `true`. */
  empty?: boolean | undefined
}

/** The calls of the API about deliveries. */
export class DeliveriesResource {
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /**
   * List a tenant's deliveries, newest first: `GET /v1/tenants/{tenant}/deliveries`.
   *
   * If little matches, the list answers after about 2 seconds with what it has found until then, possibly nothing, and
   * says in `searchedTo` how far it looked. Follow `nextCursor` until it is null.
   *
   * @param tenant The tenant's id, chosen by the provider.
   * @throws ApiError with the codes that any call can have, or `not_found`.
   */
  list(tenant: string, query?: ListDeliveriesQuery, options?: CallOptions): List<Delivery, ListDeliveriesPage> {
    return list(this.#connection, path`/v1/tenants/${tenant}/deliveries`, query, options)
  }

  /**
   * List the deliveries of all tenants, newest first: `GET /v1/deliveries`.
   *
   * For API keys without a tenant. If little matches, the list answers after about 2 seconds with what it has found
   * until then, possibly nothing, and says in `searchedTo` how far it looked. Follow `nextCursor` until it is null.
   */
  listAll(query?: ListAllDeliveriesQuery, options?: CallOptions): List<Delivery, ListDeliveriesPage> {
    return list(this.#connection, path`/v1/deliveries`, query, options)
  }

  /**
   * Get a delivery with its attempts: `GET /v1/tenants/{tenant}/deliveries/{id}`.
   *
   * @param tenant The tenant's id, chosen by the provider.
   * @throws ApiError with the codes that any call can have, or `not_found`.
   */
  get(tenant: string, id: string, options?: CallOptions): Promise<DeliveryDetail> {
    return this.#connection.call({ method: 'GET', path: path`/v1/tenants/${tenant}/deliveries/${id}` }, options)
  }

  /**
   * List the set-aside deliveries of all tenants, newest first: `GET /v1/set-aside-deliveries`.
   *
   * Posthorn sets a delivery aside if it was in flight during repeated crashes, because it might have caused them. A
   * set-aside delivery is not sent. Look at it, then retry or cancel it.
   */
  listSetAside(query?: ListSetAsideDeliveriesQuery, options?: CallOptions): List<Delivery, ListSetAsideDeliveriesPage> {
    return list(this.#connection, path`/v1/set-aside-deliveries`, query, options)
  }

  /**
   * Retry a delivery now: `POST /v1/tenants/{tenant}/deliveries/{id}/retry`.
   *
   * If the delivery is pending or set aside, its next attempt is made now. If it has ended, a new delivery of the same
   * event is created instead. The call is refused if the delivery is held because its endpoint is disabled.
   *
   * @param tenant The tenant's id, chosen by the provider.
   * @throws ApiError with the codes that any call can have, or `not_found` or `conflict`.
   */
  retry(tenant: string, id: string, options?: MakingCallOptions): Promise<Delivery> {
    return this.#connection.call(
      { method: 'POST', path: path`/v1/tenants/${tenant}/deliveries/${id}/retry`, makes: true },
      options,
    )
  }

  /**
   * Cancel a delivery: `POST /v1/tenants/{tenant}/deliveries/{id}/cancel`.
   *
   * @param tenant The tenant's id, chosen by the provider.
   * @throws ApiError with the codes that any call can have, or `not_found` or `conflict`.
   */
  cancel(tenant: string, id: string, options?: CallOptions): Promise<Delivery> {
    return this.#connection.call({ method: 'POST', path: path`/v1/tenants/${tenant}/deliveries/${id}/cancel` }, options)
  }

  /**
   * Retry a tenant's deliveries that match, or those with given ids: `POST /v1/tenants/{tenant}/deliveries/retry`.
   *
   * Retries each as `…/retry` does, newest first, and leaves alone what was sent again since, so that the call can be
   * repeated. `state` must be given. A call retries at most `limit` deliveries: repeat it with `nextCursor` until that
   * is null. With `dryRun=true`, it says what would be retried and what would be left alone.
   *
   * @param tenant The tenant's id, chosen by the provider.
   * @throws ApiError with the codes that any call can have, or `not_found`.
   */
  retryMatching(
    tenant: string,
    body?: RetryMatchingDeliveriesBody,
    query?: RetryMatchingDeliveriesQuery,
    options?: CallOptions,
  ): Promise<Retries> {
    return this.#connection.call(
      { method: 'POST', path: path`/v1/tenants/${tenant}/deliveries/retry`, query, body },
      options,
    )
  }

  /**
   * Retry the deliveries of all tenants that match: `POST /v1/deliveries/retry`.
   *
   * For API keys without a tenant. Retries each as `…/retry` does, newest first, and leaves alone what was sent again
   * since, so that the call can be repeated. `state` must be given. A call retries at most `limit` deliveries: repeat
   * it with `nextCursor` until that is null. With `dryRun=true`, it says what would be retried and what would be left
   * alone.
   */
  retryAllMatching(query?: RetryAllMatchingDeliveriesQuery, options?: CallOptions): Promise<Retries> {
    return this.#connection.call({ method: 'POST', path: path`/v1/deliveries/retry`, query }, options)
  }

  /**
   * Get a tenant's deliveries and attempts over time: `GET /v1/tenants/{tenant}/stats`.
   *
   * Covers the last 24 hours by default (the last 3 hours if `step` is `minute`, the last 30 days if it is `day`), and
   * at most 1,500 steps. Steps of a minute are kept for 2 days, of an hour for 90 days, and of a day for 800 days. What
   * happened on other nodes in the last few seconds might still be missing.
   *
   * @param tenant The tenant's id, chosen by the provider.
   * @throws ApiError with the codes that any call can have, or `not_found`.
   */
  getStats(tenant: string, query?: GetStatsQuery, options?: CallOptions): Promise<Stats> {
    return this.#connection.call({ method: 'GET', path: path`/v1/tenants/${tenant}/stats`, query }, options)
  }

  /**
   * Get the deliveries and attempts of all tenants over time: `GET /v1/stats`.
   *
   * For API keys without a tenant. Includes what happened in tenants that have been deleted since. Covers the last 24
   * hours by default (the last 3 hours if `step` is `minute`, the last 30 days if it is `day`), and at most 1,500
   * steps. Steps of a minute are kept for 2 days, of an hour for 90 days, and of a day for 800 days. What happened on
   * other nodes in the last few seconds might still be missing.
   */
  getAllStats(query?: GetAllStatsQuery, options?: CallOptions): Promise<Stats> {
    return this.#connection.call({ method: 'GET', path: path`/v1/stats`, query }, options)
  }
}
