/** Room for a number of things at the same time. */
export class Slots {
  readonly #count: number
  #taken = 0
  readonly #waiting: (() => void)[] = []
  readonly #idle: (() => void)[] = []

  constructor(count: number) {
    this.#count = count
  }

  get taken(): number {
    return this.#taken
  }

  async take(): Promise<void> {
    if (this.#taken < this.#count) this.#taken++
    else await new Promise<void>(resolve => this.#waiting.push(resolve))
  }

  free(): void {
    const next = this.#waiting.shift()
    if (next === undefined) this.#taken--
    // The place is the next one's.
    else next()
    if (this.#taken === 0) for (const resolve of this.#idle.splice(0)) resolve()
  }

  /** Resolves when nothing is taken. */
  async idle(): Promise<void> {
    if (this.#taken > 0) await new Promise<void>(resolve => this.#idle.push(resolve))
  }
}
