import { once } from 'node:events'
import { Agent, type IncomingMessage, request } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import { PAYLOAD, TYPE } from '../services/setup.ts'
import { KEY, useApi } from './setup.ts'

const bench = useApi()
const EVENTS = '/v1/tenants/acme/events'
const EVENT = `{"type":"${TYPE}","payload":${PAYLOAD}}`

async function listen(): Promise<number> {
  await bench.api.listen({ port: 0, host: '127.0.0.1' })
  return (bench.api.server.address() as AddressInfo).port
}

type Call = { path?: string; body: string | Buffer; chunked?: boolean; type?: string; key?: string }

/** Makes calls with an agent of one connection. The result says whether a call reused the previous connection. */
function caller(port: number) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  return async ({ path = EVENTS, body, chunked = false, type = 'application/json', key = KEY }: Call) => {
    const headers = {
      authorization: `Bearer ${key}`,
      'content-type': type,
      ...(chunked ? {} : { 'content-length': Buffer.byteLength(body) }),
    }
    const call = request({ agent, port, host: '127.0.0.1', method: 'POST', path, headers })
    call.end(body)
    const [response] = (await once(call, 'response')) as [IncomingMessage]
    const answer = JSON.parse(await text(response)) as { code?: string }
    return { status: response.statusCode, code: answer.code, reused: call.reusedSocket, headers: response.headers }
  }
}

/** Sends bytes and returns everything received until the other side closes. */
async function raw(port: number, bytes: string): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  socket.write(bytes)
  return text(socket)
}

describe('a connection survives', () => {
  const big = Buffer.alloc(3_000_000, ' ')

  it.each([
    ['a body that is too large, announced', { body: big }, 413],
    ['a body that is too large, in chunks', { body: big, chunked: true }, 413],
    ['a body that is too large, on another route', { body: big, path: '/v1/tenants/acme/endpoints' }, 413],
    ['a body that is not JSON', { body: '{' }, 400],
    ['a body of another type, unread', { body: big, type: 'text/plain' }, 415],
    ['a wrong key, the body unread', { body: big, key: 'wrong' }, 401],
    ['an unknown path, the body unread', { body: big, path: '/nothing' }, 404],
    ['a payload that breaks its schema', { body: `{"type":"${TYPE}","payload":{}}` }, 422],
  ] as const)('%s', async (_what, bad, status) => {
    const call = caller(await listen())
    expect((await call({ body: EVENT })).status).toBe(202)
    for (let i = 0; i < 3; i++) expect(await call(bad)).toMatchObject({ status, reused: true })
    expect(await call({ body: EVENT })).toMatchObject({ status: 202, reused: true })
  })
})

