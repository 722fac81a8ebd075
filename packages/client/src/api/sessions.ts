// Generated from the OpenAPI document by `npm run generate:client`. Do not edit.
import type { Connection } from '../http/connection.ts'
import { type List, list, type Page } from '../http/list.ts'
import type { CallOptions } from '../http/options.ts'
import { path } from '../http/path.ts'
import { readNothing } from '../http/responses.ts'
import type { Session, SessionState, SignInLink } from './models.ts'

/** Body of: Sign in: exchange an API key or a sign-in link for a session. */
export type SignInBody = {
  /** The API key to sign in with. At most 4,096 characters. */
  apiKey?: string | undefined
  /** The token of a sign-in link, which is in the link's fragment. Instead of `apiKey`. At most 4,096 characters. */
  signInToken?: string | undefined
}

/** Query of: List the sessions of the dashboard and of portals, newest first. */
export type ListSessionsQuery = {
  /** Only the sessions of this tenant's portal. */
  portal?: string | undefined
  /** Where to continue: the `nextCursor` or `prevCursor` of another page of this list. */
  cursor?: string | undefined
  /** Maximum number of items to return. From 1 to 1,000. Default: 50. */
  limit?: number | undefined
}

/** The calls of the API about sessions. */
export class SessionsResource {
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /**
   * Sign in: exchange an API key or a sign-in link for a session: `POST /v1/session`.
   *
   * The path is `/session/v1/session`. The response sets a cookie for the paths under `/session/v1`, which scripts
   * cannot read. Needs the header `Posthorn-Session: 1` and, from the browser itself, `Sec-Fetch-Site: same-origin`.
   * `Origin` must be `https://`, or `http://` on the same machine.
   *
   * @throws ApiError with the codes that any call can have, or `insecure_origin` or `not_found`.
   */
  signIn(body?: SignInBody, options?: CallOptions): Promise<Session> {
    return this.#connection.call({ method: 'POST', path: path`/v1/session`, body }, options)
  }

  /**
   * Get the session that the call is made with: `GET /v1/session`.
   *
   * The path is `/session/v1/session`. Needs the header `Posthorn-Session: 1` and, from the browser itself,
   * `Sec-Fetch-Site: same-origin`.
   *
   * @throws ApiError with the codes that any call can have, or `not_found`.
   */
  get(options?: CallOptions): Promise<Session> {
    return this.#connection.call({ method: 'GET', path: path`/v1/session` }, options)
  }

  /**
   * Sign out: end the session that the call is made with: `DELETE /v1/session`.
   *
   * The path is `/session/v1/session`. Needs the header `Posthorn-Session: 1` and, from the browser itself,
   * `Sec-Fetch-Site: same-origin`.
   *
   * @throws ApiError with the codes that any call can have, or `not_found`.
   */
  signOut(options?: CallOptions): Promise<void> {
    return this.#connection.call({ method: 'DELETE', path: path`/v1/session` }, options, readNothing)
  }

  /**
   * Ask whether the browser has a session: `GET /v1/session-state`.
   *
   * The path is `/session/v1/session-state`. Having no session is no error here. Needs the header `Posthorn-Session: 1`
   * and, from the browser itself, `Sec-Fetch-Site: same-origin`.
   *
   * @throws ApiError with the codes that any call can have, or `not_found`.
   */
  getState(options?: CallOptions): Promise<SessionState> {
    return this.#connection.call({ method: 'GET', path: path`/v1/session-state` }, options)
  }

  /**
   * List the sessions of the dashboard and of portals, newest first: `GET /v1/sessions`.
   *
   * Without sessions that have ended, or whose API key has.
   */
  list(query?: ListSessionsQuery, options?: CallOptions): List<Session, Page<Session>> {
    return list(this.#connection, path`/v1/sessions`, query, options)
  }

  /**
   * End a session: `DELETE /v1/sessions/{id}`.
   *
   * All nodes refuse it within a second.
   *
   * @throws ApiError with the codes that any call can have, or `not_found`.
   */
  revoke(id: string, options?: CallOptions): Promise<void> {
    return this.#connection.call({ method: 'DELETE', path: path`/v1/sessions/${id}` }, options, readNothing)
  }

  /**
   * Create a link that signs in to the dashboard with the API key of the call: `POST /v1/sign-in-links`.
   *
   * The link works once, for ten minutes, in a browser on the machine that Posthorn runs on. It can be created only
   * there, with an API key, and only if `publicUrl` is not set or is an address of that machine.
   *
   * @throws ApiError with the codes that any call can have, or `conflict`.
   */
  createSignInLink(options?: CallOptions): Promise<SignInLink> {
    return this.#connection.call({ method: 'POST', path: path`/v1/sign-in-links` }, options)
  }
}
