// Generated from the OpenAPI document by `npm run generate:client`. Do not edit.
import type { Connection } from '../http/connection.ts'
import { type List, list, type Page } from '../http/list.ts'
import type { CallOptions, MakingCallOptions } from '../http/options.ts'
import { path } from '../http/path.ts'
import { readNothing } from '../http/responses.ts'
import type { ApiKey, ApiKeyScope, NewApiKey, RateLimit, Time } from './models.ts'

/** Body of: Create an API key. */
export type CreateApiKeyBody = {
  /** A name that says what the key is for, 1 to 256 characters. */
  name: string
  /** What the key allows: everything (`all`), publishing only (`publish`) or reading only (`read`). */
  scope: ApiKeyScope
  /** The only tenant that the key can be used for. Null if it can be used for all tenants. */
  tenant?: string | null | undefined
  /**
   * Whether responses to calls with the key show payloads and what receivers responded. Defaults to true. A key without
   * this permission cannot create one that has it.
   */
  payloads?: boolean | undefined
  /** When the key expires. Null if it never does. In RFC 3339 format; a date alone is midnight UTC. */
  expiresAt?: Time | null | undefined
  /** Maximum rate of calls with this key, counted by each node separately. Null for no limit. */
  rateLimit?: RateLimit | null | undefined
}

/** Query of: List API keys, newest first. */
export type ListApiKeysQuery = {
  /** Where to continue: the `nextCursor` or `prevCursor` of another page of this list. */
  cursor?: string | undefined
  /** Maximum number of items to return. From 1 to 1,000. Default: 50. */
  limit?: number | undefined
}

/** The calls of the API about API keys. */
export class ApiKeysResource {
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /**
   * Create an API key: `POST /v1/api-keys`.
   *
   * Only the response to this call contains the key itself.
   */
  create(body: CreateApiKeyBody, options?: MakingCallOptions): Promise<NewApiKey> {
    return this.#connection.call({ method: 'POST', path: path`/v1/api-keys`, body, makes: true }, options)
  }

  /**
   * List API keys, newest first: `GET /v1/api-keys`.
   *
   * Includes revoked and expired keys, but not the root key.
   */
  list(query?: ListApiKeysQuery, options?: CallOptions): List<ApiKey, Page<ApiKey>> {
    return list(this.#connection, path`/v1/api-keys`, query, options)
  }

  /**
   * Get an API key, without its secret: `GET /v1/api-keys/{id}`.
   *
   * @throws ApiError with the codes that any call can have, or `not_found`.
   */
  get(id: string, options?: CallOptions): Promise<ApiKey> {
    return this.#connection.call({ method: 'GET', path: path`/v1/api-keys/${id}` }, options)
  }

  /**
   * Revoke an API key: `DELETE /v1/api-keys/{id}`.
   *
   * All nodes refuse the key within a second. This cannot be undone. The key stays in the list.
   *
   * @throws ApiError with the codes that any call can have, or `not_found`.
   */
  revoke(id: string, options?: CallOptions): Promise<void> {
    return this.#connection.call({ method: 'DELETE', path: path`/v1/api-keys/${id}` }, options, readNothing)
  }
}
