/** A process that acts as the receiver: HTTPS with TLS 1.3 and keep-alive, responds 204 to every request and counts. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { answerCommands } from './child.ts'
import { monotonicMs } from './monotonic.ts'

export type ReceiverCommand =
  /** Opens another port; the counts cover all ports. */
  | {
      readonly kind: 'listen'
      readonly certPem: string
      readonly keyPem: string
      /** Accepts requests and never responds. Default: false. */
      readonly isHanging?: boolean
    }
  /** Resolves once this many requests have arrived since startup. */
  | { readonly kind: 'waitFor'; readonly total: number; readonly timeoutMs: number }
  /** Returns when each event arrived since the previous call. Recording begins with the first call. */
  | { readonly kind: 'stamps' }
  /** Returns the highest number of connections that were open at the same time. */
  | { readonly kind: 'connections' }
  | { readonly kind: 'total' }

/** `value`: the port for `listen`, the connections for `connections`, otherwise the requests so far. */
export type ReceiverAnswer = {
  readonly value: number
  /** For `stamps`: each event's id, and when its first bytes arrived, by `monotonicMs`. */
  readonly stamps?: readonly (readonly [id: string, atMs: number])[]
}

let total = 0
let waited: { total: number; resolve: () => void } | undefined
let stamps: [id: string, atMs: number][] | undefined
let connections = 0
let mostConnections = 0

answerCommands(async (command: ReceiverCommand): Promise<ReceiverAnswer> => {
  switch (command.kind) {
    case 'listen':
      return { value: await listen(command.certPem, command.keyPem, command.isHanging ? hang : take) }
    case 'stamps': {
      const taken = stamps ?? []
      stamps = []
      return { value: total, stamps: taken }
    }
    case 'total':
      return { value: total }
    case 'connections':
      return { value: mostConnections }
    case 'waitFor':
      await waitFor(command.total, command.timeoutMs)
      return { value: total }
  }
})

function take(request: IncomingMessage, response: ServerResponse): void {
  stamps?.push([String(request.headers['webhook-id']), monotonicMs()])
  request.resume()
  request.on('end', () => {
    response.writeHead(204)
    response.end()
    total++
    if (waited !== undefined && total >= waited.total) waited.resolve()
  })
}

function hang(request: IncomingMessage): void {
  total++
  request.resume()
}

function listen(cert: string, key: string, onRequest: typeof take): Promise<number> {
  const server: Server = createServer({ cert, key, minVersion: 'TLSv1.3', keepAliveTimeout: 60_000 })
  server.on('request', onRequest)
  server.on('secureConnection', socket => {
    mostConnections = Math.max(mostConnections, ++connections)
    socket.once('close', () => connections--)
  })
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  server.on('error', reject)
  server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port))
  return promise
}

function waitFor(wanted: number, timeoutMs: number): Promise<void> {
  if (total >= wanted) return Promise.resolve()
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const timer = setTimeout(() => reject(new Error(`${total} of ${wanted} requests arrived in time`)), timeoutMs)
  waited = { total: wanted, resolve }
  return promise.finally(() => {
    clearTimeout(timer)
    waited = undefined
  })
}
