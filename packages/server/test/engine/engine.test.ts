import { startReceiver } from '@posthorn/testkit'
import { describe, expect, it } from 'vitest'
import { listDeliveries } from '../store/list-deliveries.ts'
import tokens from '../vectors/tokens.json' with { type: 'json' }
import { cover, inFolder, startPosthorn } from './harness.ts'

const SECRET = 'c2VjcmV0LXRva2VuLXdpdGgtcGFkZGluZw=='
/** Serialising it again would change the text. */
const ODD_PAYLOAD = '{ "CoverId" : "564200aa-7128-4a26-83a8-cf0201903fcc", "n":12345678901234567890, "x":1.0 }'

const ANY = { state: null, endpoint: null, event: null, type: null, before: null, fromMs: null, toMs: null }

describe('engine', () => {
  it('C5 C6 C10: sends the payload byte for byte, with the bearer and the headers', () =>
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
        'x-posthorn-type': 'COVER_REFERENCE',
      })
      await posthorn.stop()
      await receiver.close()
    }))

  it.each([0, 1 << 26])('C5: sends the same bytes with every attempt, with %i bytes of memory for payloads', memory =>
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

  it('C6: sends every kind of secret exactly as given', () =>
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

  it('C6: a replaced secret is no longer sent, not even by a retry', () =>
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

  it("C10: sends the operator's apiVersion as X-APIVersion", () =>
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

  it('C5 C10 C12: retries on schedule with the same id and bytes until the attempts are exhausted', () =>
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

  it('C12: counts the wait from the end of an attempt, not from its start', () =>
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
      // The receiver's timer might fire a millisecond early.
      expect(Date.parse(due()!) - receiver.requests[0]!.receivedAtMs).toBeGreaterThanOrEqual(1_000_000 + 195)
      await posthorn.stop()
      await receiver.close()
    }))

  it.each([429, 503])('C12: Retry-After on a %i postpones every attempt to the endpoint', status =>
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
      // Deliveries to a healthy endpoint show that the later events have had their turn.
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

  it("C11 C12: an endpoint's own timeout and schedule take precedence over the operator's", () =>
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

  it('C11: a 410 disables the endpoint and holds its pending deliveries', () =>
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
        .poll(async () => (await listDeliveries(posthorn.store, 'acme', ANY, 10)).map(({ state }) => state), {
          timeout: 5_000,
        })
        .toEqual(['held'])
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

  it('C12: a manual retry requested during an attempt follows as soon as that attempt fails', () =>
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
      const [delivery] = await listDeliveries(posthorn.store, 'acme', none, 1)
      await posthorn.deliveries.retry('acme', delivery!.id)
      answer.resolve()
      await receiver.waitFor(() => receiver.total === 2, { timeoutMs: 5_000 })
      await posthorn.stop()
      await receiver.close()
    }))

  it("C12: fresh deliveries don't wait behind the retries of an outage, even after a restart", () =>
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
})
