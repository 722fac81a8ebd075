/** A budget that all lanes of a node share: payload bytes, or places for deliveries. */
export class Budget {
  readonly #max: number
  #used = 0

  constructor(max: number) {
    this.#max = max
  }

  get isLeft(): boolean {
    return this.#used < this.#max
  }

  /** Returns false, and reserves nothing, if less than that is left. */
  tryReserve(amount: number): boolean {
    if (this.#used + amount > this.#max) return false
    this.#used += amount
    return true
  }

  /** Reserves the amount even if less than that is left. */
  reserve(amount: number): void {
    this.#used += amount
  }

  release(amount: number): void {
    this.#used -= amount
  }
}
