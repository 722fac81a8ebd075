/** Proxies that respond to CONNECT in an unusual way (RFC 9110 §9.3.6), in front of a receiver with TLS. */
import { connect, createServer, type Socket } from 'node:net'
import { createServer as createTlsServer, type TLSSocket, type TlsOptions } from 'node:tls'
import { type Authority, createAuthority } from '@posthorn/testkit'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { ConnectionSettings } from '../../../src/engine/attempt/connections.ts'
import { listening, portOf } from './ports.ts'
import { type RawReceiver, startRaw, startSender } from './raw-receiver.ts'

const HOST = 'hooks.example.com'
const EMPTY = 'HTTP/1.1 204 No Content\r\n\r\n'
const OK = 'HTTP/1.1 200 OK\r\n'

let authority: Authority
let receiver: RawReceiver
const closing: (() => unknown)[] = []
beforeAll(async () => {
  authority = await createAuthority()
})
beforeEach(async () => {
  const { certPem: cert, keyPem: key } = await authority.issue({ names: [HOST] })
  receiver = await startRaw(socket => socket.write(EMPTY), { tls: { cert, key } })
  closing.push(() => receiver.close())
})
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

type Options = {
  /** Written in these pieces before the tunnel is opened, and whether it is opened then. */
  readonly pieces: readonly string[]
  readonly opens?: boolean
  readonly tls?: TlsOptions
  readonly host?: string
}

/** A proxy, with the requests it got and the server names it was asked for. */
async function startProxy({ pieces, opens = true, tls, host = '127.0.0.1' }: Options) {
  const requests: string[] = []
  const names: (string | false)[] = []
  const answer = async (socket: Socket, request: string) => {
    requests.push(request)
    for (const piece of pieces) {
      socket.write(piece, 'latin1')
      await new Promise(resolve => setImmediate(resolve))
    }
    if (!opens) return
    const onward = connect(receiver.port, '127.0.0.1')
    for (const end of [socket, onward]) end.on('error', () => {}).on('close', () => onward.destroy())
    socket.pipe(onward).pipe(socket)
  }
  const take = (socket: Socket) => {
    closing.push(() => socket.destroy())
    names.push((socket as TLSSocket & { servername: string | false }).servername)
    socket.on('error', () => {}).once('data', request => void answer(socket, request.toString('latin1')))
  }
  const server = tls === undefined ? createServer(take) : createTlsServer(tls, take)
  await listening(server, host)
  closing.push(() => server.close())
  return { requests, names, port: portOf(server) }
}

/** Sends through a proxy to an address whose port is the receiver's, or `port`. */
async function sendThrough(url: string, port = receiver.port, over: Partial<ConnectionSettings> = {}) {
  const proxy = { reveal: () => url }
  const settings = { proxy, extraCa: [{ pem: authority.caPem }], allowTarget: ['127.0.0.0/8'], ...over }
  const { send, close } = startSender(settings, (_host, _options, callback) =>
    callback(null, [{ address: '127.0.0.1', family: 4 }]),
  )
  closing.push(close)
  return send(`https://${HOST}${port === 443 ? '' : `:${port}`}`)
}

