/**
 * How fast a lane goes at its receiver (docs/decisions/0025-failing-receivers.md).
 *
 * well → out (OUTAGE_FAILURES in a row, or the receiver wanted a pause) → recovering (a success) → well
 *
 * - The window: requests at once. It shrinks to half at each failure, and grows by one with each success up to where it
 *   last failed, from there on by one a window's worth of successes.
 * - Recovering: a gap between the beginnings of two requests, half as long each second while answers are good.
 * - Out of reach (UNREACHABLE_FAILURES in a row without a connection): a pause after each request, twice as long each
 *   time. It ends with anything that is had from the receiver.
 *
 * Times are of the store, milliseconds since 1970. Pure but for what it remembers.
 */

/** The window that a lane starts with: enough to be quick, too few to hurt. */
const FIRST_WINDOW = 4
const OUTAGE_FAILURES = 8
const UNREACHABLE_FAILURES = 3
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
export type Landing = {
  readonly isSuccess: boolean
  /** There was no connection, so it was no event's fault. */
  readonly isUnreachable: boolean
  readonly nowMs: number
  /** Probes of a receiver that can't be reached wait no longer, milliseconds. */
  readonly longestPauseMs: number
  /** From 0 up to, but not, 1: spreads the probes of many. */
  readonly random: number
}

export class Recovery {
  readonly #maxWindow: number
  #window: number
  /** Where the window last failed. */
  #threshold: number
  /** Successes at this window, beyond the threshold. */
  #successes = 0
  #failures = 0
  #unreachable = 0
  #isOut = false
  /** 0: none. */
  #gapMs = 0
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

  begin(nowMs: number): void {
    if (this.#gapMs > 0) this.#notBeforeMs = Math.max(this.#notBeforeMs, nowMs) + this.#gapMs
  }

  land(landing: Landing): void {
    if (landing.isSuccess) this.#succeed(landing.nowMs)
    else this.#fail(landing)
  }

  /** It failed before this lane was made, was disabled, or wants a pause: its first success begins the recovery. */
  markUnreachable(): void {
    this.#isOut = true
    this.#window = 1
    this.#threshold = 1
  }

  #succeed(nowMs: number): void {
    this.#failures = 0
    this.#unreachable = 0
    this.#grow()
    if (this.#isOut) {
      this.#isOut = false
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

  #fail({ isUnreachable, nowMs, longestPauseMs, random }: Landing): void {
    this.#failures++
    this.#unreachable = isUnreachable ? this.#unreachable + 1 : 0
    this.#window = Math.max(1, this.#window >> 1)
    this.#threshold = this.#window
    this.#successes = 0
    if (this.#gapMs > 0) {
      this.#gapMs = Math.min(this.#gapMs * 2, LONGEST_GAP_MS)
      this.#stepAtMs = nowMs
    }
    if (this.#failures >= OUTAGE_FAILURES) {
      this.#isOut = true
      this.#gapMs = 0
    }
    const doublings = this.#unreachable - UNREACHABLE_FAILURES
    if (doublings < 0) return
    const pauseMs = Math.min(longestPauseMs, longestPauseMs * FIRST_PROBE_PART * 2 ** doublings)
    // Spread, so that a thousand receivers that went away together are not asked together ever after.
    this.#notBeforeMs = nowMs + pauseMs * (1 - random / 2)
  }
}
