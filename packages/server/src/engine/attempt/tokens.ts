import type { Clock } from '../../base/clock.ts'
import type { EndpointId } from '../../base/model.ts'
import type { Route } from './connections.ts'
import type { OutgoingRequest } from './deliver.ts'
import type { Exchange } from './outcome.ts'

/** What a token is asked for with. */
export type TokenClient = {
  readonly endpoint: EndpointId
  readonly route: Route
  readonly path: string
  readonly clientId: string
  readonly clientSecret: string
  readonly scope: string | null
}

export type Token = { readonly value: string; readonly expiresAtMonotonicMs: number }

/** A token that names no end is asked for again after so long. */
const DEFAULT_LIFE_SECONDS = 300
/** A token in its last tenth, or last half minute, isn't begun with: it might expire on its way. */
const MARGIN = 0.1
const MAX_MARGIN_SECONDS = 30
/** RFC 6750 §2.1, and what fits a header. */
const B64_TOKEN = /^[A-Za-z0-9\-._~+/]{1,8000}=*$/
const TOKENS_KEPT = 10_000

export type TokensOptions = {
  readonly send: (request: Omit<OutgoingRequest, 'mayBegin'>) => Promise<Exchange>
  readonly clock: Clock
  readonly timeoutMs: number
  /** Requests at once to one token server. */
  readonly maxPerHost: number
}

/**
 * Bearer tokens by OAuth 2.0 client credentials (RFC 6749 §4.4), for endpoints whose tenant chose that: asked for when
 * first needed, kept until they expire, and asked for anew once when a receiver answers 401. The request for one goes
 * the way of any delivery, behind the guard.
 */
export class Tokens {
  readonly #options: TokensOptions
  /** By endpoint. A promise is in it from the moment that the request is begun, so that all who wait share it. */
  readonly #tokens = new Map<EndpointId, Promise<Token | null>>()
  readonly #semaphores = new Map<string, Semaphore>()

  constructor(options: TokensOptions) {
    this.#options = options
  }

  /** A token that is good now; null: there is none to be had. */
  async get(client: TokenClient): Promise<Token | null> {
    const known = this.#tokens.get(client.endpoint)
    if (known !== undefined) {
      const token = await known
      if (token !== null && token.expiresAtMonotonicMs > this.#options.clock.monotonicMs()) return token
      // Unless somebody else has asked again by now.
      if (this.#tokens.get(client.endpoint) === known) this.#tokens.delete(client.endpoint)
      else return this.get(client)
    }
    const asked = this.#requestInTurn(client)
    if (this.#tokens.size >= TOKENS_KEPT) this.#tokens.clear()
    this.#tokens.set(client.endpoint, asked)
    const token = await asked
    if (token === null && this.#tokens.get(client.endpoint) === asked) this.#tokens.delete(client.endpoint)
    return token
  }

  /** Refused by the receiver: the next attempt asks for another, if nobody has yet. */
  async invalidate(endpoint: EndpointId, token: Token): Promise<void> {
    const known = this.#tokens.get(endpoint)
    if (known !== undefined && (await known) === token && this.#tokens.get(endpoint) === known) {
      this.#tokens.delete(endpoint)
    }
  }

  /** The endpoint changed. */
  forget(endpoint: EndpointId): void {
    this.#tokens.delete(endpoint)
  }

  async #requestInTurn(client: TokenClient): Promise<Token | null> {
    const { origin } = client.route
    const { clock, timeoutMs, maxPerHost } = this.#options
    const semaphore = this.#semaphores.get(origin) ?? new Semaphore(maxPerHost, clock)
    this.#semaphores.set(origin, semaphore)
    if (!(await semaphore.acquire(timeoutMs))) return null
    try {
      return await this.#request(client)
    } finally {
      semaphore.release()
      if (semaphore.isIdle) this.#semaphores.delete(origin)
    }
  }

  async #request({ route, path, clientId, clientSecret, scope }: TokenClient): Promise<Token | null> {
    const { send, clock, timeoutMs } = this.#options
    const askedAtMonotonicMs = clock.monotonicMs()
    const form = new URLSearchParams({ grant_type: 'client_credentials', ...(scope === null ? {} : { scope }) })
    // RFC 6749 §2.3.1: both are form-encoded before they are joined.
    const user = `${encodeForm(clientId)}:${encodeForm(clientSecret)}`
    const headers = [
      'Content-Type',
      'application/x-www-form-urlencoded',
      'Accept',
      'application/json',
      'Authorization',
      `Basic ${Buffer.from(user).toString('base64')}`,
    ]
    const body = Buffer.from(form.toString())
    const exchange = await send({ route, path, headers, body, timeoutMs, startedAtMs: clock.now() })
    if (exchange.status !== 200 || exchange.truncated) return null
    const token = parseToken(Buffer.from(exchange.body).toString('utf8'))
    if (token === undefined) return null
    const marginSeconds = Math.min(token.lifeSeconds * MARGIN, MAX_MARGIN_SECONDS)
    return {
      value: token.value,
      expiresAtMonotonicMs: askedAtMonotonicMs + (token.lifeSeconds - marginSeconds) * 1_000,
    }
  }
}

/** So many hold it at once; the others wait in their order, and not for ever. */
class Semaphore {
  readonly #max: number
  readonly #clock: Clock
  readonly #waiting: ((isAcquired: boolean) => void)[] = []
  #held = 0

  constructor(max: number, clock: Clock) {
    this.#max = max
    this.#clock = clock
  }

  get isIdle(): boolean {
    return this.#held === 0
  }

  /** False if it took longer than that. */
  async acquire(timeoutMs: number): Promise<boolean> {
    if (this.#held < this.#max) {
      this.#held++
      return true
    }
    const { promise, resolve } = Promise.withResolvers<boolean>()
    this.#waiting.push(resolve)
    const timer = this.#clock.after(timeoutMs, () => {
      this.#waiting.splice(this.#waiting.indexOf(resolve), 1)
      resolve(false)
    })
    const isAcquired = await promise
    timer.cancel()
    return isAcquired
  }

  /** Whoever waits longest has it next. */
  release(): void {
    const next = this.#waiting.shift()
    if (next === undefined) this.#held--
    else next(true)
  }
}

/** A successful answer by RFC 6749 §5.1; undefined for anything else. */
function parseToken(text: string): { value: string; lifeSeconds: number } | undefined {
  try {
    const answer = JSON.parse(text) as Readonly<Record<string, unknown>>
    const { access_token: value, token_type: type, expires_in: life } = answer
    if (typeof value !== 'string' || !B64_TOKEN.test(value)) return undefined
    if (typeof type !== 'string' || type.toLowerCase() !== 'bearer') return undefined
    const seconds = Number(life ?? DEFAULT_LIFE_SECONDS)
    return { value, lifeSeconds: Number.isFinite(seconds) && seconds >= 0 ? seconds : DEFAULT_LIFE_SECONDS }
  } catch {
    return undefined
  }
}

const encodeForm = (text: string): string => new URLSearchParams([['', text]]).toString().slice(1)
