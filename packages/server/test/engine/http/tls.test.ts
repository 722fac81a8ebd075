import { once } from 'node:events'
import type { AddressInfo, Socket } from 'node:net'
import { createServer, type TlsOptions } from 'node:tls'
import { type Authority, createAuthority } from '@posthorn/testkit'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import { errorOf, sentenceOf } from '../../../src/base/attempt-details.ts'
import type { Identity } from '../../../src/engine/http/tls.ts'
import { HandClock } from '../../hand-clock.ts'
import { type RawReceiver, startRaw, startSender } from './raw-receiver.ts'

const EMPTY = 'HTTP/1.1 204 No Content\r\n\r\n'
const DAY_MS = 86_400_000
const LOCAL = { names: ['localhost'], ips: ['127.0.0.1'] }

let authority: Authority
let stranger: Authority
beforeAll(async () => {
  ;[authority, stranger] = [await createAuthority(), await createAuthority()]
})

let receiver: RawReceiver
afterEach(() => receiver?.close())

const start = async (tls: TlsOptions) => {
  receiver = await startRaw(socket => socket.write(EMPTY), { tls })
  return receiver.origin
}
const asServer = ({ certPem: cert, keyPem: key }: { certPem: string; keyPem: string }) => ({ cert, key })
const sender = () => startSender({ extraCa: [{ pem: authority.caPem }] })

async function identity(from = authority, over: object = {}): Promise<Identity> {
  const { certPem: certificate, keyPem: key } = await from.issue({ names: ['client'], use: 'client', ...over })
  return { name: `client ${Math.random()}`, certificate, key }
}

