import type { DeliveryId } from '../../base/model.ts'
import type { LaneItem } from '../../store/operations/lanes/lanes.ts'
import type { Budget } from './budget.ts'
import { Waiting } from './waiting.ts'

/**
 * The deliveries that a lane holds: those that wait, in the order in which they are sent, and those in flight or being
 * settled, of which only the id is kept. Counts them, and their payloads, against what all lanes may hold together.
 *
 * A delivery is waiting → taken (in flight, then settling) → forgotten; or waiting → forgotten.
 */
export class HeldDeliveries {
  /** Deliveries held by all lanes. */
  readonly #items: Budget
  /** Bytes of payloads held by all lanes: beyond it, a payload is left in the store. */
  readonly #payloads: Budget
  /** Sorted by due time; of an ordered endpoint, in the order of its queue. What is urgent is first. */
  readonly #waiting = new Waiting()
  readonly #ids = new Set<DeliveryId>()
  readonly #urgent = new Set<DeliveryId>()

  constructor(items: Budget, payloads: Budget) {
    this.#items = items
    this.#payloads = payloads
  }

  get size(): number {
    return this.#ids.size
  }

  has(delivery: DeliveryId): boolean {
    return this.#ids.has(delivery)
  }

  /** Of those that wait, the one that is next. */
  get first(): LaneItem | undefined {
    return this.#waiting.first
  }

  /** Of those that wait, the one that is sent last. */
  get last(): LaneItem | undefined {
    return this.#waiting.last
  }

  /** Nothing is in flight or being settled. */
  get areAllWaiting(): boolean {
    return this.#ids.size === this.#waiting.length
  }

  /** What a person wants to go at once, and has not gone; held or not. */
  get urgent(): ReadonlySet<DeliveryId> {
    return this.#urgent
  }

  markUrgent(delivery: DeliveryId): void {
    this.#urgent.add(delivery)
  }

  unmarkUrgent(delivery: DeliveryId): void {
    this.#urgent.delete(delivery)
  }

  unmarkAllUrgent(): void {
    this.#urgent.clear()
  }

  /** @param isOrdered it goes behind all that wait, whenever it is due */
  hold(item: LaneItem, isOrdered: boolean): void {
    this.#ids.add(item.delivery)
    this.#items.reserve(1)
    if (item.payload !== null && !this.#payloads.tryReserve(item.payload.length)) item = { ...item, payload: null }
    const { dueAtMs } = item
    let at = this.#waiting.length
    if (this.#urgent.has(item.delivery) && !isOrdered) at = 0
    else while (!isOrdered && at > 0 && this.#isAfter(this.#waiting.at(at - 1), dueAtMs)) at--
    this.#waiting.insert(at, item)
  }

  #isAfter({ delivery, dueAtMs: ownMs }: LaneItem, dueAtMs: number): boolean {
    return ownMs > dueAtMs && !this.#urgent.has(delivery)
  }

  /** The first of those that wait, which waits no longer and is still held. Only if there is one. */
  takeFirst(): LaneItem {
    const item = this.#waiting.shift()
    this.#urgent.delete(item.delivery)
    this.#payloads.release(item.payload?.length ?? 0)
    return item
  }

  /** Gives up the last of those that wait. Only if there is one. */
  dropLast(): LaneItem {
    const item = this.#waiting.pop()
    this.forget(item.delivery)
    this.#payloads.release(item.payload?.length ?? 0)
    return item
  }

  /** Gives up one that waits, wherever it is. False: it doesn't wait. */
  dropWaiting(delivery: DeliveryId): boolean {
    const at = this.#waiting.indexOf(delivery)
    if (at < 0) return false
    this.#payloads.release(this.#waiting.remove(at).payload?.length ?? 0)
    this.forget(delivery)
    return true
  }

  /** Gives up all that wait. */
  dropAllWaiting(): void {
    for (const { delivery, payload } of this.#waiting) {
      this.forget(delivery)
      this.#payloads.release(payload?.length ?? 0)
    }
    this.#waiting.clear()
  }

  /** One that was taken has ended, or is the store's again. */
  forget(delivery: DeliveryId): void {
    if (this.#ids.delete(delivery)) this.#items.release(1)
  }

  /** How many are held that are not waiting for a later time. */
  countDue(nowMs: number): number {
    let due = 0
    for (let end = this.#waiting.length; due < end; ) {
      const middle = (due + end) >> 1
      if (this.#waiting.at(middle).dueAtMs <= nowMs) due = middle + 1
      else end = middle
    }
    return this.#ids.size - (this.#waiting.length - due)
  }
}
