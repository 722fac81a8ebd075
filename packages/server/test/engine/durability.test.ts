/** Accepted events are sent despite crashes, an unavailable store and lost notifications (C13). */
import { startReceiver } from '@posthorn/testkit'
import { describe, expect, it, vi } from 'vitest'
import { type Clock, systemClock } from '../../src/base/clock.ts'
import { newId } from '../../src/base/ids.ts'
import { StoreUnavailable } from '../../src/store/transaction.ts'
import { endpointsOf } from '../store/endpoints-of.ts'
import { listDeliveries } from '../store/list-deliveries.ts'
import { cover, inFolder, startPosthorn } from './harness.ts'

const SECRET = 'c2VjcmV0LXRva2VuLXdpdGgtcGFkZGluZw=='
const ANY = { state: null, endpoint: null, event: null, type: null, before: null, fromMs: null, toMs: null }

describe('accepted events', () => {
  it('C13: are sent after a restart, and all arrive even if they overflow a lane', () =>
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

  it('C13: endpoint changes interrupted by a crash are finished at startup', () =>
    inFolder(async (folder, authority) => {
      const receiver = await startReceiver({ authority, names: ['localhost'] })
      const before = await startPosthorn(folder, authority, {}, false)
      await before.tenants.put('acme', {})
      const create = async (path: string) =>
        (await before.endpoints.create('acme', { url: `${receiver.url}${path}`, clientSecret: SECRET })).endpoint.id
      const [disabled, deleted, released] = [await create('/disabled'), await create('/deleted'), await create('/ok')]
      await before.endpoints.disable('acme', released)
      await before.publish('acme', cover(1))
      // Each change stops after its first commit.
      const state = (id: string, to: 'enabled' | 'disabled') =>
        before.store.write('setEndpointState', { tenant: 'acme', id, state: to, reason: null, nowMs: Date.now() })
      await state(disabled, 'disabled')
      await state(released, 'enabled')
      await before.store.write('deleteEndpoint', { tenant: 'acme', id: deleted, nowMs: Date.now() })
      await before.store.close()

      const posthorn = await startPosthorn(folder, authority)
      const states = async () => {
        const found = await listDeliveries(posthorn.store, 'acme', ANY, 9)
        return Object.fromEntries(found.map(each => [each.endpoint, each.state]))
      }
      const expected = { [disabled]: 'held', [deleted]: 'cancelled', [released]: 'delivered' }
      await expect.poll(states, { timeout: 5_000 }).toEqual(expected)
      await posthorn.stop()
      expect(receiver.requests.map(({ path }) => path)).toEqual(['/ok'])
      await receiver.close()
    }))

  it('C13: outcomes are kept while the store is unavailable, and sending resumes when it is back', () =>
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
      const states = async () => (await listDeliveries(posthorn.store, 'acme', ANY, 9)).map(({ state }) => state)
      await expect.poll(states, { timeout: 5_000 }).toEqual(['delivered'])
      await posthorn.publish('acme', cover(3))
      await expect.poll(states, { timeout: 5_000 }).toEqual(['delivered', 'delivered'])
      await posthorn.stop()
      expect(receiver.total).toBe(2)
      await receiver.close()
    }))

  it('C13: are sent after a commit whose result was lost', () =>
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
        // The event is stored, but the response gets lost.
        return calls.map(() => ({ ok: false, error: new StoreUnavailable('the connection broke') }))
      })
      await expect(posthorn.publish('acme', cover(2))).rejects.toBeInstanceOf(StoreUnavailable)
      await receiver.waitFor(() => receiver.total === 2, { timeoutMs: 5_000 })
      await posthorn.stop()
      await receiver.close()
    }))

  it('are logged in a line or two if the store cannot be read for all of their endpoints', () =>
    inFolder(async (folder, authority) => {
      const receiver = await startReceiver({ authority, names: ['localhost'] })
      const posthorn = await startPosthorn(folder, authority)
      await posthorn.tenants.put('acme', {})
      for (let at = 0; at < 60; at++) {
        await posthorn.endpoints.create('acme', { url: `${receiver.url}/${at}`, clientSecret: SECRET })
      }
      const read = posthorn.driver.read.bind(posthorn.driver)
      let failed = 0
      vi.spyOn(posthorn.driver, 'read').mockImplementation((operation, args) => {
        if (operation !== 'getSendable' || failed >= 60) return read(operation, args)
        failed++
        return Promise.reject(new StoreUnavailable('the disk is unavailable'))
      })
      await posthorn.publish('acme', cover(1))
      await receiver.waitFor(() => receiver.total === 60, { timeoutMs: 20_000 })
      await posthorn.stop()
      const logged = posthorn.lines.filter(({ msg }) => msg === 'store could not be read; retrying')
      expect(logged.length).toBeLessThan(5)
      expect(logged.reduce((sum, { count }) => sum + Number(count), 0)).toBe(failed)
      await receiver.close()
    }))

  it.each(['readLane', 'readPayload', 'getSendable'] as const)('C13: are only delayed by a %s that fails', name =>
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
        return Promise.reject(new StoreUnavailable('the disk is unavailable'))
      })
      await posthorn.engine.start()
      await receiver.waitFor(() => receiver.total === 1, { timeoutMs: 5_000 })
      expect(failed).toBe(1)
      await posthorn.stop()
      await receiver.close()
    }),
  )

  it('C13: are found by the sweep if their notification was lost', () =>
    inFolder(async (folder, authority) => {
      const receiver = await startReceiver({ authority, names: ['localhost'] })
      // The sweep's half minute takes a tenth of a second.
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

  it('at startup, lanes without due deliveries are not read, and the others send theirs', () =>
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
        const [endpoint] = await endpointsOf(before.store, name)
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
        // Published, and so due, in an hour.
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
      // The whole sweep has run once every partition was asked for its lanes.
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

  it('C13: for very many endpoints are accepted immediately and reach each endpoint once, even across a restart', () =>
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
