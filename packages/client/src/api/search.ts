// Generated from the OpenAPI document by `npm run generate:client`. Do not edit.
import type { Connection } from '../http/connection.ts'
import type { CallOptions } from '../http/options.ts'
import { path } from '../http/path.ts'
import type { Found } from './models.ts'

/** Query of: Find anything by its id, key, uid or name. */
export type SearchQuery = {
  /**
   * An id of Posthorn, the key of an event, the uid or the name of an endpoint, also of a deleted one, the id of a
   * tenant, the key of a replay, or the name of an event type, exactly as it is written. At most 512 characters.
   */
  q: string
}

/** What was found. */
export type SearchResult = {
  data: Found[]
  /**
   * False if more than the 100 things in `data` were found, or if there was no time to search everything. Search within
   * a tenant then.
   */
  complete: boolean
}

/** The calls of the API about search. */
export class SearchResource {
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /**
   * Find anything by its id, key, uid or name: `GET /v1/search`.
   *
   * Searches all tenants. API keys and audit entries are found with keys that can list them. The key of an event is
   * found for as long as it is remembered (`idempotencyDays`), and that of a rejected event for as long as the event is
   * kept. After that, list events with `key`.
   */
  search(query: SearchQuery, options?: CallOptions): Promise<SearchResult> {
    return this.#connection.call({ method: 'GET', path: path`/v1/search`, query }, options)
  }

  /**
   * Find anything of a tenant by its id, key, uid or name: `GET /v1/tenants/{tenant}/search`.
   *
   * Finds the tenant itself, event types, and what belongs to the tenant. The key of an event is found for as long as
   * it is remembered (`idempotencyDays`), and that of a rejected event for as long as the event is kept. After that,
   * list events with `key`.
   *
   * @param tenant The tenant's id, chosen by the provider.
   * @throws ApiError with the codes that any call can have, or `not_found`.
   */
  searchTenant(tenant: string, query: SearchQuery, options?: CallOptions): Promise<SearchResult> {
    return this.#connection.call({ method: 'GET', path: path`/v1/tenants/${tenant}/search`, query }, options)
  }
}
