// Generated from the OpenAPI document by `npm run generate:client`. Do not edit.
import type { Connection } from '../http/connection.ts'
import type { CallOptions } from '../http/options.ts'
import { path } from '../http/path.ts'
import type { Egress } from './models.ts'

/** The calls of the API about egress. */
export class EgressResource {
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /** List the IP addresses that deliveries are sent from: `GET /v1/egress`. */
  get(options?: CallOptions): Promise<Egress> {
    return this.#connection.call({ method: 'GET', path: path`/v1/egress` }, options)
  }

  /**
   * List the IP addresses that deliveries are sent from: `GET /.well-known/posthorn-egress.json`.
   *
   * Needs no API key.
   */
  getPublic(options?: CallOptions): Promise<Egress> {
    return this.#connection.call({ method: 'GET', path: path`/.well-known/posthorn-egress.json` }, options)
  }
}
