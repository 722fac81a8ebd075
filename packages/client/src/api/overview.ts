// Generated from the OpenAPI document by `npm run generate:client`. Do not edit.
import type { Connection } from '../http/connection.ts'
import type { CallOptions } from '../http/options.ts'
import { path } from '../http/path.ts'
import type { Overview, TenantStats, Time, Timestamp } from './models.ts'

/** Query of: List the tenants with the most attempts, or in the most trouble. */
export type ListTenantStatsQuery = {
  /**
   * `volume` (the default): by attempts. `trouble`: by endpoints that fail now, then by exhausted deliveries, then by
   * failed attempts.
   */
  sort?: 'volume' | 'trouble' | undefined
  /**
   * Start of the period, rounded down to a whole step. Defaults to 24 hours before its end. In RFC 3339 format; a date
   * alone is midnight UTC.
   */
  from?: Time | undefined
  /** End of the period. Defaults to now. In RFC 3339 format; a date alone is midnight UTC. */
  to?: Time | undefined
  /** Maximum number of tenants to return. From 1 to 100. Default: 20. */
  limit?: number | undefined
}

/** The tenants. */
export type ListTenantStatsResult = {
  /** Start of the period. */
  from: Timestamp
  /** End of the period. */
  to: Timestamp
  /** The first tenants in the order of `sort`. Those with nothing of it are left out. */
  data: TenantStats[]
  /**
   * False if not all tenants could be looked at within about 2 seconds: others might belong on the list. A shorter
   * period takes less.
   */
  complete: boolean
}

/** The calls of the API about overview. */
export class OverviewResource {
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /**
   * Get an overview of all tenants: `GET /v1/overview`.
   *
   * For API keys without a tenant. What waits to be sent, and what needs attention: endpoints that fail or are
   * disabled, secrets that expire, replays, rejected events. `GET …/stats` has the numbers over time.
   */
  getAll(options?: CallOptions): Promise<Overview> {
    return this.#connection.call({ method: 'GET', path: path`/v1/overview` }, options)
  }

  /**
   * Get an overview of a tenant: `GET /v1/tenants/{tenant}/overview`.
   *
   * What waits to be sent, and what needs attention: endpoints that fail or are disabled, secrets that expire, replays,
   * rejected events. `GET …/stats` has the numbers over time.
   *
   * @param tenant The tenant's id, chosen by the provider.
   * @throws ApiError with the codes that any call can have, or `not_found`.
   */
  get(tenant: string, options?: CallOptions): Promise<Overview> {
    return this.#connection.call({ method: 'GET', path: path`/v1/tenants/${tenant}/overview` }, options)
  }

  /**
   * List the tenants with the most attempts, or in the most trouble: `GET /v1/tenant-stats`.
   *
   * For API keys without a tenant. Adds up whole steps: of a minute for a period of up to 96 minutes, of an hour for up
   * to 4 days, of a day (UTC) for longer ones, so the period can begin earlier and end later than asked for.
   */
  listTenantStats(query?: ListTenantStatsQuery, options?: CallOptions): Promise<ListTenantStatsResult> {
    return this.#connection.call({ method: 'GET', path: path`/v1/tenant-stats`, query }, options)
  }
}
