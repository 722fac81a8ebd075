// Generated from the OpenAPI document by `npm run generate:client`. Do not edit.
import type { Connection } from '../http/connection.ts'
import { type List, list, type Page } from '../http/list.ts'
import type { CallOptions, MakingCallOptions } from '../http/options.ts'
import { path } from '../http/path.ts'
import type { CreatedReplay, EndpointState, Replay, ReplayBatch, ReplayState, Time } from './models.ts'

/** Body of: Replay earlier events. */
export type CreateReplayBody = {
  /**
   * Your own name for the replay, 1 to 255 characters. Repeating the call with the same key and selection creates
   * nothing.
   */
  key?: string | null | undefined
  /** @deprecated The former name of `key`. */
  id?: string | null | undefined
  /** Replay to this endpoint only: its id or uid. Defaults to all of the tenant's endpoints. */
  endpoint?: string | null | undefined
  /** Replay this event only. */
  event?: string | null | undefined
  /** Replay only events of these types. */
  types?: readonly string[] | null | undefined
  /**
   * Only events with one of these outcomes at the endpoint. Defaults to `exhausted`, or to all three if `event` is
   * given and `missing` is not. Pending and held deliveries are never replayed, because they will be sent anyway.
   */
  states?: readonly EndpointState[] | null | undefined
  /**
   * Only events whose delivery with this outcome got one of these statuses at its last attempt: a status (`503`), a
   * class (`5xx`), or `none` for no response. Cannot be combined with `missing`.
   */
  statuses?: readonly string[] | null | undefined
  /**
   * Whether to include events that an endpoint never got, because it was created later or did not want them. The
   * endpoint must want them now: it wants the type, and its filter lets the event through. With `states: []`, only
   * these events are replayed. Default: false.
   */
  missing?: boolean | undefined
  /** Only events published at this time or later. In RFC 3339 format; a date alone is midnight UTC. */
  from?: Time | null | undefined
  /** Only events published before this time. In RFC 3339 format; a date alone is midnight UTC. */
  to?: Time | null | undefined
  /** Count the deliveries without creating them. Default: false. */
  dryRun?: boolean | undefined
}

/** The result of a dry run: how many deliveries the replay would create. */
export type CreateReplayResult = {
  /** Number of deliveries. Null if there are too many to count in advance; a replay reports it when it ends. */
  deliveries: number | null
}

/** Query of: List a tenant's replays, newest first. */
export type ListReplaysQuery = {
  /** Only replays in this state. */
  state?: ReplayState | undefined
  /** Where to continue: the `nextCursor` or `prevCursor` of another page of this list. */
  cursor?: string | undefined
  /** Maximum number of items to return. From 1 to 1,000. Default: 50. */
  limit?: number | undefined
}

/** Query of: List the replays of all tenants, newest first. */
export type ListAllReplaysQuery = ListReplaysQuery & {
  /** Only replays of this tenant. */
  tenant?: string | undefined
  /** Only replays that are part of this replay across tenants, by its id. */
  batch?: string | undefined
}

/** Body of: Replay earlier events of all tenants. */
export type CreateReplayBatchBody = {
  /**
   * Your own name for the replay, 1 to 255 characters. Repeating the call with the same key and selection creates
   * nothing.
   */
  key?: string | null | undefined
  /** Replay only events of these types. At least one. */
  types: readonly string[]
  /** Only events published at this time or later. In RFC 3339 format; a date alone is midnight UTC. */
  from: Time
  /** Only events published before this time. In RFC 3339 format; a date alone is midnight UTC. */
  to: Time
  /**
   * Only events with one of these outcomes at the endpoint. Defaults to `exhausted`, or to all three if `event` is
   * given and `missing` is not. Pending and held deliveries are never replayed, because they will be sent anyway.
   */
  states?: readonly EndpointState[] | null | undefined
  /**
   * Only events whose delivery with this outcome got one of these statuses at its last attempt: a status (`503`), a
   * class (`5xx`), or `none` for no response. Cannot be combined with `missing`.
   */
  statuses?: readonly string[] | null | undefined
  /**
   * Whether to include events that an endpoint never got, because it was created later or did not want them. The
   * endpoint must want them now: it wants the type, and its filter lets the event through. With `states: []`, only
   * these events are replayed. Default: false.
   */
  missing?: boolean | undefined
  /** Count the deliveries without creating them. Default: false. */
  dryRun?: boolean | undefined
}

/** The result of a dry run: how many deliveries the replay would create. */
export type CreateReplayBatchResult = {
  /** Number of tenants. Null if there are too many deliveries to count. */
  tenants: number | null
  /** Number of deliveries. Null if there are too many to count. */
  deliveries: number | null
}

