import type { Clock } from '../base/clock.ts'
import type { Resolver } from '../guard/lookup.ts'
import { splitUrl } from '../guard/request-target.ts'
import { type ConnectionSettings, Connections } from './attempt/connections.ts'
import { deliver } from './attempt/deliver.ts'
import { classify } from './attempt/outcome.ts'

export type Posted =
  | { readonly isSent: true }
  | {
      readonly isSent: false
      readonly reason: string
      /** Trying again would not help. */
      readonly isFinal: boolean
    }

export type PostingOptions = ConnectionSettings & {
  readonly userAgent: string
  readonly responseTimeoutMs: number
  readonly resolver?: Resolver | undefined
}

/** Single requests that are no deliveries, such as to a chat's incoming webhook: by the same guard, proxy and TLS. */
export class Posting {
  readonly #options: PostingOptions
  readonly #clock: Clock
  readonly #connections: Connections

  constructor(options: PostingOptions, clock: Clock) {
    this.#options = options
    this.#clock = clock
    this.#connections = new Connections(options, clock, options.resolver)
  }

  /** @param url one that `checkTargetUrl` has returned */
  async post(url: string, body: object, tenant: string): Promise<Posted> {
    const { origin, target } = splitUrl(url)
    const { userAgent, responseTimeoutMs: timeoutMs } = this.#options
    const headers = ['Content-Type', 'application/json', 'User-Agent', userAgent, 'Accept', '*/*']
    const request = { route: { origin, tenant, identity: null }, path: target, headers, timeoutMs }
    const exchange = await deliver(
      { ...request, body: Buffer.from(JSON.stringify(body)), startedAtMs: this.#clock.now(), mayBegin: () => true },
      this.#connections,
      this.#clock,
    )
    const { outcome, error } = classify(exchange!)
    if (outcome === 'success') return { isSent: true }
    const { status } = exchange!
    // The chat no longer takes messages here, or the address is one that nothing is sent to.
    const isFinal = (status !== null && GONE.has(status)) || error === 'target_refused'
    return { isSent: false, reason: status === null ? String(error) : `http ${status}`, isFinal }
  }

  close(): void {
    this.#connections.close()
  }
}

const GONE: ReadonlySet<number> = new Set([401, 403, 404, 410])
