/** Streams on which listeners listen, and the service that takes their answers, next to a sender on the same store. */
import { expect } from 'vitest'
import { type Clock, systemClock } from '../../src/base/clock.ts'
import type { Delivery } from '../../src/base/model.ts'
import { createKeyring } from '../../src/secrets/keyring.ts'
import type { EndpointInput, Endpoints } from '../../src/services/endpoints/endpoints.ts'
import { type AnswerInput, ListenerAnswers } from '../../src/services/listeners/answers.ts'
import type { HandedRequest } from '../../src/services/stream/records.ts'
import type { Streams } from '../../src/services/stream/streams.ts'
import type { Store } from '../../src/store/store.ts'
import { cover } from '../engine/harness.ts'
import { Reading, startStreams } from '../services/streaming.ts'
import { listDeliveries } from '../store/list-deliveries.ts'

/** As in the engine's harness. */
const keyring = createKeyring(new Uint8Array(32).fill(7))
export const SECRET = 'bGlzdGVuZXItc2VjcmV0LXRoYXQtaXMtbG9uZw=='

export type Listener = { readonly id: string; readonly tenant: string; readonly partition: number }

type Sender = {
  readonly store: Store
  readonly endpoints: Endpoints
  publish(tenant: string, events: object[]): Promise<unknown>
}

/** What listeners need of one node. */
export class Node {
  readonly #sender: Sender
  readonly streams: Streams
  readonly #answers: ListenerAnswers

  constructor(sender: Sender, clock: Clock = systemClock) {
    this.#sender = sender
    this.streams = startStreams(sender.store, clock, keyring)
    this.#answers = new ListenerAnswers(sender.store, keyring)
  }

  async register(over: Partial<EndpointInput> = {}, tenant = 'acme') {
    const input: EndpointInput = { kind: 'listener', clientSecret: SECRET, ...over }
    const { endpoint, signingSecret } = await this.#sender.endpoints.create(tenant, input)
    return { ...endpoint, signing: signingSecret ?? '' }
  }

  /** @param reading one whose connection broke, to go on with */
  async listen({ id, tenant, partition }: Listener, reading = new Reading()): Promise<Reading> {
    const filter = { kinds: new Set(['request'] as const), listen: new Map([[id, partition]]), seesSecrets: true }
    return reading.open(this.streams, { tenant, ...filter })
  }

  /** Listens, and answers each request once. */
  async receive(listener: Listener, status = 200) {
    const reading = await this.listen(listener)
    const seen = new Map<string, HandedRequest>()
    const send = reading.send.bind(reading)
    reading.send = records => {
      send(records)
      for (const { record } of records) {
        if (record.kind !== 'request' || seen.has(keyOf(record.request))) continue
        seen.set(keyOf(record.request), record.request)
        void this.answer(record.request, { status }).catch(() => {})
      }
    }
    return { reading, seen }
  }

  publish(count = 1, tenant = 'acme') {
    return this.#sender.publish(
      tenant,
      Array.from({ length: count }, (_, index) => cover(index)),
    )
  }

  answer({ tenant, delivery, number }: HandedRequest, input: AnswerInput = { status: 200 }): Promise<void> {
    return this.#answers.answer(tenant, delivery, number, input)
  }

  deliveries(tenant = 'acme'): Promise<Delivery[]> {
    return listDeliveries(this.#sender.store, tenant)
  }

  async attemptsOf(delivery: string, tenant = 'acme') {
    return this.#sender.store.read('listAttempts', { tenant, delivery })
  }

  /** Resolves when all deliveries have ended so, and there are as many. */
  async untilAll(state: Delivery['state'], count: number): Promise<Delivery[]> {
    const states = async () => (await this.deliveries()).map(delivery => delivery.state)
    await expect.poll(states, { timeout: 60_000, interval: 20 }).toEqual(Array.from({ length: count }, () => state))
    return this.deliveries()
  }

  stop(): Promise<void> {
    return this.streams.stop()
  }
}

const keyOf = ({ delivery, number }: HandedRequest): string => `${delivery} ${number}`

export const requestsOf = ({ records }: Reading): HandedRequest[] =>
  records.flatMap(record => (record.kind === 'request' ? [record.request] : []))

/** Resolves with the requests that a stream has got, once it has that many. */
export async function untilRequests(reading: Reading, count: number): Promise<HandedRequest[]> {
  await expect.poll(() => requestsOf(reading).length, { timeout: 10_000, interval: 5 }).toBeGreaterThanOrEqual(count)
  return requestsOf(reading)
}

export const headersOf = ({ headers }: Pick<HandedRequest, 'headers'>): Record<string, string> => {
  const entries = headers.flatMap((name, at) => (at % 2 === 0 ? [[name.toLowerCase(), headers[at + 1]!]] : []))
  return Object.fromEntries(entries)
}
