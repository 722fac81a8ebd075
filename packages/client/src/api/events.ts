// Generated from the OpenAPI document by `npm run generate:client`. Do not edit.
import type { TypedEvent } from '../event-payloads.ts'
import type { Connection } from '../http/connection.ts'
import { type List, list, type Page } from '../http/list.ts'
import type { CallOptions, MakingCallOptions } from '../http/options.ts'
import { path } from '../http/path.ts'
import type {
  Event,
  EventDetail,
  EventEndpoint,
  PublishedEvent,
  RejectedEvent,
  Time,
  Timestamp,
  Warning,
} from './models.ts'

/** Query of: List a tenant's events, newest first. */
export type ListEventsQuery = {
  /** Only events of these types. Several are separated by commas, or the parameter is repeated. */
  type?: string | readonly string[] | undefined
  /** Only events that were published with this key, the publisher's own. At most 255 characters. */
  key?: string | undefined
  /**
   * Only events whose payload satisfies this filter: JSON in the language of endpoints' filters. Needs the permission
   * `payloads`.
   */
  filter?: string | undefined
  /**
   * Only events with this text in their payload, in upper and lower case as it is written. Needs the permission
   * `payloads`. At most 256 characters.
   */
  text?: string | undefined
  /** Only items created at or after this time. In RFC 3339 format; a date alone is midnight UTC. */
  from?: Time | undefined
  /** Only items created before this time. In RFC 3339 format; a date alone is midnight UTC. */
  to?: Time | undefined
  /** `true` also counts the events that match. */
  counts?: boolean | undefined
  /** Where to continue: the `nextCursor` or `prevCursor` of another page of this list. */
  cursor?: string | undefined
  /** Maximum number of items to return. From 1 to 1,000. Default: 50. */
  limit?: number | undefined
}

/** A page of events. */
export type ListEventsPage = Page<Event> & {
  /**
   * How far the list looked before its time was up. More can follow: `nextCursor` (or, going back, `prevCursor`)
   * continues there. Null if the page is complete.
   */
  searchedTo: Timestamp | null
  counts?: {
    /**
     * Number of events that match, on this page and all others. Null if there are more than 10,000, if counting them
     * means looking at more than 50,000, if payloads are searched, or for events of all tenants.
     */
    total: number | null
  }
  /** What is odd about the call, although it was accepted. */
  warnings: Warning[]
}

/** Body of: Publish one event or an array of events. */
export type PublishEventsBody = TypedEvent & {
  /**
   * Your own key of the event, such as `order-7-shipped`. Publishing the same key, type and payload again creates no
   * second event. `GET /v1/tenants/{tenant}/events?key=` finds the event. At most 255 characters.
   */
  key?: string | undefined
  /** @deprecated The former name of `key`. If both are given, they must be equal. At most 255 characters. */
  id?: string | undefined
}

/** The stored event. For an array of events, `data` has one item per event, in the same order. */
export type PublishEventsResult = {
  data: PublishedEvent[]
}

/** Query of: List the events of all tenants, newest first. */
export type ListAllEventsQuery = ListEventsQuery & {
  /** Only events of this tenant. */
  tenant?: string | undefined
}

/** Query of: List rejected events, newest first. */
export type ListRejectedEventsQuery = {
  /** Only events published for this tenant. At most 128 characters. */
  tenant?: string | undefined
  /** Only events that were published with this key, the publisher's own. At most 255 characters. */
  key?: string | undefined
  /** Where to continue: the `nextCursor` or `prevCursor` of another page of this list. */
  cursor?: string | undefined
  /** Maximum number of items to return. From 1 to 1,000. Default: 50. */
  limit?: number | undefined
}

/** A page of rejected events. */
export type ListRejectedEventsPage = Page<RejectedEvent> & {
  /**
   * How far the list looked before its time was up. More can follow: `nextCursor` (or, going back, `prevCursor`)
   * continues there. Null if the page is complete.
   */
  searchedTo: Timestamp | null
}

/** Query of: List an event's outcome at each endpoint. */
export type ListEventEndpointsQuery = {
  /** Where to continue: the `nextCursor` or `prevCursor` of another page of this list. */
  cursor?: string | undefined
  /** Maximum number of items to return. From 1 to 1,000. Default: 50. */
  limit?: number | undefined
}

