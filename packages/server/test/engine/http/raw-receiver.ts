/** Receivers that write exactly the bytes a test wants, and a sender for them. */
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { createServer as createTlsServer, type TlsOptions } from 'node:tls'
import { type Clock, systemClock } from '../../../src/base/clock.ts'
import { type ConnectionSettings, Connections } from '../../../src/engine/attempt/connections.ts'
import { deliver, type OutgoingRequest } from '../../../src/engine/attempt/deliver.ts'
import type { Identity } from '../../../src/engine/http/tls.ts'
import type { Resolver } from '../../../src/guard/lookup.ts'
import { policy } from '../harness.ts'

export type RawReceiver = {
  readonly port: number
  readonly origin: string
  /** All connections so far, in order. */
  readonly sockets: readonly Socket[]
  /** Requests read so far, as text. */
  readonly requests: readonly string[]
  close(): Promise<void>
}

/**
 * Starts a receiver that calls `answer` with each request's connection and its number, from 1.
 * @param tls speaks TLS with these options. Null: plain HTTP
 * @param host default: 127.0.0.1
 */
export async function startRaw(
  answer: (socket: Socket, nth: number) => void,
  { tls = null, host = '127.0.0.1', port = 0 }: { tls?: TlsOptions | null; host?: string; port?: number } = {},
): Promise<RawReceiver> {
  const sockets: Socket[] = []
  const requests: string[] = []
  const take = (socket: Socket) => {
    let pending = ''
    socket.on('error', () => {})
    socket.on('data', chunk => {
      pending += chunk.toString('latin1')
      for (let end = endOf(pending); end > 0; end = endOf(pending)) {
        requests.push(pending.slice(0, end))
        pending = pending.slice(end)
        answer(socket, requests.length)
      }
    })
  }
  const server = tls === null ? createServer(take) : createTlsServer(tls, take)
  server.on('connection', socket => sockets.push(socket.on('error', () => {})))
  server.listen(port, host)
  await once(server, 'listening')
  const opened = (server.address() as AddressInfo).port
  return {
    port: opened,
    origin: `${tls === null ? 'http' : 'https'}://127.0.0.1:${opened}`,
    sockets,
    requests,
    async close() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

/** Where the first request ends. 0 if it isn't complete. */
function endOf(text: string): number {
  const head = text.indexOf('\r\n\r\n')
  const length = Number(/^content-length: (\d+)/im.exec(text.slice(0, head))?.[1] ?? 0)
  return head < 0 || text.length < head + 4 + length ? 0 : head + 4 + length
}

/** Sends like the engine, with development's policy. */
export function startSender(over: Partial<ConnectionSettings> = {}, resolver?: Resolver, clock: Clock = systemClock) {
  const settings = { ...policy, proxy: null, connectTimeoutMs: 5_000, maxInFlightPerHost: 128, extraCa: [], ...over }
  const connections = new Connections(settings, clock, resolver)
  const send = async (origin: string, request: Partial<OutgoingRequest> & { identity?: Identity } = {}) => {
    const { identity = null, ...rest } = request
    const usual = { path: '/', headers: [], body: Buffer.from('{}'), timeoutMs: 5_000, startedAtMs: 0 }
    const exchange = await deliver(
      { route: { origin, tenant: 'acme', identity }, ...usual, mayBegin: () => true, ...rest },
      connections,
      systemClock,
    )
    return exchange!
  }
  return { send, close: () => connections.close() }
}

/** A response that only the second request gets. */
export const SECOND = 'HTTP/1.1 299 Second\r\ncontent-length: 0\r\n\r\n'