/** The calls of the API about replays. */
export class ReplaysResource {
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /**
   * Replay earlier events: `POST /v1/tenants/{tenant}/replays`.
   *
   * Creates new deliveries of events that were published before, one for each event and endpoint, a few at a time, so
   * that live events go first. An empty object replays all of the tenant's exhausted deliveries.
   *
   * @param tenant The tenant's id, chosen by the provider.
   * @throws ApiError with the codes that any call can have, or `not_found` or `conflict`.
   */
  create(
    tenant: string,
    body?: CreateReplayBody,
    options?: MakingCallOptions,
  ): Promise<CreateReplayResult | CreatedReplay> {
    return this.#connection.call(
      { method: 'POST', path: path`/v1/tenants/${tenant}/replays`, body, makes: true },
      options,
    )
  }

  /**
   * List a tenant's replays, newest first: `GET /v1/tenants/{tenant}/replays`.
   *
   * @param tenant The tenant's id, chosen by the provider.
   * @throws ApiError with the codes that any call can have, or `not_found`.
   */
  list(tenant: string, query?: ListReplaysQuery, options?: CallOptions): List<Replay, Page<Replay>> {
    return list(this.#connection, path`/v1/tenants/${tenant}/replays`, query, options)
  }

  /**
   * List the replays of all tenants, newest first: `GET /v1/tenant-replays`.
   *
   * For API keys without a tenant. Lists the replays in each tenant, also those that are part of a replay across
   * tenants, which `/v1/replays` lists.
   */
  listAll(query?: ListAllReplaysQuery, options?: CallOptions): List<Replay, Page<Replay>> {
    return list(this.#connection, path`/v1/tenant-replays`, query, options)
  }

  /**
   * Get a replay and its progress: `GET /v1/tenants/{tenant}/replays/{id}`.
   *
   * @param tenant The tenant's id, chosen by the provider.
   * @param id The replay's id or its key.
   * @throws ApiError with the codes that any call can have, or `not_found`.
   */
  get(tenant: string, id: string, options?: CallOptions): Promise<Replay> {
    return this.#connection.call({ method: 'GET', path: path`/v1/tenants/${tenant}/replays/${id}` }, options)
  }

  /**
   * Pause a replay: `POST /v1/tenants/{tenant}/replays/{id}/pause`.
   *
   * No more deliveries are created until the replay is resumed. Those already created are sent.
   *
   * @param tenant The tenant's id, chosen by the provider.
   * @param id The replay's id or its key.
   * @throws ApiError with the codes that any call can have, or `not_found` or `conflict`.
   */
  pause(tenant: string, id: string, options?: CallOptions): Promise<Replay> {
    return this.#connection.call({ method: 'POST', path: path`/v1/tenants/${tenant}/replays/${id}/pause` }, options)
  }

  /**
   * Resume a paused replay: `POST /v1/tenants/{tenant}/replays/{id}/resume`.
   *
   * The replay continues where it was paused.
   *
   * @param tenant The tenant's id, chosen by the provider.
   * @param id The replay's id or its key.
   * @throws ApiError with the codes that any call can have, or `not_found` or `conflict`.
   */
  resume(tenant: string, id: string, options?: CallOptions): Promise<Replay> {
    return this.#connection.call({ method: 'POST', path: path`/v1/tenants/${tenant}/replays/${id}/resume` }, options)
  }

  /**
   * Cancel a replay: `POST /v1/tenants/{tenant}/replays/{id}/cancel`.
   *
   * No more deliveries are created, and those of the replay that are pending or held are cancelled. This cannot be
   * undone. A replay that is done can be cancelled too.
   *
   * @param tenant The tenant's id, chosen by the provider.
   * @param id The replay's id or its key.
   * @throws ApiError with the codes that any call can have, or `not_found` or `conflict`.
   */
  cancel(tenant: string, id: string, options?: CallOptions): Promise<Replay> {
    return this.#connection.call({ method: 'POST', path: path`/v1/tenants/${tenant}/replays/${id}/cancel` }, options)
  }

  /**
   * Replay earlier events of all tenants: `POST /v1/replays`.
   *
   * Creates a replay in each tenant that has events of these types and this period to send again. Tenants are searched
   * in the background.
   *
   * @throws ApiError with the codes that any call can have, or `conflict`.
   */
  createBatch(
    body: CreateReplayBatchBody,
    options?: MakingCallOptions,
  ): Promise<CreateReplayBatchResult | ReplayBatch> {
    return this.#connection.call({ method: 'POST', path: path`/v1/replays`, body, makes: true }, options)
  }

  /** List replays across tenants, newest first: `GET /v1/replays`. */
  listBatches(query?: ListReplaysQuery, options?: CallOptions): List<ReplayBatch, Page<ReplayBatch>> {
    return list(this.#connection, path`/v1/replays`, query, options)
  }

  /**
   * Get a replay across tenants and its progress: `GET /v1/replays/{id}`.
   *
   * @param id The replay's id or its key.
   * @throws ApiError with the codes that any call can have, or `not_found`.
   */
  getBatch(id: string, options?: CallOptions): Promise<ReplayBatch> {
    return this.#connection.call({ method: 'GET', path: path`/v1/replays/${id}` }, options)
  }

  /**
   * Pause a replay across tenants: `POST /v1/replays/{id}/pause`.
   *
   * No more deliveries are created in any tenant until the replay is resumed. Those already created are sent.
   *
   * @param id The replay's id or its key.
   * @throws ApiError with the codes that any call can have, or `not_found` or `conflict`.
   */
  pauseBatch(id: string, options?: CallOptions): Promise<ReplayBatch> {
    return this.#connection.call({ method: 'POST', path: path`/v1/replays/${id}/pause` }, options)
  }

  /**
   * Resume a paused replay across tenants: `POST /v1/replays/{id}/resume`.
   *
   * The replay continues where it was paused. A replay that its tenant paused stays paused.
   *
   * @param id The replay's id or its key.
   * @throws ApiError with the codes that any call can have, or `not_found` or `conflict`.
   */
  resumeBatch(id: string, options?: CallOptions): Promise<ReplayBatch> {
    return this.#connection.call({ method: 'POST', path: path`/v1/replays/${id}/resume` }, options)
  }

  /**
   * Cancel a replay across tenants: `POST /v1/replays/{id}/cancel`.
   *
   * No more deliveries are created. Those of the replay that are pending or held are cancelled in the background;
   * `endedAt` is set when none is left. This cannot be undone. A replay that is done can be cancelled too.
   *
   * @param id The replay's id or its key.
   * @throws ApiError with the codes that any call can have, or `not_found` or `conflict`.
   */
  cancelBatch(id: string, options?: CallOptions): Promise<ReplayBatch> {
    return this.#connection.call({ method: 'POST', path: path`/v1/replays/${id}/cancel` }, options)
  }
}
