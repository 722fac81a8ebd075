import type { LaneItem } from '../../store/operations/lanes/lanes.ts'

/** How many freed places can collect at the beginning before the rest is moved there. */
const MAX_FREE_PLACES = 1_024

/**
 * The deliveries waiting in a lane, in order. An array whose beginning moves: shifting a plain array of tens of
 * thousands moves all the others, which costs more than the delivery itself.
 */
export class Waiting implements Iterable<LaneItem> {
  #items: (LaneItem | undefined)[] = []
  #begin = 0

  get length(): number {
    return this.#items.length - this.#begin
  }

  get first(): LaneItem | undefined {
    return this.#items[this.#begin]
  }

  get last(): LaneItem | undefined {
    return this.length === 0 ? undefined : this.#items.at(-1)
  }

  /** @param index from 0 (inclusive) to `length` (exclusive) */
  at(index: number): LaneItem {
    return this.#items[this.#begin + index]!
  }

  /** Removes the first. Call it only if there is one. */
  shift(): LaneItem {
    const item = this.#items[this.#begin]!
    this.#items[this.#begin++] = undefined
    // At most half of the items are moved each time, so each item is moved about once overall.
    if (this.#begin > MAX_FREE_PLACES && this.#begin * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#begin)
      this.#begin = 0
    }
    return item
  }

  /** Removes the last. Call it only if there is one. */
  pop(): LaneItem {
    return this.#items.pop()!
  }

  /** Inserts before the item at that index; at `length`, behind the last. */
  insert(index: number, item: LaneItem): void {
    if (index === this.length) this.#items.push(item)
    else this.#items.splice(this.#begin + index, 0, item)
  }

  /** Removes the item at that index. */
  remove(index: number): LaneItem {
    return this.#items.splice(this.#begin + index, 1)[0]!
  }

  indexOf(delivery: string): number {
    const at = this.#items.findIndex(item => item?.delivery === delivery)
    return at < 0 ? at : at - this.#begin
  }

  clear(): void {
    this.#items = []
    this.#begin = 0
  }

  *[Symbol.iterator](): Generator<LaneItem> {
    for (let at = this.#begin; at < this.#items.length; at++) yield this.#items[at]!
  }
}
