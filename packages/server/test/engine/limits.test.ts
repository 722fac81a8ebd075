import { startReceiver } from '@posthorn/testkit'
import { describe, expect, it } from 'vitest'
import { endpointsOf } from '../store/endpoints-of.ts'
import { listDeliveries } from '../store/list-deliveries.ts'
import { cover, inFolder, startPosthorn } from './harness.ts'

const SECRET = 'c2VjcmV0LXRva2VuLXdpdGgtcGFkZGluZw=='
const ANY = { state: null, endpoint: null, event: null, type: null, before: null, fromMs: null, toMs: null }

type Posthorn = Awaited<ReturnType<typeof startPosthorn>>

const covers = (from: number, count: number) => Array.from({ length: count }, (_, index) => cover(from + index))
/** The number of the event that a request carries. */
const numberOf = ({ body }: { body: Buffer }) =>
  Number.parseInt(JSON.parse(body.toString()).CoverId.split('-').at(-1), 16)
const statesOf = async ({ store }: Posthorn) => (await listDeliveries(store, 'acme')).map(({ state }) => state).sort()

/** Start times of all attempts, in milliseconds since 1970. */
async function begunAtMs({ store, deliveries }: Posthorn): Promise<number[]> {
  const begun: number[] = []
  for (const { id } of await listDeliveries(store, 'acme')) {
    const { attempts } = await deliveries.get('acme', id)
    begun.push(...attempts.map(({ startedAtMs }) => startedAtMs))
  }
  return begun.sort((a, b) => a - b)
}

describe('an ordered endpoint', () => {
  it('receives one event at a time, each after the one before was delivered or exhausted', () =>
    inFolder(async (folder, authority) => {
      let open = 0
      let most = 0
      const receiver = await startReceiver({
        authority,
        names: ['localhost'],
        async script(request, nth) {
          open++
          most = Math.max(most, open)
          await new Promise(resolve => setImmediate(resolve))
          open--
          // Every third one fails once, number seven always.
          const isFailing = numberOf(request) === 7 || (numberOf(request) % 3 === 0 && nth === 1)
          return { status: isFailing ? 500 : 204 }
        },
      })
      const posthorn = await startPosthorn(folder, authority, { retrySchedule: [0.02, 0.02] })
      await posthorn.tenants.put('acme', {})
      await posthorn.endpoints.create('acme', { url: receiver.url, clientSecret: SECRET, ordered: true })
      for (let at = 0; at < 4; at++) await posthorn.publish('acme', covers(at * 10, 10))
      await expect
        .poll(() => statesOf(posthorn), { timeout: 20_000 })
        .toEqual([...Array(39).fill('delivered'), 'exhausted'])
      const order = receiver.requests.map(numberOf)
      expect(order).toEqual(
        Array.from({ length: 40 }, (_, at) => Array(at === 7 ? 3 : at % 3 === 0 ? 2 : 1).fill(at)).flat(),
      )
      expect(most).toBe(1)
      await posthorn.stop()
      await receiver.close()
    }))

  it('C12: receives nothing behind a failing delivery until someone cancels or retries that one', () =>
    inFolder(async (folder, authority) => {
      let isUp = false
      const receiver = await startReceiver({
        authority,
        names: ['localhost'],
        script: () => ({ status: isUp ? 204 : 500 }),
      })
      const posthorn = await startPosthorn(folder, authority, { retrySchedule: [3_600, 3_600] })
      await posthorn.tenants.put('acme', {})
      await posthorn.endpoints.create('acme', { url: receiver.url, clientSecret: SECRET, ordered: true })
      await posthorn.publish('acme', covers(0, 3))
      const waiting = async () => {
        const all = await listDeliveries(posthorn.store, 'acme', { ...ANY, state: 'pending' }, 9)
        return all.filter(({ attempts }) => attempts > 0)
      }
      await expect.poll(async () => (await waiting()).length, { timeout: 5_000 }).toBe(1)
      const [first] = await waiting()
      await posthorn.deliveries.cancel('acme', first!.id)
      await receiver.waitFor(() => receiver.total === 2, { timeoutMs: 5_000 })
      await expect.poll(async () => (await waiting()).length, { timeout: 5_000 }).toBe(1)
      isUp = true
      const [second] = await waiting()
      await posthorn.deliveries.retry('acme', second!.id)
      await receiver.waitFor(() => receiver.total === 4, { timeoutMs: 5_000 })
      expect(receiver.requests.map(numberOf)).toEqual([0, 1, 1, 2])
      // A manual retry of an ended delivery is a new delivery, and goes to the end.
      const repeated = await posthorn.deliveries.retry('acme', first!.id)
      expect(repeated.created).toBe(true)
      await receiver.waitFor(() => receiver.total === 5, { timeoutMs: 5_000 })
      await posthorn.stop()
      await receiver.close()
    }))

  it('receives held deliveries in publishing order when it is enabled again', () =>
    inFolder(async (folder, authority) => {
      const receiver = await startReceiver({ authority, names: ['localhost'] })
      const posthorn = await startPosthorn(folder, authority)
      await posthorn.tenants.put('acme', {})
      const input = { url: receiver.url, clientSecret: SECRET, ordered: true }
      const { endpoint } = await posthorn.endpoints.create('acme', input)
      await posthorn.endpoints.disable('acme', endpoint.id)
      // More than one commit releases, and enough to go through the inbox; the last ones queue up behind them.
      await posthorn.publish('acme', covers(0, 700))
      await posthorn.publish('acme', covers(700, 700))
      const enabling = posthorn.endpoints.enable('acme', endpoint.id, { held: 'release' })
      await posthorn.publish('acme', covers(1_400, 5))
      await enabling
      await receiver.waitFor(() => receiver.total === 1_405, { timeoutMs: 30_000 })
      expect(receiver.requests.map(numberOf)).toEqual(Array.from({ length: 1_405 }, (_, at) => at))
      await posthorn.stop()
      await receiver.close()
    }))

  it('receives its queue in order after a restart, and after order was switched on', () =>
    inFolder(async (folder, authority) => {
      const receiver = await startReceiver({ authority, names: ['localhost'] })
      const before = await startPosthorn(folder, authority, {}, false)
      await before.tenants.put('acme', {})
      const { endpoint } = await before.endpoints.create('acme', { url: receiver.url, clientSecret: SECRET })
      await before.publish('acme', covers(0, 50))
      await before.endpoints.update('acme', endpoint.id, { ordered: true })
      await before.publish('acme', covers(50, 50))
      await before.stop()
      const posthorn = await startPosthorn(folder, authority)
      await receiver.waitFor(() => receiver.total === 100, { timeoutMs: 10_000 })
      const order = receiver.requests.map(numberOf)
      expect(order.slice(50)).toEqual(Array.from({ length: 50 }, (_, at) => 50 + at))
      expect(order.slice(0, 50).sort((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, at) => at))
      await posthorn.stop()
      await receiver.close()
    }))
})

