import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { type Authority, createAuthority } from '@posthorn/testkit'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import { startSender } from './raw-receiver.ts'

/** More than the buffers between two sockets hold, so that it is still being written when the receiver has gone. */
const LARGE = Buffer.alloc(8_000_000, 'a')
const TRIES = 10

let authority: Authority
beforeAll(async () => {
  authority = await createAuthority()
})

const workers: Worker[] = []
afterEach(async () => {
  for (const worker of workers.splice(0)) await worker.terminate()
})

/** Starts a receiver in a thread of its own, because it has to act while this one writes. */
async function startElsewhere(server: string, data: object = {}): Promise<number> {
  const says = `
    const { parentPort, workerData } = require('node:worker_threads')
    const server = ${server}
    server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port))`
  const worker = new Worker(says, { eval: true, workerData: data })
  workers.push(worker)
  const [port] = await once(worker, 'message')
  return port
}

describe('what a receiver said before it went away', () => {
  it('counts: a status, although the request could not be written to its end', async () => {
    const port = await startElsewhere(`require('node:net').createServer(socket => {
      socket.on('error', () => {}).once('data', () => {
        socket.write('HTTP/1.1 413 Too Large\\r\\ncontent-length: 0\\r\\n\\r\\n', () => socket.resetAndDestroy())
      })
    })`)
    const { send, close } = startSender()
    for (let nth = 0; nth < TRIES; nth++) {
      expect(await send(`http://127.0.0.1:${port}`, { body: LARGE })).toMatchObject({ status: 413, failure: null })
    }
    close()
  })

  it('counts: that it requires a client certificate, although TLS 1.3 says so after the handshake', async () => {
    const { certPem: cert, keyPem: key } = await authority.issue({ names: [], ips: ['127.0.0.1'] })
    const options = { cert, key, ca: authority.caPem, requestCert: true, rejectUnauthorized: true }
    const port = await startElsewhere(
      `require('node:tls').createServer(workerData).on('tlsClientError', () => {})`,
      options,
    )
    const { send, close } = startSender({ extraCa: [{ pem: authority.caPem }] })
    for (let nth = 0; nth < TRIES; nth++) {
      const { failure, detail } = await send(`https://127.0.0.1:${port}`, { body: LARGE })
      expect({ failure, code: detail?.code }).toEqual({ failure: 'tls_failed', code: 'client_certificate_required' })
    }
    close()
  })

  it('is waited for no longer than it takes to read it', async () => {
    const port = await startElsewhere(`require('node:net').createServer(socket => {
      socket.on('error', () => {}).once('data', () => socket.resetAndDestroy())
    })`)
    const { send, close } = startSender()
    const exchange = await send(`http://127.0.0.1:${port}`, { body: LARGE, timeoutMs: 60_000 })
    expect(exchange).toMatchObject({ failure: 'connection_reset', detail: { code: 'reset' } })
    close()
  })
})
