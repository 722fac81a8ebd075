/** A process whose ports respond to requests late, with a large head that arrives in pieces and a body. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { answerCommands } from '../child.ts'

export type SlowReceiverCommand = {
  readonly certPem: string
  readonly keyPem: string
  /** The number of ports to open. */
  readonly ports: number
  readonly status: number
  /** From the request to the last byte of the head, in milliseconds. */
  readonly delayMs: number
  /** Size of the head, in bytes. It arrives in pieces until the delay is over. */
  readonly headBytes: number
  readonly bodyBytes: number
}

/** The ports that were opened. */
export type SlowReceiverAnswer = readonly number[]

const PIECES = 4
const LINE_BYTES = 1_000

answerCommands(async (command: SlowReceiverCommand): Promise<SlowReceiverAnswer> => {
  const ports: number[] = []
  while (ports.length < command.ports) ports.push(await listen(command))
  return ports
})

async function listen(command: SlowReceiverCommand): Promise<number> {
  const { certPem: cert, keyPem: key, delayMs } = command
  const head = headOf(command)
  const body = Buffer.alloc(command.bodyBytes, 'x')
  const server = createServer({ cert, key, minVersion: 'TLSv1.3', keepAliveTimeout: 60_000 })
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    const { socket } = response
    request.resume()
    request.on('end', () => {
      let at = 0
      const step = Math.ceil(head.length / PIECES)
      const next = () => {
        if (socket === null || socket.destroyed) return
        socket.write(head.subarray(at, at + step))
        at += step
        if (at < head.length) setTimeout(next, delayMs / PIECES)
        else {
          response.detachSocket(socket)
          socket.end(body)
        }
      }
      setTimeout(next, delayMs / PIECES)
    })
  })
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  server.once('error', reject)
  server.listen(0, '127.0.0.1', resolve)
  await promise
  return (server.address() as AddressInfo).port
}

/** A head of about that size, for a connection that ends after the body. */
function headOf({ status, headBytes, bodyBytes }: SlowReceiverCommand): Buffer {
  const lines = [`HTTP/1.1 ${status} X`, 'Connection: close', `Content-Length: ${bodyBytes}`]
  const many = Math.floor(headBytes / LINE_BYTES)
  for (let nth = 0; nth < many; nth++) lines.push(`X-Large-${nth}: ${'y'.repeat(LINE_BYTES - 16)}`)
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`)
}
