/** Packs what a lane reads, on its way from the embedded store's thread. */
import { Buffer } from 'node:buffer'
import { codec, joined, splitter } from '../../packing.ts'
import type { LaneItem, OrderedLane } from './lanes.ts'

type PackedLane = {
  /** What all items share; null if there are none. */
  readonly of: Pick<LaneItem, 'tenant' | 'endpoint' | 'partition'> | null
  readonly delivery: readonly string[]
  readonly event: readonly string[]
  readonly type: readonly string[]
  readonly traceparent: readonly (string | null)[]
  /**
   * NUMBERS_A_LANE_ITEM for each delivery: due time, attempts, whether it is a test, the payload's length (NO_PAYLOAD:
   * left in the store), whether it repeats another.
   */
  readonly numbers: Float64Array
  readonly payloads: Uint8Array
}

const NO_PAYLOAD = -1

const NUMBERS_A_LANE_ITEM = 5

function packLane(items: readonly LaneItem[]): PackedLane {
  const numbers = new Float64Array(items.length * NUMBERS_A_LANE_ITEM)
  const payloads: Uint8Array[] = []
  let at = 0
  for (const { dueAtMs, attempts, test, payload, replay } of items) {
    numbers[at++] = dueAtMs
    numbers[at++] = attempts
    numbers[at++] = test ? 1 : 0
    numbers[at++] = payload === null ? NO_PAYLOAD : payload.length
    numbers[at++] = replay ? 1 : 0
    if (payload !== null) payloads.push(payload)
  }
  const [first] = items
  return {
    of: first === undefined ? null : pickShared(first),
    delivery: items.map(({ delivery }) => delivery),
    event: items.map(({ event }) => event),
    type: items.map(({ type }) => type),
    traceparent: items.map(({ traceparent }) => traceparent ?? null),
    numbers,
    payloads: joined(payloads),
  }
}

const pickShared = ({ tenant, endpoint, partition }: LaneItem) => ({ tenant, endpoint, partition })

function unpackLane(packed: PackedLane): LaneItem[] {
  if (packed.of === null) return []
  const nextPayload = splitter(packed.payloads)
  const { numbers } = packed
  const { tenant, endpoint, partition } = packed.of
  return packed.delivery.map((delivery, index) => {
    const at = index * NUMBERS_A_LANE_ITEM
    const payloadLength = numbers[at + 3]!
    return {
      tenant,
      delivery,
      endpoint,
      partition,
      event: packed.event[index]!,
      type: packed.type[index]!,
      test: numbers[at + 2] === 1,
      replay: numbers[at + 4] === 1,
      traceparent: packed.traceparent[index]!,
      dueAtMs: numbers[at]!,
      attempts: numbers[at + 1]!,
      // A copy: one payload that is still waiting must not keep all of the read's payloads in memory.
      payload: payloadLength === NO_PAYLOAD ? null : Buffer.from(nextPayload(payloadLength)),
    }
  })
}

type PackedOrderedLane = Omit<OrderedLane, 'items'> & { readonly items: PackedLane }

function packOrderedLane({ items, ...rest }: OrderedLane): PackedOrderedLane {
  return { items: packLane(items), ...rest }
}

function unpackOrderedLane({ items, ...rest }: PackedOrderedLane): OrderedLane {
  return { items: unpackLane(items), ...rest }
}

export const packedLane = codec(packLane, unpackLane)
export const packedOrderedLane = codec(packOrderedLane, unpackOrderedLane)
