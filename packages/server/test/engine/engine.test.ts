import { startReceiver } from '@posthorn/testkit'
import { describe, expect, it, vi } from 'vitest'
import { type Clock, systemClock } from '../../src/base/clock.ts'
import { newId } from '../../src/base/ids.ts'
import { StoreUnavailable } from '../../src/store/transaction.ts'
import tokens from '../vectors/tokens.json' with { type: 'json' }
import { cover, inFolder, startPosthorn } from './harness.ts'

const SECRET = 'c2VjcmV0LXRva2VuLXdpdGgtcGFkZGluZw=='
/** Serialised again, it would be another text. */
const ODD_PAYLOAD = '{ "CoverId" : "564200aa-7128-4a26-83a8-cf0201903fcc", "n":12345678901234567890, "x":1.0 }'

const ANY = { state: null, endpoint: null, event: null, type: null, before: null, fromMs: null, toMs: null }

describe('engine', () => {
  it('C5 C6 C10: sends the payload’s bytes with the bearer and the headers', () =>
    inFolder(async (folder, authority) => {
      const receiver = await startReceiver({ authority, names: ['localhost'] })
      const posthorn = await startPosthorn(folder, authority)
      await posthorn.tenants.put('acme', {})
      await posthorn.endpoints.create('acme', { url: `${receiver.url}/hook?of=a%20b`, clientSecret: SECRET })
      const body = Buffer.from(`[{"type":"COVER_REFERENCE", "payload" : ${ODD_PAYLOAD} }]`)
      const { events } = await posthorn.publisher.publish('acme', body)
      await receiver.waitFor(() => receiver.total === 1, { timeoutMs: 5_000 })
      const [request] = receiver.requests
      expect(request).toMatchObject({ method: 'POST', path: '/hook?of=a%20b' })
      expect(request!.body.toString()).toBe(ODD_PAYLOAD)
      expect(request!.headers).toMatchObject({
        authorization: `Bearer ${SECRET}`,
        'content-type': 'application/json',
        'x-apiversion': '3.0',
        'user-agent': 'Posthorn/test',
        'webhook-id': events[0]!.id,
      })
      await posthorn.stop()
      await receiver.close()
    }))

  it.each([0, 1 << 26])('C5: sends the same bytes at every attempt, with %i bytes of memory for payloads', memory =>
    inFolder(async (folder, authority) => {
      const receiver = await startReceiver({
        authority,
        names: ['localhost'],
        script: (_request, nth) => ({ status: nth < 3 ? 500 : 204 }),
      })
      const before = await startPosthorn(folder, authority, {}, false)
      await before.tenants.put('acme', {})
      await before.endpoints.create('acme', { url: receiver.url, clientSecret: SECRET })
      await before.publisher.publish('acme', Buffer.from(`{"type":"COVER_REFERENCE","payload":${ODD_PAYLOAD}}`))
      await before.store.close()
      const posthorn = await startPosthorn(folder, authority, { payloadMemoryBytes: memory })
      await receiver.waitFor(() => receiver.total === 3, { timeoutMs: 5_000 })
      expect(receiver.requests.map(({ body }) => body.toString())).toEqual([ODD_PAYLOAD, ODD_PAYLOAD, ODD_PAYLOAD])
      await posthorn.stop()
      await receiver.close()
    }),
  )

  it('C6: sends each kind of secret exactly as it was defined', () =>
    inFolder(async (folder, authority) => {
      const receiver = await startReceiver({ authority, names: ['localhost'] })
      const posthorn = await startPosthorn(folder, authority)
      await posthorn.tenants.put('acme', {})
      const secrets = [...tokens.valid.map(({ token }) => token), `Aa0-._~+/${'z'.repeat(4_086)}=`]
      for (const [index, clientSecret] of secrets.entries()) {
        await posthorn.endpoints.create('acme', { url: `${receiver.url}/${index}`, clientSecret })
      }
      await posthorn.publish('acme', cover(1))
      await receiver.waitFor(() => receiver.total === secrets.length, { timeoutMs: 5_000 })
      const sent = new Map(receiver.requests.map(({ path, headers }) => [path, headers.authorization]))
      expect(secrets.map((_, index) => sent.get(`/${index}`))).toEqual(secrets.map(secret => `Bearer ${secret}`))
      await posthorn.stop()
      await receiver.close()
    }))

  it('C6: a secret that was replaced is not sent any more, not even by a retry', () =>
    inFolder(async (folder, authority) => {
      const receiver = await startReceiver({
        authority,
        names: ['localhost'],
        script: async (_request, nth) => {
          if (nth > 1) return { status: 204 }
          await posthorn.endpoints.update('acme', id, { clientSecret: `${SECRET}==` })
          return { status: 500 }
        },
      })
      const posthorn = await startPosthorn(folder, authority)
      await posthorn.tenants.put('acme', {})
      const { endpoint } = await posthorn.endpoints.create('acme', { url: receiver.url, clientSecret: SECRET })
      const { id } = endpoint
      await posthorn.publish('acme', cover(1))
      await receiver.waitFor(() => receiver.total === 2, { timeoutMs: 5_000 })
      expect(receiver.requests.map(({ headers }) => headers.authorization)).toEqual([
        `Bearer ${SECRET}`,
        `Bearer ${SECRET}==`,
      ])
      await posthorn.stop()
      await receiver.close()
    }))

  it('C10: X-APIVersion is the operator’s setting', () =>
    inFolder(async (folder, authority) => {
      const receiver = await startReceiver({ authority, names: ['localhost'] })
      const posthorn = await startPosthorn(folder, authority, { apiVersion: '4.1' })
      await posthorn.tenants.put('acme', {})
      const headers = { 'X-Own': 'of the tenant' }
      await posthorn.endpoints.create('acme', { url: receiver.url, clientSecret: SECRET, headers })
      await posthorn.publish('acme', cover(1))
      await receiver.waitFor(() => receiver.total === 1, { timeoutMs: 5_000 })
      expect(receiver.requests[0]!.headers).toMatchObject({ 'x-apiversion': '4.1', 'x-own': 'of the tenant' })
      await posthorn.stop()
      await receiver.close()
    }))

  it('C5 C10 C12: retries on the schedule with the same id and bytes, and then has used up its attempts', () =>
    inFolder(async (folder, authority) => {
      const receiver = await startReceiver({ authority, names: ['localhost'], script: () => ({ status: 500 }) })
      const posthorn = await startPosthorn(folder, authority)
      await posthorn.tenants.put('acme', {})
      await posthorn.endpoints.create('acme', { url: receiver.url, clientSecret: SECRET })
      await posthorn.publish('acme', cover(1))
      await receiver.waitFor(() => receiver.total === 4, { timeoutMs: 10_000 })
      await posthorn.stop()
      expect(new Set(receiver.requests.map(({ body }) => body.toString())).size).toBe(1)
      expect(new Set(receiver.requests.map(({ headers }) => headers['webhook-id'])).size).toBe(1)
      const gaps = receiver.requests
        .slice(1)
        .map((request, at) => request.receivedAtMs - receiver.requests[at]!.receivedAtMs)
      for (const gap of gaps) expect(gap).toBeGreaterThanOrEqual(50)
      const attempts = posthorn.lines.filter(({ msg }) => msg === 'attempt')
      expect(attempts.map(({ next }) => next)).toEqual(['retry', 'retry', 'retry', 'exhausted'])
      await receiver.close()
    }))

  it('C12: waits from the end of an attempt, not from its start', () =>
    inFolder(async (folder, authority) => {
      const receiver = await startReceiver({
        authority,
        names: ['localhost'],
        script: () => ({ status: 500, delayMs: 200 }),
      })
      const posthorn = await startPosthorn(folder, authority, { retrySchedule: [1_000] })
      await posthorn.tenants.put('acme', {})
      await posthorn.endpoints.create('acme', { url: receiver.url, clientSecret: SECRET })
      await posthorn.publish('acme', cover(1))
      const due = () => posthorn.lines.find(({ msg }) => msg === 'attempt')?.dueAt as string | undefined
      await expect.poll(due, { timeout: 5_000 }).toBeDefined()
      // A timer of the receiver's may fire a millisecond early.
      expect(Date.parse(due()!) - receiver.requests[0]!.receivedAtMs).toBeGreaterThanOrEqual(1_000_000 + 195)
      await posthorn.stop()
      await receiver.close()
    }))

  it.each([429, 503])('C12: Retry-After of a %i makes the next attempt later, of all the endpoint’s', status =>
    inFolder(async (folder, authority) => {
      const receiver = await startReceiver({
        authority,
        names: ['localhost'],
        script: () => ({ status, headers: { 'Retry-After': '3000' } }),
      })
      const posthorn = await startPosthorn(folder, authority)
      await posthorn.tenants.put('acme', {})
      await posthorn.endpoints.create('acme', { url: receiver.url, clientSecret: SECRET })
      await posthorn.publish('acme', cover(1))
      const attempts = () => posthorn.lines.filter(({ msg }) => msg === 'attempt')
      await expect.poll(attempts, { timeout: 5_000 }).toHaveLength(1)
      const waitMs = Date.parse(attempts()[0]!.dueAt as string) - receiver.requests[0]!.receivedAtMs
      expect(waitMs).toBeGreaterThanOrEqual(3_000_000)
      // A healthy neighbour shows that what is published next had its turn.
      const healthy = await startReceiver({ authority, names: ['localhost'] })
      await posthorn.endpoints.create('acme', { url: healthy.url, clientSecret: SECRET })
      await posthorn.publish('acme', [cover(2), cover(3)])
      await healthy.waitFor(() => healthy.total === 2, { timeoutMs: 5_000 })
      await posthorn.stop()
      expect(receiver.total).toBe(1)
      await receiver.close()
      await healthy.close()
    }),
  )

  it('C11 C12: an endpoint’s own time-out and schedule count, not the operator’s', () =>
    inFolder(async (folder, authority) => {
      const receiver = await startReceiver({ authority, names: ['localhost'], script: () => 'hang' })
      const posthorn = await startPosthorn(folder, authority, { responseTimeoutMs: 60_000 })
      await posthorn.tenants.put('acme', {})
      const own = { schedule: [0.02], timeoutMs: 60 }
      await posthorn.endpoints.create('acme', { url: receiver.url, clientSecret: SECRET, ...own })
      await posthorn.publish('acme', cover(1))
      const attempts = () => posthorn.lines.filter(({ msg }) => msg === 'attempt')
      await expect.poll(attempts, { timeout: 5_000 }).toHaveLength(2)
      expect(attempts().map(({ errorCode, next }) => [errorCode, next])).toEqual([
        ['response_timeout', 'retry'],
        ['response_timeout', 'exhausted'],
      ])
      await posthorn.stop()
      await receiver.close()
    }))

  it('C11: 410 disables the endpoint and holds what is pending', () =>
    inFolder(async (folder, authority) => {
      const receiver = await startReceiver({ authority, names: ['localhost'], script: () => ({ status: 410 }) })
      const posthorn = await startPosthorn(folder, authority)
      await posthorn.tenants.put('acme', {})
      const { endpoint } = await posthorn.endpoints.create('acme', { url: receiver.url, clientSecret: SECRET })
      await posthorn.publish('acme', cover(1))
      await receiver.waitFor(() => receiver.total === 1, { timeoutMs: 5_000 })
      await expect
        .poll(async () => (await posthorn.endpoints.get('acme', endpoint.id)).state, { timeout: 5_000 })
        .toBe('disabled')
      await expect
        .poll(async () => (await posthorn.deliveries.list('acme', ANY, 10)).map(({ state }) => state), {
          timeout: 5_000,
        })
        .toEqual(['held'])
      await posthorn.stop()
      await receiver.close()
    }))

  it('C13: what was accepted is sent after a restart, and a flood through a full lane arrives whole', () =>
    inFolder(async (folder, authority) => {
      const receiver = await startReceiver({ authority, names: ['localhost'], record: false })
      const before = await startPosthorn(folder, authority, {}, false)
      await before.tenants.put('acme', {})
      await before.endpoints.create('acme', { url: receiver.url, clientSecret: SECRET })
      for (let at = 0; at < 5; at++) {
        await before.publish(
          'acme',
          Array.from({ length: 200 }, (_, index) => cover(at * 200 + index)),
        )
      }
      await before.store.close()
      const posthorn = await startPosthorn(folder, authority)
      const more = Array.from({ length: 10 }, (_, at) =>
        posthorn.publish(
          'acme',
          Array.from({ length: 100 }, (_, index) => cover(1_000 + at * 100 + index)),
        ),
      )
      await Promise.all(more)
      await receiver.waitFor(() => receiver.distinct.size >= 2_000, { timeoutMs: 20_000 })
      await posthorn.stop()
      expect(receiver.total).toBe(2_000)
      await receiver.close()
    }))

  it('C13: ends at start what a crash cut short', () =>
    inFolder(async (folder, authority) => {
      const receiver = await startReceiver({ authority, names: ['localhost'] })
      const before = await startPosthorn(folder, authority, {}, false)
      await before.tenants.put('acme', {})
      const create = async (path: string) =>
        (await before.endpoints.create('acme', { url: `${receiver.url}${path}`, clientSecret: SECRET })).endpoint.id
      const [disabled, deleted, released] = [await create('/disabled'), await create('/deleted'), await create('/ok')]
      await before.endpoints.disable('acme', released)
      await before.publish('acme', cover(1))
      // Each change as far as its first commit.
      const state = (id: string, to: 'enabled' | 'disabled') =>
        before.store.write('setEndpointState', { tenant: 'acme', id, state: to, reason: null, nowMs: Date.now() })
      await state(disabled, 'disabled')
      await state(released, 'enabled')
      await before.store.write('deleteEndpoint', { tenant: 'acme', id: deleted, nowMs: Date.now() })
      await before.store.close()

      const posthorn = await startPosthorn(folder, authority)
      const states = async () => {
        const found = await posthorn.deliveries.list('acme', ANY, 9)
        return Object.fromEntries(found.map(each => [each.endpoint, each.state]))
      }
      const expected = { [disabled]: 'held', [deleted]: 'cancelled', [released]: 'delivered' }
      await expect.poll(states, { timeout: 5_000 }).toEqual(expected)
      await posthorn.stop()
      expect(receiver.requests.map(({ path }) => path)).toEqual(['/ok'])
      await receiver.close()
    }))

  it('C13: keeps an outcome while the store is away, and goes on when it is back', () =>
    inFolder(async (folder, authority) => {
      const { promise: isSent, resolve: sent } = Promise.withResolvers<void>()
      const { promise: isAway, resolve: goneAway } = Promise.withResolvers<void>()
      const receiver = await startReceiver({
        authority,
        names: ['localhost'],
        script: async (_request, _nth, total) => {
          if (total > 1) return
          sent()
          await isAway
        },
      })
      const posthorn = await startPosthorn(folder, authority)
      await posthorn.tenants.put('acme', {})
      await posthorn.endpoints.create('acme', { url: receiver.url, clientSecret: SECRET })
      await posthorn.publish('acme', cover(1))
      await isSent
      const write = vi.spyOn(posthorn.driver, 'write')
      write.mockImplementation(async calls =>
        calls.map(() => ({ ok: false, error: new StoreUnavailable('the disk is full') })),
      )
      goneAway()
      await expect.poll(() => write.mock.calls.length, { timeout: 5_000 }).toBeGreaterThan(0)
      await expect(posthorn.publish('acme', cover(2))).rejects.toBeInstanceOf(StoreUnavailable)
      write.mockRestore()
      const states = async () => (await posthorn.deliveries.list('acme', ANY, 9)).map(({ state }) => state)
      await expect.poll(states, { timeout: 5_000 }).toEqual(['delivered'])
      await posthorn.publish('acme', cover(3))
      await expect.poll(states, { timeout: 5_000 }).toEqual(['delivered', 'delivered'])
      await posthorn.stop()
      expect(receiver.total).toBe(2)
      await receiver.close()
    }))

  it('C13: sends what is in the store after a commit that was in doubt', () =>
    inFolder(async (folder, authority) => {
      const receiver = await startReceiver({ authority, names: ['localhost'] })
      const posthorn = await startPosthorn(folder, authority)
      await posthorn.tenants.put('acme', {})
      await posthorn.endpoints.create('acme', { url: receiver.url, clientSecret: SECRET })
      await posthorn.publish('acme', cover(1))
      await receiver.waitFor(() => receiver.total === 1, { timeoutMs: 5_000 })
      const write = posthorn.driver.write.bind(posthorn.driver)
      vi.spyOn(posthorn.driver, 'write').mockImplementation(async calls => {
        const results = await write(calls)
        if (!calls.some(({ name }) => name === 'publish')) return results
        // Stored, but its answer gets lost.
        return calls.map(() => ({ ok: false, error: new StoreUnavailable('the connection broke') }))
      })
      await expect(posthorn.publish('acme', cover(2))).rejects.toBeInstanceOf(StoreUnavailable)
      await receiver.waitFor(() => receiver.total === 2, { timeoutMs: 5_000 })
      await posthorn.stop()
      await receiver.close()
    }))

  it.each(['readLane', 'readPayload', 'getEndpoint'] as const)('C13: a %s that fails costs time, nothing else', name =>
    inFolder(async (folder, authority) => {
      const receiver = await startReceiver({ authority, names: ['localhost'] })
      const before = await startPosthorn(folder, authority, {}, false)
      await before.tenants.put('acme', {})
      await before.endpoints.create('acme', { url: receiver.url, clientSecret: SECRET })
      await before.publish('acme', cover(1))
      await before.store.close()
      const posthorn = await startPosthorn(folder, authority, { payloadMemoryBytes: 0 }, false)
      const read = posthorn.driver.read.bind(posthorn.driver)
      let failed = 0
      vi.spyOn(posthorn.driver, 'read').mockImplementation((operation, args) => {
        if (operation !== name || failed > 0) return read(operation, args)
        failed++
        return Promise.reject(new StoreUnavailable('the disk is away'))
      })
      await posthorn.engine.start()
      await receiver.waitFor(() => receiver.total === 1, { timeoutMs: 5_000 })
      expect(failed).toBe(1)
      await posthorn.stop()
      await receiver.close()
    }),
  )

  it('C13: the sweep finds what nobody was told of', () =>
    inFolder(async (folder, authority) => {
      const receiver = await startReceiver({ authority, names: ['localhost'] })
      // Half a minute of it is a tenth of a second.
      const clock: Clock = {
        ...systemClock,
        after: (delayMs, fire) => systemClock.after(delayMs === 30_000 ? 100 : delayMs, fire),
      }
      const posthorn = await startPosthorn(folder, authority, {}, true, clock)
      await posthorn.tenants.put('acme', {})
      await posthorn.endpoints.create('acme', { url: receiver.url, clientSecret: SECRET })
      await posthorn.publish('acme', cover(1))
      await receiver.waitFor(() => receiver.total === 1, { timeoutMs: 5_000 })
      const tell = vi.spyOn(posthorn.store.changes, 'emit').mockImplementation(() => {})
      await posthorn.publish('acme', cover(2))
      await receiver.waitFor(() => receiver.total === 2, { timeoutMs: 5_000 })
      expect(tell).toHaveBeenCalled()
      await posthorn.stop()
      await receiver.close()
    }))

  it('reads nothing at start of endpoints whose deliveries are not due, and sends beside them what is', () =>
    inFolder(async (folder, authority) => {
      const receiver = await startReceiver({ authority, names: ['localhost'] })
      const before = await startPosthorn(folder, authority, {}, false)
      const dueMs = before.store.now() + 3_600_000
      for (let tenant = 0; tenant < 20; tenant++) {
        const name = `down-${tenant}`
        await before.tenants.put(name, {})
        await before.endpoints.create(name, { url: `${receiver.url}/down`, clientSecret: SECRET })
        const { version: tenantVersion } = (await before.store.read('readTenantConfiguration', { tenant: name }))!
        const { version: catalogueVersion } = await before.store.read('readCatalogue', {})
        const [endpoint] = await before.store.read('listEndpoints', { tenant: name, before: null, limit: 1 })
        const { id, partition } = endpoint!
        const delivery = { id: newId('dlv', dueMs), endpoint: id, partition, held: false, ordered: false }
        const event = {
          id: newId('evt', dueMs),
          type: 'COVER_REFERENCE',
          key: null,
          hash: null,
          test: false,
          notSent: {},
        }
        const events = [{ ...event, payload: Buffer.from('{}'), deliveries: [delivery] }]
        // Due when it is published: in an hour.
        const versions = { tenantVersion, catalogueVersion, nowMs: dueMs, keyExpiresAtMs: dueMs }
        expect((await before.store.publish({ tenant: name, ...versions, events })).kind).toBe('stored')
      }
      await before.tenants.put('acme', {})
      await before.endpoints.create('acme', { url: `${receiver.url}/up`, clientSecret: SECRET })
      await before.publish('acme', cover(1))
      await before.store.close()
      const posthorn = await startPosthorn(folder, authority, {}, false)
      const read = vi.spyOn(posthorn.driver, 'read')
      await posthorn.engine.start()
      await receiver.waitFor(() => receiver.total === 1, { timeoutMs: 20_000 })
      // Another is known to be there once the whole sweep has gone by: every partition was asked for its lanes.
      await vi.waitFor(
        () => expect(read.mock.calls.filter(([name]) => name === 'discoverLanes').length).toBeGreaterThanOrEqual(256),
        { timeout: 20_000 },
      )
      await posthorn.publish('acme', cover(2))
      await receiver.waitFor(() => receiver.total === 2, { timeoutMs: 20_000 })
      expect(receiver.requests.map(({ path }) => path)).toEqual(['/up', '/up'])
      const endpoints = read.mock.calls.flatMap(([name, args]) =>
        name === 'readLane' ? [(args as { endpoint: string }).endpoint] : [],
      )
      expect(new Set(endpoints).size).toBe(1)
      await posthorn.stop()
      await receiver.close()
    }))

  it('a hanging receiver does not hold up another of the same tenant', () =>
    inFolder(async (folder, authority) => {
      const hanging = await startReceiver({ authority, names: ['localhost'], script: () => 'hang' })
      const healthy = await startReceiver({ authority, names: ['localhost'] })
      const posthorn = await startPosthorn(folder, authority, { maxInFlight: 16, responseTimeoutMs: 60_000 })
      await posthorn.tenants.put('acme', {})
      await posthorn.endpoints.create('acme', { url: hanging.url, clientSecret: SECRET })
      await posthorn.publish(
        'acme',
        Array.from({ length: 100 }, (_, index) => cover(index)),
      )
      await hanging.waitFor(() => hanging.total >= 3, { timeoutMs: 5_000 })
      await posthorn.endpoints.create('acme', { url: healthy.url, clientSecret: SECRET })
      await posthorn.publish(
        'acme',
        Array.from({ length: 100 }, (_, index) => cover(index)),
      )
      await healthy.waitFor(() => healthy.total === 100, { timeoutMs: 5_000 })
      await posthorn.stop(0)
      await hanging.close()
      await healthy.close()
    }))

  it('C12: a person’s wish for another attempt outlives the attempt that is in flight', () =>
    inFolder(async (folder, authority) => {
      const answer = Promise.withResolvers<void>()
      const receiver = await startReceiver({
        authority,
        names: ['localhost'],
        script: async (_request, nth) => {
          if (nth === 1) await answer.promise
          return { status: nth === 1 ? 500 : 204 }
        },
      })
      const posthorn = await startPosthorn(folder, authority, { retrySchedule: [3_600] })
      await posthorn.tenants.put('acme', {})
      await posthorn.endpoints.create('acme', { url: receiver.url, clientSecret: SECRET })
      await posthorn.publish('acme', cover(1))
      await receiver.waitFor(() => receiver.total === 1, { timeoutMs: 5_000 })
      const none = { state: null, endpoint: null, event: null, type: null, before: null, fromMs: null, toMs: null }
      const [delivery] = await posthorn.deliveries.list('acme', none, 1)
      await posthorn.deliveries.retry('acme', delivery!.id)
      answer.resolve()
      await receiver.waitFor(() => receiver.total === 2, { timeoutMs: 5_000 })
      await posthorn.stop()
      await receiver.close()
    }))

  it('C12: fresh deliveries do not wait behind the retries of a bad hour, also after a restart', () =>
    inFolder(async (folder, authority) => {
      let isUp = false
      const receiver = await startReceiver({
        authority,
        names: ['localhost'],
        script: () => ({ status: isUp ? 204 : 500 }),
      })
      const options = { retrySchedule: [3_600], laneWindow: 1 }
      const before = await startPosthorn(folder, authority, options)
      await before.tenants.put('acme', {})
      await before.endpoints.create('acme', { url: receiver.url, clientSecret: SECRET })
      await before.publish(
        'acme',
        Array.from({ length: 40 }, (_, index) => cover(index)),
      )
      await receiver.waitFor(() => receiver.total === 40, { timeoutMs: 10_000 })
      await before.stop()
      isUp = true
      const after = await startPosthorn(folder, authority, options)
      await after.publish('acme', cover(100))
      await receiver.waitFor(() => receiver.total === 41, { timeoutMs: 5_000 })
      await after.stop()
      await receiver.close()
    }))

  it('C13: an event to very many endpoints is accepted at once, and reaches each of them once, over a restart too', () =>
    inFolder(async (folder, authority) => {
      const receiver = await startReceiver({ authority, names: ['localhost'], record: false })
      const before = await startPosthorn(folder, authority, {}, false)
      await before.tenants.put('acme', {})
      const urls = Array.from({ length: 600 }, (_, at) => `${receiver.url}/${at}`)
      await Promise.all(urls.map(url => before.endpoints.create('acme', { url, clientSecret: SECRET })))
      const { events } = await before.publish('acme', cover(1))
      expect(events).toMatchObject([{ deliveries: null, notSent: null }])
      await before.endpoints.create('acme', { url: `${receiver.url}/later`, clientSecret: SECRET })
      await before.stop()
      const posthorn = await startPosthorn(folder, authority)
      const again = await posthorn.publish('acme', cover(2))
      await receiver.waitFor(() => receiver.total === 1_201, { timeoutMs: 30_000 })
      await expect
        .poll(async () => (await posthorn.events.get('acme', again.events[0]!.id)).event.notSent, {
          timeout: 5_000,
        })
        .toEqual({})
      await posthorn.stop()
      expect(receiver.total).toBe(1_201)
      await receiver.close()
    }))
})
