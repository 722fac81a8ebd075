/** The window that a lane starts with: enough to be quick, too few to hurt. */
const FIRST_WINDOW = 4
const FAILURES_OF_AN_OUTAGE = 8
const CONNECT_FAILURES_UNTIL_PROBING = 3
/** The first gap when recovering: 20 requests a second. */
const FIRST_GAP_MS = 50
const LONGEST_GAP_MS = 1_000
/** A shorter one is none: more than a thousand requests a second. */
const SHORTEST_GAP_MS = 1
const STEP_MS = 1_000
/** Of a receiver that can't be reached. */
export const LONGEST_PROBE_PAUSE_MS = 30_000
/** The first pause, as a part of the longest. */
const FIRST_PROBE_PART = 1 / 512

/** How a request ended. */
export type RequestEnd = {
  readonly isSuccess: boolean
  /** There was no connection, so it was no event's fault. */
  readonly neverConnected: boolean
  readonly nowMs: number
  /** Probes of a receiver that can't be reached wait no longer, milliseconds. */
  readonly longestPauseMs: number
  /** From 0 up to, but not, 1: spreads the probes of many. */
  readonly random: number
}

/**
 * How fast a lane goes at its receiver (docs/decisions/0025-failing-receivers.md).
 *
 * well → unreachable (FAILURES_OF_AN_OUTAGE in a row, or the receiver wanted a pause) → recovering (a success) → well
 *
 * - The window: requests at once. It shrinks to half at each failure, and grows by one with each success up to where it
 *   last failed, from there on by one a window's worth of successes.
 * - Recovering: a gap between the beginnings of two requests, half as long each second while answers are good.
 * - Probing (CONNECT_FAILURES_UNTIL_PROBING in a row without a connection): a pause after each request, twice as long
 *   each time. It ends with anything that is had from the receiver.
 *
 * Times are of the store, milliseconds since 1970. Pure but for what it remembers.
 */
export class Recovery {
  readonly #maxWindow: number
  #window: number
  /** Where the window last failed. */
  #threshold: number
  /** Successes at this window, beyond the threshold. */
  #successes = 0
  /** In a row. */
  #failures = 0
  /** In a row, without a connection. */
  #connectFailures = 0
  /** Nothing has got through since the outage began: the next success begins the recovery. */
  #isUnreachable = false
  /** Between the beginnings of two requests; 0: none. */
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

  /** When the next request may begin. */
  get notBeforeMs(): number {
    return this.#notBeforeMs
  }

  /** The next request may begin before this one has ended, after a gap. */
  get isSpaced(): boolean {
    return this.#gapMs > 0
  }

  /** Ends a pause. */
  endPause(): void {
    this.#notBeforeMs = 0
  }

  /** A request begins: the next waits for the gap. */
  beginRequest(nowMs: number): void {
    if (this.#gapMs > 0) this.#notBeforeMs = Math.max(this.#notBeforeMs, nowMs) + this.#gapMs
  }

  /** A request has ended: what it says of the receiver. */
  endRequest(end: RequestEnd): void {
    if (end.isSuccess) this.#succeed(end.nowMs)
    else this.#fail(end)
  }

  /** It failed before this lane was made, was disabled, or wants a pause: its first success begins the recovery. */
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

  #fail({ neverConnected, nowMs, longestPauseMs, random }: RequestEnd): void {
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
    // Spread, so that a thousand receivers that went away together are not asked together ever after.
    this.#notBeforeMs = nowMs + pauseMs * (1 - random / 2)
  }
}
