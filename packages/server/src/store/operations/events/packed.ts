/** Packs publish requests for the embedded store's thread. */
import type { NotSent } from '../../../base/model.ts'
import { codec, joined, splitter } from '../../packing.ts'
import type { NewDelivery } from '../deliveries/new-deliveries.ts'
import type { NewEvent, PublishArguments, PublishRequest } from './publish-request.ts'

type PackedRequests = {
  readonly keyWaitMs: number
  readonly requests: readonly (Omit<PublishRequest, 'events'> & { readonly count: number })[]
  readonly id: readonly string[]
  readonly type: readonly string[]
  readonly key: readonly (string | null)[]
  readonly notSent: readonly string[]
  readonly payloads: Uint8Array
  readonly hashes: Uint8Array
  /** For each event: payload length, hash length (0: none), whether it is a test, number of deliveries (or LATER). */
  readonly eventNumbers: Float64Array
  readonly deliveryId: readonly string[]
  readonly deliveryEndpoint: readonly string[]
  /** NUMBERS_A_DELIVERY for each: partition, whether it is held, whether its endpoint is ordered. */
  readonly deliveryNumbers: Float64Array
}

const NUMBERS_A_DELIVERY = 3

/** In place of the number of deliveries: they are created later. */
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
    payloads: joined(events.map(({ payload }) => payload)),
    hashes: joined(events.map(({ hash }) => hash ?? NO_BYTES)),
    eventNumbers,
    deliveryId: deliveries.map(({ id }) => id),
    deliveryEndpoint: deliveries.map(({ endpoint }) => endpoint),
    deliveryNumbers,
  }
}

function unpackRequests(packed: PackedRequests): PublishArguments {
  const nextPayload = splitter(packed.payloads)
  const nextHash = splitter(packed.hashes)
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

export const packedPublish = codec(packRequests, unpackRequests)
