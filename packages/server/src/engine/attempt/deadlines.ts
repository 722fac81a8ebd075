import type { Clock, Timer } from '../../base/clock.ts'

/** How often deadlines are looked at, in milliseconds. One can be noticed this much too late, never too early. */
export const TICK_MS = 20

/** What has a deadline at times. */
export type Limited = {
  /** By the monotonic clock, in milliseconds. Written by `Deadlines` only. */
  deadlineMs: number
  /** Called once the deadline is over, which it then no longer has. */
  expire(): void
}

/**
 * The deadlines of all requests, with one timer for all of them: two timers for each request, nearly all of which are
 * cancelled after a few milliseconds, cost more than looking at those that are open from time to time.
 *
 * Invariant: none of them is over before `#earliestMs`. It isn't raised when a request ends, so that ending one costs
 * next to nothing; a look at all of them raises it, and while receivers respond there is one only every other second.
 */
export class Deadlines {
  readonly #clock: Clock
  readonly #open = new Set<Limited>()
  #earliestMs = Number.POSITIVE_INFINITY
  /** Undefined while nothing has a deadline. */
  #timer: Timer | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Sets a deadline that many milliseconds from now. It replaces an earlier one. */
  set(limited: Limited, delayMs: number): void {
    limited.deadlineMs = this.#clock.monotonicMs() + delayMs
    this.#open.add(limited)
    if (limited.deadlineMs < this.#earliestMs) this.#earliestMs = limited.deadlineMs
    this.#timer ??= this.#clock.after(TICK_MS, () => this.#tick())
  }

  /** Removes a deadline, if there is one. */
  clear(limited: Limited): void {
    this.#open.delete(limited)
  }

  #tick(): void {
    this.#timer = undefined
    const nowMs = this.#clock.monotonicMs()
    if (nowMs >= this.#earliestMs) this.#look(nowMs)
    if (this.#open.size > 0) this.#timer ??= this.#clock.after(TICK_MS, () => this.#tick())
  }

  #look(nowMs: number): void {
    this.#earliestMs = Number.POSITIVE_INFINITY
    // Includes those that are set, and leaves out those that are cleared, while others expire.
    for (const limited of this.#open) {
      if (limited.deadlineMs <= nowMs) {
        this.#open.delete(limited)
        limited.expire()
      } else if (limited.deadlineMs < this.#earliestMs) this.#earliestMs = limited.deadlineMs
    }
  }
}
