import type { Clock } from '../../base/clock.ts'
import type { AttemptError } from '../../base/model.ts'
import { webhookHeaders, webhookTimestamp } from '../../base/webhook-request.ts'
import type { LaneItem } from '../../store/operations/lanes/lanes.ts'
import type { Connections } from './connections.ts'
import { decoded } from './decoded.ts'
import { deliver, type OutgoingRequest } from './deliver.ts'
import type { Destination } from './destinations.ts'
import type { HandedOver, Handover } from './handover.ts'
import { type Exchange, noAnswer } from './outcome.ts'
import type { Reason } from './reasons.ts'
import { createRedactor, type Recorded } from './redaction.ts'
import { isToken, type Token, Tokens } from './tokens.ts'
import type { AttemptTrace, BeginTrace } from './trace.ts'

/** The result of a request, and the function that records it without secrets. */
export type Sent = {
  readonly exchange: Exchange
  readonly record: (exchange: Exchange) => Recorded
  /** False if there was nothing to send: the secret or a token was missing. */
  readonly isRequest: boolean
  /** That the request carried. Null for none. */
  readonly traceparent: string | null
}

/** Why there is no request: the attempt was not allowed to begin (null), or no one listens to the endpoint. */
export type NotBegun = 'unheard' | null

/** Called right before a request is written. False if it must no longer be sent. */
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
  /** For endpoints without a URL. */
  readonly handover: Pick<Handover, 'send'>
  readonly clock: Clock
  /** Store time, milliseconds since 1970. */
  readonly now: () => number
  /** How long to wait for a token server's response, in milliseconds. */
  readonly tokenTimeoutMs: number
  /** Maximum number of requests in flight to one token server. */
  readonly maxTokenRequestsPerHost: number
  /** Default: attempts are not traced. */
  readonly beginTrace?: BeginTrace | undefined
}

/** Turns a delivery into a request, sends it, and returns how its response is recorded. */
export class Sender {
  readonly #options: SenderOptions
  readonly #tokens: Tokens
  /** For the last token of each destination. */
  readonly #recorders = new WeakMap<Destination, { readonly token: Token; readonly record: Sent['record'] }>()

  constructor(options: SenderOptions) {
    this.#options = options
    const { connections, clock, tokenTimeoutMs, maxTokenRequestsPerHost: maxPerHost } = options
    const send = async (request: Omit<OutgoingRequest, 'mayBegin'>) =>
      decoded((await deliver({ ...request, mayBegin: () => true }, connections, clock))!)
    this.#tokens = new Tokens({ send, clock, timeoutMs: tokenTimeoutMs, maxPerHost })
  }

  /** Forgets the token of an endpoint that changed. */
  forget(endpoint: string): void {
    this.#tokens.forget(endpoint)
  }

  /** Makes one attempt. Never throws: a failure is a value. */
  send(destination: Destination, item: LaneItem, body: Uint8Array, mayBegin: MayBegin): Promise<Sent | NotBegun> {
    const { beginTrace } = this.#options
    if (beginTrace === undefined) return this.#send({ destination, item, body, mayBegin, trace: null })
    return this.#sendTraced({ destination, item, body, mayBegin, trace: beginTrace(destination, item) })
  }

  async #sendTraced(outgoing: Outgoing): Promise<Sent | NotBegun> {
    const sent = await this.#send(outgoing)
    outgoing.trace?.end(sent === null || sent === 'unheard' ? null : sent.exchange)
    return sent
  }

  async #send(outgoing: Outgoing): Promise<Sent | NotBegun> {
    const { destination } = outgoing
    if (!destination.isReadable) return this.#notSent('secret_unreadable', null, destination)
    if (destination.isListener) return this.#handOver(outgoing)
    if (destination.oauth !== null) return this.#sendWithToken(outgoing)
    return toSent(outgoing, await this.#request(outgoing, null), destination.record)
  }

  async #handOver(outgoing: Outgoing): Promise<Sent | NotBegun> {
    const { destination, item, mayBegin } = outgoing
    if (!mayBegin()) return null
    const { timeoutMs, secretNames: secret } = destination
    const request = { item, timeoutMs, secret, ...this.#head(outgoing, null) }
    // The store is unavailable: the delivery is read again when it is back.
    const exchange = await this.#options.handover.send(request).catch((): HandedOver => null)
    return exchange === 'unheard' ? exchange : toSent(outgoing, exchange, destination.record)
  }

  #notSent(error: AttemptError, detail: Reason | null, { record }: Destination): Sent {
    return { exchange: noAnswer(error, detail, this.#options.now()), record, isRequest: false, traceparent: null }
  }

  /** After a 401, tries once more with a new token: the receiver might no longer accept the one that is cached here. */
  async #sendWithToken(outgoing: Outgoing): Promise<Sent | null> {
    const { destination, item } = outgoing
    const client = destination.oauth!
    const token = await this.#tokens.get(client)
    if (!isToken(token)) return this.#notSent('token_unavailable', token, destination)
    const first = await this.#sendWith(token, outgoing)
    if (first?.exchange.status !== 401) return first
    await this.#tokens.invalidate(item.endpoint, token)
    const another = await this.#tokens.get(client)
    if (!isToken(another) || another.value === token.value) return first
    // The first response stands if the second request can't begin.
    return (await this.#sendWith(another, outgoing)) ?? first
  }

  async #sendWith(token: Token, outgoing: Outgoing): Promise<Sent | null> {
    const exchange = await this.#request(outgoing, token)
    const found = exchange?.status === 401 ? withTokenType(exchange, token) : exchange
    return toSent(outgoing, found, this.#recordWith(token, outgoing.destination))
  }

  #recordWith(token: Token, destination: Destination): Sent['record'] {
    const known = this.#recorders.get(destination)
    if (known !== undefined && known.token === token) return known.record
    const record = createRedactor([token.value, ...destination.headerSecrets])
    this.#recorders.set(destination, { token, record })
    return record
  }

  #request(outgoing: Outgoing, token: Token | null): Promise<Exchange | null> {
    const { connections, clock } = this.#options
    const { destination, body, mayBegin } = outgoing
    const { route, path, timeoutMs } = destination
    const { startedAtMs, headers } = this.#head(outgoing, token)
    return deliver({ route, path, headers, body, timeoutMs, startedAtMs, mayBegin }, connections, clock)
  }

  /** What is made for each request: when it began, and its headers. */
  #head({ destination, item, body, trace }: Outgoing, token: Token | null) {
    const startedAtMs = this.#options.now()
    const timestamp = webhookTimestamp(startedAtMs)
    const headers = webhookHeaders(destination.headers, destination.endpoint.signatureHeaders, {
      event: item.event,
      type: item.type,
      timestamp,
      signature: destination.sign(item.event, timestamp, body),
      token: token === null ? null : token.value,
      traceparent: trace === null ? null : trace.traceparent,
      isTest: item.test,
    })
    return { startedAtMs, headers }
  }
}

/** Notes a `token_type` that can be why the receiver refused the token. */
function withTokenType(exchange: Exchange, { type }: Token): Exchange {
  const detail: Reason | null = type === 'bearer' ? null : { code: 'token_type', value: type }
  return detail === null ? exchange : { ...exchange, detail }
}

function toSent({ trace }: Outgoing, exchange: Exchange | null, record: Sent['record']): Sent | null {
  if (exchange === null) return null
  return { exchange, record, isRequest: true, traceparent: trace === null ? null : trace.traceparent }
}
