// Generated from the OpenAPI document by `npm run generate:client`. Do not edit.
import type { Connection } from '../http/connection.ts'
import { type List, list, type Page } from '../http/list.ts'
import type { CallOptions } from '../http/options.ts'
import { path } from '../http/path.ts'
import { readNothing } from '../http/responses.ts'
import type { BegunSignIn, Session, SessionState, SignedOut, SignInLink, SignInOptions } from './models.ts'

/** Body of: Sign in: exchange an API key, a sign-in link or the response of an issuer for a session. */
export type SignInBody = {
  /** The API key to sign in with. At most 4,096 characters. */
  apiKey?: string | undefined
  /** The token of a sign-in link, which is in the link's fragment. Instead of `apiKey`. At most 4,096 characters. */
  signInToken?: string | undefined
  /** The end of a sign-in that was begun with `POST /session/v1/single-sign-on`. Instead of `apiKey`. */
  singleSignOn?:
    | {
        /** The issuer's id. At most 32 characters. */
        issuer: string
        /**
         * What the issuer sent the browser back with: the query of the page, without the question mark. At most 8,192
         * characters.
         */
        response: string
      }
    | undefined
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

/** Body of: Begin to sign in through an issuer. */
export type BeginSingleSignOnBody = {
  /** The issuer's id. At most 32 characters. */
  issuer: string
}

/** The calls of the API about sessions. */
export class SessionsResource {
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /**
   * Sign in: exchange an API key, a sign-in link or the response of an issuer for a session: `POST /v1/session`.
   *
   * The path is `/session/v1/session`. The response sets a cookie for the paths under `/session/v1`, which scripts
   * cannot read. Needs the header `Posthorn-Session: 1` and, from the browser itself, `Sec-Fetch-Site: same-origin`.
   * `Origin` must be `https://`, or `http://` on the same machine.
   *
   * @throws ApiError with the codes that any call can have, or `insecure_origin`, `not_found` or `issuer_unavailable`.
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
   * Without sessions that have ended, or whose API key or issuer has.
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

  /**
   * List the issuers that people can sign in through: `GET /v1/sign-in-options`.
   *
   * The path is `/session/v1/sign-in-options`. API keys can always sign in. Needs the header `Posthorn-Session: 1` and,
   * from the browser itself, `Sec-Fetch-Site: same-origin`.
   *
   * @throws ApiError with the codes that any call can have, or `insecure_origin` or `not_found`.
   */
  listSignInOptions(options?: CallOptions): Promise<SignInOptions> {
    return this.#connection.call({ method: 'GET', path: path`/v1/sign-in-options` }, options)
  }

  /**
   * Begin to sign in through an issuer: `POST /v1/single-sign-on`.
   *
   * The path is `/session/v1/single-sign-on`. The response sets a cookie that ties the sign-in to the browser for ten
   * minutes. The issuer leads back to the page `sign-in/{issuer}` below `publicUrl`, which ends the sign-in with `POST
   * /session/v1/session`. Needs the header `Posthorn-Session: 1` and, from the browser itself, `Sec-Fetch-Site:
   * same-origin`.
   *
   * @throws ApiError with the codes that any call can have, or `insecure_origin`, `not_found` or `issuer_unavailable`.
   */
  beginSingleSignOn(body: BeginSingleSignOnBody, options?: CallOptions): Promise<BegunSignIn> {
    return this.#connection.call({ method: 'POST', path: path`/v1/single-sign-on`, body }, options)
  }

  /**
   * Sign out here, and get the page that signs out at the issuer: `POST /v1/single-sign-on/sign-out`.
   *
   * The path is `/session/v1/single-sign-on/sign-out`. Needs the header `Posthorn-Session: 1` and, from the browser
   * itself, `Sec-Fetch-Site: same-origin`.
   *
   * @throws ApiError with the codes that any call can have, or `not_found`.
   */
  signOutEverywhere(options?: CallOptions): Promise<SignedOut> {
    return this.#connection.call({ method: 'POST', path: path`/v1/single-sign-on/sign-out` }, options)
  }
}
