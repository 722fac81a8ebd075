/**
 * Queues of several parties that share something by what they use of it. What is taken comes from the party that has
 * used least, or from each in turn if nothing is charged, and of one party in the order of arrival.
 *
 * A party that has been away begins where the others are: it gains nothing by that, and a queue that runs empty after
 * each item doesn't make forgotten what the party has used (start-time fair queueing).
 */
export class Rotation<Item> {
  /** Of parties that have used equally much, the one at the front is next. None of the queues is used up. */
  readonly #queues = new Map<string, Queue<Item>>()
  /** What parties have used, if that is more than `#floor`. */
  readonly #used = new Map<string, number>()
  /** What the party had used that was last in turn. */
  #floor = 0
  #size = 0
  #tidyAt = TIDY

  /** The number of waiting items. */
  get size(): number {
    return this.#size
  }

  add(party: string, item: Item): void {
    const queue = this.#queues.get(party)
    if (queue === undefined) this.#queues.set(party, { items: [item], at: 0 })
    else queue.items.push(item)
    this.#size++
  }

  /** Puts an item before the others of its party, most likely one that was just taken. */
  putBack(party: string, item: Item): void {
    const queue = this.#queues.get(party)
    if (queue === undefined) this.#queues.set(party, { items: [item], at: 0 })
    else if (queue.at > 0) queue.items[--queue.at] = item
    else queue.items.unshift(item)
    this.#size++
  }

  /** Counts what a party has used, in any unit. */
  charge(party: string, amount: number): void {
    this.#used.set(party, this.#usedBy(party) + amount)
    if (this.#used.size < this.#tidyAt) return
    for (const [each, used] of this.#used) if (used <= this.#floor) this.#used.delete(each)
    this.#tidyAt = Math.max(TIDY, 2 * this.#used.size)
  }

  /** Undefined if nothing waits. */
  take(): Item | undefined {
    let next: string | undefined
    let least = Number.POSITIVE_INFINITY
    for (const party of this.#queues.keys()) {
      const used = this.#usedBy(party)
      if (used >= least) continue
      next = party
      least = used
      // Nobody can have used less.
      if (used === this.#floor) break
    }
    if (next === undefined) return undefined
    const queue = this.#queues.get(next)!
    // To the end of the rotation, if it has more.
    this.#queues.delete(next)
    const item = first(queue)
    if (queue.at < queue.items.length) this.#queues.set(next, queue)
    this.#size--
    this.#floor = least
    return item
  }

  #usedBy(party: string): number {
    return Math.max(this.#floor, this.#used.get(party) ?? 0)
  }
}

/** With this many parties remembered, those that have used no more than a new one are forgotten. */
const TIDY = 1_000

/** Items before `at` were taken: an array that is taken from its front costs more the longer it is. */
type Queue<Item> = { readonly items: Item[]; at: number }

/** Taken items that a queue forgets together. */
const FORGOTTEN = 1_024

function first<Item>(queue: Queue<Item>): Item {
  const item = queue.items[queue.at++]!
  if (queue.at === FORGOTTEN) {
    queue.items.splice(0, FORGOTTEN)
    queue.at = 0
  }
  return item
}
