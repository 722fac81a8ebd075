/** Queues of several parties. What is taken comes from each party in turn, and of one party in the order of arrival. */
export class Rotation<Item> {
  /** The party at the front is next. None of the queues is used up. */
  readonly #queues = new Map<string, Queue<Item>>()
  #size = 0

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

  /** Undefined if nothing waits. */
  take(): Item | undefined {
    for (const [party, queue] of this.#queues) {
      // To the end of the rotation, if it has more.
      this.#queues.delete(party)
      const item = first(queue)
      if (queue.at < queue.items.length) this.#queues.set(party, queue)
      this.#size--
      return item
    }
    return undefined
  }
}

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
