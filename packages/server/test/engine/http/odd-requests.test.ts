/** Receivers that are strict about requests, or that respond before they have read one. */
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { type Authority, createAuthority } from '@posthorn/testkit'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type RawReceiver, startRaw, startSender } from './raw-receiver.ts'

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

const sender = (...args: Parameters<typeof startSender>) => {
  const { send, close } = startSender(...args)
  closing.push(close)
  return send
}

/** The names of a request's headers in lower case, each as often as it is there. */
const namesOf = (request: string) =>
  request
    .slice(0, request.indexOf('\r\n\r\n'))
    .split('\r\n')
    .slice(1)
    .map(line => /^([!#$%&'*+.^_`|~\w-]+): /.exec(line)?.[1]?.toLowerCase())

describe('a receiver that is strict about requests', () => {
  /** Refuses what servers in public use refuse. */
  const judge = (request: string): number => {
    const names = namesOf(request)
    const count = (name: string) => names.filter(each => each === name).length
    if (!/^POST \/\S* HTTP\/1\.1\r\n/.test(request) || names.includes(undefined)) return 400
    if (count('content-length') !== 1) return 411
    if (count('host') !== 1 || names[0] !== 'host') return 400
    if (names.includes('expect')) return 417
    return names.some(name => name === 'transfer-encoding' || name === 'upgrade' || name === 'te') ? 501 : 204
  }

  it.each([0, 2, 65_537, 1_000_000])(
    'gets one Host, first, one Content-Length, and neither chunks nor Expect, with a body of %i bytes',
    async length => {
      const receiver: RawReceiver = await startRaw((socket, nth) =>
        socket.write(`HTTP/1.1 ${judge(receiver.requests[nth - 1]!)} Any\r\ncontent-length: 0\r\n\r\n`),
      )
      closing.push(receiver.close)
      const send = sender()
      for (let nth = 1; nth <= 2; nth++) {
        expect(await send(receiver.origin, { body: Buffer.alloc(length, 'a') })).toMatchObject({ status: 204 })
      }
      expect(receiver.sockets).toHaveLength(1)
    },
  )
})

describe('a receiver that responds before it has read the request', () => {
  /** More than the buffers between two sockets hold. */
  const LARGE = Buffer.alloc(8_000_000, 'a')
  let authority: Authority
  beforeAll(async () => {
    authority = await createAuthority()
  })

  /** Starts one in a thread of its own, because it has to act while this one writes. `end` is what it does then. */
  async function startHasty(says: string, end: string, isSecure: boolean): Promise<string> {
    const { certPem: cert, keyPem: key } = await authority.issue({ names: [], ips: ['127.0.0.1'] })
    const program = `
      const { parentPort, workerData } = require('node:worker_threads')
      const server = ${isSecure ? "require('node:tls')" : "require('node:net')"}.createServer(workerData.tls)
      server.on('connection', raw => { server.raw = raw.on('error', () => {}) })
      server.on('${isSecure ? 'secureConnection' : 'connection'}', socket => {
        socket.on('error', () => {}).once('data', () => {
          socket.pause()
          socket.write(workerData.says, () => { ${end} })
        })
      })
      server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port))`
    const worker = new Worker(program, { eval: true, workerData: { says, tls: isSecure ? { cert, key } : {} } })
    closing.push(() => worker.terminate())
    const [port] = await once(worker, 'message')
    return `${isSecure ? 'https' : 'http'}://127.0.0.1:${port}`
  }

  describe.each([
    ['HTTP', false],
    ['HTTPS', true],
  ])('over %s', (_scheme, isSecure) => {
    it.each([
      ['401', 'resets', 'server.raw.resetAndDestroy()'],
      ['413', 'ends', 'socket.end()'],
      ['503', 'closes', 'server.raw.destroy()'],
      ['200', 'leaves', ''],
    ])('counts by its status: %s, and it %s the connection', async (status, _how, end) => {
      const says = `HTTP/1.1 ${status} Any\r\nconnection: close\r\ncontent-length: 2\r\n\r\nno`
      const origin = await startHasty(says, end, isSecure)
      const send = sender({ extraCa: [{ pem: authority.caPem }] })
      for (let nth = 1; nth <= 5; nth++) {
        const exchange = await send(origin, { body: LARGE })
        expect(exchange).toMatchObject({ status: Number(status), failure: null, detail: null })
        expect(Buffer.from(exchange.body).toString()).toBe('no')
      }
    })
  })
})
