/** Which node sends for which endpoint, by the attempts that nodes log; and what has moved since the last look. */
export class Moves {
  readonly #nodeOf = new Map<string, string>()
  readonly #counts = new Map<string, number>()

  note(endpoint: string, node: string): void {
    const before = this.#nodeOf.get(endpoint)
    if (before === node) return
    this.#nodeOf.set(endpoint, node)
    if (before === undefined) return
    const move = `${node} node has taken over from ${before} node`
    this.#counts.set(move, (this.#counts.get(move) ?? 0) + 1)
  }

  countOf(node: string): number {
    return [...this.#nodeOf.values()].filter(name => name === node).length
  }

  /** A sentence for each pair of nodes. */
  take(): string[] {
    const lines = [...this.#counts].map(
      ([move, count]) => `${move} for ${count} ${count === 1 ? 'endpoint' : 'endpoints'}`,
    )
    this.#counts.clear()
    return lines
  }
}
