/** Counts attempts in flight or unsettled by partition. A partition is given up once it has none. */
export class InFlight {
  readonly #counts = new Map<number, number>()
  #waiting: (() => void)[] = []

  begin(partition: number): void {
    this.#counts.set(partition, (this.#counts.get(partition) ?? 0) + 1)
  }

  end(partition: number): void {
    const left = this.#counts.get(partition)! - 1
    if (left > 0) {
      this.#counts.set(partition, left)
      return
    }
    this.#counts.delete(partition)
    for (const resume of this.#waiting.splice(0)) resume()
  }

  /** Resolves when no partition has any. */
  async untilIdle(): Promise<void> {
    while (this.#counts.size > 0) await new Promise<void>(resolve => this.#waiting.push(resolve))
  }

  async untilNone(partition: number): Promise<void> {
    while (this.#counts.has(partition)) await new Promise<void>(resolve => this.#waiting.push(resolve))
  }
}
