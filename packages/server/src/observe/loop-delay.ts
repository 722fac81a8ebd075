import type { Clock, Timer } from '../base/clock.ts'
import type { NodeLoad } from '../store/operations/nodes.ts'

/** How often the event loop's delay is measured. */
const PAUSE_MS = 100
/** How many measurements are kept: those of a minute, if none is late. */
const KEPT = 600

/** Measures how late timers fire, ten times a second, and keeps the measurements of the last minute. */
export class LoopDelay {
  readonly #clock: Clock
  readonly #onMeasured: (delayMs: number) => void
  /** The latest measurements, in milliseconds. Once it is full, the oldest is at `#at`. */
  readonly #measured: number[] = []
  #at = 0
  #timer: Timer | undefined

  constructor(clock: Clock, onMeasured: (delayMs: number) => void) {
    this.#clock = clock
    this.#onMeasured = onMeasured
  }

  start(): void {
    const begunAtMs = this.#clock.monotonicMs()
    this.#timer = this.#clock.after(PAUSE_MS, () => {
      const delayMs = Math.max(0, this.#clock.monotonicMs() - begunAtMs - PAUSE_MS)
      this.#measured[this.#at] = delayMs
      this.#at = (this.#at + 1) % KEPT
      this.#onMeasured(delayMs)
      this.start()
    })
  }

  stop(): void {
    this.#timer?.cancel()
  }

  /** Of the last minute, rounded to tenths. All zero before the first measurement. */
  summary(): NodeLoad['eventLoopDelay'] {
    const sorted = this.#measured.toSorted((a, b) => a - b)
    const sum = sorted.reduce((all, each) => all + each, 0)
    const at = (share: number) => sorted[Math.min(Math.floor(share * sorted.length), sorted.length - 1)] ?? 0
    return { meanMs: tenths(sum / Math.max(sorted.length, 1)), p99Ms: tenths(at(0.99)), maxMs: tenths(at(1)) }
  }
}

const tenths = (ms: number): number => Math.round(ms * 10) / 10
