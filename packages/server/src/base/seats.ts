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

/**
 * Lets a number of works run at the same time. The others wait: each party's in the order in which they came, and the
 * parties in rotation, so that thousands of works of one party delay those of another by a few.
 */
export class Seats {
  readonly #options: SeatsOptions
  #free: number
  /** By party. The party at the front is next. */
  readonly #waiting = new Map<string, Set<Waiting>>()

  constructor(options: SeatsOptions) {
    this.#options = options
    this.#free = options.count
  }

  /**
   * Throws NoSeat, and what the work throws.
   *
   * @param party who the work is for. Default: all works without one are of the same party
   */
  async run<Result>(work: () => Promise<Result>, party = ''): Promise<Result> {
    if (this.#free > 0) this.#free--
    else await this.#seat(party)
    const begunAtMs = this.#options.clock.monotonicMs()
    try {
      return await work()
    } finally {
      this.#leave(begunAtMs)
    }
  }

  #seat(party: string): Promise<void> {
    const { clock, patienceMs } = this.#options
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const ofParty = this.#waiting.get(party) ?? new Set()
    this.#waiting.set(party, ofParty)
    const timer = clock.after(patienceMs, () => {
      ofParty.delete(waiting)
      if (ofParty.size === 0 && this.#waiting.get(party) === ofParty) this.#waiting.delete(party)
      reject(new NoSeat('Waited too long for others to finish'))
    })
    const waiting = { resolve, timer }
    ofParty.add(waiting)
    return promise
  }

  #leave(begunAtMs: number): void {
    const { clock, longMs = Number.POSITIVE_INFINITY } = this.#options
    const tookMs = clock.monotonicMs() - begunAtMs
    if (tookMs <= longMs) this.#next()
    else clock.after(Math.min(tookMs, LONGEST_PAUSE_MS), () => this.#next())
  }

  #next(): void {
    const [front] = this.#waiting
    if (front === undefined) {
      this.#free++
      return
    }
    const [party, ofParty] = front
    const [next] = ofParty
    ofParty.delete(next!)
    this.#waiting.delete(party)
    // To the end of the rotation, if it has more.
    if (ofParty.size > 0) this.#waiting.set(party, ofParty)
    next!.timer.cancel()
    next!.resolve()
  }
}
