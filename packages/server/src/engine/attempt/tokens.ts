import type { Clock } from '../../base/clock.ts'
import { FairCache } from '../../base/fair-cache.ts'
import type { EndpointId, TenantId } from '../../base/model.ts'
import { SharedBudget } from '../../base/shared-budget.ts'
import type { OAuthClient } from '../../secrets/credentials.ts'
import type { OutgoingRequest } from './deliver.ts'
import type { Exchange } from './outcome.ts'
import type { Reason } from './reasons.ts'
import type { Route } from './route.ts'
import { readTokenAnswer } from './token-answer.ts'

/** What is needed to request a token. */
export type TokenClient = {
  readonly endpoint: EndpointId
  readonly route: Route
  readonly path: string
} & Omit<OAuthClient, 'tokenUrl'>

export type Token = {
  readonly value: string
  /** See TokenAnswer. */
  readonly type: string
  readonly expiresAtMonotonicMs: number
}

/** A token in its last tenth, or last half minute if shorter, isn't used: it might expire on the way. */
const MARGIN = 0.1
const MAX_MARGIN_SECONDS = 30
/** How many tokens are kept. */
const TOKENS_KEPT = 10_000

export type TokensOptions = {
  readonly send: (request: Omit<OutgoingRequest, 'mayBegin'>) => Promise<Exchange>
  readonly clock: Clock
  readonly timeoutMs: number
  /** Maximum number of requests in flight to one token server. */
  readonly maxPerHost: number
}

/**
 * Bearer tokens by OAuth 2.0 client credentials (RFC 6749 §4.4), for endpoints whose tenant chose that. They are
 * requested when first needed, kept until they expire, and requested again once when a receiver responds with 401.
 * Token requests go through the guard like deliveries.
 */
export class Tokens {
  readonly #options: TokensOptions
  /** By endpoint. Holds a promise as soon as the request begins, so that everything that waits for it shares it. */
  readonly #tokens = new FairCache<EndpointId, Promise<Token | Reason>>(TOKENS_KEPT)
  readonly #semaphores = new Map<string, Semaphore>()

  constructor(options: TokensOptions) {
    this.#options = options
  }

  /** Returns a token that is valid now, or why none could be obtained. */
  async get(client: TokenClient): Promise<Token | Reason> {
    const known = this.#tokens.get(client.endpoint)
    if (known !== undefined) {
      const token = await known
      if (isToken(token) && token.expiresAtMonotonicMs > this.#options.clock.monotonicMs()) return token
      // Unless another caller has requested a new one by now.
      if (this.#tokens.get(client.endpoint) === known) this.#tokens.delete(client.endpoint)
      else return this.get(client)
    }
    const asked = this.#requestInTurn(client)
    this.#tokens.set(client.endpoint, asked, { tenant: client.route.tenant, cost: 1 })
    const token = await asked
    if (!isToken(token) && this.#tokens.get(client.endpoint) === asked) this.#tokens.delete(client.endpoint)
    return token
  }

  /** Discards a token that the receiver refused, unless it was replaced already. */
  async invalidate(endpoint: EndpointId, token: Token): Promise<void> {
    const known = this.#tokens.get(endpoint)
    if (known !== undefined && (await known) === token && this.#tokens.get(endpoint) === known) {
      this.#tokens.delete(endpoint)
    }
  }

  /** Forgets the token of an endpoint that changed. */
  forget(endpoint: EndpointId): void {
    this.#tokens.delete(endpoint)
  }

  async #requestInTurn(client: TokenClient): Promise<Token | Reason> {
    const { origin, tenant } = client.route
    const { clock, timeoutMs, maxPerHost } = this.#options
    const semaphore = this.#semaphores.get(origin) ?? new Semaphore(maxPerHost, clock)
    this.#semaphores.set(origin, semaphore)
    if (!(await semaphore.acquire(tenant, timeoutMs))) return { code: 'token_server_busy', value: null }
    try {
      return await this.#request(client)
    } finally {
      semaphore.release(tenant)
      if (semaphore.isIdle) this.#semaphores.delete(origin)
    }
  }

  async #request(client: TokenClient): Promise<Token | Reason> {
    const { send, clock, timeoutMs } = this.#options
    const { route, path } = client
    const askedAtMonotonicMs = clock.monotonicMs()
    const headers = ['Content-Type', 'application/x-www-form-urlencoded', 'Accept', 'application/json']
    if (client.credentialsIn === 'header') headers.push('Authorization', basicOf(client))
    const body = Buffer.from(formOf(client).toString())
    const exchange = await send({ route, path, headers, body, timeoutMs, startedAtMs: clock.now() })
    const answer = readTokenAnswer(exchange, [client.clientSecret, basicOf(client)])
    if ('code' in answer) return answer
    const { token: value, type, lifeSeconds } = answer
    const marginSeconds = Math.min(lifeSeconds * MARGIN, MAX_MARGIN_SECONDS)
    return { value, type, expiresAtMonotonicMs: askedAtMonotonicMs + (lifeSeconds - marginSeconds) * 1_000 }
  }
}

export const isToken = (asked: Token | Reason): asked is Token => !('code' in asked)

/**
 * Up to `max` callers hold it at the same time, and of these a tenant's share: many tenants use the same token server,
 * and one whose requests take long must leave room for others. The others wait up to their timeouts, each tenant's in
 * order, and the tenants in rotation.
 */
class Semaphore {
  readonly #clock: Clock
  readonly #held: SharedBudget
  /** The tenant at the front is next. */
  readonly #waiting = new Map<TenantId, Set<(isAcquired: boolean) => void>>()

