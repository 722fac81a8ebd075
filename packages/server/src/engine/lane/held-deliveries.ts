import type { DeliveryId } from '../../base/model.ts'
import type { Room } from '../../base/shared-budget.ts'
import type { LaneItem } from '../../store/operations/lanes/lanes.ts'
import { Waiting } from './waiting.ts'

/**
 * The deliveries that a lane holds: those waiting, in the order in which they are sent, and those in flight or being
 * settled, for which only the id is kept. Counts them and their payloads towards the budgets that all lanes share.
 *
 * A delivery is waiting → taken (in flight, then settling) → forgotten; or waiting → forgotten.
 */
export class HeldDeliveries {
  /** Places for deliveries, shared by all lanes. */
  readonly #items: Room
  /** Payload bytes, shared by all lanes. When they are used up, payloads are left in the store. */
  readonly #payloads: Room
  /** Sorted by due time, or for an ordered endpoint in the order of its queue. Urgent deliveries come first. */
  readonly #waiting = new Waiting()
  readonly #ids = new Set<DeliveryId>()
  readonly #urgent = new Set<DeliveryId>()

  constructor(items: Room, payloads: Room) {
    this.#items = items
    this.#payloads = payloads
  }

  get size(): number {
    return this.#ids.size
  }

  has(delivery: DeliveryId): boolean {
    return this.#ids.has(delivery)
  }

  /** The waiting delivery that is sent next. */
  get first(): LaneItem | undefined {
    return this.#waiting.first
  }

  /** The waiting delivery that is sent last. */
  get last(): LaneItem | undefined {
    return this.#waiting.last
  }

  /** Whether nothing is in flight or being settled. */
  get areAllWaiting(): boolean {
    return this.#ids.size === this.#waiting.length
  }

  /** Deliveries that someone wants sent immediately and that have not been sent yet, whether they are held or not. */
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

  /** @param isOrdered puts the delivery behind all waiting ones, whenever it is due */
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

  /** Takes the first waiting delivery, which stays held. Call it only if one is waiting. */
  takeFirst(): LaneItem {
    const item = this.#waiting.shift()
    this.#urgent.delete(item.delivery)
    this.#payloads.release(item.payload?.length ?? 0)
    return item
  }

  /** Drops the last waiting delivery. Call it only if one is waiting. */
  dropLast(): LaneItem {
    const item = this.#waiting.pop()
    this.forget(item.delivery)
    this.#payloads.release(item.payload?.length ?? 0)
    return item
  }

  /** Drops a waiting delivery, wherever it is in the order. Returns false if it isn't waiting. */
  dropWaiting(delivery: DeliveryId): boolean {
    const at = this.#waiting.indexOf(delivery)
    if (at < 0) return false
    this.#payloads.release(this.#waiting.remove(at).payload?.length ?? 0)
    this.forget(delivery)
    return true
  }

  /** Drops all waiting deliveries. */
  dropAllWaiting(): void {
    for (const { delivery, payload } of this.#waiting) {
      this.forget(delivery)
      this.#payloads.release(payload?.length ?? 0)
    }
    this.#waiting.clear()
  }

  /** Forgets a delivery that was taken and has ended, or was left to the store. */
  forget(delivery: DeliveryId): void {
    if (this.#ids.delete(delivery)) this.#items.release(1)
  }

  /** How many deliveries are held, without those that wait for a later time. */
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
