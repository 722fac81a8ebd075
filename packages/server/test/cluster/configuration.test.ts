import { verify } from '@posthorn/client'
import { type Authority, createAuthority, type Postgres, startPostgres, startReceiver } from '@posthorn/testkit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { cover } from '../engine/harness.ts'
import { endpointsOf } from '../store/endpoints-of.ts'
import { listDeliveries } from '../store/list-deliveries.ts'
import { type ClusterNode, SECRET, startNode, startQuietReceiver } from './node.ts'

let server: Postgres
let authority: Authority
let count = 0
beforeAll(async () => {
  ;[server, authority] = await Promise.all([startPostgres(), createAuthority()])
})
afterAll(() => server.stop())

const ANOTHER = 'another-secret-of-theirs'
const TYPE = {
  group: 'coverage',
  description: 'Created on one node.',
  schema: { type: 'object', required: ['CoverId'], properties: { CoverId: { type: 'string' } } },
  example: { CoverId: '1' },
}
const none = { state: null, endpoint: null, event: null, type: null, before: null, fromMs: null, toMs: null }

async function startTwo(options: { hasBus: boolean }): Promise<[ClusterNode, ClusterNode]> {
  const url = await server.createDatabase(`configuration_${++count}`)
  const nodes = [await startNode(url, authority, options), await startNode(url, authority, options)] as const
  await expect.poll(() => nodes.map(node => node.shareOf()), { timeout: 15_000 }).toEqual([128, 128])
  return [...nodes]
}

describe('configuration changed on one node', () => {
  it('applies to publishing on another immediately, without any message', { timeout: 60_000 }, async () => {
    const [one, other] = await startTwo({ hasBus: false })
    const receiver = await startQuietReceiver(authority)
    const published = async (type = 'COVER_REFERENCE') => {
      const { events } = await other.publish('acme', { ...cover(1), type })
      return events[0]!.deliveries
    }
    await expect(published()).rejects.toThrow()
    await one.tenants.put('acme', {})
    expect(await published()).toBe(0)
    const { endpoint } = await one.endpoints.create('acme', { url: receiver.url, clientSecret: SECRET })
    expect(await published()).toBe(1)
    await receiver.waitFor(() => receiver.total === 1)
    await one.endpoints.disable('acme', endpoint.id)
    expect(await published()).toBe(1)
    const states = async () => (await listDeliveries(one.store, 'acme', none, 10)).map(({ state }) => state)
    await expect.poll(states).toEqual(['held', 'delivered'])
    await expect(published('MADE_HERE')).rejects.toThrow()
    await one.eventTypes.put('MADE_HERE', TYPE)
    expect(await published('MADE_HERE')).toBe(1)
    await one.eventTypes.remove('MADE_HERE')
    await expect(published('MADE_HERE')).rejects.toThrow()
    await one.endpoints.remove('acme', endpoint.id)
    expect(await published()).toBe(0)
    expect(receiver.total).toBe(1)
    await Promise.all([one.stop(), other.stop()])
    await receiver.close()
  })

  it('gives a uid to one endpoint only, whichever nodes create endpoints at the same time', async () => {
    const nodes = await startTwo({ hasBus: false })
    await nodes[0].tenants.put('acme', {})
    const input = { url: 'https://localhost:8443/', clientSecret: SECRET, uid: 'orders' }
    const calls = Array.from({ length: 8 }, (_, at) => nodes[at % 2]!.endpoints.create('acme', input))
    const results = await Promise.allSettled(calls)
    const refusals = results.filter(({ status }) => status === 'rejected')
    expect(refusals).toHaveLength(7)
    for (const refused of refusals) expect(refused).toMatchObject({ reason: { code: 'conflict' } })
    const [made] = await endpointsOf(nodes[1].store, 'acme')
    expect(await nodes[0].endpoints.get('acme', 'orders')).toEqual(made)
    await Promise.all(nodes.map(node => node.stop()))
  })

  for (const hasBus of [true, false]) {
    const how = hasBus ? 'with messages' : 'with all messages lost'
    it(`C6, C13: applies to sending within a second, under load, ${how}`, { timeout: 60_000 }, async () => {
      const [sender, other] = await startTwo({ hasBus })
      const receiver = await startReceiver({ authority, names: ['localhost'], script: () => ({ delayMs: 20 }) })
      await sender.tenants.put('acme', {})
      let endpoint = (await sender.endpoints.create('acme', { url: receiver.url, clientSecret: SECRET })).endpoint
      while (!sender.owns(endpoint.partition)) {
        await sender.endpoints.remove('acme', endpoint.id)
        endpoint = (await sender.endpoints.create('acme', { url: receiver.url, clientSecret: SECRET })).endpoint
      }
      let isFlowing = true
      const flow = async () => {
        while (isFlowing)
          await sender.publish(
            'acme',
            Array.from({ length: 10 }, (_, index) => cover(index)),
          )
      }
      const flowing = flow()
      await receiver.waitFor(() => receiver.total > 200, { timeoutMs: 15_000 })

      await other.endpoints.update('acme', endpoint.id, { clientSecret: ANOTHER })
      const replacedMs = performance.now()
      const isLate = (fromMs: number) => receiver.requests.at(-1)!.receivedMonotonicMs > fromMs + 1_500
      await receiver.waitFor(() => isLate(replacedMs), { timeoutMs: 15_000 })
      const after = receiver.requests.filter(({ receivedMonotonicMs }) => receivedMonotonicMs > replacedMs + 1_000)
      expect(after.length).toBeGreaterThan(10)
      expect(new Set(after.map(({ headers }) => headers.authorization))).toEqual(new Set([`Bearer ${ANOTHER}`]))

      const { signingSecret: dropped } = await other.endpoints.rotateSigning('acme', endpoint.id, {})
      const { signingSecret } = await other.endpoints.rotateSigning('acme', endpoint.id, { gracePeriodSeconds: 0 })
      const droppedMs = performance.now()
      await receiver.waitFor(() => isLate(droppedMs), { timeoutMs: 15_000 })
      const signed = receiver.requests.filter(({ receivedMonotonicMs }) => receivedMonotonicMs > droppedMs + 1_000)
      expect(signed.length).toBeGreaterThan(10)
      for (const { headers, body: rawBody } of signed) {
        await verify({ headers, rawBody }, { signingSecret: signingSecret! })
        await expect(verify({ headers, rawBody }, { signingSecret: dropped! })).rejects.toThrow()
      }

      await other.endpoints.disable('acme', endpoint.id)
      const disabledMs = performance.now()
      const sentBefore = () => receiver.requests.filter(({ receivedMonotonicMs }) => receivedMonotonicMs < disabledMs)
      expect(sentBefore().length).toBeGreaterThan(200)
      await expect.poll(() => performance.now() - disabledMs, { timeout: 5_000 }).toBeGreaterThan(1_800)
      isFlowing = false
      await flowing
      expect(receiver.requests.at(-1)!.receivedMonotonicMs).toBeLessThan(disabledMs + 1_000)
      await Promise.all([sender.stop(), other.stop()])
      await receiver.close()
    })
  }
})
