import type { Clock, Timer } from './clock.ts'

export type SeatsOptions = {
  readonly clock: Clock
  readonly count: number
  /** How long a work waits for a seat. */
  readonly patienceMs: number
  /** A work that takes longer is followed by a pause as long as itself, up to a second. Default: no pauses. */
  readonly longMs?: number
}

/** A work has waited too long for a seat. */
export class NoSeat extends Error {}

type Waiting = { readonly resolve: () => void; readonly timer: Timer }

const LONGEST_PAUSE_MS = 1_000

/** Lets a number of works run at the same time. The others wait in the order in which they came. */
export class Seats {
  readonly #options: SeatsOptions
  #free: number
  readonly #waiting = new Set<Waiting>()

  constructor(options: SeatsOptions) {
    this.#options = options
    this.#free = options.count
  }

  /** Throws NoSeat, and what the work throws. */
  async run<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.#free > 0) this.#free--
    else await this.#seat()
    const begunAtMs = this.#options.clock.monotonicMs()
    try {
      return await work()
    } finally {
      this.#leave(begunAtMs)
    }
  }

  #seat(): Promise<void> {
    const { clock, patienceMs } = this.#options
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const timer = clock.after(patienceMs, () => {
      this.#waiting.delete(waiting)
      reject(new NoSeat('Waited too long for others to finish'))
    })
    const waiting = { resolve, timer }
    this.#waiting.add(waiting)
    return promise
  }

  #leave(begunAtMs: number): void {
    const { clock, longMs = Number.POSITIVE_INFINITY } = this.#options
    const tookMs = clock.monotonicMs() - begunAtMs
    if (tookMs <= longMs) this.#next()
    else clock.after(Math.min(tookMs, LONGEST_PAUSE_MS), () => this.#next())
  }

  #next(): void {
    const [next] = this.#waiting
    if (next === undefined) {
      this.#free++
      return
    }
    this.#waiting.delete(next)
    next.timer.cancel()
    next.resolve()
  }
}
