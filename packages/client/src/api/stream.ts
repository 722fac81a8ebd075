// Generated from the OpenAPI document by `npm run generate:client`. Do not edit.
import type { Connection } from '../http/connection.ts'
import { path } from '../http/path.ts'
import { type StreamOptions, type StreamRecord, stream } from '../http/stream.ts'
import type { ReadStreamKind } from './models.ts'

/** Query of: Stream what happens in all tenants. */
export type ReadStreamQuery = {
  /** Only records of this tenant. */
  tenant?: string | undefined
  /**
   * Only records of these kinds. Default: all but `request`, without `event` if `endpoint` is given, and without
   * `endpoint` if `type` is given; only `request` if `listen` is given. Several are separated by commas, or the
   * parameter is repeated.
   */
  kind?: ReadStreamKind | readonly ReadStreamKind[] | undefined
  /**
   * Only events, deliveries and attempts of these event types. Several are separated by commas, or the parameter is
   * repeated.
   */
  type?: string | readonly string[] | undefined
  /**
   * Only deliveries and attempts to these endpoints and changes of them, by id or uid. Several are separated by commas,
   * or the parameter is repeated.
   */
  endpoint?: string | readonly string[] | undefined
  /**
   * `true`: with the payloads of events, and with what receivers responded to attempts. Needs the permission
   * `payloads`. Default: both are left out, as for a key without it.
   */
  payloads?: boolean | undefined
}

/** Query of: Stream what happens in a tenant. */
export type ReadTenantStreamQuery = {
  /**
   * Only records of these kinds. Default: all but `request`, without `event` if `endpoint` is given, and without
   * `endpoint` if `type` is given; only `request` if `listen` is given. Several are separated by commas, or the
   * parameter is repeated.
   */
  kind?: ReadStreamKind | readonly ReadStreamKind[] | undefined
  /**
   * Only events, deliveries and attempts of these event types. Several are separated by commas, or the parameter is
   * repeated.
   */
  type?: string | readonly string[] | undefined
  /**
   * Only deliveries and attempts to these endpoints and changes of them, by id or uid. Several are separated by commas,
   * or the parameter is repeated.
   */
  endpoint?: string | readonly string[] | undefined
  /**
   * `true`: with the payloads of events, and with what receivers responded to attempts. Needs the permission
   * `payloads`. Default: both are left out, as for a key without it.
   */
  payloads?: boolean | undefined
  /**
   * Listens to these listeners, by id or uid: the stream has their requests, to be answered with `answerRequest`, and
   * Posthorn sends them because someone listens. Needs the scope `all` and the permission `payloads`. Several are
   * separated by commas, or the parameter is repeated.
   */
  listen?: string | readonly string[] | undefined
}

/** The calls of the API about stream. */
export class StreamResource {
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /**
   * Stream what happens in all tenants: `GET /v1/stream`.
   *
   * For API keys without a tenant. Sends what is committed from now on, by any node, in the order of the commits. A
   * record shows its thing as it is when the record is sent. `event`: an item of the list of events. `delivery`: an
   * item of the list of deliveries. `attempt`: `{ tenant, delivery, event, endpoint, attempt }`. `endpoint`: `{ tenant,
   * id, change, endpoint }`, where `change` is `created`, `updated` or `deleted`, and `endpoint` is null if it was
   * deleted. `reset`: the position cannot be continued, so read the lists again; what follows is complete from here on.
   * A comment is sent every 15 seconds. To continue after the connection was closed, send the last `id` as the header
   * `Last-Event-ID` within about two minutes.
   */
  read(query?: ReadStreamQuery, options?: StreamOptions): AsyncGenerator<StreamRecord, void> {
    return stream(this.#connection, path`/v1/stream`, query, options)
  }

  /**
   * Stream what happens in a tenant: `GET /v1/tenants/{tenant}/stream`.
   *
   * Sends what is committed from now on, by any node, in the order of the commits. A record shows its thing as it is
   * when the record is sent. `event`: an item of the list of events. `delivery`: an item of the list of deliveries.
   * `attempt`: `{ tenant, delivery, event, endpoint, attempt }`. `endpoint`: `{ tenant, id, change, endpoint }`, where
   * `change` is `created`, `updated` or `deleted`, and `endpoint` is null if it was deleted. `reset`: the position
   * cannot be continued, so read the lists again; what follows is complete from here on. A comment is sent every 15
   * seconds. To continue after the connection was closed, send the last `id` as the header `Last-Event-ID` within about
   * two minutes. With `listen`, `request`: `{ tenant, delivery, attempt, endpoint, event, type, test, startedAt,
   * expiresAt, method, headers, body }`, a request as it would be sent to a URL: `headers` are pairs of name and value,
   * and `body` is the payload as published, in UTF-8. What was open when the stream was opened comes first. The same
   * request can come again after the connection was closed. A secret in a header shows as `[secret]` to a portal user
   * without the permission `secrets`.
   *
   * @param tenant The tenant's id, chosen by the provider.
   * @throws ApiError with the codes that any call can have, or `not_found`.
   */
  readTenant(
    tenant: string,
    query?: ReadTenantStreamQuery,
    options?: StreamOptions,
  ): AsyncGenerator<StreamRecord, void> {
    return stream(this.#connection, path`/v1/tenants/${tenant}/stream`, query, options)
  }
}
