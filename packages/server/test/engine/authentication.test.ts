import { verify } from '@posthorn/client'
import { type ReceivedRequest, startReceiver } from '@posthorn/testkit'
import { Webhook } from 'standardwebhooks'
import { describe, expect, it } from 'vitest'
import type { Clock } from '../../src/base/clock.ts'
import { systemClock } from '../../src/base/clock.ts'
import { HOUR_MS } from '../../src/base/durations.ts'
import { listDeliveries } from '../store/list-deliveries.ts'
import { cover, inFolder, startPosthorn } from './harness.ts'

const SECRET = 'c2VjcmV0LXRva2VuLXdpdGgtcGFkZGluZw=='

/** The system clock, with a wall clock that can be moved forward. */
function movableClock() {
  let ahead = 0
  const clock: Clock = { ...systemClock, now: () => systemClock.now() + ahead }
  return {
    clock,
    advance(ms: number) {
      ahead += ms
    },
  }
}

const bearerOf = (request: ReceivedRequest) => request.headers.authorization

describe('signatures', () => {
  it('are on every request, and verify with the Standard Webhooks library and with ours', () =>
    inFolder(async (folder, authority) => {
      const receiver = await startReceiver({
        authority,
        names: ['localhost'],
        script: (_request, nth) => ({ status: nth < 3 ? 500 : 204 }),
      })
      const posthorn = await startPosthorn(folder, authority)
      await posthorn.tenants.put('acme', {})
      const input = { url: receiver.url, clientSecret: SECRET }
      const { signingSecret } = await posthorn.endpoints.create('acme', input)
      await posthorn.publish('acme', cover(1))
      await receiver.waitFor(() => receiver.total === 3, { timeoutMs: 10_000 })
      for (const request of receiver.requests) {
        const theirs = new Webhook(signingSecret!)
        expect(theirs.verify(request.body, request.headers as Record<string, string>)).toEqual(cover(1).payload)
        await verify(
          { headers: request.headers, rawBody: request.body },
          { clientSecret: SECRET, signingSecret: signingSecret! },
        )
        expect(() => theirs.verify(`${request.body} `, request.headers as Record<string, string>)).toThrow()
      }
      await posthorn.stop()
      await receiver.close()
    }))

  it('C10: are under the names that the endpoint has for them, and webhook-id is there too', () =>
    inFolder(async (folder, authority) => {
      const receiver = await startReceiver({ authority, names: ['localhost'] })
      const posthorn = await startPosthorn(folder, authority)
      await posthorn.tenants.put('acme', {})
      const send = async (signatureHeaders: object, uid: string) => {
        const input = { url: receiver.url, clientSecret: SECRET, uid, signatureHeaders }
        const { signingSecret } = await posthorn.endpoints.create('acme', input)
        const total = receiver.total + 1
        await posthorn.publish('acme', cover(1))
        await receiver.waitFor(() => receiver.total === total, { timeoutMs: 10_000 })
        const { headers, body: rawBody } = receiver.requests.at(-1)!
        const { id } = await verify({ headers, rawBody }, { signingSecret: signingSecret!, signatureHeaders })
        expect(headers['webhook-id']).toBe(id)
        await posthorn.endpoints.remove('acme', uid)
        return Object.keys(headers).filter(name => /webhook|x-s/.test(name))
      }
      expect(await send({ id: 'X-Sent-Id', timestamp: 'X-Sent-At', signature: 'X-Signed' }, 'a')).toEqual([
        'webhook-id',
        'x-sent-at',
        'x-signed',
        'x-sent-id',
      ])
      expect(await send({ signature: 'X-Signature' }, 'b')).toEqual(['webhook-id', 'webhook-timestamp', 'x-signature'])
      await posthorn.stop()
      await receiver.close()
    }))

  it('are made with a new secret alone from the next request on, retries included, if the old one has leaked', () =>
    inFolder(async (folder, authority) => {
      let isUp = true
      const script = () => ({ status: isUp ? 204 : 500 })
      const receiver = await startReceiver({ authority, names: ['localhost'], script })
      const posthorn = await startPosthorn(folder, authority, { retrySchedule: [0.05, 0.05, 0.05, 0.05, 0.05] })
      await posthorn.tenants.put('acme', {})
      const created = await posthorn.endpoints.create('acme', { url: receiver.url, clientSecret: SECRET })
      const { id } = created.endpoint
      await posthorn.endpoints.rotateSigning('acme', id, { gracePeriodSeconds: 604_800 })
      const countOf = (headers: Record<string, unknown>) => String(headers['webhook-signature']).split(' ').length
      isUp = false
      await posthorn.publish('acme', cover(1))
      await receiver.waitFor(() => receiver.total === 2, { timeoutMs: 10_000 })
      expect(receiver.requests.map(({ headers }) => countOf(headers))).toEqual([2, 2])
      const { signingSecret } = await posthorn.endpoints.rotateSigning('acme', id, { gracePeriodSeconds: 0 })
      const started = receiver.total + 1
      isUp = true
      await posthorn.publish('acme', cover(2))
      const delivered = { state: 'delivered' as const }
      await expect.poll(() => listDeliveries(posthorn.store, 'acme', delivered), { timeout: 10_000 }).toHaveLength(2)
      // One request can have been signed before the call.
      const after = receiver.requests.slice(started)
      expect(after.length).toBeGreaterThan(0)
      for (const { headers, body: rawBody } of after) {
        expect(countOf(headers)).toBe(1)
        await verify({ headers, rawBody }, { signingSecret: signingSecret! })
      }
      await posthorn.stop()
      await receiver.close()
    }))

  it('use both secrets for a day after a rotation, and only the new one after that', () =>
    inFolder(async (folder, authority) => {
      const receiver = await startReceiver({ authority, names: ['localhost'] })
      const { clock, advance } = movableClock()
      const posthorn = await startPosthorn(folder, authority, {}, true, clock)
      await posthorn.tenants.put('acme', {})
      const created = await posthorn.endpoints.create('acme', { url: receiver.url, clientSecret: SECRET })
      const id = created.endpoint.id
      const send = async (count: number) => {
        await posthorn.publish('acme', cover(count))
        await receiver.waitFor(() => receiver.total === count, { timeoutMs: 10_000 })
        const { headers, body } = receiver.requests.at(-1)!
        const now = () => clock.now()
        const isBy = (signingSecret: string) =>
          verify({ headers, rawBody: body }, { signingSecret, now }).then(
            () => true,
            () => false,
          )
        return isBy
      }
      const before = await send(1)
      expect(await before(created.signingSecret!)).toBe(true)
      const rotated = await posthorn.endpoints.rotateSigning('acme', id, { signatureVersion: 'v1a' })
      const publicKey = rotated.authentication.signing[0]!.publicKey!
      const during = await send(2)
      expect(await Promise.all([during(created.signingSecret!), during(publicKey)])).toEqual([true, true])
      // The old secret expires although nothing else changes.
      advance(25 * HOUR_MS)
      const after = await send(3)
      expect(await Promise.all([after(created.signingSecret!), after(publicKey)])).toEqual([false, true])
      await posthorn.stop()
      await receiver.close()
    }))
})

