/** Something that all lanes of a node share: bytes of payloads, or places for deliveries. */
export class Budget {
  readonly #max: number
  #used = 0

  constructor(max: number) {
    this.#max = max
  }

  get isLeft(): boolean {
    return this.#used < this.#max
  }

  /** False: there is not so much left, and nothing is reserved. */
  tryReserve(amount: number): boolean {
    if (this.#used + amount > this.#max) return false
    this.#used += amount
    return true
  }

  /** As `tryReserve`, also where that is more than there is. */
  reserve(amount: number): void {
    this.#used += amount
  }

  release(amount: number): void {
    this.#used -= amount
  }
}
