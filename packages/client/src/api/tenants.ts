// Generated from the OpenAPI document by `npm run generate:client`. Do not edit.
import type { Connection } from '../http/connection.ts'
import { lines } from '../http/lines.ts'
import { type List, list, type Page } from '../http/list.ts'
import type { CallOptions } from '../http/options.ts'
import { path } from '../http/path.ts'
import { readNothing } from '../http/responses.ts'
import type { Erasure, Tenant, TenantPortalMay } from './models.ts'

/** Query of: List tenants, sorted by id. */
export type ListTenantsQuery = {
  /** Where to continue: the `nextCursor` or `prevCursor` of another page of this list. */
  cursor?: string | undefined
  /** Maximum number of items to return. From 1 to 1,000. Default: 50. */
  limit?: number | undefined
  /**
   * Only tenants with this text in their id or name. Upper and lower case of the letters A to Z are the same. At most
   * 2,048 characters.
   */
  text?: string | undefined
}

/** Body of: Create a tenant, or replace its name, metadata, retention periods and portal permissions. */
export type PutTenantBody = {
  /** At most 256 characters. */
  name?: string | null | undefined
  /** Your own labels, at most 50. */
  metadata?: Readonly<Record<string, string>> | null | undefined
  /** Retention periods of this tenant. Null if those in the settings apply. Defaults to null. */
  retention?:
    | {
        /**
         * Number of days to keep an event with its deliveries and attempts, from 1 to 36,500, counted from the end of its
         * last delivery. If null, retentionDays applies.
         */
        days?: number | null | undefined
        /** Number of days to keep its payload, counted in the same way. If null, payloadRetentionDays applies. */
        payloadDays?: number | null | undefined
        /** Number of days to keep a response, counted from the end of its delivery. If null, answerRetentionDays applies. */
        answerDays?: number | null | undefined
      }
    | null
    | undefined
  /**
   * What links to the tenant's portal let their users do, unless a link says it itself. Defaults to null: the setting
   * of the same name applies.
   */
  portalMay?: readonly TenantPortalMay[] | null | undefined
}

/** Query of: Export everything stored about a tenant. */
export type ExportTenantQuery = {
  /**
   * Continue behind this event or delivery, whose line is the last one that you have. Behind an event, the other events
   * and all deliveries follow; behind a delivery, the other deliveries, each with its attempts. `counts` in the last
   * line is then about this response.
   */
  after?: string | undefined
}

/** The calls of the API about tenants. */
export class TenantsResource {
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /**
   * List tenants, sorted by id: `GET /v1/tenants`.
   *
   * With `text`, a page can have fewer tenants than `limit` although more follow. Follow `nextCursor` until it is null.
   */
  list(query?: ListTenantsQuery, options?: CallOptions): List<Tenant, Page<Tenant>> {
    return list(this.#connection, path`/v1/tenants`, query, options)
  }

  /**
   * Get a tenant: `GET /v1/tenants/{tenant}`.
   *
   * @param tenant The tenant's id, chosen by the provider.
   * @throws ApiError with the codes that any call can have, or `not_found`.
   */
  get(tenant: string, options?: CallOptions): Promise<Tenant> {
    return this.#connection.call({ method: 'GET', path: path`/v1/tenants/${tenant}` }, options)
  }

  /**
   * Create a tenant, or replace its name, metadata, retention periods and portal permissions: `PUT
   * /v1/tenants/{tenant}`.
   *
   * @param tenant The tenant's id, chosen by the provider.
   * @throws ApiError with the codes that any call can have, or `not_found` or `conflict`.
   */
  put(tenant: string, body?: PutTenantBody, options?: CallOptions): Promise<Tenant> {
    return this.#connection.call({ method: 'PUT', path: path`/v1/tenants/${tenant}`, body }, options)
  }

  /**
   * Delete a tenant: `DELETE /v1/tenants/{tenant}`.
   *
   * Also deletes the tenant's endpoints and cancels their pending and held deliveries.
   *
   * @param tenant The tenant's id, chosen by the provider.
   * @throws ApiError with the codes that any call can have, or `not_found` or `conflict`.
   */
  delete(tenant: string, options?: CallOptions): Promise<void> {
    return this.#connection.call({ method: 'DELETE', path: path`/v1/tenants/${tenant}` }, options, readNothing)
  }

  /**
   * Export everything stored about a tenant: `GET /v1/tenants/{tenant}/export`.
   *
   * Each row is exported as it is when it is read, without secrets. Events and deliveries created after the call
   * started are not included. At most four exports run at the same time. For a key without the permission `payloads`,
   * the export leaves out payloads and responses, and each line that lacks some says so.
   *
   * @param tenant The tenant's id, chosen by the provider.
   * @throws ApiError with the codes that any call can have, or `not_found`.
   */
  export(tenant: string, query?: ExportTenantQuery, options?: CallOptions): AsyncGenerator<unknown, void> {
    return lines(this.#connection, path`/v1/tenants/${tenant}/export`, query, options)
  }

  /**
   * Erase a tenant and everything stored about it: `POST /v1/tenants/{tenant}/erase`.
   *
   * Deletes the tenant, unless it is deleted already, and removes everything stored about it: secrets, payloads,
   * responses and history. Runs in the background and resumes after restarts. This cannot be undone. Nothing is removed
   * from the audit log.
   *
   * @param tenant The tenant's id, chosen by the provider.
   * @throws ApiError with the codes that any call can have, or `not_found` or `conflict`.
   */
  erase(tenant: string, options?: CallOptions): Promise<Erasure> {
    return this.#connection.call({ method: 'POST', path: path`/v1/tenants/${tenant}/erase` }, options)
  }

  /**
   * Get the progress of a tenant's erasure: `GET /v1/tenants/{tenant}/erasure`.
   *
   * @param tenant The tenant's id, chosen by the provider.
   * @throws ApiError with the codes that any call can have, or `not_found`.
   */
  getErasure(tenant: string, options?: CallOptions): Promise<Erasure> {
    return this.#connection.call({ method: 'GET', path: path`/v1/tenants/${tenant}/erasure` }, options)
  }
}
