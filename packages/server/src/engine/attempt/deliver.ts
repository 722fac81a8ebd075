import { errorOf } from '../../base/attempt-details.ts'
import type { Clock } from '../../base/clock.ts'
import type { RequestFailure, RequestHandler } from '../http/client.ts'
import type { Head } from '../http/head.ts'
import type { Connections, ReceiverConnection } from './connections.ts'
import { Deadlines, type Limited } from './deadlines.ts'
import type { Exchange } from './outcome.ts'
import { type Reason, reasonOf } from './reasons.ts'
import type { Route } from './route.ts'

/** A request to be sent. */
export type PostRequest = {
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
}

/** What requests are sent with. */
export type Transport = {
  readonly connections: Connections
  readonly deadlines: Deadlines
  readonly clock: Clock
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

const NO_BODY = new Uint8Array(0)
const NO_HEADERS: readonly string[] = []

/**
 * A POST in progress, driven by its connection: connecting → begun (`onBegin`) → answered (`onHead`) → over. A failure
 * or a deadline can end it at any time before. Bounded in time by the connect timeout, the request's own and
 * BODY_DEADLINE_MS, and in memory by the client's limit for the head and MAX_READ_BYTES.
 *
 * A kept connection can turn out to be closed when the request is written. If not a byte of a response has arrived, the
 * request is then repeated on a new connection, once (C12).
 */
export abstract class Post implements RequestHandler, Limited {
  deadlineMs = Number.POSITIVE_INFINITY
  #transport!: Transport
  #request: PostRequest | undefined
  #connection: ReceiverConnection | undefined
  #startedAtMonotonicMs = 0
  #hasBegun = false
  /** Of the request that is repeated. Undefined if none is. */
  #lost: RequestFailure | undefined
  #head: Head | undefined
  /** What was read of the body are its first `#size` bytes. */
  #body: Uint8Array = NO_BODY
  #size = 0
  /** How much of the body has arrived. */
  #read = 0
  #isOver = false

  /** Called when a connection is ready, which can take seconds. False if the request must no longer be sent. */
  abstract mayBegin(): boolean

  /** Called once, when the request is over. Null if it was not begun. Never within `post`. */
  protected abstract over(exchange: Exchange | null): void

  /** Sends the request and waits for a status. Never throws: a failure is a value. */
  post(request: PostRequest, transport: Transport): void {
    this.#transport = transport
    this.#request = request
    this.#startedAtMonotonicMs = transport.clock.monotonicMs()
    this.#send(transport.connections.acquire(request.route), request)
  }

  #send(connection: ReceiverConnection, { path, headers, body }: PostRequest): void {
    this.#connection = connection
    connection.client.send({ method: 'POST', path, headers, body }, this)
  }

  onBegin(): boolean {
    if (!this.mayBegin()) {
      this.#end(this.#lost ?? null, true)
      return false
    }
    // A repeated request has the time that is left of the first.
    if (!this.#hasBegun) this.#transport.deadlines.set(this, this.#request!.timeoutMs)
    this.#hasBegun = true
    return true
  }

  expire(): void {
    this.#end(this.#head === undefined ? 'no_status' : 'cut', false)
  }

  onHead(head: Head): boolean {
    this.#head = head
    this.#transport.deadlines.set(this, BODY_DEADLINE_MS)
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
      const { connections } = this.#transport
      const request = this.#request!
      connections.release(this.#connection!, false)
      this.#send(connections.open(request.route), request)
    } else this.#end(failure, false)
  }

  /** @param fault null if the response is complete, or nothing was sent */
  #end(fault: Fault | null, isSound: boolean): void {
    if (this.#isOver) return
    this.#isOver = true
    const { connections, deadlines } = this.#transport
    deadlines.clear(this)
    const connection = this.#connection!
    connections.release(connection, isSound)
    const exchange =
      this.#head === undefined && fault === null ? null : this.#exchange(fault, connection.client.address)
    // What this was an attempt of can take long to be stored, and needs nothing of all that.
    this.#request = undefined
    this.#connection = undefined
    this.#head = undefined
    this.#body = NO_BODY
    this.over(exchange)
  }

  #exchange(fault: Fault | null, address: string | null): Exchange {
    const head = this.#head
    const request = this.#request!
    const detail = head === undefined ? detailOf(fault!, request) : null
    return {
      startedAtMs: request.startedAtMs,
      durationMs: Math.round(this.#transport.clock.monotonicMs() - this.#startedAtMonotonicMs),
      status: head === undefined ? null : head.status,
      failure: detail === null ? null : errorOf(detail.code),
      detail,
      reconnected: this.#lost !== undefined,
      address,
      headers: head === undefined ? NO_HEADERS : head.headers,
      body: this.#size === this.#body.length ? this.#body : this.#body.subarray(0, this.#size),
      truncated: head !== undefined && (fault !== null || this.#read > this.#size),
      retryAfter: head === undefined ? null : head.retryAfter,
    }
  }
}

function detailOf(fault: Fault, { route }: PostRequest): Reason {
  if (typeof fault === 'string') return { code: 'no_status', value: null }
  return reasonOf(fault, route.identity !== null)
}

/** A request that is sent by itself. */
export type OutgoingRequest = PostRequest & {
  /** See `Post`. */
  readonly mayBegin: () => boolean
}

/**
 * Sends one request and waits for its result, as `Post` does. Null if the request was not begun, because `mayBegin` no
 * longer allowed it.
 * @param deadlines default: its own
 */
export function deliver(
  { mayBegin, ...request }: OutgoingRequest,
  connections: Connections,
  clock: Clock,
  deadlines = new Deadlines(clock),
): Promise<Exchange | null> {
  return new Promise(resolve => new SinglePost(mayBegin, resolve).post(request, { connections, deadlines, clock }))
}

class SinglePost extends Post {
  readonly mayBegin: () => boolean
  protected readonly over: (exchange: Exchange | null) => void

  constructor(mayBegin: () => boolean, over: (exchange: Exchange | null) => void) {
    super()
    this.mayBegin = mayBegin
    this.over = over
  }
}
