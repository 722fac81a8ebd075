// Generated from the OpenAPI document by `npm run generate:client`. Do not edit.
import type { Connection } from '../http/connection.ts'
import type { CallOptions } from '../http/options.ts'
import { path } from '../http/path.ts'
import type { SchedulePreview } from './models.ts'

/** Query of: Preview a retry schedule. */
export type PreviewScheduleQuery = {
  /** Seconds before each retry, separated by commas, such as `30,60`. Empty for no retries. */
  schedule?: string | undefined
  /** The name of an event type. */
  type?: string | undefined
}

/** Query of: Preview when an endpoint's retries are due. */
export type GetEndpointScheduleQuery = {
  /** Only for deliveries of this event type. If omitted, for types without a schedule of their own. */
  type?: string | undefined
}

/** The calls of the API about retries. */
export class RetriesResource {
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /**
   * Preview a retry schedule: `GET /v1/schedule-preview`.
   *
   * Uses the schedule in the call. Without one, uses the event type's schedule or, if it has none, the default in the
   * settings.
   */
  previewSchedule(query?: PreviewScheduleQuery, options?: CallOptions): Promise<SchedulePreview> {
    return this.#connection.call({ method: 'GET', path: path`/v1/schedule-preview`, query }, options)
  }

  /**
   * Preview when an endpoint's retries are due: `GET /v1/tenants/{tenant}/endpoints/{id}/schedule`.
   *
   * The endpoint's own schedule comes first, then the event type's, then the default in the settings.
   *
   * @param tenant The tenant's id, chosen by the provider.
   * @param id The endpoint's id or uid.
   * @throws ApiError with the codes that any call can have, or `not_found`.
   */
  getEndpointSchedule(
    tenant: string,
    id: string,
    query?: GetEndpointScheduleQuery,
    options?: CallOptions,
  ): Promise<SchedulePreview> {
    return this.#connection.call(
      { method: 'GET', path: path`/v1/tenants/${tenant}/endpoints/${id}/schedule`, query },
      options,
    )
  }
}
