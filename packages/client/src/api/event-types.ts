// Generated from the OpenAPI document by `npm run generate:client`. Do not edit.
import type { Connection } from '../http/connection.ts'
import { type List, list, type Page } from '../http/list.ts'
import type { CallOptions } from '../http/options.ts'
import { path } from '../http/path.ts'
import { readNothing } from '../http/responses.ts'
import type { EventType, PutEventType } from './models.ts'

/** Query of: List the event types in the catalogue, sorted by name. */
export type ListEventTypesQuery = {
  /** Where to continue: the `nextCursor` or `prevCursor` of another page of this list. */
  cursor?: string | undefined
  /** Maximum number of items to return. From 1 to 1,000. Default: 50. */
  limit?: number | undefined
}

/** Query of: Create or replace an event type. */
export type PutEventTypeQuery = {
  /** `true` replaces the schema even if it would reject recent events. */
  force?: boolean | undefined
  /** `true` stores nothing: the response is what storing the type would return. */
  dryRun?: boolean | undefined
}

/** Body of: Create or replace an event type. */
export type PutEventTypeBody = {
  /** 1 to 64 characters. */
  group: string
  /** 1 to 2,000 characters. */
  description: string
  /** JSON Schema (2020-12) of an object, with at least one required property. */
  schema: unknown
  /** A payload that satisfies the schema. */
  example: unknown
  /** Seconds to wait before each retry, for at most 30 retries. Null for the default. */
  schedule?: readonly number[] | null | undefined
}

/** The calls of the API about event types. */
export class EventTypesResource {
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /**
   * List the event types in the catalogue, sorted by name: `GET /v1/event-types`.
   *
   * Includes Posthorn's own types (`operational`), which only Posthorn can publish. A page with large schemas can have
   * fewer items than `limit`.
   */
  list(query?: ListEventTypesQuery, options?: CallOptions): List<EventType, Page<EventType>> {
    return list(this.#connection, path`/v1/event-types`, query, options)
  }

  /**
   * Get an event type: `GET /v1/event-types/{name}`.
   *
   * @param name The name of the event type.
   * @throws ApiError with the codes that any call can have, or `not_found`.
   */
  get(name: string, options?: CallOptions): Promise<EventType> {
    return this.#connection.call({ method: 'GET', path: path`/v1/event-types/${name}` }, options)
  }

  /**
   * Create or replace an event type: `PUT /v1/event-types/{name}`.
   *
   * Checks a new schema against the newest events of the type. If it would reject any that the current schema accepts,
   * the call is refused (`schema_conflict`) unless `force` is `true`. What is wrong with them is shown to keys with the
   * permission `payloads`. An archived type stays archived. Unknown formats and the keywords `discriminator`, `xml`,
   * `externalDocs` and `example` of OpenAPI are accepted with a warning, and not applied. Other unknown keywords are
   * refused.
   *
   * @param name The name of the event type.
   * @throws ApiError with the codes that any call can have, or `not_found` or `schema_conflict`.
   */
  put(name: string, body: PutEventTypeBody, query?: PutEventTypeQuery, options?: CallOptions): Promise<PutEventType> {
    return this.#connection.call({ method: 'PUT', path: path`/v1/event-types/${name}`, query, body }, options)
  }

  /**
   * Delete an event type: `DELETE /v1/event-types/{name}`.
   *
   * Events of this type can no longer be published. Those already published are still delivered.
   *
   * @param name The name of the event type.
   * @throws ApiError with the codes that any call can have, or `not_found` or `conflict`.
   */
  delete(name: string, options?: CallOptions): Promise<void> {
    return this.#connection.call({ method: 'DELETE', path: path`/v1/event-types/${name}` }, options, readNothing)
  }

  /**
   * Archive an event type: `POST /v1/event-types/{name}/archive`.
   *
   * Events of this type can no longer be published, and the type can no longer be added to endpoints
   * (`event_type_archived`). Events already published are still delivered, and endpoints that name the type keep it.
   *
   * @param name The name of the event type.
   * @throws ApiError with the codes that any call can have, or `not_found`.
   */
  archive(name: string, options?: CallOptions): Promise<EventType> {
    return this.#connection.call({ method: 'POST', path: path`/v1/event-types/${name}/archive` }, options)
  }

  /**
   * Unarchive an event type: `POST /v1/event-types/{name}/unarchive`.
   *
   * @param name The name of the event type.
   * @throws ApiError with the codes that any call can have, or `not_found`.
   */
  unarchive(name: string, options?: CallOptions): Promise<EventType> {
    return this.#connection.call({ method: 'POST', path: path`/v1/event-types/${name}/unarchive` }, options)
  }
}
