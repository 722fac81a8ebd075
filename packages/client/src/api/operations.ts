// Generated from the OpenAPI document by `npm run generate:client`. Do not edit.
import type { Connection } from '../http/connection.ts'
import type { CallOptions, MakingCallOptions } from '../http/options.ts'
import { path } from '../http/path.ts'
import type { Checks, EncryptionKeys, Nodes, Settings } from './models.ts'

/** The calls of the API about operations. */
export class OperationsResource {
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /** List the encryption keys in use: `GET /v1/encryption-keys`. */
  getEncryptionKeys(options?: CallOptions): Promise<EncryptionKeys> {
    return this.#connection.call({ method: 'GET', path: path`/v1/encryption-keys` }, options)
  }

  /**
   * Re-encrypt all secrets with another key: `POST /v1/encryption-keys/rotate`.
   *
   * Runs in the background while Posthorn keeps working. See docs/keys.md.
   *
   * @throws ApiError with the codes that any call can have, or `conflict`.
   */
  rotateEncryptionKey(options?: MakingCallOptions): Promise<EncryptionKeys> {
    return this.#connection.call({ method: 'POST', path: path`/v1/encryption-keys/rotate`, makes: true }, options)
  }

  /**
   * List the nodes, with their partitions and backlog: `GET /v1/nodes`.
   *
   * Needs a key with the scope `all` or `read` that is not limited to one tenant. Nodes report every third of
   * `leaseMs`.
   */
  listNodes(options?: CallOptions): Promise<Nodes> {
    return this.#connection.call({ method: 'GET', path: path`/v1/nodes` }, options)
  }

  /**
   * List the settings in effect and where each comes from: `GET /v1/settings`.
   *
   * Secrets are not shown. docs/configuration.md describes how to set them.
   */
  getSettings(options?: CallOptions): Promise<Settings> {
    return this.#connection.call({ method: 'GET', path: path`/v1/settings` }, options)
  }

  /**
   * Check the installation: `GET /v1/checks`.
   *
   * Runs the checks of `posthorn doctor` in the node that responds. Needs a key with the scope `all` or `read` that is
   * not limited to one tenant. The result is kept for a minute; the call takes 15 seconds at most.
   */
  getChecks(options?: CallOptions): Promise<Checks> {
    return this.#connection.call({ method: 'GET', path: path`/v1/checks` }, options)
  }
}
