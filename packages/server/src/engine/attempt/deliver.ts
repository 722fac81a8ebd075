import { errorOf } from '../../base/attempt-details.ts'
import type { Clock, Timer } from '../../base/clock.ts'
import type { RequestFailure, RequestHandler } from '../http/client.ts'
import type { Head } from '../http/head.ts'
import type { Connections, ReceiverConnection } from './connections.ts'
import type { Exchange } from './outcome.ts'
import { type Reason, reasonOf } from './reasons.ts'
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
const MAX_SEARCHED_BYTES = MAX_KEPT_BODY_BYTES + READ_MARGIN_BYTES
/** How much is read in all: it costs less than the new connection that a rest would make necessary. */
const MAX_READ_BYTES = 131_072
/** How long to wait for the end of the body after the status. */
const BODY_DEADLINE_MS = 2_000

/** Why there is no complete response: a failure, no status in time, or enough of the body was read. */
type Fault = RequestFailure | 'no_status' | 'cut'

/**
 * Makes one attempt: sends the request and waits for a status. Never throws: a failure is a value. Null if the request
 * was not begun, because `mayBegin` no longer allowed it. Bounded in time by the connect timeout, `timeoutMs` and
 * `BODY_DEADLINE_MS`, and in memory by the client's limit for the head and MAX_READ_BYTES.
 */
export function deliver(request: OutgoingRequest, connections: Connections, clock: Clock): Promise<Exchange | null> {
  const { promise, resolve } = Promise.withResolvers<Exchange | null>()
  new Attempt(request, connections, clock, resolve).start()
  return promise
}

const NO_BODY = new Uint8Array(0)
const NO_HEADERS: readonly string[] = []

/**
 * A request in progress, driven by its connection: connecting → begun (`onBegin`) → answered (`onHead`) → over. A
 * failure or a deadline can end it at any time before. Resolves once, when it is over.
 *
 * A kept connection can turn out to be closed when the request is written. If not a byte of a response has arrived, the
 * request is then repeated on a new connection, once (C12).
 */
class Attempt implements RequestHandler {
  readonly #request: OutgoingRequest
  readonly #connections: Connections
  readonly #clock: Clock
  readonly #resolve: (exchange: Exchange | null) => void
  readonly #startedAtMonotonicMs: number
  #connection: ReceiverConnection
  #deadline: Timer | undefined
  /** Of the request that is repeated. Undefined if none is. */
  #lost: RequestFailure | undefined
  #head: Head | undefined
  /** What was read of the body are its first `#size` bytes. */
  #body: Uint8Array = NO_BODY
  #size = 0
  /** How much of the body has arrived. */
  #read = 0
  #isOver = false

  constructor(
    request: OutgoingRequest,
    connections: Connections,
    clock: Clock,
    resolve: (exchange: Exchange | null) => void,
  ) {
    this.#request = request
    this.#connections = connections
    this.#connection = connections.acquire(request.route)
    this.#clock = clock
    this.#resolve = resolve
    this.#startedAtMonotonicMs = clock.monotonicMs()
  }

  start(): void {
    this.#send()
  }

  #send(): void {
    const { path, headers, body } = this.#request
    this.#connection.client.send({ method: 'POST', path, headers, body }, this)
  }

  onBegin(): boolean {
    if (!this.#request.mayBegin()) {
      this.#end(this.#lost ?? null, true)
      return false
    }
    // A repeated request has the time that is left of the first.
    this.#deadline ??= this.#clock.after(this.#request.timeoutMs, () => this.#end('no_status', false))
    return true
  }

  onHead(head: Head): boolean {
    this.#head = head
    this.#deadline?.cancel()
    this.#deadline = this.#clock.after(BODY_DEADLINE_MS, () => this.#end('cut', false))
    return true
  }

  onBody(piece: Buffer): boolean {
    this.#read += piece.length
    const room = MAX_SEARCHED_BYTES - this.#size
    if (room > 0) this.#keep(piece.length > room ? piece.subarray(0, room) : piece)
    if (this.#read <= MAX_READ_BYTES) return true
    this.#end('cut', false)
    return false
  }

  /** Copies a piece, which is only lent, into one array: a body can come in tens of thousands of pieces. */
  #keep(piece: Uint8Array): void {
    const size = this.#size + piece.length
    if (size > this.#body.length) {
      const larger = new Uint8Array(this.#size === 0 ? size : Math.min(2 * size, MAX_SEARCHED_BYTES))
      larger.set(this.#body.subarray(0, this.#size))
      this.#body = larger
    }
    this.#body.set(piece, this.#size)
    this.#size = size
  }

  onEnd(isReusable: boolean): void {
    this.#end(null, isReusable)
  }

  onFailed(failure: RequestFailure): void {
    if (this.#isOver) return
    if (!failure.isFirst && failure.headBytes === 0) {
      if (failure.isWritten) this.#lost = failure
      this.#connections.release(this.#connection, false)
      this.#connection = this.#connections.open(this.#request.route)
      this.#send()
    } else this.#end(failure, false)
  }

  /** @param fault null if the response is complete, or nothing was sent */
  #end(fault: Fault | null, isSound: boolean): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#deadline?.cancel()
    const { address } = this.#connection.client
    this.#connections.release(this.#connection, isSound)
    const head = this.#head
    if (head === undefined && fault === null) {
      this.#resolve(null)
      return
    }
    const detail = head === undefined ? this.#detailOf(fault!) : null
    this.#resolve({
      startedAtMs: this.#request.startedAtMs,
      durationMs: Math.round(this.#clock.monotonicMs() - this.#startedAtMonotonicMs),
      status: head === undefined ? null : head.status,
      failure: detail === null ? null : errorOf(detail.code),
      detail,
      reconnected: this.#lost !== undefined,
      address,
      headers: head === undefined ? NO_HEADERS : head.headers,
      body: this.#size === this.#body.length ? this.#body : this.#body.subarray(0, this.#size),
      truncated: head !== undefined && (fault !== null || this.#read > this.#size),
      retryAfter: head === undefined ? null : head.retryAfter,
    })
  }

  #detailOf(fault: Fault): Reason {
    if (typeof fault === 'string') return { code: 'no_status', value: null }
    return reasonOf(fault, this.#request.route.identity !== null)
  }
}
