import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { connect, createServer as createTcpServer, type Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { type Authority, createAuthority, startReceiver } from '@posthorn/testkit'
import { beforeAll, describe, expect, it } from 'vitest'
import { systemClock } from '../../../src/base/clock.ts'
import { type ConnectionSettings, Connections } from '../../../src/engine/attempt/connections.ts'
import { deliver } from '../../../src/engine/attempt/deliver.ts'
import type { Identity } from '../../../src/engine/http/tls.ts'
import { parseDirectRule } from '../../../src/guard/direct-rule.ts'
import type { Resolver } from '../../../src/guard/lookup.ts'
import type { TargetPolicy } from '../../../src/guard/target.ts'
import { listening, portOf } from '../http/ports.ts'

/** Treats this machine as a network that the operator has allowed. */
const policy: TargetPolicy = { dev: false, targetPorts: [{ first: 1, last: 65_535 }], allowTarget: ['127.0.0.0/8'] }
const HOST = 'hooks.example.com'
const mayBegin = () => true

let authority: Authority
beforeAll(async () => {
  authority = await createAuthority()
})

const toLoopback: Resolver = (_host, _options, callback) => callback(null, [{ address: '127.0.0.1', family: 4 }])

function startSender(settings: Partial<ConnectionSettings>, resolver = toLoopback) {
  const connections = new Connections(
    {
      ...policy,
      proxy: null,
      connectTimeoutMs: 5_000,
      maxInFlightPerHost: 128,
      extraCa: [{ pem: authority.caPem }],
      ...settings,
    },
    systemClock,
    resolver,
  )
  const send = (port: number, identity: Identity | null = null) => {
    const route = { origin: `https://${HOST}:${port}`, tenant: 'acme', identity }
    const request = {
      route,
      path: '/',
      headers: [],
      body: Buffer.from('{}'),
      timeoutMs: 5_000,
      startedAtMs: 0,
      mayBegin,
    }
    return deliver(request, connections, systemClock)
  }
  return { send, close: () => connections.close() }
}

/** A proxy like an operator's. */
async function startProxy() {
  const asked: { target: string; authorization: string | undefined }[] = []
  const server = createServer()
  server.on('connect', (request: IncomingMessage, socket: Socket) => {
    asked.push({ target: request.url!, authorization: request.headers['proxy-authorization'] })
    const [host, port] = request.url!.split(':')
    const onward = connect(Number(port), host, () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n')
      socket.pipe(onward).pipe(socket)
    })
    for (const end of [socket, onward]) end.on('error', () => [socket, onward].map(each => each.destroy()))
  })
  await listening(server)
  return { asked, port: portOf(server), close: () => server.close() }
}

/** Responds to anything with the same bytes. */
const startTalker = (says: string) =>
  listening(createTcpServer(socket => void socket.on('error', () => {}).once('data', () => socket.write(says))))

