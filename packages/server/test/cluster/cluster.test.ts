import { type Authority, createAuthority, type Postgres, startPostgres, startReceiver } from '@posthorn/testkit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { hashOfKey } from '../../src/secrets/api-key.ts'
import { ApiKeyCache } from '../../src/services/api-keys/api-key-cache.ts'
import { ApiKeys } from '../../src/services/api-keys/api-keys.ts'
import { SessionCache } from '../../src/services/sessions/session-cache.ts'
import { Sessions } from '../../src/services/sessions/sessions.ts'
import type { Store } from '../../src/store/store.ts'
import { cover } from '../engine/harness.ts'
import { listDeliveries } from '../store/list-deliveries.ts'
import { type NodeOptions, SECRET, startNode as startNodeOn } from './node.ts'

let server: Postgres
let authority: Authority
let count = 0
beforeAll(async () => {
  ;[server, authority] = await Promise.all([startPostgres(), createAuthority()])
})
afterAll(() => server.stop())

const AFTER_CRASH = expect.objectContaining({ msg: expect.stringContaining('after a crash') })

const startNode = (url: string, options?: NodeOptions) => startNodeOn(url, authority, options)

const database = () => server.createDatabase(`cluster_${++count}`)

/** The sessions of a node, whose root key no test uses. */
function sessionsOf(store: Store) {
  const keys = new ApiKeyCache(store, systemClock)
  const keyOf = (id: string) => keys.get(id)
  const settings = { sessionIdleHours: 12, sessionDays: 7 }
  const issuerMarks = new Set<string>()
  const cache = new SessionCache(store, systemClock, { ...settings, isRoot: () => false, keyOf, issuerMarks })
  const identify = (secret: string) => ({ key: keys.find(hashOfKey(secret)) ?? null })
  const parts = { cache, identify, keyOf, rootHash: Buffer.alloc(32), issuerMarks, clock: systemClock }
  return { keys, cache, sessions: new Sessions(store, settings, parts) }
}

