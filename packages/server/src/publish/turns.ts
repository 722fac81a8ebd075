import type { Clock } from '../base/clock.ts'
import type { TenantId } from '../base/model.ts'

/** Work in one go on what can be divided finely, in milliseconds: others wait for about as long. */
export const TURN_MS = 1
/** Pause after a turn, for each millisecond of it: three quarters of the time are left to others. */
const PAUSE_SHARE = 3

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

  /**
   * Pauses if the turn has lasted this long.
   *
   * @param pauseMs how long, in milliseconds. Default: three times as long as the turn
   */
  async pauseAfter(ms: number, pauseMs?: number): Promise<void> {
    const turnMs = this.#turnMs
    if (turnMs < ms) return
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#clock.after(pauseMs ?? PAUSE_SHARE * turnMs, resolve)
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

/** Turns that many take one after the other: together they work no more than one of them would alone. */
export class SharedTurns {
  readonly #clock: Clock
  /** Those who wait, by tenant. Each tenant gets a turn before one gets another. */
  readonly #waiting = new Map<TenantId, (() => void)[]>()
  #isTaken = false
  #unpausedMs = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Works for a tenant when no one else does, and the pause after the last turn is over. */
  async take<Result>(tenant: TenantId, work: () => Result): Promise<Result> {
    if (this.#isTaken) await this.#wait(tenant)
    this.#isTaken = true
    const begunAtMs = this.#clock.monotonicMs()
    try {
      return work()
    } finally {
      this.#unpausedMs += this.#clock.monotonicMs() - begunAtMs
      if (this.#unpausedMs < TURN_MS) this.#next()
      else {
        this.#clock.after(PAUSE_SHARE * this.#unpausedMs, () => this.#next())
        this.#unpausedMs = 0
      }
    }
  }

  /** Works on in further turns until there is a result. */
  async run<Result>(tenant: TenantId, work: () => Result | undefined): Promise<Result> {
    for (;;) {
      const result = await this.take(tenant, work)
      if (result !== undefined) return result
    }
  }

  #wait(tenant: TenantId): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const queue = this.#waiting.get(tenant)
    if (queue === undefined) this.#waiting.set(tenant, [resolve])
    else queue.push(resolve)
    return promise
  }

  #next(): void {
    const [first] = this.#waiting
    if (first === undefined) {
      this.#isTaken = false
      return
    }
    const [tenant, queue] = first
    const resume = queue.shift()!
    this.#waiting.delete(tenant)
    if (queue.length > 0) this.#waiting.set(tenant, queue)
    resume()
  }
}
