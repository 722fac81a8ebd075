import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { type RawReceiver, SECOND, startRaw, startSender } from './raw-receiver.ts'

const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n'

const { send } = startSender()
let receiver: RawReceiver
afterEach(() => receiver?.close())

describe('C12: a request that is lost on a kept connection', () => {
  it.each([
    ['closes', (socket: Socket) => socket.end()],
    ['resets', (socket: Socket) => socket.resetAndDestroy()],
  ])('is repeated once, on a new connection, if the receiver %s it', async (_how, lose) => {
    receiver = await startRaw((socket, nth) => {
      if (nth === 1) socket.write(OK)
      else if (nth === 2) lose(socket)
      else socket.write(SECOND)
    })
    expect(await send(receiver.origin)).toMatchObject({ status: 200, reconnected: false })
    expect(await send(receiver.origin)).toMatchObject({ status: 299, reconnected: true, failure: null })
    expect([receiver.sockets.length, receiver.requests.length]).toEqual([2, 3])
    expect(receiver.requests[2]).toBe(receiver.requests[1])
  })

  it('fails the attempt if it is lost again', async () => {
    receiver = await startRaw((socket, nth) => (nth === 1 ? socket.write(OK) : socket.end()))
    await send(receiver.origin)
    const exchange = await send(receiver.origin)
    expect(exchange).toMatchObject({ failure: 'connection_reset', detail: { code: 'closed' }, reconnected: true })
    expect(receiver.requests).toHaveLength(3)
  })

  it.each([
    ['a byte of a response came', (socket: Socket) => socket.end('H'), 'connection_reset'],
    ['an interim response came', (socket: Socket) => socket.end('HTTP/1.1 100 Continue\r\n\r\n'), 'connection_reset'],
    ['rubbish came', (socket: Socket) => socket.end('rubbish'), 'response_malformed'],
    ['nothing came in time', () => {}, 'response_timeout'],
  ])('is not repeated if %s', async (_what, lose, failure) => {
    receiver = await startRaw((socket, nth) => (nth === 1 ? socket.write(OK) : lose(socket)))
    await send(receiver.origin)
    expect(await send(receiver.origin, { timeoutMs: 300 })).toMatchObject({ failure, reconnected: false })
    expect(receiver.requests).toHaveLength(2)
  })

  it('is not repeated if it was lost on a new connection', async () => {
    receiver = await startRaw(socket => socket.end())
    expect(await send(receiver.origin)).toMatchObject({ failure: 'connection_reset', reconnected: false })
    expect(receiver.requests).toHaveLength(1)
  })

  it('is not repeated if the node no longer owns the delivery, but has been made', async () => {
    receiver = await startRaw((socket, nth) => (nth === 1 ? socket.write(OK) : socket.end()))
    await send(receiver.origin)
    let asked = 0
    const exchange = await send(receiver.origin, { mayBegin: () => ++asked === 1 })
    expect(exchange).toMatchObject({ failure: 'connection_reset', reconnected: true })
    expect([asked, receiver.requests.length]).toEqual([2, 2])
  })
})

describe('a kept connection', () => {
  it.each([
    ['Keep-Alive: timeout=5', 1],
    ['Keep-Alive: timeout=1', 2],
    ['Keep-Alive: timeout=0, max=5', 2],
    ['Keep-Alive: max=100', 1],
  ])('is used as long as the receiver keeps it: %s', async (header, connections) => {
    receiver = await startRaw(socket => socket.write(`HTTP/1.1 200 OK\r\n${header}\r\ncontent-length: 0\r\n\r\n`))
    await send(receiver.origin)
    await send(receiver.origin)
    expect(receiver.sockets).toHaveLength(connections)
  })

  it.each(['\r\n', 'H', OK, 'HTTP/1.1 103 Early Hints\r\n\r\n'])(
    'ends with whatever arrives on it: %j',
    async stray => {
      receiver = await startRaw((socket, nth) => socket.write(nth === 1 ? OK : SECOND))
      await send(receiver.origin)
      receiver.sockets[0]!.write(stray)
      // In the same turn of the event loop, so that nothing has read the bytes when the request is made.
      expect(await send(receiver.origin)).toMatchObject({ status: 299, reconnected: false })
      expect(receiver.sockets).toHaveLength(2)
    },
  )

  it('is not used for the next request if the receiver has not read the last one', async () => {
    let first = true
    const sockets: Socket[] = []
    const server = createServer(socket => {
      sockets.push(socket.on('error', () => {}))
      if (!first) return void socket.on('data', () => socket.write(SECOND))
      first = false
      socket.once('data', () => {
        socket.pause()
        socket.write('HTTP/1.1 413 Too Large\r\ncontent-length: 0\r\n\r\n')
      })
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    expect(await send(origin, { body: Buffer.alloc(30_000_000) })).toMatchObject({ status: 413 })
    expect(await send(origin)).toMatchObject({ status: 299, reconnected: false })
    expect(sockets).toHaveLength(2)
    for (const socket of sockets) socket.destroy()
    server.close()
  })

  it('carries many requests, each with its own response', async () => {
    receiver = await startRaw((socket, nth) => socket.write(`HTTP/1.1 ${200 + nth} Nth\r\ncontent-length: 0\r\n\r\n`))
    for (let nth = 1; nth < 90; nth++) expect(await send(receiver.origin)).toMatchObject({ status: 200 + nth })
    expect(receiver.sockets).toHaveLength(1)
  })
})
