import type { Posthorn, Retries } from '@posthorn/client'

/** As many as a call can retry. */
const PAGE = 500

/**
 * Sends the listener's deliveries again. A pending one is attempted now; one that has ended is replayed as a new delivery.
 * Either way its request arrives by the stream, with a new signature.
 */
export class Retrying {
  readonly #posthorn: Posthorn
  readonly #tenant: string
  readonly #endpoint: string

  constructor(posthorn: Posthorn, tenant: string, endpoint: string) {
    this.#posthorn = posthorn
    this.#tenant = tenant
    this.#endpoint = endpoint
  }

  /** Throws what the client throws. */
  async retry(delivery: string): Promise<void> {
    await this.#posthorn.deliveries.retry(this.#tenant, delivery)
  }

  /** All that have failed and were not sent again since, of earlier runs too. Returns how many. */
  retryFailed(): Promise<number> {
    return this.#retryAll({ state: ['pending', 'exhausted'], status: ['3xx', '4xx', '5xx', 'none'] })
  }

  /** Those that wait because the receiver couldn't be reached. */
  retryWaiting(): Promise<number> {
    return this.#retryAll({ state: ['pending'], status: ['502'] })
  }

  async #retryAll(query: { state: ('pending' | 'exhausted')[]; status: string[] }): Promise<number> {
    let count = 0
    let cursor: string | undefined
    do {
      const page: Retries = await this.#posthorn.deliveries.retryMatching(this.#tenant, undefined, {
        ...query,
        endpoint: this.#endpoint,
        limit: PAGE,
        cursor,
      })
      count += page.madeDue + page.created
      cursor = page.nextCursor ?? undefined
    } while (cursor !== undefined)
    return count
  }
}
