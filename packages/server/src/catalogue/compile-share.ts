import type { Clock } from '../base/clock.ts'

/** Compiling has this share of the main thread's time, and may have used this many milliseconds more. */
const SHARE = 0.1
const BURST_MS = 20
/** A pause of the whole process must not keep schemas from being compiled for long. */
const MAX_OWED_MS = 500
/** Larger schemas, as JSON text, are never compiled on the main thread: each kilobyte can take 15 ms. */
const MAX_CHARACTERS = 8_192

/**
 * What of the main thread's time goes to compiling schemas. Their first use compiles them, and one request can use
 * hundreds: what finds no time here is checked in a thread (publish/checking/), until a later use finds some.
 */
export class CompileShare {
  readonly #clock: Clock
  #owedMs = 0
  #atMs: number

  constructor(clock: Clock) {
    this.#clock = clock
    this.#atMs = clock.monotonicMs()
  }

  /** Does the work now and returns true, unless its schema is too large, or the share is used up. */
  tryNow(schema: string, work: () => void): boolean {
    if (schema.length > MAX_CHARACTERS) return false
    const begunAtMs = this.#clock.monotonicMs()
    this.#owedMs = Math.max(0, this.#owedMs - SHARE * (begunAtMs - this.#atMs))
    this.#atMs = begunAtMs
    if (this.#owedMs >= BURST_MS) return false
    try {
      work()
    } finally {
      this.#owedMs = Math.min(MAX_OWED_MS, this.#owedMs + this.#clock.monotonicMs() - begunAtMs)
    }
    return true
  }
}
