/** Reads streams of server-sent events (WHATWG HTML §9.2) with `fetch`, in browsers too, since it can send headers. */
import type { Attempt, Delivery, Endpoint, Event } from '../api/models.ts'
import type { Connection } from './connection.ts'
import { wait } from './deadline.ts'
import { PosthornError, ResponseError } from './errors.ts'
import type { CallOptions } from './options.ts'
import { type Path, toPath } from './path.ts'
import { delayBefore } from './retries.ts'

export type StreamedAttempt = {
  readonly tenant: string
  readonly delivery: string
  readonly event: string
  readonly endpoint: string
  readonly attempt: Attempt
}

export type StreamedEndpoint = {
  readonly tenant: string
  readonly id: string
  readonly change: 'created' | 'updated' | 'deleted'
  /** Null if it was deleted. */
  readonly endpoint: Endpoint | null
}

/** A request to a listener, as it would be sent to a URL. Answer it with `listeners.answerRequest`. */
export type ListenedRequest = {
  readonly tenant: string
  readonly delivery: string
  /** The attempt's number. With the delivery, it identifies the request, which can come more than once. */
  readonly attempt: number
  readonly endpoint: string
  readonly event: string
  readonly type: string
  readonly test: boolean
  readonly startedAt: string
  /** When it can no longer be answered. */
  readonly expiresAt: string
  readonly method: 'POST'
  /** Name and value of each. */
  readonly headers: readonly (readonly [name: string, value: string])[]
  /** The payload as published. Its UTF-8 is what was signed. */
  readonly body: string
}

/** A record, and in `position` where to continue after it. */
export type StreamRecord = { readonly position: string } & (
  | { readonly kind: 'event'; readonly data: Event }
  | { readonly kind: 'delivery'; readonly data: Delivery }
  | { readonly kind: 'attempt'; readonly data: StreamedAttempt }
  | { readonly kind: 'endpoint'; readonly data: StreamedEndpoint }
  | { readonly kind: 'request'; readonly data: ListenedRequest }
  /** Something was left out: read again what you have read before. What follows is complete from here on. */
  | { readonly kind: 'reset'; readonly data: { readonly reason: 'unknown' | 'expired' | 'interrupted' } }
)

export type StreamOptions = Omit<CallOptions, 'maxRetries'> & {
  /** The position after which to continue. Default: what is committed from now on. */
  readonly after?: string | undefined
  /** Called when the stream is open, and when it is closed, with the error if there was one. It is then opened again. */
  readonly onConnection?: ((isOpen: boolean, error?: PosthornError) => void) | undefined
}

/** A server that has ended a stream, such as at its shutdown, is asked again after this. */
const REOPEN_MS = 250
/** The most pauses that double. */
const MAX_DOUBLINGS = 10
const KINDS: readonly string[] = ['event', 'delivery', 'attempt', 'endpoint', 'request', 'reset']

/**
 * The records of a stream, without an end: it is opened again whenever it breaks off, and continues where it was. Leave
 * the loop or abort the `signal` to close it. Throws what a call throws that can't succeed later, such as `unauthorized`,
 * and ResponseError if what responds is no stream.
 */
export async function* stream(
  connection: Connection,
  path: Path,
  query: object | undefined,
  { after, onConnection, ...options }: StreamOptions = {},
): AsyncGenerator<StreamRecord, void> {
  let position = after ?? ''
  for (let failures = 0; ; ) {
    const headers = position === '' ? undefined : { 'last-event-id': position }
    let isOpen = false
    let delayMs = REOPEN_MS
    let failure: PosthornError | undefined
    try {
      const parser = new EventParser(position)
      const call = { method: 'GET', path, query, headers, accept: 'text/event-stream' } as const
      for await (const piece of connection.pieces(call, { ...options, maxRetries: 0 })) {
        if (!isOpen) onConnection?.(true)
        isOpen = true
        failures = 0
        for (const { id, event, data } of parser.take(piece)) {
          position = id
          if (KINDS.includes(event)) yield { position, kind: event, data: parse(data, toPath(path)) } as StreamRecord
        }
        position = parser.lastId
      }
    } catch (error) {
      if (options.signal?.aborted || !(error instanceof PosthornError)) throw error
      const pauseMs = delayBefore(Math.min(failures++, MAX_DOUBLINGS), error, true, Math.random(), true)
      if (pauseMs === undefined) throw error
      failure = error
      delayMs = pauseMs
    }
    if (isOpen || failure !== undefined) onConnection?.(false, failure)
    await wait(delayMs, options.signal)
  }
}

function parse(data: string, path: string): unknown {
  try {
    return JSON.parse(data)
  } catch {
    throw new ResponseError({ method: 'GET', path }, 'A record of the stream is not JSON.', { status: 200 })
  }
}

export type ServerSentEvent = { readonly id: string; readonly event: string; readonly data: string }

/** Makes events of the pieces of a response, wherever they were cut. */
export class EventParser {
  /** The last id that was sent, even if no event came with it. */
  lastId: string
  readonly #decoder = new TextDecoder()
  /** The line that has not ended yet, in parts: to join them at every piece would take quadratic time. */
  #parts: string[] = []
  #endsWithReturn = false
  #id: string
  #event = ''
  #data: string[] = []

  constructor(lastId = '') {
    this.lastId = lastId
    this.#id = lastId
  }

  *take(piece: Uint8Array): Generator<ServerSentEvent, void> {
    let text = this.#decoder.decode(piece, { stream: true })
    if (text === '') return
    // A line can end with both, which can come in two pieces.
    if (this.#endsWithReturn && text.startsWith('\n')) text = text.slice(1)
    this.#endsWithReturn = text === '' ? false : text.endsWith('\r')
    const [first, ...others] = text.split(/\r\n|\r|\n/)
    this.#parts.push(first!)
    for (const next of others) {
      const event = this.#line(this.#parts.join(''))
      this.#parts = [next]
      if (event !== undefined) yield event
    }
  }

  #line(line: string): ServerSentEvent | undefined {
    if (line === '') return this.#end()
    const colon = line.indexOf(':')
    const field = colon < 0 ? line : line.slice(0, colon)
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '')
    if (field === 'data') this.#data.push(value)
    else if (field === 'event') this.#event = value
    else if (field === 'id' && !value.includes('\0')) this.#id = value
    return undefined
  }

  #end(): ServerSentEvent | undefined {
    this.lastId = this.#id
    const [event, data] = [this.#event, this.#data]
    this.#event = ''
    this.#data = []
    return data.length === 0
      ? undefined
      : { id: this.#id, event: event === '' ? 'message' : event, data: data.join('\n') }
  }
}
