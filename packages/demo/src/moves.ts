/** Tracks which node sends for which endpoint, from the attempts in the nodes' logs, and which endpoints have moved. */
export class Moves {
  readonly #nodeOf = new Map<string, string>()
  readonly #counts = new Map<string, number>()

  note(endpoint: string, node: string): void {
    const before = this.#nodeOf.get(endpoint)
    if (before === node) return
    this.#nodeOf.set(endpoint, node)
    if (before === undefined) return
    const move = `The ${node} node has taken over from the ${before} node`
    this.#counts.set(move, (this.#counts.get(move) ?? 0) + 1)
  }

  countOf(node: string): number {
    return [...this.#nodeOf.values()].filter(name => name === node).length
  }

  /** Returns a sentence for each pair of nodes between which endpoints have moved since the last call. */
  take(): string[] {
    const lines = [...this.#counts].map(
      ([move, count]) => `${move} for ${count} ${count === 1 ? 'endpoint' : 'endpoints'}.`,
    )
    this.#counts.clear()
    return lines
  }
}