describe('bearers', () => {
  it('C6: use a new clientSecret from its switch time on, including for retries', () =>
    inFolder(async (folder, authority) => {
      const receiver = await startReceiver({ authority, names: ['localhost'], script: () => ({ status: 500 }) })
      const { clock, advance } = movableClock()
      const retrySchedule = [1_800, 5_400]
      const posthorn = await startPosthorn(folder, authority, { retrySchedule }, true, clock)
      await posthorn.tenants.put('acme', {})
      const { endpoint } = await posthorn.endpoints.create('acme', { url: receiver.url, clientSecret: SECRET })
      const switchAtMs = clock.now() + HOUR_MS
      await posthorn.endpoints.update('acme', endpoint.id, { clientSecret: 'the-next-secret-of-theirs', switchAtMs })
      await posthorn.publish('acme', cover(1))
      await receiver.waitFor(() => receiver.total === 1, { timeoutMs: 10_000 })
      const [delivery] = await listDeliveries(posthorn.store, 'acme', ANY, 1)
      const retry = async (total: number) => {
        await posthorn.deliveries.retry('acme', delivery!.id)
        posthorn.store.changes.emit({
          kind: 'lane',
          tenant: 'acme',
          endpoint: endpoint.id,
          partition: endpoint.partition,
        })
        await receiver.waitFor(() => receiver.total === total, { timeoutMs: 10_000 })
      }
      await expect.poll(async () => (await posthorn.deliveries.get('acme', delivery!.id)).delivery.attempts).toBe(1)
      advance(2 * HOUR_MS)
      await retry(2)
      expect(receiver.requests.map(bearerOf)).toEqual([`Bearer ${SECRET}`, 'Bearer the-next-secret-of-theirs'])
      await posthorn.stop()
      await receiver.close()
    }))

  it('come from a token server if the tenant chose that, and are requested once more after a 401', () =>
    inFolder(async (folder, authority) => {
      let issued = 0
      const tokens = await startReceiver({
        authority,
        names: ['localhost'],
        script: () => ({
          status: 200,
          body: `{"access_token":"token-${++issued}","token_type":"Bearer","expires_in":3600}`,
        }),
      })
      const receiver = await startReceiver({
        authority,
        names: ['localhost'],
        // The first token is revoked after two requests.
        script: (request, _nth, total) => {
          const isWithdrawn = total > 2 && bearerOf(request) === 'Bearer token-1'
          return { status: isWithdrawn ? 401 : 200, body: `you said ${bearerOf(request)}` }
        },
      })
      const posthorn = await startPosthorn(folder, authority)
      await posthorn.tenants.put('acme', {})
      const oauth = { tokenUrl: `${tokens.url}/token`, clientId: 'id', clientSecret: 'hidden' }
      await posthorn.endpoints.create('acme', { url: receiver.url, oauth })
      for (const count of [1, 2, 3]) {
        await posthorn.publish('acme', cover(count))
        await expect
          .poll(async () => (await listDeliveries(posthorn.store, 'acme', { ...ANY, state: 'delivered' }, 10)).length, {
            timeout: 10_000,
          })
          .toBe(count)
      }
      const bearers = ['token-1', 'token-1', 'token-1', 'token-2'].map(token => `Bearer ${token}`)
      expect(receiver.requests.map(bearerOf)).toEqual(bearers)
      expect(tokens.total).toBe(2)
      // One attempt each, with no token in the recorded response.
      for (const { id } of await listDeliveries(posthorn.store, 'acme', ANY, 10)) {
        const { attempts } = await posthorn.deliveries.get('acme', id)
        expect(attempts.map(({ responseBody }) => Buffer.from(responseBody).toString())).toEqual([
          'you said Bearer [secret]',
        ])
      }
      await posthorn.stop()
      await Promise.all([receiver.close(), tokens.close()])
    }))

  it('are requested from the token server as the endpoint says, over TLS', () =>
    inFolder(async (folder, authority) => {
      const tokens = await startReceiver({
        authority,
        names: ['localhost'],
        script: () => ({ status: 200, body: '{"access_token":"t","token_type":"Bearer","expires_in":3600}' }),
      })
      const receiver = await startReceiver({ authority, names: ['localhost'] })
      const posthorn = await startPosthorn(folder, authority)
      await posthorn.tenants.put('acme', {})
      const client = { tokenUrl: `${tokens.url}/token?tenant=acme`, clientId: 'the id', clientSecret: 'p:w&' }
      const more = { scope: 'a b', audience: 'hooks', resource: ['https://a.example/', 'urn:x:y'] }
      for (const oauth of [
        { ...client, ...more, credentialsIn: 'body' as const },
        { ...client, resource: 'https://a.example/' },
      ]) {
        const { endpoint } = await posthorn.endpoints.create('acme', { url: receiver.url, oauth })
        const total = receiver.total + 1
        await posthorn.publish('acme', cover(total))
        await receiver.waitFor(() => receiver.total === total, { timeoutMs: 10_000 })
        await posthorn.endpoints.remove('acme', endpoint.id)
      }
      const [inBody, inHeader] = tokens.requests
      expect([...new URLSearchParams(String(inBody!.body))]).toEqual([
        ['grant_type', 'client_credentials'],
        ['client_id', 'the id'],
        ['client_secret', 'p:w&'],
        ['scope', 'a b'],
        ['audience', 'hooks'],
        ['resource', 'https://a.example/'],
        ['resource', 'urn:x:y'],
      ])
      expect(inBody).toMatchObject({ path: '/token?tenant=acme', headers: { accept: 'application/json' } })
      expect(inBody!.headers.authorization).toBeUndefined()
      expect([...new URLSearchParams(String(inHeader!.body))]).toEqual([
        ['grant_type', 'client_credentials'],
        ['resource', 'https://a.example/'],
      ])
      expect(inHeader!.headers.authorization).toBe(`Basic ${Buffer.from('the+id:p%3Aw%26').toString('base64')}`)
      await posthorn.stop()
      await Promise.all([receiver.close(), tokens.close()])
    }))

  it("that a token server doesn't issue cause failed attempts, and nothing is sent without them", () =>
    inFolder(async (folder, authority) => {
      const tokens = await startReceiver({
        authority,
        names: ['localhost'],
        script: () => ({ status: 403, body: 'no hidden client' }),
      })
      const receiver = await startReceiver({ authority, names: ['localhost'] })
      const posthorn = await startPosthorn(folder, authority, { retrySchedule: [0.01] })
      await posthorn.tenants.put('acme', {})
      const oauth = { tokenUrl: tokens.url, clientId: 'id', clientSecret: 'hidden' }
      await posthorn.endpoints.create('acme', { url: receiver.url, oauth })
      await posthorn.publish('acme', cover(1))
      const exhausted = { ...ANY, state: 'exhausted' as const }
      await expect.poll(() => listDeliveries(posthorn.store, 'acme', exhausted, 1), { timeout: 10_000 }).toHaveLength(1)
      const [delivery] = await listDeliveries(posthorn.store, 'acme', exhausted, 1)
      const { attempts } = await posthorn.deliveries.get('acme', delivery!.id)
      const detail = { code: 'token_refused', value: '403 "no [secret] client"' }
      const failed = { error: 'token_unavailable', detail }
      expect(attempts.map(({ error, detail }) => ({ error, detail }))).toEqual([failed, failed])
      expect(posthorn.lines.filter(({ msg }) => msg === 'attempt')[0]).toMatchObject({
        detail: 'token_refused',
        why: expect.stringContaining('The token server responded with 403 "no [secret] client".'),
      })
      expect(receiver.total).toBe(0)
      await posthorn.stop()
      await Promise.all([receiver.close(), tokens.close()])
    }))
})

