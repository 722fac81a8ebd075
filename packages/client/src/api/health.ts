// Generated from the OpenAPI document by `npm run generate:client`. Do not edit.
import type { Connection } from '../http/connection.ts'
import type { CallOptions } from '../http/options.ts'
import { path } from '../http/path.ts'
import { readText } from '../http/responses.ts'
import type { Readiness } from './models.ts'

/** The process is alive. */
export type GetHealthResult = {
  status: string
}

/** The calls of the API about health. */
export class HealthResource {
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /** Check whether the process is alive: `GET /healthz`. */
  get(options?: CallOptions): Promise<GetHealthResult> {
    return this.#connection.call({ method: 'GET', path: path`/healthz` }, options)
  }

  /**
   * Check whether the node is ready to take requests: `GET /readyz`.
   *
   * Tries the store. The status is 503 if the node cannot read it, and also if the node cannot store events while other
   * nodes might: always with the embedded store, and with PostgreSQL unless the database itself reports the fault, such
   * as a full disk. Takes at most 2 seconds.
   */
  getReadiness(options?: CallOptions): Promise<Readiness> {
    return this.#connection.call({ method: 'GET', path: path`/readyz` }, options)
  }

  /**
   * Check whether the node can store events: `GET /readyz/publishing`.
   *
   * For load balancers that route publishing separately. Takes at most 2 seconds.
   */
  getPublishingReadiness(options?: CallOptions): Promise<Readiness> {
    return this.#connection.call({ method: 'GET', path: path`/readyz/publishing` }, options)
  }

  /**
   * Check whether the node can read the store: `GET /readyz/reading`.
   *
   * For load balancers that route everything but publishing separately. Takes at most 2 seconds.
   */
  getReadingReadiness(options?: CallOptions): Promise<Readiness> {
    return this.#connection.call({ method: 'GET', path: path`/readyz/reading` }, options)
  }

  /**
   * Get Prometheus metrics: `GET /metrics`.
   *
   * Needs a key with the scope `all` or `read` that is not limited to one tenant, unless the setting `metricsOpen` is
   * on. The HELP line of each metric says what it means.
   */
  getMetrics(options?: CallOptions): Promise<string> {
    return this.#connection.call({ method: 'GET', path: path`/metrics` }, options, readText)
  }

  /** Get this OpenAPI document: `GET /openapi.json`. */
  getOpenApi(options?: CallOptions): Promise<Record<string, unknown>> {
    return this.#connection.call({ method: 'GET', path: path`/openapi.json` }, options)
  }
}
