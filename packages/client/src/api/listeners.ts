// Generated from the OpenAPI document by `npm run generate:client`. Do not edit.
import type { Connection } from '../http/connection.ts'
import type { CallOptions } from '../http/options.ts'
import { path } from '../http/path.ts'
import { readNothing } from '../http/responses.ts'

/** Body of: Answer a request that a listener got. */
export type AnswerRequestBody = {
  /** The attempt's number, as the request had it. From 1 to 1,000,000. */
  attempt: number
  /**
   * The HTTP status of the response. 2xx is a success. If your receiver cannot be reached, answer 502; if it takes too
   * long, 504. From 200 to 599.
   */
  status: number
  /** Name and value of each response header. `Retry-After` is obeyed as it is of a URL. At most 100 items. */
  headers?: readonly (readonly string[])[] | undefined
  /** The response body as text, of which the first 16 KiB are kept. At most 32,768 characters. */
  body?: string | undefined
  /** Whether the body was longer. False by default. */
  truncated?: boolean | undefined
  /** How long the response took, in milliseconds. By default, the time since the attempt started. From 0 to 120,000. */
  durationMs?: number | undefined
}

/** The calls of the API about listeners. */
export class ListenersResource {
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /**
   * Answer a request that a listener got: `POST /v1/tenants/{tenant}/deliveries/{id}/response`.
   *
   * Says what the response to an attempt was, for those who read its request from the stream (`listen`). It has the
   * consequences of a response of a URL. The first answer counts: later ones, and those after the endpoint's timeout,
   * are refused with `conflict`.
   *
   * @param tenant The tenant's id, chosen by the provider.
   * @throws ApiError with the codes that any call can have, or `not_found` or `conflict`.
   */
  answerRequest(tenant: string, id: string, body: AnswerRequestBody, options?: CallOptions): Promise<void> {
    return this.#connection.call(
      { method: 'POST', path: path`/v1/tenants/${tenant}/deliveries/${id}/response`, body },
      options,
      readNothing,
    )
  }
}