describe('a connection is closed', () => {
  it.each([
    ['bytes that are not HTTP', 'hello\r\n\r\n', 400, 'bad_request'],
    [
      'headers that are too large',
      `GET / HTTP/1.1\r\nhost: a\r\nx: ${'x'.repeat(20_000)}\r\n\r\n`,
      431,
      'headers_too_large',
    ],
    [
      'two Content-Length headers',
      'POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n',
      400,
      'bad_request',
    ],
    [
      'a Content-Length with chunked encoding',
      'POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n',
      400,
      'bad_request',
    ],
  ])('after %s, with a problem document', async (_what, bytes, status, code) => {
    const answer = await raw(await listen(), bytes)
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
    expect(answer).toContain('content-type: application/problem+json')
    expect(JSON.parse(answer.slice(answer.indexOf('\r\n\r\n')))).toMatchObject({ status, code })
  })

  it('after a body whose announced size is far too large', async () => {
    const head = `POST ${EVENTS} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer ${KEY}\r\ncontent-type: application/json`
    const answer = await raw(await listen(), `${head}\r\ncontent-length: 100000000000\r\n\r\n `)
    expect(answer).toMatch(/^HTTP\/1.1 413 /)
    expect(answer.toLowerCase()).toContain('connection: close')
  })

  const chunked = `POST ${EVENTS} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer ${KEY}\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n`
  const inChunks = (body: string, size: number) =>
    (body.match(new RegExp(`.{1,${size}}`, 'g')) ?? [])
      .map(part => `${part.length.toString(16)}\r\n${part}\r\n`)
      .join('')

  it('after a body in too many small chunks, of which nothing is published', async () => {
    const answer = await raw(await listen(), `${chunked}${inChunks(EVENT.padEnd(200_000), 1)}0\r\n\r\n`)
    expect(answer).toMatch(/^HTTP\/1.1 400 /)
    expect(answer.toLowerCase()).toContain('connection: close')
    expect(answer).toContain('too many small chunks')
    expect((await bench.get(EVENTS)).body.data).toEqual([])
    expect(bench.log).toEqual([])
  })

  it.each([
    ['of another type', (head: string) => head.replace('application/json', 'text/plain')],
    ['with a wrong key', (head: string) => head.replace(KEY, 'wrong-key-0123456789')],
    ['of a GET', (head: string) => head.replace('POST', 'GET')],
  ])('after the same in a call %s, once it is refused or answered', async (_what, change) => {
    const socket = connect(await listen(), '127.0.0.1')
    const received = text(socket).catch(() => 'reset')
    socket.on('error', () => {})
    socket.write(change(chunked))
    for (let sent = 0; sent < 100 && !socket.destroyed; sent++) {
      if (!socket.write(inChunks(' '.repeat(2_000), 1))) await new Promise(resolve => setImmediate(resolve))
    }
    await received
    expect((await bench.get(EVENTS)).status).toBe(200)
  })

  it.each([
    [4_000, 1],
    [1_000_000, 64],
  ])('but not after a body of %s bytes in chunks of %s', async (length, size) => {
    const request = `${chunked.replace('\r\n\r\n', '\r\nconnection: close\r\n\r\n')}${inChunks(EVENT.padEnd(length), size)}0\r\n\r\n`
    expect(await raw(await listen(), request)).toMatch(/^HTTP\/1.1 202 /)
  })

  it('while draining, after accepting the events published on it', async () => {
    const call = caller(await listen())
    bench.draining = true
    const { status, headers } = await call({ body: EVENT })
    expect([status, headers.connection]).toEqual([202, 'close'])
  })
})

describe('closing the API', () => {
  const head = (path: string, length: number) =>
    `POST ${path} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer ${KEY}\r\ncontent-type: application/json\r\n` +
    `content-length: ${length}\r\n\r\n`

  it('lets calls in progress finish, then closes their connections, and refuses calls that come too late', async () => {
    const started = Promise.withResolvers<void>()
    const release = Promise.withResolvers<void>()
    const { publisher } = bench
    await bench.useServices({
      publisher: {
        publishTest: (endpoint, type) => publisher.publishTest(endpoint, type),
        publish: async (tenant, body) => {
          started.resolve()
          await release.promise
          return publisher.publish(tenant, body)
        },
      },
    })
    const port = await listen()
    const early = connect(port, '127.0.0.1')
    const late = connect(port, '127.0.0.1')
    const answers = Promise.all([text(early), text(late)])
    const request = head(EVENTS, EVENT.length) + EVENT
    late.write(request.slice(0, 20))
    early.write(request)
    await started.promise
    const closed = bench.api.close()
    late.write(request.slice(20))
    await once(late, 'close')
    release.resolve()
    const [earlyAnswer, lateAnswer] = await answers
    expect(lateAnswer).toMatch(/^HTTP\/1.1 503 /)
    expect(lateAnswer).toContain('"code":"shutting_down"')
    await closed
    expect(earlyAnswer).toMatch(/^HTTP\/1.1 202 /)
    expect(earlyAnswer.toLowerCase()).toContain('connection: close')
  })
})