  constructor(max: number, clock: Clock) {
    this.#held = new SharedBudget(max)
    this.#clock = clock
  }

  get isIdle(): boolean {
    return this.#held.used === 0 && this.#waiting.size === 0
  }

  /** Returns false if it took longer than `timeoutMs`. */
  async acquire(tenant: TenantId, timeoutMs: number): Promise<boolean> {
    const waiting = this.#waiting.get(tenant) ?? new Set()
    if (waiting.size === 0 && this.#held.tryReserve(tenant, 1)) return true
    const { promise, resolve } = Promise.withResolvers<boolean>()
    this.#waiting.set(tenant, waiting.add(resolve))
    const timer = this.#clock.after(timeoutMs, () => {
      waiting.delete(resolve)
      if (waiting.size === 0) this.#waiting.delete(tenant)
      resolve(false)
    })
    const isAcquired = await promise
    timer.cancel()
    return isAcquired
  }

  /** Passes it on, to as many as can have it now. */
  release(tenant: TenantId): void {
    this.#held.release(tenant, 1)
    while (this.#admitOne());
  }

  #admitOne(): boolean {
    for (const [tenant, waiting] of this.#waiting) {
      if (!this.#held.tryReserve(tenant, 1)) continue
      const [next] = waiting
      waiting.delete(next!)
      this.#waiting.delete(tenant)
      // To the end of the rotation, if it has more.
      if (waiting.size > 0) this.#waiting.set(tenant, waiting)
      next!(true)
      return true
    }
    return false
  }
}

function formOf(client: TokenClient): URLSearchParams {
  const { scope, audience, resource, credentialsIn, clientId, clientSecret } = client
  const form = new URLSearchParams({ grant_type: 'client_credentials' })
  if (credentialsIn === 'body') {
    form.append('client_id', clientId)
    form.append('client_secret', clientSecret)
  }
  if (scope !== null) form.append('scope', scope)
  if (audience !== null) form.append('audience', audience)
  for (const uri of resource) form.append('resource', uri)
  return form
}

/** RFC 6749 §2.3.1: both are form-encoded before they are joined. */
function basicOf({ clientId, clientSecret }: TokenClient): string {
  const user = `${encodeForm(clientId)}:${encodeForm(clientSecret)}`
  return `Basic ${Buffer.from(user).toString('base64')}`
}

const encodeForm = (text: string): string => new URLSearchParams([['', text]]).toString().slice(1)
