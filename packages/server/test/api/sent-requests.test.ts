/** What attempts show of the requests that they sent, held against what a receiver got over TLS. */
import type { ReceivedRequest } from '@posthorn/testkit'
import { beforeEach, describe, expect, it } from 'vitest'
import { idBytes } from '../../src/base/ids.ts'
import { forwardTrace } from '../../src/engine/attempt/trace.ts'
import { SECRET } from '../services/setup.ts'
import { DELIVERIES, ENDPOINTS, useSending } from './sending.ts'
import type { Json } from './setup.ts'

const TRACEPARENT = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'

let tokens = 0
const tokenResponse = () => ({
  status: 200,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ access_token: `token-${++tokens}`, token_type: 'Bearer', expires_in: 3_600 }),
})

const bench = useSending(({ path, headers }) => {
  if (path === '/token') return tokenResponse()
  if (headers.authorization === 'Bearer token-1') return { status: 401 }
  return { status: path.startsWith('/no') ? 500 : 204 }
})
const { get, post, patch, remove, create, attempted, announceChange } = bench
const send = bench.publishAndWait
const retry = bench.retryAndWait

beforeEach(() => {
  tokens = 0
})

/** A request as the API should show it, from what the receiver got. */
function received({ method, path, rawHeaders }: ReceivedRequest): Json {
  const headers: [string, string][] = []
  for (let at = 0; at < rawHeaders.length; at += 2) headers.push([rawHeaders[at]!, rawHeaders[at + 1]!])
  return {
    method,
    url: `${bench.receiver.url}${path}`,
    headers: headers.map(([name, value]) => {
      if (name === 'Authorization') return [name, 'Bearer [secret]']
      if (name === 'x-api-key' || name === 'x-plan') return [name, '[secret]']
      return [name, name === 'webhook-signature' || name === 'x-signed' ? '[signature]' : value]
    }),
    clientCertificate: false,
  }
}

const got = (path: string) => bench.receiver.requests.filter(request => request.path === path).map(received)
const shown = ({ attempts }: Json) => attempts.map(({ request }: Json) => request)
const without = (name: string, request: Json) => ({
  ...request,
  headers: request.headers.filter(([each]: [string]) => each !== name),
})

