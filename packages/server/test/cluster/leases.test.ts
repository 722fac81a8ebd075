import { type Authority, createAuthority, type Postgres, startPostgres, startReceiver } from '@posthorn/testkit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { cover } from '../engine/harness.ts'
import { type ClusterNode, SECRET, startNode } from './node.ts'

let server: Postgres
let authority: Authority
let count = 0
beforeAll(async () => {
  ;[server, authority] = await Promise.all([startPostgres(), createAuthority()])
})
afterAll(() => server.stop())

const database = () => server.createDatabase(`leases_${++count}`)
const shares = (nodes: readonly ClusterNode[]) => nodes.map(node => node.shareOf()).sort((a, b) => a - b)

describe('leases between nodes', () => {
  for (const hasBus of [true, false]) {
    const how = hasBus ? 'with messages' : 'with all messages lost'
    it(`are shared equally within two lease periods after a node joins or leaves, ${how}`, {
      timeout: 60_000,
    }, async () => {
      const leaseMs = 3_000
      const url = await database()
      const start = () => startNode(url, authority, { leaseMs, hasBus })
      const within = { timeout: 2 * leaseMs, interval: 50 }
      const first = await start()
      const second = await start()
      await expect.poll(() => shares([first, second]), within).toEqual([128, 128])
      const third = await start()
      await expect.poll(() => shares([first, second, third]), within).toEqual([85, 85, 86])
      await second.stop()
      await expect.poll(() => shares([first, third]), within).toEqual([128, 128])
      await Promise.all([first.stop(), third.stop()])
    })
  }

  it('are handed over immediately by a draining node, except where a request is in flight', async () => {
    const url = await database()
    // Nothing here depends on a periodic check: these are minutes apart.
    const [first, second] = [0, 1].map(() => startNode(url, authority, { leaseMs: 300_000 }))
    const [leaving, staying] = [await first!, await second!]
    await expect.poll(() => shares([leaving, staying]), { timeout: 10_000 }).toEqual([128, 128])
    const answered = Promise.withResolvers<object>()
    const receiver = await startReceiver({ authority, names: ['localhost'], script: () => answered.promise })
    await leaving.tenants.put('acme', {})
    let partition = -1
    while (!leaving.owns(partition)) {
      const { endpoint } = await leaving.endpoints.create('acme', { url: receiver.url, clientSecret: SECRET })
      if (leaving.owns(endpoint.partition)) partition = endpoint.partition
      else await leaving.endpoints.remove('acme', endpoint.id)
    }
    await leaving.publish('acme', cover(1))
    await receiver.waitFor(() => receiver.total === 1)
    const stopped = leaving.stop()
    await expect.poll(() => staying.shareOf(), { timeout: 10_000 }).toBe(255)
    expect(staying.owns(partition)).toBe(false)
    answered.resolve({ status: 204 })
    await stopped
    await expect.poll(() => staying.shareOf(), { timeout: 10_000 }).toBe(256)
    // The delivery was settled before the partition was handed over, so it isn't sent again.
    await staying.publish('acme', cover(2))
    await receiver.waitFor(() => receiver.total === 2)
    expect([...receiver.seen.values()]).toEqual([1, 1])
    await staying.stop()
    await receiver.close()
  })

  it("C12, C13: use the database's clock on nodes whose own are ten minutes apart", { timeout: 60_000 }, async () => {
    const url = await database()
    const off = (byMs: number) => ({ ...systemClock, now: () => Date.now() + byMs })
    const engine = { retrySchedule: [1.5, 1.5, 1.5] }
    const [early, late] = await Promise.all(
      [-300_000, 300_000].map(byMs => startNode(url, authority, { leaseMs: 1_500, clock: off(byMs), engine })),
    )
    const nodes = [early!, late!]
    await expect.poll(() => shares(nodes), { timeout: 10_000 }).toEqual([128, 128])
    const receiver = await startReceiver({
      authority,
      names: ['localhost'],
      script: (_request, nth) => ({ status: nth <= 2 ? 503 : 204 }),
    })
    await early!.tenants.put('acme', {})
    for (let at = 0; at < 12; at++) {
      await early!.endpoints.create('acme', { url: `${receiver.url}/${at}`, clientSecret: SECRET })
    }
    for (const node of nodes) await node.publish('acme', cover(1))
    await receiver.waitFor(() => receiver.total >= 24, { timeoutMs: 10_000 })
    // One node leaves while its retries wait. The other, whose clock is ten minutes ahead, makes them on time.
    await early!.stop()
    await receiver.waitFor(() => receiver.distinct.size === 24, { timeoutMs: 20_000 })
    expect(receiver.total).toBe(72)
    for (const key of receiver.seen.keys()) {
      const times = receiver.requests
        .filter(({ headers, path }) => `${headers['webhook-id']} ${path}` === key)
        .map(({ receivedMonotonicMs }) => receivedMonotonicMs)
      expect(times[1]! - times[0]!).toBeGreaterThanOrEqual(1_499)
      expect(times[2]! - times[1]!).toBeGreaterThanOrEqual(1_499)
    }
    expect(late!.lines.filter(({ msg }) => /leases expired|clock jumped/.test(String(msg)))).toEqual([])
    await late!.stop()
    await receiver.close()
  })
})
