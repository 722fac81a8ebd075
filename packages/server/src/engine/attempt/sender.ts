import type { Clock } from '../../base/clock.ts'
import type { AttemptError } from '../../base/model.ts'
import { webhookHeaders, webhookTimestamp } from '../../base/webhook-request.ts'
import type { Attempt } from './attempt.ts'
import type { Connections } from './connections.ts'
import { Deadlines } from './deadlines.ts'
import { decoded } from './decoded.ts'
import { deliver, type OutgoingRequest, type PostRequest, type Transport } from './deliver.ts'
import type { Destination } from './destinations.ts'
import type { HandedOver, Handover } from './handover.ts'
import { type Exchange, noAnswer } from './outcome.ts'
import type { Reason } from './reasons.ts'
import { createRedactor } from './redaction.ts'
import { isToken, type Token, Tokens } from './tokens.ts'
import type { BeginTrace } from './trace.ts'

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

/** Turns attempts into requests, sends them, and says how their responses are recorded. */
export class Sender {
  readonly #options: SenderOptions
  readonly #transport: Transport
  readonly #tokens: Tokens
  /** For the last token of each destination. */
  readonly #recorders = new WeakMap<Destination, { readonly token: Token; readonly record: Attempt['record'] }>()

  constructor(options: SenderOptions) {
    this.#options = options
    const { connections, clock, tokenTimeoutMs, maxTokenRequestsPerHost: maxPerHost } = options
    this.#transport = { connections, clock, deadlines: new Deadlines(clock) }
    const send = async (request: Omit<OutgoingRequest, 'mayBegin'>) =>
      decoded((await this.#deliver({ ...request, mayBegin: () => true }))!)
    this.#tokens = new Tokens({ send, clock, timeoutMs: tokenTimeoutMs, maxPerHost })
  }

  /** Forgets the token of an endpoint that changed. */
  forget(endpoint: string): void {
    this.#tokens.forget(endpoint)
  }

  /** Makes an attempt, which is told when it is over. Never throws: a failure is a result. */
  send(attempt: Attempt, body: Uint8Array): void {
    const { destination } = attempt
    attempt.trace = this.#options.beginTrace?.(destination, attempt.item) ?? null
    if (!destination.isReadable) this.#endUnsent(attempt, 'secret_unreadable', null)
    else if (destination.isListener) void this.#handOver(attempt, body)
    else if (destination.oauth !== null) void this.#sendWithToken(attempt, body)
    else attempt.post(this.#requestOf(attempt, body, null), this.#transport)
  }

  #endUnsent(attempt: Attempt, error: AttemptError, detail: Reason | null): void {
    attempt.isRequest = false
    attempt.over(noAnswer(error, detail, this.#options.now()))
  }

  async #handOver(attempt: Attempt, body: Uint8Array): Promise<void> {
    if (!attempt.mayBegin()) return attempt.over(null)
    const { item, destination } = attempt
    const { timeoutMs, secretNames: secret } = destination
    const startedAtMs = this.#options.now()
    const headers = this.#headersOf(attempt, body, startedAtMs, null)
    const request = { item, timeoutMs, secret, startedAtMs, headers }
    // The store is unavailable: the delivery is read again when it is back.
    attempt.over(await this.#options.handover.send(request).catch((): HandedOver => null))
  }

  /** After a 401, tries once more with a new token: the receiver might no longer accept the one that is cached here. */
  async #sendWithToken(attempt: Attempt, body: Uint8Array): Promise<void> {
    const client = attempt.destination.oauth!
    const token = await this.#tokens.get(client)
    if (!isToken(token)) return this.#endUnsent(attempt, 'token_unavailable', token)
    const first = await this.#sendWith(token, attempt, body)
    if (first?.status !== 401) return this.#endWith(token, attempt, first)
    await this.#tokens.invalidate(attempt.item.endpoint, token)
    const another = await this.#tokens.get(client)
    const isNew = isToken(another) && another.value !== token.value
    const second = isNew ? await this.#sendWith(another, attempt, body) : null
    // The first response stands if the second request can't begin.
    if (isNew && second !== null) this.#endWith(another, attempt, second)
    else this.#endWith(token, attempt, first)
  }

  #sendWith(token: Token, attempt: Attempt, body: Uint8Array): Promise<Exchange | null> {
    return this.#deliver({ ...this.#requestOf(attempt, body, token), mayBegin: () => attempt.mayBegin() })
  }

  #endWith(token: Token, attempt: Attempt, exchange: Exchange | null): void {
    attempt.record = this.#recorderFor(token, attempt.destination)
    attempt.over(exchange?.status === 401 ? withTokenType(exchange, token) : exchange)
  }

  #recorderFor(token: Token, destination: Destination): Attempt['record'] {
    const known = this.#recorders.get(destination)
    if (known !== undefined && known.token === token) return known.record
    const record = createRedactor([token.value, ...destination.headerSecrets])
    this.#recorders.set(destination, { token, record })
    return record
  }

  #deliver(request: OutgoingRequest): Promise<Exchange | null> {
    const { connections, clock, deadlines } = this.#transport
    return deliver(request, connections, clock, deadlines)
  }

  #requestOf(attempt: Attempt, body: Uint8Array, token: Token | null): PostRequest {
    const { route, path, timeoutMs } = attempt.destination
    const startedAtMs = this.#options.now()
    const headers = this.#headersOf(attempt, body, startedAtMs, token)
    return { route, path, headers, body, timeoutMs, startedAtMs }
  }

  #headersOf(
    { destination, item, trace }: Attempt,
    body: Uint8Array,
    startedAtMs: number,
    token: Token | null,
  ): string[] {
    const timestamp = webhookTimestamp(startedAtMs)
    return webhookHeaders(destination.headers, destination.endpoint.signatureHeaders, {
      event: item.event,
      type: item.type,
      timestamp,
      signature: destination.sign(item.event, timestamp, body),
      token: token === null ? null : token.value,
      traceparent: trace === null ? null : trace.traceparent,
      isTest: item.test,
    })
  }
}

/** Notes a `token_type` that can be why the receiver refused the token. */
function withTokenType(exchange: Exchange, { type }: Token): Exchange {
  const detail: Reason | null = type === 'bearer' ? null : { code: 'token_type', value: type }
  return detail === null ? exchange : { ...exchange, detail }
}
