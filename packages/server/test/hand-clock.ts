import type { Clock } from '../src/base/clock.ts'

/** A clock that a test advances manually. */
export class HandClock implements Clock {
  #nowMs = 1_000_000
  #timers = new Map<() => void, number>()

  now = (): number => this.#nowMs
  monotonicMs = (): number => this.#nowMs

  after = (delayMs: number, fire: () => void) => {
    this.#timers.set(fire, this.#nowMs + delayMs)
    return { cancel: () => void this.#timers.delete(fire) }
  }

  /** The time until each pending timer fires, in milliseconds. */
  get waits(): number[] {
    return [...this.#timers.values()].map(atMs => atMs - this.#nowMs)
  }

  turn(byMs: number): void {
    this.#nowMs += byMs
    for (const [fire, atMs] of [...this.#timers]) {
      // One that fired can have cancelled another one.
      if (atMs > this.#nowMs || !this.#timers.has(fire)) continue
      this.#timers.delete(fire)
      fire()
    }
  }
}
