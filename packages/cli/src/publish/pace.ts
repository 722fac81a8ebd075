import type { Clock } from '../terminal/terminal.ts'

/** What could not be done in time, because the server was slow, is made up for: as much as in this time, not more. */
const CATCH_UP_MS = 1_000

/** Keeps a rate. Times are planned from the beginning, so that a timer that is late changes nothing in the end. */
export class Pace {
  readonly #everyMs: number
  readonly #clock: Clock
  #nextAtMs: number

  constructor(perSecond: number, clock: Clock) {
    this.#everyMs = 1_000 / perSecond
    this.#clock = clock
    this.#nextAtMs = clock.monotonicMs()
  }

  /**
   * Takes the next place. Undefined if it is now.
   *
   * @param signal ends the wait early
   */
  take(signal: AbortSignal): Promise<void> | undefined {
    const nowMs = this.#clock.monotonicMs()
    const atMs = Math.max(this.#nextAtMs, nowMs - CATCH_UP_MS)
    this.#nextAtMs = atMs + this.#everyMs
    if (atMs <= nowMs || signal.aborted) return undefined
    return new Promise(resolve => {
      const end = () => {
        timer.cancel()
        signal.removeEventListener('abort', end)
        resolve()
      }
      const timer = this.#clock.after(atMs - nowMs, end)
      signal.addEventListener('abort', end)
    })
  }
}
