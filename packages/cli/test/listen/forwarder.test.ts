/** How a request reaches a receiver, and what becomes of one that doesn't respond as it should. */

import type { AddressInfo } from 'node:net'
import { createServer as createNetServer, type Socket } from 'node:net'
import { startReceiver } from '@posthorn/testkit'
import { afterEach, describe, expect, it } from 'vitest'
import { Forwarder } from '../../src/listen/forwarder.ts'
import { parseTarget } from '../../src/listen/target.ts'

const open: (() => unknown)[] = []
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close()
})

function forwarderTo(target: string): Forwarder {
  const forwarder = new Forwarder({ target: parseTarget(target), skipVerify: false })
  open.push(() => forwarder.close())
  return forwarder
}

const request = (body = '{"a":"é"}', headers: [string, string][] = [['webhook-id', 'evt_1']]) =>
  ({ method: 'POST', headers, body }) as const

async function receiverWith(script: Parameters<typeof startReceiver>[0]['script']) {
  const receiver = await startReceiver({ http: true, ...(script === undefined ? {} : { script }) })
  open.push(() => receiver.close())
  return receiver
}

/** A server that speaks what it is told to, on a connection's first and further requests. */
async function rawServer(onRequest: (socket: Socket, nth: number) => void) {
  let connections = 0
  const server = createNetServer(socket => {
    connections++
    let nth = 0
    socket.on('data', () => onRequest(socket, ++nth))
    socket.on('error', () => {})
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  open.push(() => server.close())
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, connections: () => connections }
}

describe('a forwarded request', () => {
  it('has the bytes of the body and their length, on a connection that is kept', async () => {
    const receiver = await receiverWith(undefined)
    const forwarder = forwarderTo(`${receiver.url}/a%2Fb?c=d`)
    const body = '{"amount": 1.0, "name": "ü😀"}'
    for (let count = 0; count < 2; count++) {
      expect(await forwarder.send(request(body), 5_000)).toMatchObject({ kind: 'responded', status: 204 })
    }
    expect(receiver.requests[0]).toMatchObject({ method: 'POST', path: '/a%2Fb?c=d', body: Buffer.from(body) })
    expect(receiver.requests[0]!.headers).toMatchObject({
      'webhook-id': 'evt_1',
      'content-length': String(Buffer.byteLength(body)),
    })
    expect(receiver.connections).toBe(1)
  })

  it('is sent again on a new connection if a kept one was closed at that moment', async () => {
    const server = await rawServer((socket, nth) => {
      if (nth === 1) socket.write('HTTP/1.1 204 No Content\r\n\r\n')
      else socket.resetAndDestroy()
    })
    const forwarder = forwarderTo(server.url)
    expect((await forwarder.send(request(), 5_000)).status).toBe(204)
    expect((await forwarder.send(request(), 5_000)).status).toBe(204)
    expect(server.connections()).toBe(2)
  })

  it('is not sent again if the receiver has begun to respond, or the connection is new', async () => {
    const server = await rawServer(socket => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab'))
    const broken = await forwarderTo(server.url).send(request(), 5_000)
    expect(broken).toMatchObject({ kind: 'broken', status: 502, body: expect.stringContaining('no complete response') })
    const resetting = await rawServer(socket => socket.resetAndDestroy())
    expect(await forwarderTo(resetting.url).send(request(), 5_000)).toMatchObject({ kind: 'broken', status: 502 })
    expect([server.connections(), resetting.connections()]).toEqual([1, 1])
  })

  it('follows no redirect', async () => {
    const receiver = await receiverWith(() => ({ status: 302, headers: { location: '/elsewhere' } }))
    expect(await forwarderTo(receiver.url).send(request(), 5_000)).toMatchObject({ kind: 'responded', status: 302 })
    expect(receiver.total).toBe(1)
  })

  it('gets the beginning of a response that is long, or never ends', async () => {
    const receiver = await receiverWith(() => ({ status: 500, body: 'x'.repeat(1_000_000) }))
    const long = await forwarderTo(receiver.url).send(request(), 5_000)
    expect([long.status, long.body.length, long.isTruncated]).toEqual([500, 32_768, true])
    const endless = await rawServer(socket => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n')
      const more = () => {
        while (!socket.destroyed && socket.write('y'.repeat(65_536)));
        socket.once('drain', more)
      }
      more()
    })
    expect(await forwarderTo(endless.url).send(request(), 5_000)).toMatchObject({ status: 200, isTruncated: true })
  })

  it('gets 504 from a receiver that is too slow, also in the middle of its body', async () => {
    const hanging = await receiverWith(() => 'hang')
    expect(await forwarderTo(hanging.url).send(request(), 200)).toMatchObject({ kind: 'timed_out', status: 504 })
    const dripping = await receiverWith(() => 'drip')
    expect(await forwarderTo(dripping.url).send(request(), 200)).toMatchObject({ kind: 'timed_out', status: 504 })
  })

  it('says why a receiver can not be reached, or does not speak what it should', async () => {
    const down = await receiverWith(undefined)
    await down.stop()
    expect(await forwarderTo(`localhost:${down.port}`).send(request(), 5_000)).toMatchObject({
      kind: 'unreachable',
      body: `localhost:${down.port} can't be reached: nothing listens there (ECONNREFUSED).`,
    })
    const plain = await receiverWith(undefined)
    expect(await forwarderTo(plain.url.replace('http:', 'https:')).send(request(), 5_000)).toMatchObject({
      kind: 'broken',
      body: expect.stringMatching(/doesn't speak TLS .* Forward to http:\/\/ instead of https:\/\/\.$/),
    })
    const odd = await rawServer(socket => socket.end('SSH-2.0-OpenSSH\r\n'))
    expect(await forwarderTo(odd.url).send(request(), 5_000)).toMatchObject({ kind: 'broken', status: 502 })
  })

  it('that can not be sent is answered with 502 instead of ending the command', async () => {
    const receiver = await receiverWith(undefined)
    const reply = await forwarderTo(receiver.url).send(request('{}', [['x', 'a\nb']]), 5_000)
    expect(reply).toMatchObject({ kind: 'broken', status: 502 })
  })
})
