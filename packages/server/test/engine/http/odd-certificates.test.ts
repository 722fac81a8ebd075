/** Receivers whose certificates, names and ends of TLS are unusual, and still right: what browsers and curl reach. */
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { type Authority, createAuthority } from '@posthorn/testkit'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type RawReceiver, startRaw, startSender } from './raw-receiver.ts'

const EMPTY = 'HTTP/1.1 204 No Content\r\n\r\n'
const LOCAL = { names: ['localhost'], ips: ['127.0.0.1', '::1'] }
const DAY_MS = 86_400_000
const ago = (days: number) => new Date(Date.now() - days * DAY_MS)

let root: Authority
let between: Authority
beforeAll(async () => {
  ;[root, between] = [await createAuthority(), await createAuthority()]
})

let receiver: RawReceiver
const closing: (() => void)[] = []
afterEach(async () => {
  for (const close of closing.splice(0)) close()
  await receiver?.close()
})

const sender = (...args: Parameters<typeof startSender>) => {
  const { send, close } = startSender({ extraCa: [{ pem: root.caPem }], ...args[0] }, args[1])
  closing.push(close)
  return send
}

describe('a chain of certificates', () => {
  /** Starts a receiver whose certificate is issued by `between`, and which sends these other certificates with it. */
  async function startWith(...others: string[]) {
    const { certPem, keyPem } = await between.issue(LOCAL)
    receiver = await startRaw(socket => socket.write(EMPTY), {
      tls: { cert: [certPem, ...others].join('\n'), key: keyPem },
    })
    return receiver.origin
  }

  it('counts without its root, as usual', async () => {
    expect(await sender()(await startWith(await root.certify(between)))).toMatchObject({ status: 204 })
  })

  it.each([
    ['whose cross-signed certificate leads to a root that has expired', {}],
    ['whose cross-signed certificate has expired itself', { notBefore: ago(3), notAfter: ago(1) }],
  ])('counts although it includes another way up, %s', async (_what, validity) => {
    const old = await createAuthority('Old root', { notBefore: ago(9), notAfter: ago(2) })
    const [intermediate, cross] = [await root.certify(between), await old.certify(root, validity)]
    expect(await sender()(await startWith(intermediate, cross, old.caPem))).toMatchObject({ status: 204 })
    await receiver.close()
    // A sender that still trusts the old root as well is no worse off.
    const trust = { extraCa: [{ pem: old.caPem }, { pem: root.caPem }] }
    expect(await sender(trust)(await startWith(intermediate, cross))).toMatchObject({ status: 204 })
  })

  it('counts in the wrong order, and with certificates that have nothing to do with it', async () => {
    const [stranger, intermediate] = [await createAuthority(), await root.certify(between)]
    const origin = await startWith(stranger.caPem, root.caPem, intermediate)
    expect(await sender()(origin)).toMatchObject({ status: 204 })
  })

  it.each([
    ['nothing', async () => []],
    ['the root', async () => [root.caPem]],
  ])('fails without its intermediate certificate, with %s in its place', async (_what, others) => {
    const origin = await startWith(...(await others()))
    const detail = { code: 'certificate_chain' }
    expect(await sender()(origin)).toMatchObject({ failure: 'tls_failed', detail })
  })

  it('fails if its only intermediate certificate has expired', async () => {
    const origin = await startWith(await root.certify(between, { notBefore: ago(3), notAfter: ago(1) }))
    const detail = { code: 'certificate_expired' }
    expect(await sender()(origin)).toMatchObject({ failure: 'tls_failed', detail })
  })
})