describe('an endpoint with a rate limit', () => {
  it('receives no more attempts than that in any period, including retries, and loses none', () =>
    inFolder(async (folder, authority) => {
      const receiver = await startReceiver({
        authority,
        names: ['localhost'],
        script: (_request, nth) => ({ status: nth === 1 ? 500 : 204 }),
      })
      const posthorn = await startPosthorn(folder, authority, { retrySchedule: [0.02] })
      await posthorn.tenants.put('acme', {})
      const rateLimit = { requests: 5, perSeconds: 1 }
      await posthorn.endpoints.create('acme', { url: receiver.url, clientSecret: SECRET, rateLimit })
      const open = await posthorn.endpoints.create('acme', { url: `${receiver.url}/open`, clientSecret: SECRET })
      await posthorn.publish('acme', covers(0, 7))
      await expect.poll(() => statesOf(posthorn), { timeout: 20_000 }).toEqual(Array(14).fill('delivered'))
      // The other endpoint didn't have to wait.
      const isOpen = ({ path }: { path: string }) => path === '/open'
      expect(receiver.requests.findLastIndex(isOpen)).toBeLessThan(receiver.requests.length - 1)
      await posthorn.endpoints.remove('acme', open.endpoint.id)
      const limited = { ...ANY, endpoint: (await endpointsOf(posthorn.store, 'acme'))[0]!.id }
      const begun: number[] = []
      for (const { id, attempts } of await listDeliveries(posthorn.store, 'acme', limited, 99)) {
        const found = await posthorn.deliveries.get('acme', id)
        expect(attempts).toBe(2)
        begun.push(...found.attempts.map(({ startedAtMs }) => startedAtMs))
      }
      expect(begun).toHaveLength(14)
      const mostInASecond = Math.max(...begun.map(from => begun.filter(at => at >= from && at < from + 1_000).length))
      expect(mostInASecond).toBeLessThanOrEqual(5)
      await posthorn.stop()
      await receiver.close()
    }))

  it('keeps its rate window when its empty lane is forgotten', () =>
    inFolder(async (folder, authority) => {
      const receiver = await startReceiver({ authority, names: ['localhost'] })
      const posthorn = await startPosthorn(folder, authority)
      await posthorn.tenants.put('acme', {})
      const rateLimit = { requests: 2, perSeconds: 2 }
      await posthorn.endpoints.create('acme', { url: receiver.url, clientSecret: SECRET, rateLimit })
      await posthorn.publish('acme', covers(0, 2))
      await expect.poll(() => statesOf(posthorn), { timeout: 5_000 }).toEqual(['delivered', 'delivered'])
      await posthorn.publish('acme', cover(3))
      await receiver.waitFor(() => receiver.total === 3, { timeoutMs: 10_000 })
      await expect.poll(() => statesOf(posthorn), { timeout: 5_000 }).toEqual(Array(3).fill('delivered'))
      const begun = await begunAtMs(posthorn)
      expect(begun[2]! - begun[0]!).toBeGreaterThanOrEqual(2_000)
      await posthorn.stop()
      await receiver.close()
    }))

  it('gets more requests as soon as its limit is raised while deliveries wait', () =>
    inFolder(async (folder, authority) => {
      const receiver = await startReceiver({ authority, names: ['localhost'] })
      const posthorn = await startPosthorn(folder, authority)
      await posthorn.tenants.put('acme', {})
      const rateLimit = { requests: 1, perSeconds: 3_600 }
      const input = { url: receiver.url, clientSecret: SECRET, rateLimit }
      const { endpoint } = await posthorn.endpoints.create('acme', input)
      await posthorn.publish('acme', covers(0, 5))
      await expect
        .poll(() => statesOf(posthorn), { timeout: 5_000 })
        .toEqual(['delivered', ...Array(4).fill('pending')])
      await posthorn.endpoints.update('acme', endpoint.id, { rateLimit: { requests: 3, perSeconds: 3_600 } })
      await receiver.waitFor(() => receiver.total === 3, { timeoutMs: 5_000 })
      await expect.poll(() => statesOf(posthorn), { timeout: 5_000 }).toContain('pending')
      await posthorn.endpoints.update('acme', endpoint.id, { rateLimit: null })
      await expect.poll(() => statesOf(posthorn), { timeout: 5_000 }).toEqual(Array(5).fill('delivered'))
      // Waiting used up no attempts.
      expect(await begunAtMs(posthorn)).toHaveLength(5)
      await posthorn.stop()
      await receiver.close()
    }))
})
