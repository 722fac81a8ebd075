/** Says once that the server doesn't respond, and once that it does again. The publisher tries until then. */
import { ConnectionError, PosthornError, type PublishingClient, TimeoutError } from '@posthorn/client'
import type { Clock } from '../terminal/terminal.ts'

/** A server can be busy for a moment without anyone having to know. */
const SAID_AFTER_MS = 5_000

export class Availability {
  readonly #say: (sentence: string) => void
  readonly #clock: Clock
  readonly #url: string
  #failingSinceMs: number | undefined
  #isSaid = false

  constructor(url: string, clock: Clock, say: (sentence: string) => void) {
    this.#url = url
    this.#clock = clock
    this.#say = say
  }

  /** The same client, observed. */
  observe(client: PublishingClient): PublishingClient {
    return {
      events: {
        publish: async (tenant, body, options) => {
          try {
            const result = await client.events.publish(tenant, body, options)
            this.#responds()
            return result
          } catch (error) {
            this.#fails(error)
            throw error
          }
        },
      },
    }
  }

  #responds(): void {
    if (this.#isSaid) this.#say(`${this.#url} responds again.`)
    this.#failingSinceMs = undefined
    this.#isSaid = false
  }

  #fails(error: unknown): void {
    if (!(error instanceof PosthornError)) return
    const isUnreachable = error instanceof ConnectionError || error instanceof TimeoutError
    const isBusy = error.status === 429 || (error.status ?? 0) >= 500
    if (!isUnreachable && !isBusy) {
      this.#responds()
      return
    }
    const nowMs = this.#clock.monotonicMs()
    this.#failingSinceMs ??= nowMs
    if (this.#isSaid || (isBusy && nowMs - this.#failingSinceMs < SAID_AFTER_MS)) return
    this.#isSaid = true
    const what = isBusy ? `${this.#url} takes no events now (${error.status})` : `${this.#url} does not respond`
    this.#say(`${what}. Trying again until it does; Ctrl-C stops.`)
  }
}