describe('a tunnel is opened by', () => {
  it.each([
    ['a length, which counts for nothing', [`${OK}content-length: 5\r\n\r\n`]],
    ['chunks, which count for nothing', [`${OK}transfer-encoding: chunked\r\n\r\n`]],
    ['a length that is none', [`${OK}content-length: 5, 6\r\n\r\n`]],
    ['an interim response first', [`HTTP/1.1 100 Continue\r\n\r\n${OK}\r\n`]],
    ['several interim responses first', [`HTTP/1.1 102 Wait\r\nx: 1\r\n\r\n`, 'HTTP/1.1 103\r\n\r\n', `${OK}\r\n`]],
    ['line feeds alone', ['HTTP/1.1 200 OK\nx: 1\n\n']],
    ['mixed line ends', ['HTTP/1.1 200 OK\nx: 1\r\n\n']],
    ['no reason phrase', ['HTTP/1.0 200\r\n\r\n']],
    ['another success', ['HTTP/1.1 204 No Content\r\n\r\n']],
    ['lower case', ['http/1.1 200 connection established\r\n\r\n']],
    ['connection: close, which is about the tunnel', ['HTTP/1.0 200 OK\r\nConnection: close\r\n\r\n']],
    ['an empty line first', [`\r\n${OK}\r\n`]],
    ['a folded header', [`${OK}via: a\r\n b\r\n\r\n`]],
    ['a byte at a time', [...`HTTP/1.1 100\r\n\r\n${OK}\r\n`]],
  ])('%s', async (_what, pieces) => {
    const proxy = await startProxy({ pieces })
    const exchange = await sendThrough(`http://127.0.0.1:${proxy.port}`)
    expect(exchange).toMatchObject({ status: 204, failure: null, address: `127.0.0.1:${receiver.port}` })
    expect(proxy.requests).toHaveLength(1)
  })

  it('a proxy of any port, for a receiver at 443: its Host header has no port', async () => {
    const proxy = await startProxy({ pieces: [`${OK}\r\n`] })
    expect(await sendThrough(`http://127.0.0.1:${proxy.port}`, 443)).toMatchObject({ status: 204 })
    expect(proxy.requests[0]).toContain('CONNECT 127.0.0.1:443 HTTP/1.1\r\nHost: 127.0.0.1:443\r\n')
    expect(receiver.requests[0]).toContain(`\r\nhost: ${HOST}\r\n`)
  })

  it.each([
    ['127.0.0.1', '127.0.0.1'],
    ['[::1]', '::1'],
  ])('a proxy that is reached by TLS at an address (%s), without a server name', async (written, ip) => {
    const { certPem: cert, keyPem: key } = await authority.issue({ names: [], ips: [ip] })
    const proxy = await startProxy({ pieces: [`${OK}\r\n`], tls: { cert, key }, host: ip })
    expect(await sendThrough(`https://${written}:${proxy.port}`)).toMatchObject({ status: 204, failure: null })
    expect(proxy.names).toEqual([false])
  })

  it('a proxy that is reached by TLS at a name, and only with a certificate for it', async () => {
    const { certPem: cert, keyPem: key } = await authority.issue({ names: ['proxy.example.com'] })
    const proxy = await startProxy({ pieces: [`${OK}\r\n`], tls: { cert, key } })
    expect(await sendThrough(`https://proxy.example.com:${proxy.port}`)).toMatchObject({ status: 204, failure: null })
    expect(proxy.names).toEqual(['proxy.example.com'])
    const exchange = await sendThrough(`https://other.example.com:${proxy.port}`)
    const detail = { code: 'proxy_unreachable', value: 'ERR_TLS_CERT_ALTNAME_INVALID' }
    expect(exchange).toMatchObject({ status: null, failure: 'proxy_failed', detail })
    expect(proxy.requests).toHaveLength(1)
  })
})

describe('no tunnel is opened by', () => {
  it.each([
    ['407 with a body', ['HTTP/1.1 407 Auth\r\ncontent-length: 4\r\n\r\nno\r\n'], 'proxy_credentials', null],
    ['407 with a body to come', ['HTTP/1.1 407 Auth\ncontent-length: 99\n\n'], 'proxy_credentials', null],
    ['403 after an interim response', ['HTTP/1.1 100\r\n\r\n', 'HTTP/1.1 403 No\r\n\r\n'], 'proxy_refused', '403'],
    ['a redirect', ['HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:9/\r\n\r\n'], 'proxy_refused', '302'],
    ['a status of four digits', ['HTTP/1.1 2000 OK\r\n\r\n'], 'proxy_malformed', null],
    ['another protocol', ['SSH-2.0-OpenSSH_9.6\r\n'], 'proxy_malformed', null],
    ['another protocol without lines', ['\x15\x03\x01\x00\x02'], 'proxy_malformed', null],
    ['a switch of protocols', ['HTTP/1.1 101 Switching\r\n\r\n'], 'proxy_malformed', null],
    ['endless interim responses', ['HTTP/1.1 103 Hint\r\n\r\n'.repeat(17)], 'proxy_malformed', null],
    ['bytes that come with the status', [`${OK}\r\n\x16`], 'proxy_malformed', null],
    ['a response from the other side', [`${OK}content-length: 0\r\n\r\n${EMPTY}`], 'proxy_malformed', null],
  ])('%s', async (_what, pieces, code, value) => {
    const proxy = await startProxy({ pieces, opens: false })
    const exchange = await sendThrough(`http://127.0.0.1:${proxy.port}`)
    expect(exchange).toMatchObject({ status: null, failure: 'proxy_failed', detail: { code, value } })
    expect(receiver.sockets).toEqual([])
  })
})
