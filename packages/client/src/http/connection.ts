import { JsonText } from '../json-text.ts'
import { Deadline, wait } from './deadline.ts'
import { type CallName, ConnectionError, PosthornError, TimeoutError } from './errors.ts'
import {
  baseOf,
  type CallOptions,
  type ClientOptions,
  checkKey,
  checkRetries,
  checkTimeout,
  type Fetch,
  type MakingCallOptions,
  type RequestHeaders,
} from './options.ts'
import { type Path, toPath, toQuery } from './path.ts'
import { readJson, refuseUnlessOfType, refuseUnlessOk } from './responses.ts'
import { delayBefore } from './retries.ts'

/** A call of the API. */
export type Call = {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly path: Path
  readonly query?: object | undefined
  /** Headers besides those of every call. */
  readonly headers?: RequestHeaders | undefined
  /** Sent as JSON, or as it is if it is bytes or JsonText. Undefined for no body. */
  readonly body?: unknown
  /** Whether it takes an `Idempotency-Key`. Default: false. */
  readonly makes?: boolean
  /** The media type that the response must have. Default: whichever can be read. */
  readonly accept?: string
}

/** What is read from a response with a status of 2xx, before the time of the attempt is up. */
type Read<Result> = (response: Response, name: CallName) => Promise<Result>

/** What all attempts of a call send. */
type PreparedRequest = CallName & {
  readonly url: string
  readonly content: string | Uint8Array<ArrayBuffer> | undefined
  readonly headers: RequestHeaders | undefined
  readonly key: string | null
  readonly accept: string | undefined
}

type Started = { readonly response: Response; readonly deadline: Deadline }

/**
 * Makes calls of the API: with the key, a time limit, and retries of what can be repeated. The key is only in its
 * private members, so that neither inspecting it nor converting it to JSON shows the key.
 */
export class Connection {
  readonly #base: string
  readonly #key: string | undefined
  readonly #headers: ClientOptions['headers']
  readonly #fetch: Fetch
  readonly #timeoutMs: number
  readonly #maxRetries: number

  /** Throws TypeError for options that can't be used. */
  constructor({ url, apiKey, headers, fetch: send, timeoutMs = 30_000, maxRetries = 3 }: ClientOptions) {
    if (apiKey !== undefined) checkKey(apiKey)
    this.#base = baseOf(url)
    this.#key = apiKey
    this.#headers = headers
    // Looked up for each request, because tools that observe requests replace the global function.
    this.#fetch = send ?? ((target, init) => fetch(target, init))
    this.#timeoutMs = checkTimeout(timeoutMs)
    this.#maxRetries = checkRetries(maxRetries)
  }

