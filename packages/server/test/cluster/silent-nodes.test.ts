import { type Postgres, startPostgres, startReceiver } from '@posthorn/testkit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { inPlace, type Place, running, SECRET, type ServerProcess, serve } from '../e2e/process.ts'
import { cover } from '../engine/harness.ts'

let server: Postgres
let count = 0
beforeAll(async () => {
  server = await startPostgres()
})
afterAll(() => server.stop())

const LEASE_MS = 2_000
const ENDPOINTS = 24
const env = (url: string) => ({
  POSTHORN_DATABASE_URL: url,
  POSTHORN_ENCRYPTION_KEY: Buffer.alloc(32, 5).toString('base64'),
})

/** Starts nodes that identify themselves in a header of their requests. */
async function startNodes(place: Place, names: readonly string[]): Promise<ServerProcess[]> {
  const url = await server.createDatabase(`silent_${++count}`)
  return Promise.all(
    names.map(async name => {
      const flags = ['--lease-ms', String(LEASE_MS), '--api-version', name, '--retry-schedule', '0.7,0.7,0.7,0.7']
      return running(await serve(place, { env: env(url), flags }))
    }),
  )
}

async function makeEndpoints(node: ServerProcess, url: string): Promise<void> {
  await node.call('PUT', '/tenants/acme', {})
  for (let at = 0; at < ENDPOINTS; at++) {
    await node.call('POST', '/tenants/acme/endpoints', { url: `${url}/${at}`, clientSecret: SECRET })
  }
}

const senderOf = ({ headers }: { headers: Record<string, unknown> }) => String(headers['x-apiversion'])

describe('an unresponsive node', () => {
  it('C13: is replaced within a lease period and two seconds after it was killed', { timeout: 90_000 }, () =>
    inPlace(async place => {
      const [first, killed, third] = (await startNodes(place, ['first', 'killed', 'third'])) as [
        ServerProcess,
        ServerProcess,
        ServerProcess,
      ]
      const receiver = await startReceiver({ authority: place.authority, names: ['localhost'] })
      await makeEndpoints(first, receiver.url)
      const publish = () => first.call('POST', '/tenants/acme/events', cover(1))
      // The endpoints are shared out: each node has sent to some.
      const seenBy = (name: string) =>
        new Set(receiver.requests.filter(request => senderOf(request) === name).map(({ path }) => path))
      await expect
        .poll(
          async () => {
            await publish()
            return Math.min(...['first', 'killed', 'third'].map(name => seenBy(name).size))
          },
          { timeout: 20_000 },
        )
        .toBeGreaterThan(3)
      const latest = new Map(receiver.requests.map(request => [request.path, senderOf(request)]))
      const orphans = [...latest].filter(([, name]) => name === 'killed').map(([path]) => path)
      expect(orphans.length).toBeGreaterThan(0)
      killed.kill('SIGKILL')
      const killedMs = performance.now()
      await publish()
      const firstAfter = (path: string) =>
        receiver.requests.find(
          request => request.path === path && request.receivedMonotonicMs > killedMs && senderOf(request) !== 'killed',
        )?.receivedMonotonicMs
      await receiver.waitFor(() => orphans.every(path => firstAfter(path) !== undefined), { timeoutMs: 30_000 })
      const tookMs = orphans.map(path => firstAfter(path)! - killedMs)
      // Two seconds, and one more because other tests use the machine too.
      expect(Math.max(...tookMs), tookMs.join()).toBeLessThan(LEASE_MS + 3_000)
      for (const node of [first, third]) node.kill('SIGTERM')
      await Promise.all([first.ended, third.ended])
      await receiver.close()
    }),
  )

  it('C13: resumes after a pause without resending what others delivered', { timeout: 90_000 }, () =>
    inPlace(async place => {
      const [paused, other] = (await startNodes(place, ['paused', 'other'])) as [ServerProcess, ServerProcess]
      const receiver = await startReceiver({
        authority: place.authority,
        names: ['localhost'],
        // Slow, so that a backlog builds up; failing at first, so that retries become due while the node is paused.
        script: (request, nth) => ({ status: nth === 1 && senderOf(request) === 'paused' ? 503 : 204, delayMs: 100 }),
      })
      await makeEndpoints(other, receiver.url)
      await other.call(
        'POST',
        '/tenants/acme/events',
        Array.from({ length: 40 }, (_, index) => cover(index)),
      )
      const owed = ENDPOINTS * 40
      const ofPaused = () => receiver.requests.filter(request => senderOf(request) === 'paused')
      await receiver.waitFor(() => ofPaused().length > 60, { timeoutMs: 20_000 })
      paused.kill('SIGSTOP')
      await receiver.waitFor(() => receiver.distinct.size === owed, { timeoutMs: 40_000 })
      const sentBefore = ofPaused().length
      expect(sentBefore).toBeLessThan(owed / 2)
      paused.kill('SIGCONT')
      const pending = async () =>
        (await other.call<{ data: unknown[] }>('GET', '/tenants/acme/deliveries?state=pending&limit=1')).body.data
          .length
      await expect.poll(pending, { timeout: 20_000 }).toBe(0)
      // The node runs again and has its share of the partitions: it sends new events.
      await expect
        .poll(
          async () => {
            await other.call('POST', '/tenants/acme/events', cover(999))
            return ofPaused().length
          },
          { timeout: 20_000, interval: 200 },
        )
        .toBeGreaterThan(sentBefore)
      // But nothing that was delivered while it was paused, although by its timers and lanes hundreds were due.
      const again = ofPaused()
        .slice(sentBefore)
        .filter(({ body }) => !body.includes(cover(999).payload.CoverId))
      expect(again.map(({ path }) => path)).toEqual([])
      expect(paused.output()).toMatch(/leases expired/)
      for (const node of [paused, other]) node.kill('SIGTERM')
      await Promise.all([paused.ended, other.ended])
      await receiver.close()
    }),
  )
})
