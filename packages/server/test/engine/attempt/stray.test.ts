import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createServer, type Server, type TLSSocket } from 'node:tls'
import { type Authority, createAuthority } from '@posthorn/testkit'
import fc from 'fast-check'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import { systemClock } from '../../../src/base/clock.ts'
import { Connections } from '../../../src/engine/attempt/connections.ts'
import { deliver } from '../../../src/engine/attempt/deliver.ts'
import { policy } from '../harness.ts'

const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n'
const BUSY = 'HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n'

let authority: Authority
beforeAll(async () => {
  authority = await createAuthority()
})

const closing: (() => void)[] = []
afterEach(() => {
  for (const close of closing.splice(0)) close()
})

/** A receiver over TLS that does only what the test does with its sockets. */
async function startRaw(onSocket: (socket: TLSSocket) => void, maxVersion: 'TLSv1.2' | 'TLSv1.3' = 'TLSv1.3') {
  const { certPem: cert, keyPem: key } = await authority.issue({ names: ['localhost'], ips: ['127.0.0.1'] })
  const sockets: TLSSocket[] = []
  const server: Server = createServer({ cert, key, maxVersion }, socket => {
    sockets.push(socket)
    // Otherwise, what follows a response waits for the response's acknowledgement.
    socket.setNoDelay(true)
    socket.on('error', () => {})
    onSocket(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  closing.push(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { sockets, origin: `https://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

/** Responds with what `answer` returns for each request; a request is small enough to arrive in one piece. */
const answering = (answer: (nth: number) => string, count = { requests: 0 }) =>
  startRaw(socket => socket.on('data', () => socket.write(answer(++count.requests))))

function startSender(maxInFlightPerHost = 128) {
  const trust = { proxy: null, extraCa: [{ pem: authority.caPem }] }
  const settings = { ...policy, ...trust, connectTimeoutMs: 5_000, maxInFlightPerHost }
  const connections = new Connections(settings, systemClock)
  closing.push(() => connections.close())
  return (origin: string, tenant = 'acme') => {
    const route = { origin, tenant, identity: null }
    const request = { route, path: '/', headers: [], body: Buffer.from('{}'), timeoutMs: 5_000, startedAtMs: 0 }
    return deliver({ ...request, mayBegin: () => true }, connections, systemClock)
  }
}

/**
 * Sends bytes that can be read on the other side before the event loop turns: loopback takes less than this to carry
 * them, and this process reads nothing until then.
 */
function sendNow(socket: TLSSocket, bytes: string): void {
  socket.write(bytes)
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20)
}

const isClosed = (socket: TLSSocket) => socket.destroyed || once(socket, 'close')

describe('what a receiver sends without a request', () => {
  it.each([
    ['a response', OK],
    ['half a response', 'HTTP/1.1 2'],
    ['an interim response', 'HTTP/1.1 103 Early Hints\r\n\r\n'],
    ['an empty line', '\r\n'],
    ['a single byte', 'H'],
  ])('ends an idle connection: %s', async (_name, stray) => {
    const { sockets, origin } = await answering(() => OK)
    const send = startSender()
    expect(await send(origin)).toMatchObject({ status: 200 })
    sockets[0]!.write(stray)
    await isClosed(sockets[0]!)
    expect(await send(origin)).toMatchObject({ status: 200 })
    expect(sockets).toHaveLength(2)
  })

  it.each([
    ['a response', OK],
    ['half a response', 'HTTP/1.1 20'],
    ['an empty line', '\r\n'],
  ])('counts for nothing if it is there before the request is written: %s', async (_name, stray) => {
    const { sockets, origin } = await answering(nth => (nth === 1 ? OK : BUSY))
    const send = startSender()
    expect(await send(origin)).toMatchObject({ status: 200 })
    sendNow(sockets[0]!, stray)
    expect(await send(origin)).toMatchObject({ status: 503, failure: null })
    expect(sockets).toHaveLength(2)
  })

  it('counts for nothing whichever phase of the event loop the request is made in', async () => {
    const phases: readonly ((run: () => void) => void)[] = [
      setImmediate,
      queueMicrotask,
      process.nextTick,
      run => setTimeout(run, 0),
    ]
    for (const phase of phases) {
      const { sockets, origin } = await answering(nth => (nth === 1 ? OK : BUSY))
      const send = startSender()
      await send(origin)
      const { promise, resolve } = Promise.withResolvers<void>()
      phase(() => {
        sendNow(sockets[0]!, OK)
        resolve(send(origin).then(exchange => expect(exchange).toMatchObject({ status: 503 })))
      })
      await promise
    }
  })

  it.each(['TLSv1.2', 'TLSv1.3'] as const)('fails the attempt on a new connection, over %s', async version => {
    const { sockets, origin } = await startRaw(socket => socket.write(OK), version)
    const send = startSender()
    // A byte can also arrive after the request was written: nothing tells that one from a response.
    const exchange = await send(origin)
    expect(exchange!.status === 200 || exchange!.failure === 'response_malformed', JSON.stringify(exchange)).toBe(true)
    expect(sockets).toHaveLength(1)
  })

  it('is never the response to a later request, in whatever pieces it comes', async () => {
    const stray = fc.array(fc.constantFrom(OK, '\r\n', 'HTTP/1.1 200 OK\r\n', 'HTTP/1.1 204', 'x', BUSY), {
      minLength: 1,
      maxLength: 3,
    })
    await fc.assert(
      fc.asyncProperty(fc.array(stray, { minLength: 1, maxLength: 4 }), async strays => {
        const { sockets, origin } = await answering(nth => `HTTP/1.1 2${10 + nth} Nth\r\ncontent-length: 0\r\n\r\n`)
        const send = startSender()
        for (const [index, pieces] of strays.entries()) {
          expect((await send(origin))!.status).toBe(211 + index)
          for (const piece of pieces) sendNow(sockets.at(-1)!, piece)
        }
        expect(sockets).toHaveLength(strays.length)
      }),
      { numRuns: 30 },
    )
  })
})

describe('tenants at one origin', () => {
  it('share no connection, so that no response to one can arrive as the response to another', async () => {
    // Responds to acme twice, the second time once the other tenant's request is on its way, and to no one else.
    const { sockets, origin } = await startRaw(socket =>
      socket.once('data', () => {
        if (sockets.length === 1) socket.write(OK)
        else sockets[0]!.write(OK, () => socket.write(BUSY))
      }),
    )
    const send = startSender()
    expect(await send(origin, 'acme')).toMatchObject({ status: 200 })
    expect(await send(origin, 'other')).toMatchObject({ status: 503 })
    expect(sockets).toHaveLength(2)
  })

  it('each keep their connections', async () => {
    const { sockets, origin } = await answering(() => OK)
    const send = startSender()
    for (const tenant of ['a', 'b', 'a', 'b', 'a']) expect(await send(origin, tenant)).toMatchObject({ status: 200 })
    expect(sockets).toHaveLength(2)
  })

  it('have at most maxInFlightPerHost connections open; the one that has been idle longest is closed', async () => {
    const { sockets, origin } = await answering(() => OK)
    const { origin: elsewhere, sockets: others } = await answering(() => OK)
    const send = startSender(3)
    await send(elsewhere, 'a')
    for (const tenant of ['a', 'b', 'c', 'a', 'd']) await send(origin, tenant)
    await isClosed(sockets[1]!)
    expect(sockets.map(({ destroyed }) => destroyed)).toEqual([false, true, false, false])
    for (const tenant of ['a', 'c', 'd']) await send(origin, tenant)
    expect(sockets).toHaveLength(4)
    await send(origin, 'b')
    await isClosed(sockets[0]!)
    expect(others.map(({ destroyed }) => destroyed)).toEqual([false])
  })

  it('never wait for a connection: one in use is not closed for another', async () => {
    const waiting: TLSSocket[] = []
    const { sockets, origin } = await startRaw(socket => socket.on('data', () => waiting.push(socket)))
    const send = startSender(2)
    const sent = ['a', 'b', 'c', 'd'].map(tenant => send(origin, tenant))
    await expect.poll(() => waiting.length).toBe(4)
    for (const socket of waiting) socket.write(OK)
    expect((await Promise.all(sent)).map(exchange => exchange!.status)).toEqual([200, 200, 200, 200])
    expect(sockets).toHaveLength(4)
  })
})