describe('through a proxy', () => {
  it('C3: connects to the checked address, with TLS to the host itself', async () => {
    const [proxy, receiver] = [await startProxy(), await startReceiver({ authority, names: [HOST] })]
    const { send, close } = startSender({ proxy: { reveal: () => `http://us%40er:pass@127.0.0.1:${proxy.port}` } })
    const target = `127.0.0.1:${receiver.port}`
    expect(await send(receiver.port)).toMatchObject({ status: 204, failure: null, address: target })
    // The connection is kept like any other.
    expect(await send(receiver.port)).toMatchObject({ status: 204, address: target })
    const authorization = `Basic ${Buffer.from('us@er:pass').toString('base64')}`
    expect(proxy.asked).toEqual([{ target, authorization }])
    expect(receiver.requests.map(({ tlsVersion }) => tlsVersion)).toEqual(['TLSv1.3', 'TLSv1.3'])
    expect(receiver.requests[0]!.headers['proxy-authorization']).toBeUndefined()
    close()
    proxy.close()
    await receiver.close()
  })

  it.each([
    ['us%40er:100%', 'us@er:100%'],
    ['user:%zz%25%', 'user:%zz%%'],
    ['user:p{w}|\u00e9', 'user:p{w}|\u00e9'],
  ])('has the name and password %s sent as %s', async (written, sent) => {
    const [proxy, receiver] = [await startProxy(), await startReceiver({ authority, names: [HOST] })]
    const { send, close } = startSender({ proxy: { reveal: () => `http://${written}@127.0.0.1:${proxy.port}` } })
    expect(await send(receiver.port)).toMatchObject({ status: 204 })
    expect(proxy.asked).toMatchObject([{ authorization: `Basic ${Buffer.from(sent).toString('base64')}` }])
    close()
    proxy.close()
    await receiver.close()
  })

  it('C3: never asks the proxy for a refused address', async () => {
    const proxy = await startProxy()
    for (const address of ['10.0.0.1', '169.254.169.254', '::1']) {
      const settings = { proxy: { reveal: () => `http://127.0.0.1:${proxy.port}` } }
      const { send, close } = startSender(settings, (_host, _options, callback) =>
        callback(null, [
          { address: '127.0.0.1', family: 4 },
          { address, family: address.includes(':') ? 6 : 4 },
        ]),
      )
      expect(await send(443)).toMatchObject({ status: null, failure: 'target_refused' })
      close()
    }
    expect(proxy.asked).toEqual([])
    proxy.close()
  })

  it('C3: a certificate for another host or from an unknown authority fails the attempt', async () => {
    const proxy = await startProxy()
    const [other, stranger] = [
      await startReceiver({ authority, names: ['other.example.com'] }),
      await startReceiver({ authority: await createAuthority(), names: [HOST] }),
    ]
    const { send, close } = startSender({ proxy: { reveal: () => `http://127.0.0.1:${proxy.port}` } })
    for (const receiver of [other, stranger]) {
      expect(await send(receiver.port)).toMatchObject({ status: null, failure: 'tls_failed' })
      expect(receiver.total).toBe(0)
      await receiver.close()
    }
    close()
    proxy.close()
  })

  it.each([
    ['refuses', 'HTTP/1.1 403 Forbidden\r\n\r\n'],
    ['requires authentication', 'HTTP/1.1 407 Proxy Authentication Required\r\n\r\n'],
    ['speaks another protocol', 'SSH-2.0-OpenSSH_9.6\r\n\r\n'],
    ['sends data into the tunnel', 'HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n'],
    ['sends an endless head', `HTTP/1.1 200 OK\r\nx: ${'y'.repeat(20_000)}`],
  ])('a proxy that %s fails the attempt with proxy_failed', async (_name, says) => {
    const talker = await startTalker(says)
    const { send, close } = startSender({ proxy: { reveal: () => `http://127.0.0.1:${portOf(talker)}` } })
    expect(await send(443)).toMatchObject({ status: null, failure: 'proxy_failed' })
    close()
    talker.close()
  })

  it('a proxy that is unreachable, closes the connection or hangs fails the attempt', async () => {
    const away = await startTalker('')
    const port = portOf(away)
    away.close()
    await once(away, 'close')
    const rude = await listening(createTcpServer(socket => socket.end()))
    const silent = await startTalker('')
    for (const [proxyPort, failure] of [
      [port, 'proxy_failed'],
      [portOf(rude), 'proxy_failed'],
      [portOf(silent), 'connect_timeout'],
    ] as const) {
      const proxy = { reveal: () => `http://127.0.0.1:${proxyPort}` }
      const { send, close } = startSender({ proxy, connectTimeoutMs: 300 })
      expect(await send(443)).toMatchObject({ status: null, failure })
      close()
    }
    rude.close()
    silent.close()
  })
})

describe('past a proxy', () => {
  const noProxy = (...texts: string[]) => texts.map(text => parseDirectRule(text)!)

  it.each([[HOST], ['.example.com'], ['127.0.0.0/8'], ['.example.com:1', '127.0.0.0/8:1', HOST.toUpperCase()]])(
    'goes directly to a host that %s is for, with TLS to the host itself',
    async (...texts) => {
      const [proxy, receiver] = [await startProxy(), await startReceiver({ authority, names: [HOST] })]
      let lookups = 0
      const resolver: Resolver = (host, options, callback) => {
        lookups++
        toLoopback(host, options, callback)
      }
      const settings = { proxy: { reveal: () => `http://127.0.0.1:${proxy.port}` }, noProxy: noProxy(...texts) }
      const { send, close } = startSender(settings, resolver)
      const address = `127.0.0.1:${receiver.port}`
      expect(await send(receiver.port)).toMatchObject({ status: 204, address })
      expect(await send(receiver.port)).toMatchObject({ status: 204, address })
      expect(receiver.requests[0]!.headers.host).toBe(`${HOST}:${receiver.port}`)
      expect([lookups, proxy.asked]).toEqual([1, []])
      close()
      const stranger = await startReceiver({ authority, names: ['other.example.com'] })
      const again = startSender(settings)
      expect(await again.send(stranger.port)).toMatchObject({ status: null, failure: 'tls_failed' })
      again.close()
      proxy.close()
      await Promise.all([receiver.close(), stranger.close()])
    },
  )

  it('goes through the proxy to all others, and where a name leads into a listed network only in part', async () => {
    const [proxy, receiver] = [await startProxy(), await startReceiver({ authority, names: [HOST] })]
    const reveal = () => `http://127.0.0.1:${proxy.port}`
    const both: Resolver = (_host, _options, callback) =>
      callback(
        null,
        ['127.0.0.1', '127.9.0.1'].map(address => ({ address, family: 4 })),
      )
    for (const [rule, resolver] of [
      ['other.example.com', toLoopback],
      ['.hooks.example.com', toLoopback],
      [`${HOST}:443`, toLoopback],
      ['127.0.0.0/16', both],
    ] as const) {
      const { send, close } = startSender({ proxy: { reveal }, noProxy: noProxy(rule) }, resolver)
      const before = proxy.asked.length
      expect(await send(receiver.port)).toMatchObject({ status: 204 })
      expect(proxy.asked.length, rule).toBe(before + 1)
      close()
    }
    proxy.close()
    await receiver.close()
  })

  it('C3: reaches no address that is refused, however it is listed', async () => {
    const proxy = await startProxy()
    const trap = await startTalker('HTTP/1.1 204 No Content\r\n\r\n')
    for (const rule of [HOST, '.example.com', '0.0.0.0/0']) {
      const settings = {
        proxy: { reveal: () => `http://127.0.0.1:${proxy.port}` },
        noProxy: noProxy(rule),
        allowTarget: [],
      }
      const { send, close } = startSender(settings)
      expect(await send(portOf(trap))).toMatchObject({ status: null, failure: 'target_refused' })
      close()
    }
    expect(proxy.asked).toEqual([])
    proxy.close()
    trap.close()
  })

  it('has as much time as any connection, the look-up included', async () => {
    const silent = await startTalker('')
    const settings = {
      proxy: { reveal: () => 'http://127.0.0.1:1' },
      noProxy: noProxy('127.0.0.0/8'),
      connectTimeoutMs: 300,
    }
    const { send, close } = startSender(settings)
    expect(await send(portOf(silent))).toMatchObject({ status: null, failure: 'connect_timeout' })
    close()
    silent.close()
  })
})

