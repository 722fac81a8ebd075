/** What a program that has Posthorn in its process calls. `index.ts` describes it. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Transaction } from '@posthorn/client'
import type { InnerRequestInit } from '../api/http/inner-fetch.ts'
import { problemOf } from '../api/http/problem.ts'
import { PROBLEM_TYPE } from '../api/http/problem-schema.ts'
import { PosthornError } from '../base/errors.ts'
import type { Published, PublishOptions } from '../base/published.ts'
import type { RunningServer } from './server.ts'

type TransactionOptions = PublishOptions & { readonly tx: Transaction }

/** Members are bound, so that they can be handed to a framework on their own. */
export class RunningPosthorn {
  readonly url: string | null
  readonly #server: RunningServer
  #closing: Promise<void> | undefined
  #isClosed = false

  constructor(server: RunningServer) {
    this.#server = server
    this.url = server.url
  }

  readonly publish: {
    (tenant: string, type: string, payload: unknown, options?: PublishOptions): Promise<Published>
    (tenant: string, type: string, payload: unknown, options: TransactionOptions): Promise<{ readonly id: string }>
  } = (
    tenant: string,
    type: string,
    payload: unknown,
    options: PublishOptions | TransactionOptions = {},
    // biome-ignore lint/suspicious/noExplicitAny: which of the two it is depends on `tx`, as the overloads say
  ): Promise<any> => {
    const { publishing } = this.#server
    // A transaction that is missing by mistake must not become a publication outside of it.
    if (options === null || !('tx' in options)) return publishing.publish(tenant, type, payload, options ?? {})
    return publishing.publishIn(options.tx, tenant, type, payload, options.key)
  }

  readonly fetch = async (input: Request | string | URL, init?: InnerRequestInit): Promise<Response> => {
    try {
      if (!this.#isClosed) return await this.#server.api.fetch(input, init)
    } catch (error) {
      if (!(error instanceof PosthornError)) throw error
    }
    const { status, headers, body } = closedResponse()
    return new Response(body, { status, headers })
  }

  readonly handle = (request: IncomingMessage, response: ServerResponse): void => {
    if (this.#isClosed) {
      const { status, headers, body } = closedResponse()
      response.writeHead(status, { ...headers, connection: 'close' }).end(body)
      return
    }
    if (request.readableDidRead) {
      const remedy = 'Mount Posthorn before whatever parses bodies'
      throw new TypeError(`The body of this request has been read already, so Posthorn cannot read it. ${remedy}.`)
    }
    this.#server.api.handle(request, response)
  }

  readonly close = (): Promise<void> => {
    // Now, not as soon as the shutdown gets there: a caller knows that what it publishes after this is refused.
    this.#server.publishing.refuse()
    this.#closing ??= this.#server.stop().finally(() => {
      this.#isClosed = true
    })
    return this.#closing
  };

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

function closedResponse() {
  const problem = problemOf(new PosthornError('shutting_down', 'The server is closed. Try again.'))
  const headers = { 'content-type': PROBLEM_TYPE, 'retry-after': '1' }
  return { status: problem.status, headers, body: JSON.stringify(problem) }
}