  /** Makes a call and returns what `read` makes of its response: by default, the body as JSON. */
  async call<Result>(call: Call, options: MakingCallOptions = {}, read: Read<Result> = readJson): Promise<Result> {
    return this.#retry(call, options, async request => {
      const { response, deadline } = await this.#start(request, options)
      try {
        return await during(request, deadline, options.signal, () => read(response, request))
      } finally {
        deadline.clear()
      }
    })
  }

  /**
   * Makes a call whose response is read piece by piece, with the time limit for each piece. Only what comes before the
   * first piece is retried.
   */
  async *pieces(call: Call, options: CallOptions = {}): AsyncGenerator<Uint8Array, void> {
    const name = { method: call.method, path: toPath(call.path) }
    const { response, deadline } = await this.#retry(call, options, request => this.#start(request, options))
    const reader = response.body?.getReader()
    try {
      while (reader !== undefined) {
        deadline.restart()
        const { value, done } = await during(name, deadline, options.signal, () => reader.read())
        deadline.pause()
        if (done) return
        yield value
      }
    } finally {
      deadline.clear()
      // Does nothing if all was read. Otherwise no one wants the rest, and whether it could be had doesn't matter.
      await reader?.cancel().catch(() => undefined)
    }
  }

  async #retry<Result>(
    call: Call,
    { signal, maxRetries = this.#maxRetries, idempotencyKey }: MakingCallOptions,
    attempt: (request: PreparedRequest) => Promise<Result>,
  ): Promise<Result> {
    checkRetries(maxRetries)
    const { method, query, headers, body, accept } = call
    const path = toPath(call.path)
    const key = call.makes === true ? (idempotencyKey === undefined ? newKey() : idempotencyKey) : null
    // Written once: with the same key, every attempt must send the same bytes.
    const content = contentOf(body)
    const request = { method, path, url: `${this.#base}${path}${toQuery(query)}`, content, headers, key, accept }
    const isRepeatable = method === 'GET' || key !== null
    for (let retry = 0; ; retry++) {
      signal?.throwIfAborted()
      try {
        return await attempt(request)
      } catch (error) {
        if (!(error instanceof PosthornError) || retry === maxRetries) throw error
        const delayMs = delayBefore(retry, error, isRepeatable, Math.random())
        if (delayMs === undefined) throw error
        await wait(delayMs, signal)
      }
    }
  }

  /** Sends a request and returns its response, if the status is 2xx. The caller clears the deadline. */
  async #start(request: PreparedRequest, options: CallOptions): Promise<Started> {
    const { method, url, content } = request
    // The deadline doesn't notice what was aborted before.
    options.signal?.throwIfAborted()
    const deadline = new Deadline(checkTimeout(options.timeoutMs ?? this.#timeoutMs), options.signal)
    try {
      const headers = await this.#headersOf(request, deadline, options.signal)
      options.signal?.throwIfAborted()
      const response = await during(request, deadline, options.signal, async () => {
        // A redirect would carry a body with secrets to wherever it leads. Some runtimes don't know `error` here.
        const init = { method, headers, signal: deadline.signal, redirect: 'manual' } as const
        const sent = this.#fetch(url, content === undefined ? init : { ...init, body: content })
        return refuseUnlessOfType(await refuseUnlessOk(await sent, request), request, request.accept)
      })
      return { response, deadline }
    } catch (error) {
      deadline.clear()
      throw error
    }
  }

  /** Throws what the caller's own function throws, as it is, unless the attempt ends before it has headers. */
  async #headersOf(request: PreparedRequest, deadline: Deadline, signal: AbortSignal | undefined): Promise<Headers> {
    const { content, headers: own, key, accept } = request
    const given = this.#headers
    const others =
      typeof given === 'function'
        ? await deadline.orEnd(Promise.resolve(given())).catch(error => {
            throwIfEnded(request, deadline, signal)
            throw error
          })
        : given
    try {
      const headers = new Headers(others)
      if (accept !== undefined) headers.set('accept', accept)
      for (const [name, value] of Object.entries(own ?? {})) headers.set(name, value)
      if (content !== undefined) headers.set('content-type', isBytes(content) ? BYTES : 'application/json')
      if (this.#key !== undefined) headers.set('authorization', `Bearer ${this.#key}`)
      if (key !== null) headers.set('idempotency-key', key)
      return headers
    } catch {
      // The runtime's error quotes the value, which can be a secret.
      throw new TypeError("A header can't be sent: look for line breaks and characters that are not ASCII.")
    }
  }
}

const BYTES = 'application/octet-stream'
const contentOf = (body: unknown): PreparedRequest['content'] => {
  if (body instanceof JsonText) return body.text
  return body === undefined || isBytes(body) ? body : JSON.stringify(body)
}
const isBytes = (body: unknown): body is Uint8Array<ArrayBuffer> => body instanceof Uint8Array

/** Runs a part of an attempt. What fails in it becomes an error of this client, or the reason of the caller's signal. */
async function during<Result>(
  name: CallName,
  deadline: Deadline,
  signal: AbortSignal | undefined,
  work: () => Promise<Result>,
): Promise<Result> {
  try {
    return await work()
  } catch (error) {
    throwIfEnded(name, deadline, signal)
    if (error instanceof PosthornError) throw error
    const message = 'The connection failed, or the response broke off.'
    throw new ConnectionError(name, message, { code: 'connection_failed', cause: error })
  }
}

/** Why an attempt has ended before its time, if it has. */
function throwIfEnded(name: CallName, deadline: Deadline, signal: AbortSignal | undefined): void {
  signal?.throwIfAborted()
  if (deadline.isOver) throw new TimeoutError(name, 'The server took too long to respond.', { code: 'timed_out' })
}

/** 128 random bits. `crypto.randomUUID` is missing in browsers on pages without TLS. */
export function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  return Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('')
}