describe('an attempt’s request', () => {
  it('is what the receiver got, also on a connection that is used again, with its secrets blanked', async () => {
    await create('/a?b=c', { headers: { 'X-Mine': 'v w', '1': 'first', 'X-B': '' } })
    const first = await send()
    const second = await send()
    expect([...shown(first), ...shown(second)]).toEqual(got('/a?b=c'))
    expect(bench.receiver.connections).toBe(1)
    expect(shown(first)[0].headers.slice(2, 8)).toEqual([
      ['Content-Type', 'application/json'],
      ['Authorization', 'Bearer [secret]'],
      ['X-APIVersion', '3.0'],
      ['User-Agent', 'Posthorn/test'],
      ['1', 'first'],
      ['x-mine', 'v w'],
    ])
    for (const text of [(await get(`${DELIVERIES}/${first.id}`)).text, (await get('/v1/tenants/acme/export')).text]) {
      expect(text).not.toContain(SECRET)
      expect(text).not.toContain(bench.receiver.requests[0]!.headers['webhook-signature'])
    }
  })

  it('has the values of secret headers blanked, and the headers of the signature under their names', async () => {
    const headers = { 'X-Api-Key': 'key-of-theirs-1', 'X-Plan': { value: 'plan-of-theirs', secret: true }, 'X-A': 'v' }
    const id = await create('/no', { headers, signatureHeaders: { id: 'X-Sent-Id', signature: 'X-Signed' } })
    const before = await send()
    const names = shown(before)[0]
      .headers.slice(6)
      .map(([name]: [string]) => name)
    const signed = ['webhook-id', 'webhook-timestamp', 'x-signed', 'x-sent-id', 'X-Posthorn-Type']
    expect(names).toEqual(['x-a', 'x-api-key', 'x-plan', ...signed, 'content-length'])
    // Another value makes no other version.
    await patch(`${ENDPOINTS}/${id}`, {
      headers: { 'X-Api-Key': 'key-of-theirs-2', 'X-Plan': { secret: true }, 'X-A': 'v' },
    })
    expect((await bench.store.read('getSendable', { id }))!.version).toBe(1)
    await retry(before.id, 2)
    await patch(`${ENDPOINTS}/${id}`, { headers: { 'X-Api-Key': { secret: true } }, signatureHeaders: null })
    const all = await retry(before.id, 3)
    expect(shown(all)).toEqual(got('/no'))
    expect((await bench.store.read('getSendable', { id }))!.version).toBe(2)
    const sent = bench.receiver.requests.map(request => request.headers['x-api-key'])
    expect(sent).toEqual(['key-of-theirs-1', 'key-of-theirs-2', 'key-of-theirs-2'])
    for (const url of [`${DELIVERIES}/${before.id}`, '/v1/tenants/acme/export']) {
      expect((await get(url)).text).not.toMatch(/(key|plan)-of-theirs/)
    }
  })

  it('is what the receiver got of a test', async () => {
    const id = await create('/a')
    const { event } = (await post(`${ENDPOINTS}/${id}/test`)).body
    const { data } = (await get(`${DELIVERIES}?${event === undefined ? '' : `event=${event}`}`)).body
    const delivery = await attempted(data[0].id, 1)
    expect(shown(delivery)).toEqual(got('/a'))
    expect(shown(delivery)[0].headers).toContainEqual(['X-Posthorn-Test', 'true'])
  })

  it.each([
    ['the publisher’s', forwardTrace, TRACEPARENT],
    ['a span of its own', () => ({ traceparent: TRACEPARENT.replace('b902', 'cafe'), end: () => {} }), TRACEPARENT],
    ['a span of its own, where the publisher has none', () => ({ traceparent: TRACEPARENT, end: () => {} }), null],
    ['none, though the publisher has one', () => null, TRACEPARENT],
  ])('has the traceparent that was sent: %s', async (_name, beginTrace, traceparent) => {
    await bench.restart({ beginTrace })
    await create('/a')
    const delivery = await send(1, traceparent === null ? {} : { traceparent })
    expect(shown(delivery)).toEqual(got('/a'))
    expect(delivery.attempts[0].responseHeaders.every(([name]: [string]) => name !== '')).toBe(true)
    expect((await get('/v1/tenants/acme/export')).text).toContain(JSON.stringify(shown(delivery)[0].headers))
  })

  it('has a token by OAuth blanked; after a 401 it is the second request, which decided', async () => {
    const oauth = { tokenUrl: `${bench.receiver.url}/token`, clientId: 'us', clientSecret: 'their-client-secret' }
    const made = await post(ENDPOINTS, { url: `${bench.receiver.url}/a`, oauth })
    expect(made.status).toBe(201)
    const delivery = await send()
    expect(got('/a')).toHaveLength(2)
    expect(shown(delivery)).toEqual(got('/a').slice(1))
    expect(shown(delivery)[0].headers.at(-2)).toEqual(['Authorization', 'Bearer [secret]'])
    expect((await get(`${DELIVERIES}/${delivery.id}`)).text).not.toContain('token-2')
  })

  it('stays as it was when the endpoint changes, and also once the endpoint is deleted', async () => {
    const id = await create('/no/old', { headers: { 'x-a': 'old' } })
    const before = await send()
    await patch(`${ENDPOINTS}/${id}`, { url: `${bench.receiver.url}/no/new`, headers: { 'x-b': 'new' } })
    await retry(before.id, 2)
    // Nothing that requests carry: no other version is made.
    await patch(`${ENDPOINTS}/${id}`, { description: 'd', timeoutMs: 9_000, clientSecret: 'another-secret-of-theirs' })
    const third = await retry(before.id, 3)
    const sent = [...got('/no/old'), ...got('/no/new')]
    expect(sent).toHaveLength(3)
    expect(shown(third)).toEqual(sent)
    expect((await bench.store.read('getSendable', { id }))!.version).toBe(2)
    await remove(`${ENDPOINTS}/${id}`)
    expect(shown((await get(`${DELIVERIES}/${before.id}`)).body)).toEqual(sent)
    const lines = (await get('/v1/tenants/acme/export')).text
      .split('\n')
      .filter(line => line.startsWith('{"kind":"attempt"'))
    expect(lines.map(line => JSON.parse(line).request)).toEqual(sent)
  })

  it('says which way the endpoint authenticated at that time', async () => {
    const id = await create('/no')
    const first = await send()
    const oauth = { tokenUrl: `${bench.receiver.url}/token`, clientId: 'us', clientSecret: 'their-client-secret' }
    tokens = 1
    await patch(`${ENDPOINTS}/${id}`, { oauth })
    const client = await bench.authority.issue({ names: ['client'] })
    const clientCertificate = { certificate: client.certPem, key: client.keyPem }
    await retry(first.id, 2)
    expect((await patch(`${ENDPOINTS}/${id}`, { clientCertificate })).status).toBe(200)
    const [bearer, token, both] = shown(await retry(first.id, 3))
    expect([bearer, token, { ...both, clientCertificate: false }]).toEqual(got('/no'))
    expect(both.clientCertificate).toBe(true)
  })

  it('has the version and the product of the process that sent it', async () => {
    await create('/no')
    const first = await send()
    await bench.restart({ apiVersion: '4.0', userAgent: 'Posthorn/next' })
    await retry(first.id, 2)
    await bench.restart({})
    const all = await retry(first.id, 3)
    expect(shown(all)).toEqual(got('/no'))
    const versions = shown(all).map(({ headers }: Json) => headers.find(([name]: [string]) => name === 'X-APIVersion'))
    expect(versions.map(([, value]: [string, string]) => value)).toEqual(['3.0', '4.0', '3.0'])
  })

  it('is shown where no connection was made, and is null where there was nothing to send', async () => {
    const refused = await create('/a')
    await patch(`${ENDPOINTS}/${refused}`, { url: 'https://localhost:1/gone' })
    const unsent = await send()
    expect(unsent.attempts[0]).toMatchObject({ error: 'connect_refused', request: { url: 'https://localhost:1/gone' } })
    await remove(`${ENDPOINTS}/${refused}`)
    const unreadable = await create('/a')
    await bench.run('update endpoint set credentials = $1 where id = $2', [new Uint8Array(40), idBytes(unreadable)])
    await announceChange(unreadable)
    const unmade = await send()
    expect(unmade.attempts[0]).toMatchObject({ error: 'secret_unreadable', request: null })
    expect(bench.receiver.total).toBe(0)
  })

  it('lacks the length once the payload is removed, and the traceparent once the response is', async () => {
    await create('/a')
    const delivery = await send(1, { traceparent: TRACEPARENT })
    const [whole] = got('/a')
    await bench.run('update event set payload = $1', [new Uint8Array(0)])
    const again = async () => shown((await get(`${DELIVERIES}/${delivery.id}`)).body)[0]
    expect(await again()).toEqual(without('content-length', whole))
    await bench.store.write('removeAnswers', { tenant: 'acme', deliveries: [delivery.id], kept: [], mark: null })
    expect(await again()).toEqual(without('traceparent', without('content-length', whole)))
  })

  it('is kept for endpoints from before it was, and for those that an older node changes', async () => {
    const id = await create('/no/old')
    await bench.run('delete from endpoint_request')
    await announceChange(id)
    const first = await send()
    await bench.run('update attempt set request_version = null, sender = null')
    expect(shown((await get(`${DELIVERIES}/${first.id}`)).body)).toEqual([null])
    await retry(first.id, 2)
    // An older node knows of no versions.
    await bench.run('update endpoint set url = $1, updated_ms = updated_ms + 1', [`${bench.receiver.url}/no/new`])
    await announceChange(id)
    const third = await retry(first.id, 3)
    expect(shown(third)).toEqual([null, got('/no/old')[1], got('/no/new')[0]])
  })

  it('is null once the version that it refers to is gone', async () => {
    await create('/a')
    const { id } = await send()
    await bench.run('delete from endpoint_request')
    expect(shown((await get(`${DELIVERIES}/${id}`)).body)).toEqual([null])
  })
})
