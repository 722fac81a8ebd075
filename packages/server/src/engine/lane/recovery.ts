/** The window that a lane starts with: enough for speed, too few to hurt a receiver. */
const FIRST_WINDOW = 4
const FAILURES_OF_AN_OUTAGE = 8
const CONNECT_FAILURES_UNTIL_PROBING = 3
/** The first gap while recovering: 20 requests a second. */
const FIRST_GAP_MS = 50
const LONGEST_GAP_MS = 1_000
/** A shorter gap counts as none: more than a thousand requests a second. */
const SHORTEST_GAP_MS = 1
const STEP_MS = 1_000
/** The longest pause between two probes of a receiver that can't be reached. */
export const LONGEST_PROBE_PAUSE_MS = 30_000
/** The first pause, as a fraction of the longest. */
const FIRST_PROBE_PART = 1 / 512

/** How a request ended. */
export type RequestEnd = {
  readonly isSuccess: boolean
  /** No connection was made, so no event can be at fault. */
  readonly neverConnected: boolean
  readonly nowMs: number
  /** Longest pause between probes of a receiver that can't be reached, in milliseconds. */
  readonly longestPauseMs: number
  /** From 0 (inclusive) to 1 (exclusive). Spreads the probes of many receivers. */
  readonly random: number
  /** Returns when the receiver can be probed, from `wantedMs` on. Default: then. */
  readonly takeTurn?: (wantedMs: number, latestMs: number) => number
}

/**
 * How fast a lane sends to its receiver (docs/decisions/0025-failing-receivers.md).
 *
 * well → unreachable (FAILURES_OF_AN_OUTAGE in a row, or the receiver wanted a pause) → recovering (a success) → well
 *
 * - The window is the number of requests in flight at the same time. It halves with each failure. With each success it
 *   grows by one, up to where it last failed; beyond that, by one per window's worth of successes.
 * - Recovering puts a gap between the starts of two requests, which halves each second while requests succeed.
 * - Probing (after CONNECT_FAILURES_UNTIL_PROBING in a row without a connection) puts a pause after each request, twice
 *   as long each time, and longer if many of the tenant's receivers can't be reached (`ProbeTurns`). Any response from
 *   the receiver ends it.
 *
 * Times are the store's, in milliseconds since 1970. Has no side effects apart from its own state.
 */
export class Recovery {
  readonly #maxWindow: number
  #window: number
  /** What the window was halved to at the last failure. */
  #threshold: number
  /** Successes at the current window, once it is past the threshold. */
  #successes = 0
  /** Failures in a row. */
  #failures = 0
  /** Failures in a row without a connection. */
  #connectFailures = 0
  /** Whether nothing has succeeded since the outage began. The next success starts the recovery. */
  #isUnreachable = false
  /** Gap between the starts of two requests, in milliseconds. 0: none. */
  #gapMs = 0
  /** When the gap was last changed. */
  #stepAtMs = 0
  #notBeforeMs = 0

  constructor(maxWindow: number) {
    this.#maxWindow = maxWindow
    this.#threshold = maxWindow
    this.#window = Math.min(FIRST_WINDOW, maxWindow)
  }

  get window(): number {
    return this.#window
  }

  /** When the next request can begin. */
  get notBeforeMs(): number {
    return this.#notBeforeMs
  }

  /** Whether requests are spaced by a gap, so that the next can begin before this one has ended. */
  get isSpaced(): boolean {
    return this.#gapMs > 0
  }

  /** Ends a pause. */
  endPause(): void {
    this.#notBeforeMs = 0
  }

  /** A request begins. The next one waits for the gap. */
  beginRequest(nowMs: number): void {
    if (this.#gapMs > 0) this.#notBeforeMs = Math.max(this.#notBeforeMs, nowMs) + this.#gapMs
  }

  /** A request has ended: adapts to what its result says about the receiver. */
  endRequest(end: RequestEnd): void {
    if (end.isSuccess) this.#succeed(end.nowMs)
    else this.#fail(end)
  }

  /** The receiver was failing before, was disabled, or wants a pause: the first success starts the recovery. */
  markUnreachable(): void {
    this.#isUnreachable = true
    this.#window = 1
    this.#threshold = 1
  }

  #succeed(nowMs: number): void {
    this.#failures = 0
    this.#connectFailures = 0
    this.#grow()
    if (this.#isUnreachable) {
      this.#isUnreachable = false
      this.#gapMs = FIRST_GAP_MS
      this.#stepAtMs = nowMs
      this.#notBeforeMs = nowMs + this.#gapMs
    } else if (this.#gapMs > 0 && nowMs - this.#stepAtMs >= STEP_MS) {
      this.#gapMs = this.#gapMs / 2 < SHORTEST_GAP_MS ? 0 : this.#gapMs / 2
      this.#stepAtMs = nowMs
    }
  }

  #grow(): void {
    if (this.#window < this.#threshold) this.#window++
    else if (++this.#successes >= this.#window) {
      this.#successes = 0
      this.#window++
    }
    this.#window = Math.min(this.#window, this.#maxWindow)
  }

  #fail({ neverConnected, nowMs, longestPauseMs, random, takeTurn }: RequestEnd): void {
    this.#failures++
    this.#connectFailures = neverConnected ? this.#connectFailures + 1 : 0
    this.#window = Math.max(1, this.#window >> 1)
    this.#threshold = this.#window
    this.#successes = 0
    if (this.#gapMs > 0) {
      this.#gapMs = Math.min(this.#gapMs * 2, LONGEST_GAP_MS)
      this.#stepAtMs = nowMs
    }
    if (this.#failures >= FAILURES_OF_AN_OUTAGE) {
      this.#isUnreachable = true
      this.#gapMs = 0
    }
    const doublings = this.#connectFailures - CONNECT_FAILURES_UNTIL_PROBING
    if (doublings < 0) return
    const pauseMs = Math.min(longestPauseMs, longestPauseMs * FIRST_PROBE_PART * 2 ** doublings)
    // Spread, so that a thousand receivers that failed together are not probed together from then on.
    const wantedMs = nowMs + pauseMs * (1 - random / 2)
    this.#notBeforeMs = takeTurn === undefined ? wantedMs : takeTurn(wantedMs, nowMs + longestPauseMs)
  }
}
