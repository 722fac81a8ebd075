/**
 * What there is much of goes to the store's thread and back as columns: cloning a thousand small objects, each with the
 * names of its members, was a tenth of the main thread's time. Bytes go along as one buffer.
 */
import { Buffer } from 'node:buffer'
import type { AttemptError, NotSent } from '../../base/model.ts'
import type { Call } from '../driver.ts'
import type { NewDelivery } from '../operations/delivery-rows.ts'
import type { OperationName } from '../operations/index.ts'
import type { LaneItem, OrderedLane } from '../operations/lanes.ts'
import type { PlacedMark } from '../operations/marks.ts'
import type { NewEvent, PublishArguments, PublishRequest } from '../operations/publish.ts'
import type { NextStep, SettleArguments, StoredSettlement } from '../operations/settle.ts'

type Codec = { readonly pack: (plain: unknown) => unknown; readonly unpack: (packed: unknown) => unknown }

const codec = <Plain, Packed>(pack: (plain: Plain) => Packed, unpack: (packed: Packed) => Plain): Codec =>
  ({ pack, unpack }) as Codec

const ARGUMENTS: Partial<Record<OperationName, Codec>> = {
  publish: codec(packRequests, unpackRequests),
  settle: codec(packSettlements, unpackSettlements),
}

const RESULTS: Partial<Record<OperationName, Codec>> = {
  readLane: codec(packLane, unpackLane),
  readOrderedLane: codec(packOrderedLane, unpackOrderedLane),
}

/** A call on its way to the thread, which is to `unpackCall` it. */
export function packCall(call: Call): Call {
  const found = ARGUMENTS[call.name]
  return found === undefined ? call : ({ name: call.name, args: found.pack(call.args) } as Call)
}

export function unpackCall(call: Call): Call {
  const found = ARGUMENTS[call.name]
  return found === undefined ? call : ({ name: call.name, args: found.unpack(call.args) } as Call)
}

/** What an operation answers, on its way back, where it is to be `unpackResult`ed. */
export function packResult(name: OperationName, value: unknown): unknown {
  const found = RESULTS[name]
  return found === undefined ? value : found.pack(value)
}

export function unpackResult(name: OperationName, value: unknown): unknown {
  const found = RESULTS[name]
  return found === undefined ? value : found.unpack(value)
}

const NO_STATUS = -1
const STEPS = ['delivered', 'exhausted', 'retry'] as const

/** All bytes in one buffer; `unjoin` takes them apart by their lengths. */
function join(parts: readonly Uint8Array[]): Uint8Array {
  let size = 0
  for (const part of parts) size += part.length
  const joined = new Uint8Array(size)
  let at = 0
  for (const part of parts) {
    joined.set(part, at)
    at += part.length
  }
  return joined
}

function unjoin(joined: Uint8Array): (length: number) => Uint8Array {
  let at = 0
  return length => {
    at += length
    return joined.subarray(at - length, at)
  }
}

// Outcomes

type PackedSettlements = {
  readonly tenant: readonly string[]
  readonly delivery: readonly string[]
  readonly endpoint: readonly string[]
  readonly error: readonly (AttemptError | null)[]
  readonly address: readonly (string | null)[]
  /** Of each the headers, then the body. */
  readonly answers: Uint8Array
  /** NUMBERS_A_SETTLEMENT for each. */
  readonly numbers: Float64Array
  readonly marks: readonly PlacedMark[]
}

const NUMBERS_A_SETTLEMENT = 14

function packSettlements({ settlements, marks }: SettleArguments): PackedSettlements {
  const numbers = new Float64Array(settlements.length * NUMBERS_A_SETTLEMENT)
  const answers: Uint8Array[] = []
  let at = 0
  for (const { partition, epoch, attempt, step, gone, dueAtMs, endedAtMs } of settlements) {
    answers.push(attempt.headers, attempt.responseBody)
    numbers[at++] = partition
    numbers[at++] = epoch
    numbers[at++] = STEPS.indexOf(step.kind)
    numbers[at++] = step.kind === 'retry' ? step.dueAtMs : 0
    numbers[at++] = gone ? 1 : 0
    numbers[at++] = endedAtMs
    numbers[at++] = attempt.number
    numbers[at++] = attempt.startedAtMs
    numbers[at++] = attempt.durationMs
    numbers[at++] = attempt.status ?? NO_STATUS
    numbers[at++] = attempt.responseTruncated ? 1 : 0
    numbers[at++] = attempt.responseBody.length
    numbers[at++] = dueAtMs
    numbers[at++] = attempt.headers.length
  }
  return {
    tenant: settlements.map(({ tenant }) => tenant),
    delivery: settlements.map(({ delivery }) => delivery),
    endpoint: settlements.map(({ endpoint }) => endpoint),
    error: settlements.map(({ attempt }) => attempt.error),
    address: settlements.map(({ attempt }) => attempt.address),
    answers: join(answers),
    numbers,
    marks,
  }
}

function unpackSettlements(packed: PackedSettlements): SettleArguments {
  const nextBytes = unjoin(packed.answers)
  const { numbers, marks } = packed
  const settlements = packed.tenant.map((tenant, index): StoredSettlement => {
    const at = index * NUMBERS_A_SETTLEMENT
    const kind = STEPS[numbers[at + 2]!]!
    const step: NextStep = kind === 'retry' ? { kind, dueAtMs: numbers[at + 3]! } : { kind }
    const status = numbers[at + 9]!
    return {
      tenant,
      delivery: packed.delivery[index]!,
      endpoint: packed.endpoint[index]!,
      partition: numbers[at]!,
      epoch: numbers[at + 1]!,
      step,
      gone: numbers[at + 4] === 1,
      dueAtMs: numbers[at + 12]!,
      endedAtMs: numbers[at + 5]!,
      attempt: {
        number: numbers[at + 6]!,
        startedAtMs: numbers[at + 7]!,
        durationMs: numbers[at + 8]!,
        status: status === NO_STATUS ? null : status,
        error: packed.error[index]!,
        address: packed.address[index]!,
        headers: nextBytes(numbers[at + 13]!),
        responseBody: nextBytes(numbers[at + 11]!),
        responseTruncated: numbers[at + 10] === 1,
      },
    }
  })
  return { settlements, marks }
}

