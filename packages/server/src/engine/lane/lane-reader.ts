import type { DeliveryId, TenantId } from '../../base/model.ts'
import type { SharedBudget } from '../../base/shared-budget.ts'
import type { Store } from '../../store/store.ts'
import type { Lane } from './lane.ts'

/** Payloads larger than this are left in the store until dispatch. */
const MAX_PAYLOAD_WITH_LANE_BYTES = 16_384
/** How many reads are under way at the same time. Further lanes wait for their turn. */
const MAX_READS = 4
/** How soon to read an ordered endpoint's queue again while its held deliveries are being released. */
const RELEASE_PAUSE_MS = 1_000

export type LaneReaderListener = {
  /** A read has ended: the lane might have something to do. */
  done(lane: Lane): void
  /** The store could not be read. Call `retry` later. */
  failed(error: unknown, retry: () => void): void
}

/**
 * Reads deliveries for lanes: the next ones in the store, and those that someone wants sent immediately. A few lanes read
 * at a time, and tenants take turns: otherwise two thousand lanes of one tenant would hold up every other read, and their
 * rows would fill the memory.
 */
export class LaneReader {
  readonly #store: Store
  readonly #payloads: SharedBudget
  readonly #listener: LaneReaderListener
  #reading = 0
  /** Lanes that wait for a read, by tenant, in the order of their turns. */
  readonly #waiting = new Map<TenantId, Set<Lane>>()

  /** @param payloads payload bytes that lanes can hold; when they are used up, payloads are read at dispatch */
  constructor(store: Store, payloads: SharedBudget, listener: LaneReaderListener) {
    this.#store = store
    this.#payloads = payloads
    this.#listener = listener
  }

  /** Reads for a lane, or has it considered again when it is its turn. */
  async read(lane: Lane): Promise<void> {
    if (this.#reading >= MAX_READS) {
      this.#wait(lane)
      return
    }
    this.#reading++
    await this.#read(lane)
    this.#reading--
    // Each of them can have lost its reason to read, and then leaves its turn to the next.
    for (let next = this.#next(); next !== undefined; next = this.#next()) this.#listener.done(next)
  }

  #wait(lane: Lane): void {
    const lanes = this.#waiting.get(lane.tenant)
    if (lanes === undefined) this.#waiting.set(lane.tenant, new Set([lane]))
    else lanes.add(lane)
  }

  /** Takes the lane whose turn it is. Undefined if none is waiting, or too many reads are under way. */
  #next(): Lane | undefined {
    if (this.#reading >= MAX_READS) return undefined
    for (const [tenant, lanes] of this.#waiting) {
      const [lane] = lanes
      lanes.delete(lane!)
      this.#waiting.delete(tenant)
      if (lanes.size > 0) this.#waiting.set(tenant, lanes)
      return lane
    }
    return undefined
  }

  async #read(lane: Lane): Promise<void> {
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
