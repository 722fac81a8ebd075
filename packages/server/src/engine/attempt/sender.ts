import type { Clock } from '../../base/clock.ts'
import type { LaneItem } from '../../store/operations/lanes/lanes.ts'
import type { Connections } from './connections.ts'
import { deliver, type OutgoingRequest } from './deliver.ts'
import type { Destination } from './destinations.ts'
import { type Exchange, noAnswer } from './outcome.ts'
import { createRedactor, type Recorded } from './redaction.ts'
import { type Token, Tokens } from './tokens.ts'
import type { AttemptTrace, BeginTrace } from './trace.ts'

/** What was had, and how to keep of it what has no secret in it. */
export type Sent = { readonly exchange: Exchange; readonly record: (exchange: Exchange) => Recorded }

/** Asked right before a request is written; false: it is not to be begun any more. */
export type MayBegin = () => boolean

type Outgoing = {
  readonly destination: Destination
  readonly item: LaneItem
  readonly body: Uint8Array
  readonly mayBegin: MayBegin
  readonly trace: AttemptTrace | null
}

export type SenderOptions = {
  readonly connections: Connections
  readonly clock: Clock
  /** The store's time, milliseconds since 1970. */
  readonly now: () => number
  /** For a token's answer, milliseconds. */
  readonly tokenTimeoutMs: number
  /** Requests at once to one token server. */
  readonly maxTokenRequestsPerHost: number
  /** Default: attempts are part of no trace. */
  readonly beginTrace?: BeginTrace | undefined
}

/** From a delivery to its request, and what is recorded of the answer. */
export class Sender {
  readonly #options: SenderOptions
  readonly #tokens: Tokens

  constructor(options: SenderOptions) {
    this.#options = options
    const { connections, clock, tokenTimeoutMs, maxTokenRequestsPerHost: maxPerHost } = options
    const send = async (request: Omit<OutgoingRequest, 'mayBegin'>) =>
      (await deliver({ ...request, mayBegin: () => true }, connections, clock))!
    this.#tokens = new Tokens({ send, clock, timeoutMs: tokenTimeoutMs, maxPerHost })
  }

  /** The endpoint changed. */
  forget(endpoint: string): void {
    this.#tokens.forget(endpoint)
  }

  /** One attempt. Never throws: a failure is a value. null: it was not begun, since it might not be any more. */
  send(destination: Destination, item: LaneItem, body: Uint8Array, mayBegin: MayBegin): Promise<Sent | null> {
    const { beginTrace } = this.#options
    if (beginTrace === undefined) return this.#send({ destination, item, body, mayBegin, trace: null })
    return this.#sendTraced({ destination, item, body, mayBegin, trace: beginTrace(destination, item) })
  }

  async #sendTraced(outgoing: Outgoing): Promise<Sent | null> {
    const sent = await this.#send(outgoing)
    outgoing.trace?.end(sent?.exchange ?? null)
    return sent
  }

  async #send(outgoing: Outgoing): Promise<Sent | null> {
    const { destination } = outgoing
    if (!destination.isReadable)
      return { exchange: noAnswer('secret_unreadable', this.#options.now()), record: destination.record }
    if (destination.oauth !== null) return this.#sendWithToken(outgoing)
    const exchange = await this.#request(outgoing, null)
    return exchange === null ? null : { exchange, record: destination.record }
  }

  /** A receiver that answers 401 may know no more of a token that we still keep: once, with another one. */
  async #sendWithToken(outgoing: Outgoing): Promise<Sent | null> {
    const { destination, item } = outgoing
    const client = destination.oauth!
    const token = await this.#tokens.get(client)
    const first = await this.#sendWith(token, outgoing)
    if (token === null || first?.exchange.status !== 401) return first
    await this.#tokens.invalidate(item.endpoint, token)
    const another = await this.#tokens.get(client)
    if (another === null || another.value === token.value) return first
    // What was answered stands if the second may not be begun.
    return (await this.#sendWith(another, outgoing)) ?? first
  }

  async #sendWith(token: Token | null, outgoing: Outgoing): Promise<Sent | null> {
    if (token === null) {
      return { exchange: noAnswer('token_unavailable', this.#options.now()), record: outgoing.destination.record }
    }
    const exchange = await this.#request(outgoing, token)
    return exchange === null ? null : { exchange, record: createRedactor(token.value) }
  }

  #request({ destination, item, body, mayBegin, trace }: Outgoing, token: Token | null): Promise<Exchange | null> {
    const { connections, clock, now } = this.#options
    const { route, path, timeoutMs, sign } = destination
    const startedAtMs = now()
    const timestamp = String(Math.floor(startedAtMs / 1_000))
    const headers = [...destination.headers, 'webhook-id', item.event, 'webhook-timestamp', timestamp]
    headers.push('webhook-signature', sign(item.event, timestamp, body))
    if (token !== null) headers.push('Authorization', `Bearer ${token.value}`)
    if (trace !== null && trace.traceparent !== null) headers.push('traceparent', trace.traceparent)
    if (item.test) headers.push('X-Posthorn-Test', 'true')
    return deliver({ route, path, headers, body, timeoutMs, startedAtMs, mayBegin }, connections, clock)
  }
}