describe('mutual TLS', () => {
  it("presents the endpoint's certificate, never that of another endpoint on the same host", async () => {
    const { certPem: cert, keyPem: key } = await authority.issue({ names: [HOST] })
    const seen: string[] = []
    const asking = { cert, key, ca: authority.caPem, requestCert: true, rejectUnauthorized: false }
    const server = createTlsServer(asking, (request, response) => {
      const socket = request.socket as TLSSocket
      seen.push(socket.authorized ? String(socket.getPeerCertificate().subject.CN) : 'unknown')
      response.writeHead(204).end()
    })
    await listening(server)
    const identityOf = async (name: string): Promise<Identity> => {
      const issued = await authority.issue({ names: [name], use: 'client' })
      return { name, certificate: issued.certPem, key: issued.keyPem }
    }
    const [first, second] = [await identityOf('first'), await identityOf('second')]
    const { send, close } = startSender({})
    for (const identity of [first, second, null, first, null, second]) {
      expect(await send(portOf(server), identity)).toMatchObject({ status: 204 })
    }
    expect(seen).toEqual(['first', 'second', 'unknown', 'first', 'unknown', 'second'])
    close()
    server.close()
    server.closeAllConnections()
  })

  it('an endpoint without a certificate fails at a receiver that requires one', async () => {
    const { certPem: cert, keyPem: key } = await authority.issue({ names: [HOST] })
    const strict = { cert, key, ca: authority.caPem, requestCert: true, rejectUnauthorized: true }
    const server = await listening(createTlsServer(strict, (_request, response) => response.writeHead(204).end()))
    const { send, close } = startSender({})
    const result = await send(portOf(server))
    expect(result!.status).toBeNull()
    expect(['tls_failed', 'connection_reset']).toContain(result!.failure)
    close()
    server.close()
    server.closeAllConnections()
  })
})

describe('key exchange', () => {
  it('offers no key exchange whose group the receiver chooses', async () => {
    const hello = Promise.withResolvers<Buffer>()
    const server = await listening(
      createTcpServer(socket => socket.once('data', hello.resolve).once('data', () => socket.destroy())),
    )
    const { send, close } = startSender({})
    await send(portOf(server))
    const suites = suitesOf(await hello.promise)
    const ecdhe = [0xc02f, 0xc02b, 0x1301]
    expect(suites).toEqual(expect.arrayContaining(ecdhe))
    const dhe = [0x0033, 0x0039, 0x0067, 0x006b, 0x009e, 0x009f, 0xccaa, 0xc09e, 0xc09f, 0xc0a2, 0xc0a3]
    expect(suites.filter(suite => dhe.includes(suite))).toEqual([])
    close()
    server.close()
  })
})

/**
 * The cipher suites of a ClientHello (RFC 5246 §7.4.1.2), which follow record and message head, version and session.
 */
function suitesOf(hello: Buffer): number[] {
  const session = 5 + 4 + 2 + 32
  const at = session + 1 + hello[session]!
  return Array.from({ length: hello.readUInt16BE(at) / 2 }, (_, nth) => hello.readUInt16BE(at + 2 + nth * 2))
}
