import type { ListenedRequest } from '@posthorn/client'
import type { Reply } from './reply.ts'

/** Deliveries that are remembered. As many requests can come twice as are open at once: a few dozen. */
const MAX_REMEMBERED = 10_000

/** What is kept of a reply for as long as the server might not have it. */
export type Outcome = Pick<Reply, 'status' | 'durationMs'> & Partial<Pick<Reply, 'headers' | 'body' | 'isTruncated'>>

export type Remembered = {
  readonly attempt: number
  /** Resolves with the outcome once there is one. */
  readonly outcome: Promise<Outcome>
}

/** Where outcomes that the server might not have outlive the process. Never throws. */
export type OutcomeLog = {
  /** Outcomes that the server might not have, as an earlier process has left them. */
  readonly left: ReadonlyMap<string, { readonly attempt: number; readonly outcome: Outcome }>
  add(delivery: string, attempt: number, outcome: Outcome): void
  remove(delivery: string): void
}

type Key = Pick<ListenedRequest, 'delivery' | 'attempt'>

/**
 * What was forwarded, by delivery. A request can come again: the same attempt, when the stream is opened again, or a
 * later one, because the answer came too late or was lost. What the receiver has accepted is not forwarded again.
 */
export class Outcomes {
  readonly #log: OutcomeLog
  readonly #known = new Map<string, Remembered>()

  constructor(log: OutcomeLog) {
    this.#log = log
    for (const [delivery, { attempt, outcome }] of log.left) {
      this.#known.set(delivery, { attempt, outcome: Promise.resolve(outcome) })
    }
  }

  /** What is known of a request's delivery. */
  find({ delivery }: Key): Remembered | undefined {
    return this.#known.get(delivery)
  }

  /** Notes that a request is forwarded, before it is. */
  begin({ delivery, attempt }: Key, reply: Promise<Reply>): void {
    const outcome = reply.then(replied => {
      this.#log.add(delivery, attempt, replied)
      return replied
    })
    this.#known.delete(delivery)
    this.#known.set(delivery, { attempt, outcome })
    for (const [oldest] of this.#known) {
      if (this.#known.size <= MAX_REMEMBERED) break
      this.#known.delete(oldest)
    }
  }

  /** Notes that the server has the answer to this attempt: of this one's outcome, or of an earlier one's. */
  settle({ delivery, attempt }: Key, { status, durationMs }: Outcome): void {
    const known = this.#known.get(delivery)
    if (known === undefined || known.attempt > attempt) return
    // Its body is no longer needed.
    this.#known.set(delivery, { attempt, outcome: Promise.resolve({ status, durationMs }) })
    this.#log.remove(delivery)
  }

  /** Notes that the server no longer takes this attempt's failure. A success is kept, for its next attempt. */
  forget({ delivery, attempt }: Key): void {
    if (this.#known.get(delivery)?.attempt === attempt) this.#log.remove(delivery)
  }
}