/** The calls of the API about events. */
export class EventsResource {
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /**
   * List a tenant's events, newest first: `GET /v1/tenants/{tenant}/events`.
   *
   * A page with large payloads can have fewer items than `limit`. If little matches, the list answers after about 2
   * seconds with what it has found until then, possibly nothing, and says in `searchedTo` how far it looked. Follow
   * `nextCursor` until it is null.
   *
   * @param tenant The tenant's id, chosen by the provider.
   * @throws ApiError with the codes that any call can have, or `not_found`.
   */
  list(tenant: string, query?: ListEventsQuery, options?: CallOptions): List<Event, ListEventsPage> {
    return list(this.#connection, path`/v1/tenants/${tenant}/events`, query, options)
  }

  /**
   * Publish one event or an array of events: `POST /v1/tenants/{tenant}/events`.
   *
   * @param tenant The tenant's id, chosen by the provider.
   * @throws ApiError with the codes that any call can have, or `not_found` or `event_type_archived`.
   */
  publish(tenant: string, body: PublishEventsBody, options?: MakingCallOptions): Promise<PublishedEvent>
  /**
   * Publish one event or an array of events: `POST /v1/tenants/{tenant}/events`.
   *
   * @param tenant The tenant's id, chosen by the provider.
   * @throws ApiError with the codes that any call can have, or `not_found` or `event_type_archived`.
   */
  publish(tenant: string, body: readonly PublishEventsBody[], options?: MakingCallOptions): Promise<PublishEventsResult>
  publish(
    tenant: string,
    body: PublishEventsBody | readonly PublishEventsBody[],
    options?: MakingCallOptions,
  ): Promise<PublishedEvent | PublishEventsResult> {
    return this.#connection.call(
      { method: 'POST', path: path`/v1/tenants/${tenant}/events`, body, makes: true },
      options,
    )
  }

  /**
   * List the events of all tenants, newest first: `GET /v1/events`.
   *
   * For API keys without a tenant. A page with large payloads can have fewer items than `limit`. If little matches, the
   * list answers after about 2 seconds with what it has found until then, possibly nothing, and says in `searchedTo`
   * how far it looked. Follow `nextCursor` until it is null. Without `tenant`, `key` finds an event for as long as its
   * key is remembered (`idempotencyDays`), and rejected events; a tenant's list also finds older ones. Rejected events
   * of tenants that do not exist are only in `/v1/rejected-events`.
   */
  listAll(query?: ListAllEventsQuery, options?: CallOptions): List<Event, ListEventsPage> {
    return list(this.#connection, path`/v1/events`, query, options)
  }

  /**
   * Get an event with its outcome at each endpoint: `GET /v1/tenants/{tenant}/events/{id}`.
   *
   * @param tenant The tenant's id, chosen by the provider.
   * @throws ApiError with the codes that any call can have, or `not_found`.
   */
  get(tenant: string, id: string, options?: CallOptions): Promise<EventDetail> {
    return this.#connection.call({ method: 'GET', path: path`/v1/tenants/${tenant}/events/${id}` }, options)
  }

  /**
   * List rejected events, newest first: `GET /v1/rejected-events`.
   *
   * Lists events that were published from SQL and that the API would have refused. They are not delivered. Includes
   * events of all tenants, and of tenants that do not exist.
   */
  listRejected(query?: ListRejectedEventsQuery, options?: CallOptions): List<RejectedEvent, ListRejectedEventsPage> {
    return list(this.#connection, path`/v1/rejected-events`, query, options)
  }

  /**
   * List an event's outcome at each endpoint: `GET /v1/tenants/{tenant}/events/{id}/endpoints`.
   *
   * Lists all of the tenant's endpoints, newest first, including those that were deleted or created later. Outcomes
   * reflect the types and filters at the time when the event was published.
   *
   * @param tenant The tenant's id, chosen by the provider.
   * @throws ApiError with the codes that any call can have, or `not_found`.
   */
  listEndpoints(
    tenant: string,
    id: string,
    query?: ListEventEndpointsQuery,
    options?: CallOptions,
  ): List<EventEndpoint, Page<EventEndpoint>> {
    return list(this.#connection, path`/v1/tenants/${tenant}/events/${id}/endpoints`, query, options)
  }
}
