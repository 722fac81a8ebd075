import type { DeliveryId } from '../../base/model.ts'
import type { SharedBudget } from '../../base/shared-budget.ts'
import type { Store } from '../../store/store.ts'
import type { Lane } from './lane.ts'

/** Payloads larger than this are left in the store until dispatch. */
const MAX_PAYLOAD_WITH_LANE_BYTES = 16_384
/** How soon to read an ordered endpoint's queue again while its held deliveries are being released. */
const RELEASE_PAUSE_MS = 1_000

export type LaneReaderListener = {
  /** A read has ended: the lane might have something to do. */
  done(lane: Lane): void
  /** The store could not be read. Call `retry` later. */
  failed(error: unknown, retry: () => void): void
}

/** Reads deliveries for lanes: the next ones in the store, and those that someone wants sent immediately. */
export class LaneReader {
  readonly #store: Store
  readonly #payloads: SharedBudget
  readonly #listener: LaneReaderListener

  /** @param payloads payload bytes that lanes can hold; when they are used up, payloads are read at dispatch */
  constructor(store: Store, payloads: SharedBudget, listener: LaneReaderListener) {
    this.#store = store
    this.#payloads = payloads
    this.#listener = listener
  }

  async read(lane: Lane): Promise<void> {
    const read = lane.beginRead(this.#store.now())
    const { partition, endpoint, isOrdered, isNumbered } = lane
    try {
      const maxPayloadBytes = this.#payloads.isLeft(lane.tenant) ? MAX_PAYLOAD_WITH_LANE_BYTES : 0
      const query = { partition, endpoint, limit: read.limit, maxPayloadBytes }
      if (isOrdered) {
        const { items, isHeldUp, ...found } = await this.#store.readOrderedLane({ ...query, isNumbered })
        const againMs = isHeldUp ? this.#store.now() + RELEASE_PAUSE_MS : Number.POSITIVE_INFINITY
        lane.completeRead(read, items, { ...found, againMs })
      } else lane.completeRead(read, await this.#store.readLane(query))
      this.#listener.done(lane)
    } catch (error) {
      lane.abandonRead(read)
      this.#listener.failed(error, () => this.#listener.done(lane))
    }
  }

  /** Reads a delivery that was marked urgent, wherever it is in the queue, and hands it to the lane. */
  async readUrgent(lane: Lane, delivery: DeliveryId): Promise<void> {
    const { tenant, endpoint, partition } = lane
    try {
      const found = await this.#store.read('readPending', { tenant, delivery })
      lane.offerUrgent(delivery, found && { ...found, endpoint, partition, payload: null })
      this.#listener.done(lane)
    } catch (error) {
      this.#listener.failed(error, () => void this.readUrgent(lane, delivery))
    }
  }
}
