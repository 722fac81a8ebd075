import type { Clock } from '../../base/clock.ts'

/**
 * The server's time, without asking for it each time: its last reading (each transaction's begin returns one), plus
 * what has passed since then on this machine's monotonic clock. So a wall clock that is wrong, or jumps, changes
 * nothing.
 *
 * The server read its clock between our request and its response, so each response gives a lower and an upper bound for
 * how far its clock is ahead of ours. We use the highest lower bound, which is never early (C12), and accept a smaller
 * one only if we have to: the server's clock was set back, or it is another server. The lowest upper bound is kept too:
 * a wait that one node begins and another ends is counted from the latest that the first node's time can be.
 */
export class ServerTime {
  readonly #clock: Clock
  #aheadMs = Number.NEGATIVE_INFINITY
  #mostAheadMs = Number.POSITIVE_INFINITY

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Milliseconds since 1970. */
  now(): number {
    return Math.floor(this.#clock.monotonicMs() + this.#aheadMs)
  }

  /** The server's time is no later than this. */
  latest(): number {
    return Math.ceil(this.#clock.monotonicMs() + this.#mostAheadMs)
  }

  /** @param askedAtMonotonicMs when the request was sent; its response has just arrived */
  learn(serverMs: number, askedAtMonotonicMs: number): void {
    const leastMs = serverMs - this.#clock.monotonicMs()
    const mostMs = serverMs - askedAtMonotonicMs
    if (this.#aheadMs < leastMs || this.#aheadMs > mostMs) this.#aheadMs = leastMs
    if (this.#mostAheadMs < leastMs || this.#mostAheadMs > mostMs) this.#mostAheadMs = mostMs
  }
}
