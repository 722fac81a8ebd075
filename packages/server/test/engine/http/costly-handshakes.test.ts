import { once } from 'node:events'
import { connect } from 'node:net'
import { createAuthority, makeCostlyChain } from '@posthorn/testkit'
import { afterEach, describe, expect, it } from 'vitest'
import { errorOf, sentenceOf } from '../../../src/base/attempt-details.ts'
import { systemClock } from '../../../src/base/clock.ts'
import { reasonOf } from '../../../src/engine/attempt/reasons.ts'
import { Dialer } from '../../../src/engine/http/dialer.ts'
import { FedStream } from '../../../src/engine/http/fed-stream.ts'
import type { DialFailure, Link } from '../../../src/engine/http/opening.ts'
import { TlsSetup } from '../../../src/engine/http/tls.ts'
import { startRaw } from './raw-receiver.ts'

const EMPTY = 'HTTP/1.1 204 No Content\r\n\r\n'
const LOCAL = { names: [], ips: ['127.0.0.1'] }
const PORTS = [{ first: 1, last: 65_535 }]

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

type Result = Link | DialFailure
const codeOf = (result: Result): string =>
  'error' in result ? ((result.error as NodeJS.ErrnoException).code ?? '') : 'ready'

function startDialer(extraCa: readonly string[], timeoutMs: number) {
  const dialer = new Dialer({
    policy: { dev: false, targetPorts: PORTS, allowTarget: ['127.0.0.0/8'] },
    tls: new TlsSetup(extraCa, systemClock),
    proxy: null,
    noProxy: [],
    lookup: async () => [],
    clock: systemClock,
    timeoutMs,
    isShared: () => true,
  })
  return (tenant: string, port: number): Promise<Result> =>
    new Promise(resolve => {
      const target = { host: '127.0.0.1', port, isSecure: true, tenant, identity: null }
      dialer.dial(target, { ready: resolve, failed: resolve })
    })
}

describe('a receiver whose certificates take long to verify', () => {
  it('makes only its own tenant wait, which learns why', async () => {
    const { certPem: cert, keyPem: key } = await (await authority).issue(LOCAL)
    const good = await startRaw(socket => socket.write(EMPTY), { tls: { cert, key } })
    const { certPem, keyPem } = makeCostlyChain(12)
    const costly = await startRaw(() => {}, { tls: { cert: certPem, key: keyPem } })
    closing.push(
      () => good.close(),
      () => costly.close(),
    )
    const dial = startDialer([(await authority).caPem], 5_000)
    // As many as are not measured, in one stall.
    const first = await Promise.all(Array.from({ length: 4 }, () => dial('hostile', costly.port)))
    expect(new Set(first.map(codeOf))).toEqual(new Set(['UNABLE_TO_GET_ISSUER_CERT_LOCALLY']))
    // From now on they are measured: two, then its others wait, also those at other receivers.
    for (let nth = 0; nth < 2; nth++) await dial('hostile', costly.port)
    const waiting = [costly.port, good.port].map(port => dial('hostile', port))
    for (let nth = 0; nth < 20; nth++) {
      const link = await dial('neighbour', good.port)
      expect(codeOf(link)).toBe('ready')
      ;(link as Link).socket.destroy()
    }
    const results = await Promise.all(waiting)
    expect(results.map(codeOf)).toEqual(new Array(2).fill('POSTHORN_HANDSHAKES_REST'))
    const failure = { isConnected: true, isReady: false, headBytes: 0, isIdentified: false, isFirst: true }
    const isRefusal = { canBeRefusal: false, isCertificateAsked: false, isWritten: false }
    const reason = reasonOf({ ...failure, ...isRefusal, error: (results[0] as DialFailure).error }, false)
    expect([reason.code, errorOf(reason.code)]).toEqual(['tls_resting', 'connect_timeout'])
    expect(sentenceOf(reason)).toContain('keys of up to 4,096 bits')
  })
})

describe('a connection whose handshake is measured', () => {
  it('carries requests and responses as others do, and ends with its receiver', async () => {
    const { certPem: cert, keyPem: key } = await (await authority).issue(LOCAL)
    const large = 'x'.repeat(300_000)
    const receiver = await startRaw(
      (socket, nth) => {
        socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${large.length}\r\n\r\n${large}`)
        if (nth === 2) socket.end()
      },
      { tls: { cert, key } },
    )
    closing.push(() => receiver.close())
    const dial = startDialer([(await authority).caPem], 5_000)
    // Handshakes that last, so that the next one is measured.
    const silent = await startRaw(() => {})
    closing.push(() => silent.close())
    for (let nth = 0; nth < 4; nth++) void dial('acme', silent.port)
    await expect.poll(() => silent.sockets.length).toBe(4)
    const link = (await dial('acme', receiver.port)) as Link
    expect(codeOf(link)).toBe('ready')
    expect(link.address).toBe(`127.0.0.1:${receiver.port}`)
    let received = 0
    link.receive = bytes => {
      received += bytes.length
    }
    const request = `POST / HTTP/1.1\r\nhost: a\r\ncontent-length: ${large.length}\r\n\r\n${large}`
    link.socket.write(request)
    await expect.poll(() => received).toBeGreaterThan(large.length)
    const closed = once(link.socket, 'close')
    link.socket.on('end', () => link.socket.destroy())
    link.socket.write(request)
    await closed
    expect(received).toBeGreaterThan(2 * large.length)
    expect(receiver.requests).toHaveLength(2)
  })

  it('ends with the connection that it goes through, also while what arrived waits', async () => {
    const server = await startRaw(socket => socket.write('second'))
    closing.push(() => server.close())
    const socket = connect(server.port, '127.0.0.1')
    const steps: (() => void)[] = []
    const stream = new FedStream(socket, step => steps.push(step))
    const seen: string[] = []
    stream.on('data', bytes => seen.push(String(bytes)))
    stream.write('GET / HTTP/1.1\r\n\r\n')
    await expect.poll(() => steps.length).toBe(1)
    expect(seen).toEqual([])
    steps[0]!()
    expect(seen).toEqual(['second'])
    stream.write('GET / HTTP/1.1\r\n\r\n')
    await expect.poll(() => steps.length).toBe(2)
    stream.destroy()
    steps[1]!()
    await expect.poll(() => socket.destroyed).toBe(true)
    expect(seen).toEqual(['second'])
  })
})

const authority = createAuthority()
