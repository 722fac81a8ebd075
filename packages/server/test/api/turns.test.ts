import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterEach, describe, expect, it } from 'vitest'
import { Turns } from '../../src/api/http/turns.ts'
import { HandClock } from '../hand-clock.ts'

/** Each call takes this long, of three milliseconds that a turn has. */
const CALL_MS = 1

describe('calls', () => {
  let closeAll = () => {}
  afterEach(() => closeAll())

  /** A server whose calls take processor time by the test's clock, and that notes in which order they began. */
  async function serve() {
    const clock = new HandClock()
    const begun: { party: string; path: string; turn: number; body: Promise<string> }[] = []
    let turn = 0
    const nextTurn = () => {
      turn++
      looking = setImmediate(nextTurn)
    }
    let looking = setImmediate(nextTurn)
    const turns = new Turns(clock, (request, response) => {
      clock.turn(CALL_MS)
      const body = text(request)
      begun.push({ party: partyOf(request), path: request.url!, turn, body })
      void body.then(() => response.end(`<${request.url}>`))
    })
    const partyOf = ({ headers }: IncomingMessage) => String(headers['x-party'])
    const server = createServer((request, response) => turns.take(partyOf(request), request, response))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const sockets: Socket[] = []
    closeAll = () => {
      for (const socket of sockets) socket.destroy()
      clearImmediate(looking)
      server.close()
    }
    const open = () => {
      const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
      socket.on('error', () => {})
      sockets.push(socket)
      return socket
    }
    return { begun, open, server }
  }

  const call = (party: string, path: string, rest = '') =>
    `GET ${path} HTTP/1.1\r\nhost: a\r\nx-party: ${party}\r\n${rest}\r\n`

  it('of one connection that arrive together begin a few in each turn of the event loop, and are answered in order', async () => {
    const { begun, open } = await serve()
    const socket = open()
    const paths = Array.from({ length: 400 }, (_, at) => `/${at}`)
    socket.write(paths.map(path => call('a', path)).join('') + call('a', '/last', 'connection: close\r\n'))
    const answers = (await text(socket)).match(/<[^>]+>/g)
    expect(answers).toEqual([...paths, '/last'].map(path => `<${path}>`))
    const byTurn = Map.groupBy(begun, ({ turn }) => turn)
    for (const calls of byTurn.values()) expect(calls.length).toBeLessThanOrEqual(2 * 3)
  })

  it('of different parties begin in rotation, however many one of them has waiting', async () => {
    const { begun, open } = await serve()
    const [many, few] = [open(), open()]
    const last = once(many, 'data')
    many.write(Array.from({ length: 600 }, (_, at) => call('many', `/${at}`)).join(''))
    await last
    few.write(call('few', '/a') + call('few', '/b', 'connection: close\r\n'))
    await text(few)
    const waitedFor = begun.findIndex(({ path }) => path === '/b')
    expect(begun.slice(waitedFor).filter(({ party }) => party === 'many').length).toBeGreaterThan(0)
  })

  it('with a body behind many that wait get their body when it is their turn', async () => {
    const { begun, open } = await serve()
    const socket = open()
    const body = 'x'.repeat(300_000)
    socket.write(Array.from({ length: 300 }, (_, at) => call('a', `/${at}`)).join(''))
    socket.write(
      `POST /body HTTP/1.1\r\nhost: a\r\nx-party: a\r\nconnection: close\r\ncontent-length: ${body.length}\r\n\r\n`,
    )
    socket.write(body)
    await text(socket)
    expect(await begun.at(-1)!.body).toBe(body)
  })

  it('of a connection are not read on while others of it wait, and those of one that is gone are dropped', async () => {
    const { begun, open, server } = await serve()
    const accepted = once(server, 'connection')
    const socket = open()
    const [serverSide] = (await accepted) as [Socket]
    const one = call('a', '/', `x: ${'x'.repeat(1_000)}\r\n`)
    const first = once(socket, 'data')
    socket.write(one.repeat(4_000))
    await first
    // A read takes 64 KiB: what is read is at most one read ahead of what has begun.
    expect(serverSide.bytesRead).toBeLessThanOrEqual(begun.length * one.length + 2 * 65_536)
    const closed = new Promise(resolve => serverSide.once('close', resolve))
    socket.destroy()
    await closed
    const then = begun.length
    await text(open().end(call('b', '/', 'connection: close\r\n')))
    expect(begun.length - then).toBe(1)
  })
})