describe('nodes on one PostgreSQL', () => {
  it.each([true, false])(
    'an API key that is revoked on one node is refused by another within a second (messages: %s)',
    async hasBus => {
      const url = await database()
      const [first, second] = [await startNode(url, { hasBus }), await startNode(url, { hasBus })]
      const [near, far] = [new ApiKeyCache(first.store, systemClock), new ApiKeyCache(second.store, systemClock)]
      await Promise.all([near.open(), far.open()])
      const keys = new ApiKeys(first.store, () => near.untilFresh())
      const { key, secret } = await keys.create({ name: 'k', scope: 'all' })
      const hash = hashOfKey(secret)
      expect(near.find(hash)).toEqual(key)
      await expect.poll(() => far.find(hash), { timeout: 5_000 }).toEqual(key)
      await keys.revoke(key.id)
      expect(near.find(hash)).toBeUndefined()
      const revokedAtMs = systemClock.monotonicMs()
      await expect.poll(() => far.find(hash), { timeout: 5_000, interval: 20 }).toBeUndefined()
      // A second, and another one because the machine is busy with other tests.
      expect(systemClock.monotonicMs() - revokedAtMs).toBeLessThan(2_000)
      near.close()
      far.close()
      await first.stop()
      await second.stop()
    },
  )

  it.each([true, false])(
    'a session is known on another node, and ends there within a second, also with its key (messages: %s)',
    async hasBus => {
      const url = await database()
      const [first, second] = [await startNode(url, { hasBus }), await startNode(url, { hasBus })]
      const [near, far] = [sessionsOf(first.store), sessionsOf(second.store)]
      await Promise.all([near.keys.open(), far.keys.open(), near.cache.open(), far.cache.open()])
      const keys = new ApiKeys(first.store, () => near.keys.untilFresh())
      const { key, secret } = await keys.create({ name: 'k', scope: 'all' })
      const start = async () => {
        const { token, session } = (await near.sessions.signIn(secret, { address: null, userAgent: null }))!
        return { hash: hashOfKey(token), id: session.id }
      }
      const ends = async (hash: Buffer, end: () => Promise<void>) => {
        // The other node might have read the session, but not yet its key.
        await expect.poll(() => far.cache.find('session', hash), { timeout: 5_000 }).toMatchObject({ key })
        await end()
        expect(near.cache.find('session', hash)).toBe('ended')
        const endedAtMs = systemClock.monotonicMs()
        await expect.poll(() => far.cache.find('session', hash), { timeout: 5_000, interval: 20 }).toBe('ended')
        // A second, and another one because the machine is busy with other tests.
        expect(systemClock.monotonicMs() - endedAtMs).toBeLessThan(2_000)
      }
      const one = await start()
      await far.keys.untilFresh()
      await far.cache.untilFresh()
      expect(far.cache.find('session', one.hash), 'read before it was announced').toMatchObject({
        session: { id: one.id },
      })
      await ends(one.hash, () => near.sessions.end(one.id))
      const two = await start()
      await ends(two.hash, () => keys.revoke(key.id))
      for (const { cache, keys: cached } of [near, far]) await Promise.all([cache.close(), cached.close()])
      await first.stop()
      await second.stop()
    },
  )

  it('C13: share the partitions, and deliver once what any of them accepts', { timeout: 60_000 }, async () => {
    const url = await database()
    const first = await startNode(url)
    expect(first.shareOf()).toBe(256)
    const second = await startNode(url)
    await expect.poll(() => [first.shareOf(), second.shareOf()], { timeout: 10_000 }).toEqual([128, 128])
    const receiver = await startReceiver({ authority, names: ['localhost'], record: false })
    await first.tenants.put('acme', {})
    for (let at = 0; at < 40; at++) {
      await first.endpoints.create('acme', { url: `${receiver.url}/${at}`, clientSecret: SECRET })
    }
    // Created on one node, published on the other immediately afterwards.
    const { events } = await second.publish('acme', [cover(1), cover(2)])
    expect(events.map(({ deliveries }) => deliveries)).toEqual([40, 40])
    await receiver.waitFor(() => receiver.total === 80, { timeoutMs: 10_000 })
    const attemptsOf = ({ lines }: { lines: Record<string, unknown>[] }) =>
      lines.filter(({ msg }) => msg === 'attempt').length
    await expect.poll(() => attemptsOf(first) + attemptsOf(second), { timeout: 5_000 }).toBe(80)
    expect(Math.min(attemptsOf(first), attemptsOf(second))).toBeGreaterThan(0)
    await second.stop()
    await expect.poll(() => first.shareOf(), { timeout: 5_000 }).toBe(256)
    expect(first.lines).not.toContainEqual(AFTER_CRASH)
    await first.publish('acme', [cover(3)])
    await receiver.waitFor(() => receiver.total === 120, { timeoutMs: 10_000 })
    await first.stop()
    await receiver.close()
  })

  it("C13: a dead node's deliveries are sent by another within a lease", { timeout: 60_000 }, async () => {
    const url = await database()
    const gone = await startNode(url, { leaseMs: 1_500 })
    const receiver = await startReceiver({ authority, names: ['localhost'], record: false })
    await gone.tenants.put('acme', {})
    await gone.endpoints.create('acme', { url: receiver.url, clientSecret: SECRET })
    // As if it were killed: it writes nothing from here on, and its leases expire.
    gone.driver.write = () => new Promise(() => {})
    const heir = await startNode(url, { leaseMs: 1_500 })
    await heir.publish('acme', [cover(1)])
    await expect.poll(() => [gone.shareOf(), heir.shareOf()], { timeout: 10_000 }).toEqual([0, 256])
    await receiver.waitFor(() => receiver.total >= 1, { timeoutMs: 10_000 })
    const none = { state: null, endpoint: null, event: null, type: null, before: null, fromMs: null, toMs: null }
    await expect
      .poll(async () => (await listDeliveries(heir.store, 'acme', none, 10)).map(({ state }) => state), {
        timeout: 10_000,
      })
      .toEqual(['delivered'])
    expect(heir.lines).toContainEqual(AFTER_CRASH)
    await heir.stop()
    await receiver.close()
  })

  it('C13: a delivery in flight at repeated crashes is set aside by the next node', async () => {
    const url = await database()
    const start = () => startNode(url, { leaseMs: 1_000, hasBus: false, engine: { responseTimeoutMs: 600_000 } })
    let isAnswering = false
    const script = () => (isAnswering ? { status: 204 } : ('hang' as const))
    const receiver = await startReceiver({ authority, names: ['localhost'], script })
    let node = await start()
    await node.tenants.put('acme', {})
    await node.endpoints.create('acme', { url: receiver.url, clientSecret: SECRET })
    await node.publish('acme', cover(1))
    // Crash mode begins after the first crash, so the three crashes after it count.
    for (let crash = 1; crash <= 4; crash++) {
      await receiver.waitFor(() => receiver.total === crash, { timeoutMs: 10_000 })
      expect((await node.deliveries.listSetAside({ before: null }, 9)).count).toBe(0)
      await node.crash()
      node = await start()
    }
    await expect
      .poll(async () => (await node.deliveries.listSetAside({ before: null }, 9)).count, { timeout: 10_000 })
      .toBe(1)
    isAnswering = true
    await node.publish('acme', cover(2))
    await receiver.waitFor(() => receiver.total === 5, { timeoutMs: 10_000 })
    await node.stop()
    await receiver.close()
  })

  it('C13: events that another node accepted are found by polling, without messages', { timeout: 60_000 }, async () => {
    const url = await database()
    const nodes = [await startNode(url, { hasBus: false }), await startNode(url, { hasBus: false })] as const
    await expect.poll(() => nodes.map(node => node.shareOf()), { timeout: 10_000 }).toEqual([128, 128])
    const receiver = await startReceiver({ authority, names: ['localhost'], record: false })
    await nodes[0].tenants.put('acme', {})
    for (let at = 0; at < 16; at++) {
      await nodes[0].endpoints.create('acme', { url: `${receiver.url}/${at}`, clientSecret: SECRET })
    }
    await Promise.all(nodes.map(node => node.publish('acme', cover(1))))
    // Sooner than by the regular sweep.
    await receiver.waitFor(() => receiver.total === 32, { timeoutMs: 20_000 })
    await Promise.all(nodes.map(node => node.stop()))
    await receiver.close()
  })

  it('C6: a secret that was replaced on one node is used by the other soon after, even without messages', async () => {
    const url = await database()
    const [sender, other] = [await startNode(url, { hasBus: false }), await startNode(url, { hasBus: false })]
    await other.stop()
    await expect.poll(() => sender.shareOf(), { timeout: 5_000 }).toBe(256)
    const late = await startNode(url, { hasBus: false, leaseMs: 60_000 })
    const receiver = await startReceiver({ authority, names: ['localhost'] })
    await sender.tenants.put('acme', {})
    const { endpoint } = await sender.endpoints.create('acme', { url: receiver.url, clientSecret: SECRET })
    await sender.publish('acme', cover(1))
    await receiver.waitFor(() => receiver.total === 1, { timeoutMs: 5_000 })
    await late.endpoints.update('acme', endpoint.id, { clientSecret: 'another-secret-of-theirs' })
    const news = Promise.withResolvers<void>()
    sender.store.changes.on(({ kind }) => kind === 'endpoint' && news.resolve())
    await news.promise
    await sender.publish('acme', cover(2))
    await receiver.waitFor(() => receiver.total === 2, { timeoutMs: 5_000 })
    expect(receiver.requests[1]!.headers.authorization).toBe('Bearer another-secret-of-theirs')
    await Promise.all([sender.stop(), late.stop()])
    await receiver.close()
  })
})
