// Generated from the OpenAPI document by `npm run generate:client`. Do not edit.
import type { Connection } from '../http/connection.ts'
import type { CallOptions, MakingCallOptions } from '../http/options.ts'
import { path } from '../http/path.ts'
import type { EncryptionKeys } from './models.ts'

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
}
