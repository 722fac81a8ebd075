import type { Dispatcher } from 'undici'
import type { Clock, Timer } from '../../base/clock.ts'
import type { Connections, ReceiverConnection } from './connections.ts'
import { type Exchange, failureOf } from './outcome.ts'
import type { Route } from './route.ts'

/** A request to be sent. */
export type OutgoingRequest = {
  readonly route: Route
  /** Path and query. */
  readonly path: string
  /** Names and values alternately. */
  readonly headers: readonly string[]
  /** The payload, byte for byte as published (C5). */
  readonly body: Uint8Array
  /** Milliseconds from the first byte sent to the status (C11). */
  readonly timeoutMs: number
  /** Store time, milliseconds since 1970. */
  readonly startedAtMs: number
  /** Called when a connection is ready, which can take seconds. False if the request must no longer be sent. */
  readonly mayBegin: () => boolean
}

/** How much of a response body is kept, in bytes. */
export const MAX_KEPT_BODY_BYTES = 16_384
/** How much more is read, so that a secret echoed across the edge can still be found and masked. */
const READ_MARGIN_BYTES = 3 * 4_096 + 64
const MAX_READ_BYTES = MAX_KEPT_BODY_BYTES + READ_MARGIN_BYTES
/** How long to wait for the end of the body after the status. */
const BODY_DEADLINE_MS = 2_000

/** Passed to undici to abort a request: no status arrived in time, or enough of the body was read. */
class ResponseTimeout extends Error {
  readonly code = 'POSTHORN_RESPONSE_TIMEOUT'
}

/** `mayBegin` returned false. */
class NotBegun extends Error {}

/**
 * Makes one attempt: sends the request and waits for a status. Never throws: a failure is a value. Null if the request
 * was not begun, because `mayBegin` no longer allowed it. Bounded in time by the connect timeout, `timeoutMs` and
 * `BODY_DEADLINE_MS`, and in memory by undici's limit for the head and MAX_READ_BYTES.
 */
export function deliver(request: OutgoingRequest, connections: Connections, clock: Clock): Promise<Exchange | null> {
  const { promise, resolve } = Promise.withResolvers<Exchange | null>()
  const connection = connections.acquire(request.route)
  const attempt = new Attempt(request, connection, connections, clock, resolve)
  const dispatch = () => {
    connection.client.dispatch(
      {
        path: request.path,
        method: 'POST',
        headers: request.headers as string[],
        // undici takes a Buffer or a view; a Buffer saves it a copy.
        body: Buffer.from(request.body.buffer, request.body.byteOffset, request.body.byteLength),
      },
      attempt,
    )
  }
  // undici writes to a kept connection at the end of this turn of the event loop, which might have read its sockets
  // already. In the next turn, everything that is readable by now is read first, and ends the connection (answer-gate).
  if (connection.isKept) setImmediate(dispatch)
  else dispatch()
  return promise
}

const NO_BODY = new Uint8Array(0)

/**
 * A request in progress, driven by undici's callbacks: connecting → begun (`onRequestStart`) → answered
 * (`onResponseStart`) → over. An error or a deadline can end it at any time before. Resolves once, when it is over.
 */
class Attempt implements Dispatcher.DispatchHandler {
  readonly #request: OutgoingRequest
  readonly #connection: ReceiverConnection
  readonly #connections: Connections
  readonly #clock: Clock
  readonly #resolve: (exchange: Exchange | null) => void
  readonly #startedAtMonotonicMs: number
  #deadline: Timer | undefined
  #status: number | null = null
  #headers: string[] = []
  #retryAfter: string | null = null
  #chunks: Buffer[] = []
  #size = 0
  #isCut = false
  #isOver = false

  constructor(
    request: OutgoingRequest,
    connection: ReceiverConnection,
    connections: Connections,
    clock: Clock,
    resolve: (exchange: Exchange | null) => void,
  ) {
    this.#request = request
    this.#connection = connection
    this.#connections = connections
    this.#clock = clock
    this.#resolve = resolve
    this.#startedAtMonotonicMs = clock.monotonicMs()
  }

  /** The connection is ready and the request is about to be written. */
  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (!this.#request.mayBegin()) {
      controller.abort(new NotBegun())
      return
    }
    this.#connection.gate.begin()
    this.#deadline = this.#clock.after(this.#request.timeoutMs, () => controller.abort(new ResponseTimeout()))
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    this.#connection.gate.open()
    this.#status = status
    this.#headers = rawHeaders(controller.rawHeaders)
    const retryAfter = headers['retry-after']
    this.#retryAfter = Array.isArray(retryAfter) ? (retryAfter[0] ?? null) : (retryAfter ?? null)
    this.#deadline?.cancel()
    this.#deadline = this.#clock.after(BODY_DEADLINE_MS, () => this.#cut(controller))
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#isOver) return
    this.#chunks.push(chunk)
    this.#size += chunk.length
    if (this.#size > MAX_READ_BYTES) this.#cut(controller)
  }

  onResponseEnd(): void {
    this.#end(null, true)
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#end(error, false)
  }

  /** Ends an attempt that has read or waited enough. Its status stands; the connection is dropped with the rest. */
  #cut(controller: Dispatcher.DispatchController): void {
    this.#isCut = true
    this.#end(null, false)
    controller.abort(new ResponseTimeout())
  }

  #end(error: Error | null, isSound: boolean): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#deadline?.cancel()
    const { address, isConnected, isReady } = this.#connection
    this.#connections.release(this.#connection, isSound)
    if (error instanceof NotBegun) {
      this.#resolve(null)
      return
    }
    this.#resolve({
      startedAtMs: this.#request.startedAtMs,
      durationMs: Math.round(this.#clock.monotonicMs() - this.#startedAtMonotonicMs),
      status: this.#status,
      failure: this.#status === null ? failureOf(error, isConnected, isReady) : null,
      address,
      headers: this.#headers,
      body: this.#chunks.length === 0 ? NO_BODY : Buffer.concat(this.#chunks),
      truncated: this.#isCut || (this.#status !== null && error !== null),
      retryAfter: this.#retryAfter,
    })
  }
}

function rawHeaders(raw: Dispatcher.DispatchController['rawHeaders']): string[] {
  if (!Array.isArray(raw)) return []
  return raw.map(part => (typeof part === 'string' ? part : part.toString('latin1')))
}
