import type { Clock } from '../base/clock.ts'

/** Work in one go on what can be divided finely, in milliseconds: others wait for about as long. */
export const TURN_MS = 1
/** Pause after a turn, in milliseconds: with short turns, half of the time is left to others. */
const PAUSE_MS = 1

/** Divides long work on the main thread into turns, with pauses for everything else that the process does. */
export class Turns {
  readonly #clock: Clock
  #begunAtMs: number
  #workedMs = 0

  constructor(clock: Clock) {
    this.#clock = clock
    this.#begunAtMs = clock.monotonicMs()
  }

  /** Time worked so far, without pauses, in milliseconds. */
  get workedMs(): number {
    return this.#workedMs + this.#turnMs
  }

  get #turnMs(): number {
    return this.#clock.monotonicMs() - this.#begunAtMs
  }

  /** Pauses if the turn has lasted this long. */
  async pauseAfter(ms: number): Promise<void> {
    if (this.#turnMs < ms) return
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#clock.after(PAUSE_MS, resolve)
    await this.waitFor(promise)
  }

  /** Ends the turn, waits for something else, and begins the next. */
  async waitFor<Result>(other: Promise<Result>): Promise<Result> {
    this.#workedMs = this.workedMs
    try {
      return await other
    } finally {
      this.#begunAtMs = this.#clock.monotonicMs()
    }
  }
}
