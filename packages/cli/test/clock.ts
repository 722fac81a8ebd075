/** A clock that stands still until the test moves it. */
export class HandClock {
  #nowMs = 0
  readonly #timers: { readonly atMs: number; readonly fire: () => void }[] = []

  now(): number {
    return Date.UTC(2026, 10, 30) + this.#nowMs
  }

  monotonicMs(): number {
    return this.#nowMs
  }

  after(delayMs: number, fire: () => void): { cancel(): void } {
    const timer = { atMs: this.#nowMs + delayMs, fire }
    this.#timers.push(timer)
    return {
      cancel: () => {
        const at = this.#timers.indexOf(timer)
        if (at >= 0) this.#timers.splice(at, 1)
      },
    }
  }

  /** Moves on, and fires timers at their times. */
  advance(ms: number): void {
    const end = this.#nowMs + ms
    for (;;) {
      const next = this.#timers.filter(({ atMs }) => atMs <= end).sort((a, b) => a.atMs - b.atMs)[0]
      if (next === undefined) break
      this.#timers.splice(this.#timers.indexOf(next), 1)
      this.#nowMs = next.atMs
      next.fire()
    }
    this.#nowMs = end
  }

  get timers(): number {
    return this.#timers.length
  }
}