describe('TLS', () => {
  it.each([
    ['certificate_expired', () => authority.issue({ ...LOCAL, notBefore: ago(3), notAfter: ago(2) })],
    ['certificate_not_yet_valid', () => authority.issue({ ...LOCAL, notBefore: ago(-2) })],
    ['certificate_name', () => authority.issue({ names: ['other.example'], ips: ['127.0.0.9'] })],
    ['certificate_common_name', () => authority.issue({ names: ['127.0.0.1'] })],
    ['certificate_name', () => authority.issue({ names: ['localhost'] })],
    ['certificate_chain', () => stranger.issue(LOCAL)],
  ] as const)('%s is told apart', async (code, issue) => {
    const origin = await start(asServer(await issue()))
    const { send, close } = sender()
    expect(await send(origin)).toMatchObject({ status: null, failure: 'tls_failed', detail: { code } })
    expect(receiver.requests).toEqual([])
    close()
  })

  it.each([
    ['its own name', 'localhost', []],
    ['a name among others that are not its own', 'localhost', ['other.example']],
    ['a pattern', '*.hooks.example', []],
  ])('certificate_common_name: %s as common name', async (_what, commonName, names) => {
    const origin = await start(asServer(await authority.issue({ commonName, names, ips: ['127.0.0.9'] })))
    const host = commonName.replace('*', 'a')
    const { send, close } = startSender(
      { extraCa: [{ pem: authority.caPem }], allowTarget: ['127.0.0.0/8'] },
      (_host, _options, callback) => callback(null, [{ address: '127.0.0.1', family: 4 }]),
    )
    const exchange = await send(origin.replace('127.0.0.1', host))
    expect(exchange).toMatchObject({ failure: 'tls_failed', detail: { code: 'certificate_common_name' } })
    expect(receiver.requests).toEqual([])
    close()
  })

  it('certificate_authority: a chain up to an authority that is not trusted', async () => {
    const { certPem, keyPem } = await stranger.issue(LOCAL)
    const origin = await start({ cert: `${certPem}\n${stranger.caPem}`, key: keyPem })
    const { send, close } = sender()
    expect(await send(origin)).toMatchObject({ failure: 'tls_failed', detail: { code: 'certificate_authority' } })
    close()
  })

  it.each([
    ['tls_version', { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }],
    ['tls_no_common_cipher', { maxVersion: 'TLSv1.2', ciphers: 'DHE-RSA-AES128-GCM-SHA256:AES128-SHA256' }],
    ['tls_without_http1', { ALPNProtocols: ['h2'] }],
  ] as const)('%s is told apart', async (code, options) => {
    const origin = await start({ ...asServer(await authority.issue(LOCAL)), ...options } as TlsOptions)
    const { send, close } = sender()
    expect(await send(origin)).toMatchObject({ status: null, failure: 'tls_failed', detail: { code } })
    close()
  })

  it('not_tls: a receiver that speaks plain HTTP', async () => {
    receiver = await startRaw(() => {})
    for (const says of ['HTTP/1.1 400 Bad Request\r\n\r\n', '220 smtp.example\r\n']) {
      const plain = await startRaw(() => {})
      for (const socket of plain.sockets) socket.destroy()
      await plain.close()
      const { createServer: createTcpServer } = await import('node:net')
      const server = createTcpServer(socket => socket.on('error', () => {}).once('data', () => socket.end(says)))
      server.listen(0, '127.0.0.1')
      await once(server, 'listening')
      const { send, close } = sender()
      const exchange = await send(`https://127.0.0.1:${(server.address() as AddressInfo).port}`)
      expect(exchange).toMatchObject({ failure: 'tls_failed', detail: { code: 'not_tls' } })
      close()
      server.close()
    }
  })

  it('ends a head with the connection, as plain HTTP does: the status was whole', async () => {
    receiver = await startRaw(socket => socket.end('HTTP/1.1 202 Accepted\r\nx: 1\r\n'), {
      tls: asServer(await authority.issue(LOCAL)),
    })
    const { send, close } = sender()
    expect(await send(receiver.origin)).toMatchObject({ status: 202, failure: null, headers: ['x', '1'] })
    close()
  })

  describe.each(['TLSv1.2', 'TLSv1.3'] as const)('%s with client certificates', version => {
    const strict = async (): Promise<TlsOptions> => ({
      ...asServer(await authority.issue(LOCAL)),
      ca: authority.caPem,
      requestCert: true,
      rejectUnauthorized: true,
      maxVersion: version,
    })

    it('takes the right one, on new and kept connections', async () => {
      const origin = await start(await strict())
      const { send, close } = sender()
      const own = await identity()
      expect(await send(origin, { identity: own })).toMatchObject({ status: 204 })
      expect(await send(origin, { identity: own })).toMatchObject({ status: 204 })
      expect(receiver.sockets).toHaveLength(1)
      close()
    })

    it('does not blame the right one if the receiver reads the request and closes', async () => {
      const clock = new HandClock()
      const read = (socket: Socket) => {
        // Under TLS 1.3, for a second, it could be the refusal.
        if (version === 'TLSv1.3') clock.turn(1_000)
        socket.end()
      }
      receiver = await startRaw(read, { tls: await strict() })
      const { send, close } = startSender({ extraCa: [{ pem: authority.caPem }] }, undefined, clock)
      expect(await send(receiver.origin, { identity: await identity() })).toMatchObject({
        failure: 'connection_reset',
        detail: { code: 'closed' },
      })
      expect(receiver.requests).toHaveLength(1)
      close()
    })

    it('reports a missing one as such, every time', async () => {
      const origin = await start(await strict())
      const { send, close } = sender()
      for (let nth = 0; nth < 10; nth++) {
        const { failure, detail } = await send(origin)
        expect({ failure, code: detail?.code }).toEqual({ failure: 'tls_failed', code: 'client_certificate_required' })
      }
      close()
    })

    it.each([
      ['unknown', () => identity(stranger)],
      ['expired', () => identity(authority, { notBefore: ago(3), notAfter: ago(2) })],
    ])('reports a refused one, every time: %s', async (_why, make) => {
      const origin = await start(await strict())
      const { send, close } = sender()
      const own = await make()
      for (let nth = 0; nth < 10; nth++) {
        const { failure, detail } = await send(origin, { identity: own })
        // Node refuses it without an alert: in TLS 1.3 when the handshake is over.
        expect({ failure, code: detail?.code }).toEqual({ failure: 'tls_failed', code: 'closed_after_certificate' })
      }
      close()
    })
  })

  it.each(['TLSv1.2', 'TLSv1.3'] as const)(
    '%s sessions are resumed, but only for connections that were verified',
    async version => {
      const reused: boolean[] = []
      const tls: TlsOptions = { ...asServer(await authority.issue(LOCAL)), maxVersion: version }
      const server = createServer(tls, socket => {
        reused.push(socket.isSessionReused())
        socket
          .on('error', () => {})
          .on('data', () => socket.end('HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n'))
      })
      server.listen(0, '127.0.0.1')
      await once(server, 'listening')
      const origin = `https://127.0.0.1:${(server.address() as AddressInfo).port}`
      const { send, close } = sender()
      for (let nth = 0; nth < 3; nth++) expect(await send(origin)).toMatchObject({ status: 204 })
      expect(reused).toEqual([false, true, true])
      close()
      // The same sessions are of no use to someone who doesn't trust the authority.
      const other = startSender()
      for (let nth = 0; nth < 2; nth++) expect(await other.send(origin)).toMatchObject({ failure: 'tls_failed' })
      other.close()
      server.close()
    },
  )
})

describe('details', () => {
  it('are sentences, with what was seen', () => {
    expect(sentenceOf({ code: 'proxy_refused', value: '403' })).toContain('CONNECT with 403.')
    expect(errorOf('proxy_refused')).toBe('proxy_failed')
  })
})

const ago = (days: number) => new Date(Date.now() - days * DAY_MS)
