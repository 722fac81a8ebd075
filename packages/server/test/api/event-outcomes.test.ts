import { describe, expect, it } from 'vitest'
import { idBytes } from '../../src/base/ids.ts'
import type { EndpointInput } from '../../src/services/endpoints/endpoints.ts'
import { PAYLOAD, TYPE } from '../services/setup.ts'
import { type Json, useApi } from './setup.ts'

const bench = useApi()
const { get, post } = bench
const ACME = '/v1/tenants/acme'
const LATER_MS = 60_000

const publish = async (key: string): Promise<string> =>
  (await bench.publish(`{"type":"${TYPE}","key":"${key}","payload":${PAYLOAD}}`)).events[0]!.id

/** The outcome of an event at one endpoint. The event's own view has the same. */
async function outcome(event: string, endpoint: string): Promise<Json> {
  const { data } = (await get(`${ACME}/events/${event}/endpoints`)).body
  expect((await get(`${ACME}/events/${event}`)).body.endpoints).toEqual(data)
  return data.find((one: Json) => one.endpoint === endpoint)
}

/** An endpoint with a pending delivery of an event. */
async function aPending(
  over: Partial<EndpointInput> = {},
  key = 'order-7',
): Promise<{ endpoint: string; event: string; why(): Promise<Json> }> {
  const endpoint = await bench.endpoint(over)
  const event = await publish(key)
  return { endpoint, event, why: () => outcome(event, endpoint) }
}

const change = (endpoint: string, column: string, value: number | null) =>
  bench.run(`update endpoint set ${column} = $1 where id = $2`, [value, idBytes(endpoint)])

describe('a pending delivery says why it was not sent: it', () => {
  it('is about to be sent, with the URL of the endpoint', async () => {
    const { why } = await aPending()
    expect(await why()).toMatchObject({ endpointUrl: 'https://hooks.example.com/a', reason: null, behind: null })
  })

  it('waits behind an earlier delivery of an ordered endpoint, which it names, until that one has ended', async () => {
    const { endpoint, event: first } = await aPending({ ordered: true })
    const [second, third] = [await publish('order-8'), await publish('order-9')]
    const head = await outcome(first, endpoint)
    expect(head).toMatchObject({ state: 'pending', reason: null, behind: null })
    const waiting = { state: 'pending', reason: 'earlier_delivery', behind: head.delivery }
    expect(await outcome(second, endpoint)).toMatchObject(waiting)
    expect(await outcome(third, endpoint)).toMatchObject(waiting)
    await bench.run('update live_delivery set due_ms = $1 where event = $2', [Date.now() + LATER_MS, idBytes(first)])
    expect(await outcome(first, endpoint)).toMatchObject({ reason: 'next_attempt', behind: null })
    expect(await outcome(second, endpoint)).toMatchObject(waiting)
    await post(`${ACME}/deliveries/${head.delivery}/cancel`)
    expect(await outcome(second, endpoint)).toMatchObject({ reason: null, behind: null })
    const next = (await outcome(second, endpoint)).delivery
    expect(await outcome(third, endpoint)).toMatchObject({ ...waiting, behind: next })
  })

  it('waits for its next attempt', async () => {
    const { why } = await aPending()
    await bench.run('update live_delivery set due_ms = $1', [Date.now() + LATER_MS])
    expect(await why()).toMatchObject({ state: 'pending', reason: 'next_attempt' })
  })

  it('waits until a pause is over that the receiver asked for, unless its own next attempt is later', async () => {
    const { endpoint, why } = await aPending({ rateLimit: { requests: 1, perSeconds: 1 } })
    await change(endpoint, 'paused_until_ms', Date.now() + LATER_MS)
    expect(await why()).toMatchObject({ reason: 'paused' })
    await bench.run('update live_delivery set due_ms = $1', [Date.now() + 2 * LATER_MS])
    expect(await why()).toMatchObject({ reason: 'next_attempt' })
    await change(endpoint, 'paused_until_ms', Date.now() - 1)
    await bench.run('update live_delivery set due_ms = 1')
    expect(await why()).toMatchObject({ reason: 'rate_limit' })
  })

  it('waits because the receiver is failing, or else because of the rate limit', async () => {
    const { endpoint, why } = await aPending({ rateLimit: { requests: 1, perSeconds: 1 } })
    await change(endpoint, 'failing_since_ms', 1_000)
    expect(await why()).toMatchObject({ reason: 'failing' })
    await change(endpoint, 'failing_since_ms', null)
    expect(await why()).toMatchObject({ reason: 'rate_limit' })
  })
})

describe('a delivery that is not to be sent says why: it', () => {
  it('is held', async () => {
    const { endpoint, why } = await aPending()
    await bench.endpoints.disable('acme', endpoint)
    expect(await why()).toMatchObject({ reason: 'disabled' })
    await bench.run(`update live_delivery set state = 'held', held_reason = 'set_aside'`)
    expect(await why()).toMatchObject({ state: 'held', reason: 'set_aside', heldReason: 'set_aside' })
  })

  it('was cancelled by someone, even if the endpoint was deleted later, or with its endpoint', async () => {
    const { endpoint, why } = await aPending()
    await post(`${ACME}/deliveries/${(await why()).delivery}/cancel`)
    expect(await why()).toMatchObject({ state: 'cancelled', reason: 'cancelled' })
    await bench.run('update delivery set ended_ms = 1')
    await bench.endpoints.remove('acme', endpoint)
    expect(await why()).toMatchObject({ state: 'cancelled', reason: 'cancelled' })

    const other = await aPending({}, 'order-8')
    await bench.endpoints.remove('acme', other.endpoint)
    expect(await other.why()).toMatchObject({ reason: 'deleted' })
    const { endpoint: id } = other
    const { partition } = (await bench.store.read('findEndpointById', { tenant: 'acme', id }))!
    const all = { partition, endpoint: id, limit: 9, only: 'all', nowMs: bench.store.now() } as const
    await bench.store.write('cancelDeliveries', all)
    expect(await other.why()).toMatchObject({ state: 'cancelled', reason: 'deleted' })
  })

  it('was delivered or exhausted, which its attempts explain', async () => {
    const { why } = await aPending()
    const { delivery } = await why()
    await post(`${ACME}/deliveries/${delivery}/cancel`)
    for (const state of ['delivered', 'exhausted']) {
      await bench.run('update delivery set state = $1', [state])
      expect(await why()).toMatchObject({ state, reason: null, behind: null })
    }
  })
})
