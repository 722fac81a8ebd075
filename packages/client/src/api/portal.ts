// Generated from the OpenAPI document by `npm run generate:client`. Do not edit.
import type { Connection } from '../http/connection.ts'
import { type List, list, type Page } from '../http/list.ts'
import type { CallOptions } from '../http/options.ts'
import { path } from '../http/path.ts'
import { readNothing } from '../http/responses.ts'
import type {
  NewPortalLink,
  NewPortalSession,
  PortalLink,
  PortalLinkTheme,
  PortalSession,
  PortalSessionState,
  TenantPortalMay,
} from './models.ts'

/** Body of: Create a link to a tenant's portal. */
export type CreatePortalLinkBody = {
  /** Who the link is for, by your own name or id for them: 1 to 256 characters. */
  user?: string | null | undefined
  /**
   * What the user can do: `look` at endpoints, deliveries and events, see their `payloads`, `retry` and replay
   * deliveries, `test` endpoints, manage `endpoints`, manage `secrets`. All of them include `look`. Defaults to the
   * tenant's `portalMay`, or to the setting of the same name. A link of an API key without the permission `payloads`
   * never has `payloads`.
   */
  may?: readonly TenantPortalMay[] | undefined
  /** Defaults to what the user's browser prefers. */
  theme?: PortalLinkTheme | null | undefined
  /** Defaults to what the user's browser prefers. */
  language?: 'en' | 'de' | null | undefined
  /** Where the portal leads back to: an `https://` URL. In development mode also `http://` on this machine. */
  returnUrl?: string | null | undefined
  /** How often the link works, from 1 to 100. Defaults to 1. */
  uses?: number | undefined
  /** How long the link works, in minutes: at most 10,080, seven days. Defaults to 10. */
  minutes?: number | undefined
  /** How long each of its sessions lasts, in minutes: at most `sessionDays`. Defaults to 480, eight hours. */
  sessionMinutes?: number | undefined
}

/** Query of: List the links to a tenant's portal that still work, newest first. */
export type ListPortalLinksQuery = {
  /** Where to continue: the `nextCursor` or `prevCursor` of another page of this list. */
  cursor?: string | undefined
  /** Maximum number of items to return. From 1 to 1,000. Default: 50. */
  limit?: number | undefined
}

/** Body of: Exchange a link's token for a session of the portal. */
export type RedeemPortalLinkBody = {
  /** The link's token, which is in its fragment. At most 4,096 characters. */
  token: string
  /**
   * Where the session is kept: in a `cookie`, which scripts cannot read, or in the `memory` of the page, for frames on
   * other sites, in which browsers keep no cookie. Defaults to `cookie`.
   */
  keep?: 'cookie' | 'memory' | undefined
}

/** The calls of the API about portal. */
export class PortalResource {
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /**
   * Create a link to a tenant's portal: `POST /v1/tenants/{tenant}/portal-links`.
   *
   * Send the browser of one of the tenant's people there, or mount it in a frame.
   *
   * @param tenant The tenant's id, chosen by the provider.
   * @throws ApiError with the codes that any call can have, or `not_found`.
   */
  createLink(tenant: string, body?: CreatePortalLinkBody, options?: CallOptions): Promise<NewPortalLink> {
    return this.#connection.call({ method: 'POST', path: path`/v1/tenants/${tenant}/portal-links`, body }, options)
  }

  /**
   * List the links to a tenant's portal that still work, newest first: `GET /v1/tenants/{tenant}/portal-links`.
   *
   * @param tenant The tenant's id, chosen by the provider.
   * @throws ApiError with the codes that any call can have, or `not_found`.
   */
  listLinks(tenant: string, query?: ListPortalLinksQuery, options?: CallOptions): List<PortalLink, Page<PortalLink>> {
    return list(this.#connection, path`/v1/tenants/${tenant}/portal-links`, query, options)
  }

  /**
   * Revoke a link, and end the sessions that it has started: `DELETE /v1/tenants/{tenant}/portal-links/{id}`.
   *
   * All nodes refuse them within a second.
   *
   * @throws ApiError with the codes that any call can have, or `not_found`.
   */
  revokeLink(tenant: string, id: string, options?: CallOptions): Promise<void> {
    return this.#connection.call(
      { method: 'DELETE', path: path`/v1/tenants/${tenant}/portal-links/${id}` },
      options,
      readNothing,
    )
  }

  /**
   * Exchange a link's token for a session of the portal: `POST /v1/portal-session`.
   *
   * The path is `/portal/v1/portal-session`. Needs the header `Posthorn-Session: 1` and, from the browser itself,
   * `Sec-Fetch-Site: same-origin`. `Origin` must be `https://`, or `http://` on the same machine.
   *
   * @throws ApiError with the codes that any call can have, or `insecure_origin` or `not_found`.
   */
  redeemLink(body: RedeemPortalLinkBody, options?: CallOptions): Promise<NewPortalSession> {
    return this.#connection.call({ method: 'POST', path: path`/v1/portal-session`, body }, options)
  }

  /**
   * Get the session of the portal that the call is made with: `GET /v1/portal-session`.
   *
   * The path is `/portal/v1/portal-session`.
   *
   * @throws ApiError with the codes that any call can have, or `not_found`.
   */
  getSession(options?: CallOptions): Promise<PortalSession> {
    return this.#connection.call({ method: 'GET', path: path`/v1/portal-session` }, options)
  }

  /**
   * End the session of the portal that the call is made with: `DELETE /v1/portal-session`.
   *
   * The path is `/portal/v1/portal-session`.
   *
   * @throws ApiError with the codes that any call can have, or `not_found`.
   */
  leave(options?: CallOptions): Promise<void> {
    return this.#connection.call({ method: 'DELETE', path: path`/v1/portal-session` }, options, readNothing)
  }

  /**
   * Ask whether there is a session of the portal: `GET /v1/portal-session-state`.
   *
   * The path is `/portal/v1/portal-session-state`. Having no session is no error here. Needs the header
   * `Posthorn-Session: 1` and, from the browser itself, `Sec-Fetch-Site: same-origin`.
   *
   * @throws ApiError with the codes that any call can have, or `not_found`.
   */
  getSessionState(options?: CallOptions): Promise<PortalSessionState> {
    return this.#connection.call({ method: 'GET', path: path`/v1/portal-session-state` }, options)
  }
}