// Requests

type PackedRequests = {
  readonly keyWaitMs: number
  readonly requests: readonly (Omit<PublishRequest, 'events'> & { readonly count: number })[]
  readonly id: readonly string[]
  readonly type: readonly string[]
  readonly key: readonly (string | null)[]
  readonly notSent: readonly string[]
  readonly payloads: Uint8Array
  readonly hashes: Uint8Array
  /** For each event: payload's length, hash's length (0: none), whether it is a test, how many deliveries (LATER: null). */
  readonly eventNumbers: Float64Array
  readonly deliveryId: readonly string[]
  readonly deliveryEndpoint: readonly string[]
  /** NUMBERS_A_DELIVERY for each: partition, whether it is held, whether its endpoint is ordered. */
  readonly deliveryNumbers: Float64Array
}

const NUMBERS_A_DELIVERY = 3
/** Instead of a number of deliveries: they are made later. */
const LATER = -1
const NO_BYTES = new Uint8Array(0)
const NOTHING_UNSENT = '{}'

function packRequests({ requests, keyWaitMs }: PublishArguments): PackedRequests {
  const events = requests.flatMap(request => request.events)
  const deliveries = events.flatMap(event => event.deliveries ?? [])
  const eventNumbers = new Float64Array(events.length * 4)
  let at = 0
  for (const { payload, hash, test, deliveries: own } of events) {
    eventNumbers[at++] = payload.length
    eventNumbers[at++] = hash?.length ?? 0
    eventNumbers[at++] = test ? 1 : 0
    eventNumbers[at++] = own?.length ?? LATER
  }
  const deliveryNumbers = new Float64Array(deliveries.length * NUMBERS_A_DELIVERY)
  at = 0
  for (const { partition, held, ordered } of deliveries) {
    deliveryNumbers[at++] = partition
    deliveryNumbers[at++] = held ? 1 : 0
    deliveryNumbers[at++] = ordered ? 1 : 0
  }
  return {
    keyWaitMs,
    requests: requests.map(({ events: own, ...rest }) => ({ ...rest, count: own.length })),
    id: events.map(({ id }) => id),
    type: events.map(({ type }) => type),
    key: events.map(({ key }) => key),
    notSent: events.map(({ notSent }) => JSON.stringify(notSent)),
    payloads: join(events.map(({ payload }) => payload)),
    hashes: join(events.map(({ hash }) => hash ?? NO_BYTES)),
    eventNumbers,
    deliveryId: deliveries.map(({ id }) => id),
    deliveryEndpoint: deliveries.map(({ endpoint }) => endpoint),
    deliveryNumbers,
  }
}

function unpackRequests(packed: PackedRequests): PublishArguments {
  const nextPayload = unjoin(packed.payloads)
  const nextHash = unjoin(packed.hashes)
  let event = 0
  let delivery = 0
  const nextDelivery = (): NewDelivery => {
    const index = delivery++
    return {
      id: packed.deliveryId[index]!,
      endpoint: packed.deliveryEndpoint[index]!,
      partition: packed.deliveryNumbers[index * NUMBERS_A_DELIVERY]!,
      held: packed.deliveryNumbers[index * NUMBERS_A_DELIVERY + 1] === 1,
      ordered: packed.deliveryNumbers[index * NUMBERS_A_DELIVERY + 2] === 1,
    }
  }
  const nextEvent = (): NewEvent => {
    const index = event++
    const [payloadLength, hashLength, test, deliveries] = packed.eventNumbers.subarray(index * 4, index * 4 + 4)
    const notSent = packed.notSent[index]!
    return {
      id: packed.id[index]!,
      type: packed.type[index]!,
      key: packed.key[index]!,
      notSent: notSent === NOTHING_UNSENT ? {} : (JSON.parse(notSent) as NotSent),
      payload: nextPayload(payloadLength!),
      hash: hashLength === 0 ? null : nextHash(hashLength!),
      test: test === 1,
      deliveries: deliveries === LATER ? null : Array.from({ length: deliveries! }, nextDelivery),
    }
  }
  const requests = packed.requests.map(({ count, ...rest }) => ({
    ...rest,
    events: Array.from({ length: count }, nextEvent),
  }))
  return { requests, keyWaitMs: packed.keyWaitMs }
}

// What a lane reads

type PackedLane = {
  /** All items' alike; of none, it is null. */
  readonly of: Pick<LaneItem, 'tenant' | 'endpoint' | 'partition'> | null
  readonly delivery: readonly string[]
  readonly event: readonly string[]
  readonly type: readonly string[]
  readonly traceparent: readonly (string | null)[]
  /**
   * NUMBERS_A_LANE_ITEM for each delivery: due time, attempts, whether it is a test, payload's length (NO_PAYLOAD: left
   * in the store), whether it repeats another.
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
    payloads: join(payloads),
  }
}

const pickShared = ({ tenant, endpoint, partition }: LaneItem) => ({ tenant, endpoint, partition })

function unpackLane(packed: PackedLane): LaneItem[] {
  if (packed.of === null) return []
  const nextPayload = unjoin(packed.payloads)
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
      // Own memory: one payload that waits must not keep those of a whole read.
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