describe('tokens without the type that RFC 6749 requires', () => {
  it.each([
    ['none', '', 'missing'],
    ['another', ',"token_type":"MAC"', 'mac'],
  ])('are taken, and named if the receiver refuses them: %s', (_what, member, type) =>
    inFolder(async (folder, authority) => {
      let issued = 0
      const tokens = await startReceiver({
        authority,
        names: ['localhost'],
        script: () => ({ status: 200, body: `{"access_token":"token-${++issued}"${member}}` }),
      })
      const receiver = await startReceiver({
        authority,
        names: ['localhost'],
        script: (_request, _nth, total) => ({ status: total === 1 ? 200 : 401 }),
      })
      const posthorn = await startPosthorn(folder, authority, { retrySchedule: [0.01] })
      await posthorn.tenants.put('acme', {})
      const oauth = { tokenUrl: tokens.url, clientId: 'id', clientSecret: 'hidden' }
      await posthorn.endpoints.create('acme', { url: receiver.url, oauth })
      const ended = async (state: 'delivered' | 'exhausted') => {
        const find = () => listDeliveries(posthorn.store, 'acme', { ...ANY, state }, 1)
        await expect.poll(find, { timeout: 10_000 }).toHaveLength(1)
        return (await posthorn.deliveries.get('acme', (await find())[0]!.id)).attempts
      }
      await posthorn.publish('acme', cover(1))
      expect(await ended('delivered')).toMatchObject([{ status: 200, detail: null }])
      await posthorn.publish('acme', cover(2))
      const refused = { status: 401, error: 'http_client_error', detail: { code: 'token_type', value: type } }
      expect(await ended('exhausted')).toMatchObject([refused, refused])
      await posthorn.stop()
      await Promise.all([receiver.close(), tokens.close()])
    }),
  )
})

