import { Agent } from 'node:https'
import { afterEach, beforeAll, expect, test } from 'vitest'
import { type Authority, createAuthority, type Receiver, type ReceiverOptions, startReceiver } from '../src/index.ts'
import { post } from './post.ts'

let authority: Authority
const opened: Receiver[] = []

beforeAll(async () => {
  authority = await createAuthority()
})
afterEach(async () => {
  await Promise.all(opened.splice(0).map(receiver => receiver.close()))
})

async function open(options: ReceiverOptions = {}): Promise<Receiver> {
  const receiver = await startReceiver({ authority, ...options })
  opened.push(receiver)
  return receiver
}

test('a receiver records a request as it arrived', async () => {
  const receiver = await open()
  const sent = post(`${receiver.url}/hook?a=1`, {
    ca: authority.caPem,
    headers: { 'X-APIVersion': '3.0', 'webhook-id': 'evt_1' },
    body: '{ "n": 12345678901234567890 }',
  })
  await receiver.waitFor(({ total }) => total === 1)
  expect(await sent).toEqual({ status: 204, body: '' })
  const request = receiver.requests[0]!
  expect(request).toMatchObject({ method: 'POST', path: '/hook?a=1', tlsVersion: 'TLSv1.3' })
  expect(request.body.toString()).toBe('{ "n": 12345678901234567890 }')
  expect(request.rawHeaders).toContain('X-APIVersion')
  expect([...receiver.distinct]).toEqual(['evt_1 /hook?a=1'])
})

test('a script sees how often an id has arrived and decides the response', async () => {
  const receiver = await open({
    script: (_request, nth) => (nth < 3 ? { status: 503, headers: { 'retry-after': '1' }, body: 'no' } : undefined),
  })
  const send = () => post(receiver.url, { ca: authority.caPem, headers: { 'webhook-id': 'evt_1' } })
  expect([await send(), await send()]).toEqual(Array(2).fill({ status: 503, body: 'no' }))
  expect(receiver.distinct.size).toBe(0)
  expect(await send()).toMatchObject({ status: 204 })
  expect(receiver.distinct.size).toBe(1)
  expect(receiver.seen.get('evt_1 /')).toBe(3)
})

test.each([
  ['reset', 'ECONNRESET'],
  ['close', 'ECONNRESET'],
  ['hang', 'ABORT_ERR'],
  ['drip', 'ABORT_ERR'],
] as const)('a script can misbehave: %s', async (how, error) => {
  const receiver = await open({ script: () => how })
  const outcome = await post(receiver.url, { ca: authority.caPem, timeoutMs: 300 })
  expect(outcome).toEqual({ error })
})

test('connections are kept alive and counted', async () => {
  const receiver = await open()
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  await post(receiver.url, { ca: authority.caPem, agent })
  await post(receiver.url, { ca: authority.caPem, agent })
  expect(receiver.connections).toBe(1)
  expect(receiver.requests[0]!.remotePort).toBe(receiver.requests[1]!.remotePort)
  agent.destroy()
})

test('a receiver can go down and come back on the same port', async () => {
  const receiver = await open()
  await receiver.stop()
  expect(await post(receiver.url, { ca: authority.caPem })).toEqual({ error: 'ECONNREFUSED' })
  await receiver.start()
  expect(await post(receiver.url, { ca: authority.caPem })).toMatchObject({ status: 204 })
})

test('without recording, a receiver still counts ids and wrong bearer tokens', async () => {
  const receiver = await open({ record: false, expectedAuthorization: 'Bearer right' })
  for (const [id, secret] of Object.entries({ evt_1: 'right', evt_2: 'wrong' })) {
    await post(receiver.url, { ca: authority.caPem, headers: { 'webhook-id': id, authorization: `Bearer ${secret}` } })
  }
  expect(receiver).toMatchObject({ total: 2, mismatches: 1, requests: [] })
  expect(receiver.distinct.size).toBe(2)
})

test('a TLS version can be pinned', async () => {
  const receiver = await open({ maxVersion: 'TLSv1.2' })
  await post(receiver.url, { ca: authority.caPem })
  expect(receiver.requests[0]!.tlsVersion).toBe('TLSv1.2')
})

test('a wait that times out reports what has arrived', async () => {
  const receiver = await open()
  await expect(receiver.waitFor(({ total }) => total > 0, { timeoutMs: 10 })).rejects.toThrow('0 requests')
})
