import type { Clock } from '../../base/clock.ts'

/**
 * The server's time without asking each time: as it said last (each transaction's begin brings it along), and what has
 * gone by since then on this machine's monotonic clock. So a wall clock that is wrong, or jumps, changes nothing.
 *
 * The server read its clock between our question and its answer, so each answer says at least how far its clock is
 * ahead of ours, and at most. We keep to the largest of the least, which is never early (C12), and believe a smaller
 * one only when it must be: the server's clock was set back, or it is another server. The smallest of the most is kept as
 * well: a wait that one node begins, and another ends, is counted from the latest that the one's time can be.
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

  /** The server's time is this, or earlier. */
  latest(): number {
    return Math.ceil(this.#clock.monotonicMs() + this.#mostAheadMs)
  }

  /** @param askedAtMonotonicMs when the question was sent; it is answered now */
  learn(serverMs: number, askedAtMonotonicMs: number): void {
    const leastMs = serverMs - this.#clock.monotonicMs()
    const mostMs = serverMs - askedAtMonotonicMs
    if (this.#aheadMs < leastMs || this.#aheadMs > mostMs) this.#aheadMs = leastMs
    if (this.#mostAheadMs < leastMs || this.#mostAheadMs > mostMs) this.#mostAheadMs = mostMs
  }
}
