import type { ListenedRequest, Posthorn, Retries } from '@posthorn/client'
import { pause } from './pause.ts'

/** As many as a call can retry. */
const PAGE = 500
/** How often it is looked whether the server has stored the outcome of an attempt, which takes it a moment. */
const LOOK_MS = 200
const MAX_LOOKS = 25

/**
 * Sends the listener's deliveries again. A pending one is attempted now; one that has ended is replayed as a new delivery.
 * Either way its request arrives by the stream, with a new signature.
 */
export class Retrying {
  readonly #posthorn: Posthorn
  readonly #tenant: string
  readonly #endpoint: string
  readonly #signal: AbortSignal

  constructor(posthorn: Posthorn, tenant: string, endpoint: string, signal: AbortSignal) {
    this.#posthorn = posthorn
    this.#tenant = tenant
    this.#endpoint = endpoint
    this.#signal = signal
  }

  /**
   * Sends a request again. Throws what the client throws.
   *
   * @param attempt the request's: before the server has stored its outcome, a retry could be overtaken by that
   */
  async retry({ delivery, attempt }: Pick<ListenedRequest, 'delivery' | 'attempt'>): Promise<void> {
    const { deliveries } = this.#posthorn
    for (let looks = 0; looks < MAX_LOOKS; looks++) {
      const { attemptCount } = await deliveries.get(this.#tenant, delivery)
      if (attemptCount >= attempt || !(await pause(LOOK_MS, this.#signal))) break
    }
    await deliveries.retry(this.#tenant, delivery)
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