describe('secret headers', () => {
  it('C14: are sent with either kind of bearer, and masked in what is recorded of the response', () =>
    inFolder(async (folder, authority) => {
      const tokens = await startReceiver({
        authority,
        names: ['localhost'],
        script: () => ({ status: 200, body: '{"access_token":"the-token-1","token_type":"Bearer"}' }),
      })
      const receiver = await startReceiver({
        authority,
        names: ['localhost'],
        script: ({ headers }) => ({
          status: 200,
          headers: { 'x-echo': String(headers['x-api-key']) },
          body: JSON.stringify([headers['x-api-key'], headers['x-plan'], headers.authorization]),
        }),
      })
      const posthorn = await startPosthorn(folder, authority)
      await posthorn.tenants.put('acme', {})
      const oauth = { tokenUrl: `${tokens.url}/token`, clientId: 'id', clientSecret: 'hidden' }
      const headers = { 'X-Api-Key': 'Key "of" theirs', 'X-Plan': { value: 'gold-plated', secret: true }, 'X-A': 'b' }
      const made = [
        await posthorn.endpoints.create('acme', { url: receiver.url, clientSecret: SECRET, headers }),
        await posthorn.endpoints.create('acme', { url: receiver.url, oauth, headers }),
      ]
      await posthorn.publish('acme', cover(1))
      await receiver.waitFor(() => receiver.total === 2, { timeoutMs: 10_000 })
      for (const { headers: got } of receiver.requests) {
        expect(got).toMatchObject({ 'x-api-key': 'Key "of" theirs', 'x-plan': 'gold-plated', 'x-a': 'b' })
      }
      const delivered = { ...ANY, state: 'delivered' as const }
      await expect.poll(() => listDeliveries(posthorn.store, 'acme', delivered, 9), { timeout: 10_000 }).toHaveLength(2)
      for (const { id } of await listDeliveries(posthorn.store, 'acme', ANY, 9)) {
        const [attempt] = (await posthorn.deliveries.get('acme', id)).attempts
        expect(attempt!.responseHeaders[attempt!.responseHeaders.indexOf('x-echo') + 1]).toBe('[secret]')
        expect(Buffer.from(attempt!.responseBody).toString()).toBe('["[secret]","[secret]","Bearer [secret]"]')
        const sent = attempt!.request!.headers
        const shown = ['x-a', 'x-api-key', 'x-plan'].map(name => sent[sent.indexOf(name) + 1])
        expect(shown).toEqual(['b', '[secret]', '[secret]'])
      }
      // Written with the endpoint, so that the engine finds nothing to add.
      for (const { endpoint } of made) {
        const { version, template } = (await posthorn.store.read('getSendable', { id: endpoint.id }))!
        expect([version, template!.headers, template!.secretHeaders]).toEqual([
          1,
          { 'x-a': 'b' },
          ['x-api-key', 'x-plan'],
        ])
      }
      await posthorn.stop()
      await Promise.all([receiver.close(), tokens.close()])
    }))

  it('C14: are sent as an earlier version stored them, and nothing is sent if a sealed value is missing', () =>
    inFolder(async (folder, authority) => {
      const receiver = await startReceiver({ authority, names: ['localhost'] })
      const posthorn = await startPosthorn(folder, authority, { retrySchedule: [0.01] })
      await posthorn.tenants.put('acme', {})
      const { endpoint } = await posthorn.endpoints.create('acme', { url: receiver.url, clientSecret: SECRET })
      const change = async (value: string | null) => {
        const before = await posthorn.endpoints.get('acme', endpoint.id)
        const changed = {
          ...before,
          headers: { 'x-api-key': { secret: true, value } },
          updatedAtMs: before.updatedAtMs + 1,
        }
        await posthorn.store.write('updateEndpoint', { endpoint: changed, readAtMs: before.updatedAtMs })
        posthorn.store.changes.emit({
          kind: 'endpoint',
          tenant: 'acme',
          endpoint: endpoint.id,
          partition: endpoint.partition,
        })
        await posthorn.publish('acme', cover(1))
      }
      await change('stored in clear')
      await receiver.waitFor(() => receiver.total === 1, { timeoutMs: 10_000 })
      expect(receiver.requests[0]!.headers['x-api-key']).toBe('stored in clear')
      await change(null)
      const exhausted = { ...ANY, state: 'exhausted' as const }
      await expect.poll(() => listDeliveries(posthorn.store, 'acme', exhausted, 1), { timeout: 10_000 }).toHaveLength(1)
      const [delivery] = await listDeliveries(posthorn.store, 'acme', exhausted, 1)
      const { attempts } = await posthorn.deliveries.get('acme', delivery!.id)
      expect(attempts.map(({ error }) => error)).toEqual(['secret_unreadable', 'secret_unreadable'])
      expect(receiver.total).toBe(1)
      await posthorn.stop()
      await receiver.close()
    }))
})

const ANY = { state: null, endpoint: null, event: null, type: null, before: null, fromMs: null, toMs: null }