describe('the server name', () => {
  /** Starts a receiver that notes the server name that it is asked for. */
  async function startNoting(names: readonly string[], ips: readonly string[] = [], host = '127.0.0.1') {
    const { certPem: cert, keyPem: key } = await root.issue({ names, ips })
    const asked: (string | false)[] = []
    receiver = await startRaw(
      socket => {
        asked.push((socket as TLSSocket & { servername: string | false }).servername)
        socket.write(EMPTY)
      },
      { tls: { cert, key }, host },
    )
    return asked
  }

  it.each([
    ['127.0.0.1', '127.0.0.1'],
    ['[::1]', '::1'],
  ])('is not sent to an address (%s), whose certificate has the address', async (host, ip) => {
    const asked = await startNoting([], [ip], ip)
    expect(await sender()(`https://${host}:${receiver.port}`)).toMatchObject({ status: 204, failure: null })
    expect(asked).toEqual([false])
    expect(receiver.requests[0]).toContain(`host: ${host}:${receiver.port}\r\n`)
  })

  it('has to be an address in the certificate of an address: the same text as a name does not count', async () => {
    await startNoting(['127.0.0.1'], ['127.0.0.9'])
    const exchange = await sender()(`https://127.0.0.1:${receiver.port}`)
    expect(exchange).toMatchObject({ failure: 'tls_failed' })
  })

  it.each([
    ['an underscore', 'my_hooks.example.com', 'my_hooks.example.com', 'my_hooks.example.com'],
    ['an underscore under a pattern', 'my_hooks.example.com', 'my_hooks.example.com', '*.example.com'],
    ['an underscore first', '_hooks.example.com', '_hooks.example.com', '*.example.com'],
    ['other letters', 'b\u00fccher.example.com', 'xn--bcher-kva.example.com', 'xn--bcher-kva.example.com'],
    ['other letters under a pattern', 'b\u00fccher.example.com', 'xn--bcher-kva.example.com', '*.example.com'],
    ['capital letters', 'Hooks.Example.COM', 'hooks.example.com', 'HOOKS.example.com'],
  ])('can have %s', async (_what, given, sent, inCertificate) => {
    const asked = await startNoting([inCertificate])
    const looked: string[] = []
    const send = sender({ allowTarget: ['127.0.0.0/8'] }, (host, _options, callback) => {
      looked.push(host)
      callback(null, [{ address: '127.0.0.1', family: 4 }])
    })
    const { origin } = new URL(`https://${given}:${receiver.port}`)
    expect(await send(origin)).toMatchObject({ status: 204, failure: null })
    expect([looked, asked]).toEqual([[sent], [sent]])
    expect(receiver.requests[0]).toContain(`host: ${sent}:${receiver.port}\r\n`)
  })
})

describe('the end of TLS', () => {
  const WHOLE = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'
  const OPEN = 'HTTP/1.1 200 OK\r\n\r\nok'
  const HALF = 'HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nok'

  const ENDS = (socket: Socket) => void socket.end()
  const RESETS = (socket: Socket) => void socket.resetAndDestroy()

  describe.each(['TLSv1.2', 'TLSv1.3'] as const)('%s', version =>
    it.each([
      ['a whole response', 'end', WHOLE, ENDS, false],
      ['a whole response', 'reset', WHOLE, RESETS, false],
      ['a body without a length', 'end', OPEN, ENDS, false],
      ['a body without a length', 'reset', OPEN, RESETS, true],
      ['half a body', 'end', HALF, ENDS, true],
      ['half a body', 'reset', HALF, RESETS, true],
    ])('can be missing after %s, with an %s of the connection', async (_what, _how, says, stop, truncated) => {
      const { certPem: cert, keyPem: key } = await root.issue(LOCAL)
      receiver = await startRaw(socket => socket.write(says, () => stop(receiver.sockets.at(-1)!)), {
        tls: { cert, key, maxVersion: version },
      })
      const send = sender()
      for (let nth = 1; nth <= 3; nth++) {
        const exchange = await send(receiver.origin)
        expect(exchange).toMatchObject({ status: 200, failure: null, detail: null, truncated })
        expect(Buffer.from(exchange.body).toString()).toBe('ok')
      }
    }),
  )
})
