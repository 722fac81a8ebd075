import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { Intake, type Owners } from '../../src/api/http/intake.ts'
import { Turns } from '../../src/api/http/turns.ts'
import { HandClock } from '../hand-clock.ts'

/** Each call takes this long, of three milliseconds that a turn has. */
const CALL_MS = 1

describe('calls', () => {
  let closeAll = () => {}
  afterEach(() => closeAll())

  /**
   * A server whose calls take processor time by the test's clock, and that notes in which order they began. Whose a
   * connection is is known from its first call; that a call is keyless, from its header.
   */
  async function serve(
    answer: (response: ServerResponse, text: string) => unknown = (response, text) => response.end(text),
  ) {
    const clock = new HandClock()
    const begun: { party: string; path: string; turn: number; body: Promise<string> }[] = []
    let turn = 0
    const nextTurn = () => {
      turn++
      looking = setImmediate(nextTurn)
    }
    let looking = setImmediate(nextTurn)
    const parties = new Map<Socket, { party: string; isKeyless: boolean; isExempt: boolean; calls: number }>()
    const owners: Owners = {
      partyOf: socket => parties.get(socket)?.party ?? '',
      isKeyless: socket => parties.get(socket)?.isKeyless ?? true,
      isExempt: socket => parties.get(socket)?.isExempt ?? true,
      callsOf: socket => parties.get(socket)?.calls ?? 0,
    }
    const intake = new Intake(owners, new Turns(clock))
    const server = createServer((request, response) => {
      const { socket, headers } = request
      const party = String(headers['x-party'])
      const [isKeyless, isExempt] = [headers['x-key'] !== undefined, headers['x-key'] !== 'charged']
      const owner = parties.get(socket) ?? { party, isKeyless, isExempt, calls: 0 }
      parties.set(socket, owner)
      owner.calls++
      response.once('close', () => owner.calls--)
      intake.begin(request, response)
      clock.turn(CALL_MS)
      const body = text(request).catch(() => '')
      begun.push({ party, path: request.url!, turn, body })
      void body.then(() => answer(response, `<${request.url}>`))
    })
    intake.watch(server)
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
    return { begun, clock, open, server }
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

  it('of a connection that has no valid key are parsed one at a time, and other connections do not wait for them', async () => {
    const held: ServerResponse[] = []
    const { begun, open, server } = await serve(response => held.push(response))
    const sockets = Array.from({ length: 20 }, open)
    for (const socket of sockets) socket.write(call('a', '/', 'x-key: none\r\n').repeat(1_000))
    await expect.poll(() => begun.length, { timeout: 10_000 }).toBe(20)
    // A request of another connection comes after whatever else was about to be parsed.
    const other = open()
    other.write(call('b', '/b'))
    await expect.poll(() => begun.length, { timeout: 10_000 }).toBe(21)
    const next = once(server, 'request')
    held[0]!.end()
    await next
    expect(begun).toHaveLength(22)
  })

  it('of a connection with a valid key are at most 64 in progress', async () => {
    const held: ServerResponse[] = []
    const { begun, open, server } = await serve(response => held.push(response))
    open().write(call('a', '/').repeat(500))
    await expect.poll(() => begun.length, { timeout: 10_000 }).toBe(64)
    const next = once(server, 'request')
    held[0]!.end()
    await next
    expect(begun).toHaveLength(65)
  })

  it.each(['none', 'a'])(
    'with the key %s are all answered, even if the client has ended its side behind them',
    async key => {
      const { open } = await serve()
      const socket = open()
      const paths = Array.from({ length: 100 }, (_, at) => `/${at}`)
      const more = key === 'none' ? 'x-key: none\r\n' : ''
      socket.end(paths.map(path => call('a', path, more)).join(''))
      expect((await text(socket)).match(/<[^>]+>/g)).toEqual(paths.map(path => `<${path}>`))
    },
  )

  it('in whatever pieces and with whatever bodies are received as they were sent', async () => {
    const { begun, open } = await serve()
    const piece = fc.constantFrom('\r\n\r\n', '\r\n', 'x', '0\r\n\r\n', 'GET / HTTP/1.1\r\n\r\n')
    const body = fc.tuple(fc.array(piece, { maxLength: 100 }), fc.boolean(), fc.boolean())
    const cuts = fc.array(fc.nat(200), { minLength: 1, maxLength: 5 })
    await fc.assert(
      fc.asyncProperty(fc.array(body, { minLength: 1, maxLength: 6 }), cuts, async (bodies, sizes) => {
        begun.length = 0
        const requests = bodies.map(([pieces, isChunked, isKeyless], at) => {
          const text = pieces.join('')
          const isLast = at === bodies.length - 1
          const chunk = text === '' ? '' : `${text.length.toString(16)}\r\n${text}\r\n`
          const head = isChunked ? 'transfer-encoding: chunked' : `content-length: ${text.length}`
          const more = (isKeyless ? 'x-key: none\r\n' : '') + (isLast ? 'connection: close\r\n' : '')
          const rest = isChunked ? `${chunk}0\r\n\r\n` : text
          return `POST /${at} HTTP/1.1\r\nhost: a\r\nx-party: a\r\n${more}${head}\r\n\r\n${rest}`
        })
        const socket = open()
        const answers = text(socket)
        const all = requests.join('')
        for (let [from, at] = [0, 0]; from < all.length; at++) {
          const size = 1 + (sizes[at % sizes.length]! % 7) * sizes[at % sizes.length]!
          socket.write(all.slice(from, from + size))
          from += size
          if (at % 8 === 0) await new Promise(resolve => setImmediate(resolve))
        }
        expect((await answers).match(/<[^>]+>/g)).toEqual(bodies.map((_, at) => `</${at}>`))
        const received = await Promise.all(begun.map(({ body }) => body))
        expect(received).toEqual(bodies.map(([pieces]) => pieces.join('')))
      }),
      { numRuns: 60 },
    )
  })

  it('without a valid key get a fifth of the time, while those of others do not wait for them', async () => {
    const { begun, clock, open } = await serve()
    const beganAtMs = clock.monotonicMs()
    const [stranger, known] = [open(), open()]
    stranger.on('data', () => {})
    stranger.write(call('stranger', '/', 'x-key: charged\r\n').repeat(500))
    // Each call takes 1 ms and is 4 ms of rest. The first one is charged before it is known whose it is.
    await expect.poll(() => begun.length, { timeout: 10_000 }).toBe(5)
    for (let at = 1; at <= 50; at++) {
      known.write(call('known', `/${at}`))
      await once(known, 'data')
    }
    const strangers = begun.filter(({ party }) => party === 'stranger').length
    expect(strangers).toBeLessThanOrEqual(5 + (clock.monotonicMs() - beganAtMs) / 4)
    for (let waited = 0; waited < 40; waited += 5) {
      clock.turn(5)
      await new Promise(resolve => setImmediate(resolve))
    }
    await expect
      .poll(() => begun.filter(({ party }) => party === 'stranger').length, { timeout: 10_000 })
      .toBeGreaterThan(strangers)
  })
})
