/** A receiver like a customer's: a real HTTPS server that records requests and responds as a script tells it to. */
import {
  createServer as createHttpServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import type { Socket } from 'node:net'
import type { SecureVersion, TLSSocket } from 'node:tls'
import type { Authority, Certificate } from './certificates.ts'
import { type Listener, listen, repeatWhileOpen } from './listener.ts'
import { createSignal, type Signal, type WaitOptions } from './signal.ts'

export type ReceivedRequest = {
  readonly method: string
  /** Path and query, as sent. */
  readonly path: string
  /** Alternating names and values, in the order and letter case in which they arrived. */
  readonly rawHeaders: readonly string[]
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
  /** Wall-clock time at which the headers were read, in milliseconds since 1970. */
  readonly receivedAtMs: number
  /** The same moment by `performance.now()`, in milliseconds, for measuring intervals between requests. */
  readonly receivedMonotonicMs: number
  /** `TLSv1.3`, …; null over plain HTTP. */
  readonly tlsVersion: string | null
  /** The sender's port, which is the same for requests on the same connection. */
  readonly remotePort: number
}

/** `hang`: never responds · `reset`: TCP reset · `close`: no response · `drip`: 200, then a byte a second. */
export type Reply =
  | {
      /** Default: 204. */
      readonly status?: number
      readonly headers?: Record<string, string | string[]>
      readonly body?: string | Buffer
      /** How long to wait before responding, in milliseconds. Default: 0. */
      readonly delayMs?: number
    }
  | 'hang'
  | 'reset'
  | 'close'
  | 'drip'

/** `nth`: which request with this `webhook-id` and path it is (1 for the first); `total`: requests in all so far. */
// biome-ignore lint/suspicious/noConfusingVoidType: a script that only observes returns nothing, which means 204
export type Script = (request: ReceivedRequest, nth: number, total: number) => Reply | void | Promise<Reply | void>

export type ReceiverOptions = {
  /** Issues the receiver's certificate. Either this, `tls` or `http: true` is required. */
  readonly authority?: Authority
  /** The certificate to use. */
  readonly tls?: Certificate
  /** Plain HTTP instead of HTTPS. Default: false. */
  readonly http?: boolean
  /** DNS names of the certificate; the first is the host in `url`. Default: none, with 127.0.0.1 in `url`. */
  readonly names?: readonly string[]
  /** Decides the response. Default: always 204. */
  readonly script?: Script
  /** Oldest and newest TLS version offered. Default: Node's own. */
  readonly minVersion?: SecureVersion
  readonly maxVersion?: SecureVersion
  /** The port to listen on; 0 means any free port. Default: 0. */
  readonly port?: number
  /** Whether requests are recorded. If false, for load, only counts and ids are kept. Default: true. */
  readonly record?: boolean
  /** The expected `Authorization` header. Other values are counted in `mismatches`; the response is the same. */
  readonly expectedAuthorization?: string
  /** How long an idle connection is kept, in milliseconds. Default: 60,000. */
  readonly keepAliveTimeoutMs?: number
}

export type Receiver = {
  /** Such as `https://127.0.0.1:41234`, without a slash at the end. */
  readonly url: string
  readonly port: number
  /** The requests in order of arrival; empty with `record: false`. */
  readonly requests: readonly ReceivedRequest[]
  /** Number of requests so far. */
  readonly total: number
  /** `<webhook-id> <path>` of every request that got a 2xx, that is, the distinct deliveries. */
  readonly distinct: ReadonlySet<string>
  /** `<webhook-id> <path>` of every request, whatever the response, and how often it arrived. */
  readonly seen: ReadonlyMap<string, number>
  /** Number of requests without the expected `Authorization`. */
  readonly mismatches: number
  /** Number of TCP connections so far. */
  readonly connections: number
  /** Resolves once `predicate` holds, which is evaluated after each request and each response. */
  waitFor(predicate: (receiver: Receiver) => boolean, options?: WaitOptions): Promise<void>
  /** Destroys connections and refuses new ones. Keeps what was recorded. */
  stop(): Promise<void>
  /** Listens again on the same port. */
  start(): Promise<void>
  close(): Promise<void>
}

export async function startReceiver(options: ReceiverOptions): Promise<Receiver> {
  const certificate = await certificateOf(options)
  const state = createState(options)
  let listener: Listener | undefined
  let port = options.port ?? 0

  const start = async () => {
    if (listener) return
    const server = createServer(options, certificate, (request, response) => {
      void answer(state, request, response, () => listener?.rawSocket(request.socket.remotePort))
    })
    server.on('connection', () => state.connections++)
    listener = await listen(server, port)
    port = listener.port
  }
  const stop = async () => {
    const stopping = listener
    listener = undefined
    await stopping?.close()
  }
  await start()

  const scheme = options.http ? 'http' : 'https'
  const receiver: Receiver = {
    url: `${scheme}://${options.names?.[0] ?? '127.0.0.1'}:${port}`,
    port,
    requests: state.requests,
    distinct: state.distinct,
    seen: state.seen,
    get total() {
      return state.total
    },
    get mismatches() {
      return state.mismatches
    },
    get connections() {
      return state.connections
    },
    waitFor: (predicate, wait) => state.signal.waitFor(() => predicate(receiver), wait),
    stop,
    start,
    close: stop,
  }
  return receiver
}

type State = {
  readonly options: ReceiverOptions
  readonly requests: ReceivedRequest[]
  readonly distinct: Set<string>
  readonly seen: Map<string, number>
  readonly signal: Signal
  total: number
  mismatches: number
  connections: number
}

function createState(options: ReceiverOptions): State {
  const state: State = {
    options,
    requests: [],
    distinct: new Set(),
    seen: new Map(),
    signal: createSignal(() => `${state.total} requests, ${state.distinct.size} distinct deliveries with a 2xx`),
    total: 0,
    mismatches: 0,
    connections: 0,
  }
  return state
}

async function certificateOf({ authority, tls, http, names }: ReceiverOptions): Promise<Certificate | undefined> {
  if (http) return undefined
  if (tls) return tls
  if (!authority) throw new Error('A receiver needs an authority, a certificate, or http: true.')
  return authority.issue({ names: names ?? [], ips: ['127.0.0.1'] })
}

function createServer(
  options: ReceiverOptions,
  certificate: Certificate | undefined,
  onRequest: (request: IncomingMessage, response: ServerResponse) => void,
): Server {
  const timeouts = {
    keepAliveTimeout: options.keepAliveTimeoutMs ?? 60_000,
    // A script can delay a response beyond Node's own limits.
    requestTimeout: 0,
    headersTimeout: 0,
  }
  if (!certificate) return createHttpServer(timeouts, onRequest)
  return createHttpsServer(
    {
      ...timeouts,
      cert: certificate.certPem,
      key: certificate.keyPem,
      ...(options.minVersion ? { minVersion: options.minVersion } : {}),
      ...(options.maxVersion ? { maxVersion: options.maxVersion } : {}),
    },
    onRequest,
  )
}

async function answer(
  state: State,
  incoming: IncomingMessage,
  response: ServerResponse,
  rawSocket: () => Socket | undefined,
): Promise<void> {
  const { options } = state
  const request = await read(incoming, options.record !== false || options.script !== undefined)
  if (!request) return // the sender disconnected before its request was complete
  const key = `${request.headers['webhook-id'] ?? ''} ${request.path}`
  const nth = (state.seen.get(key) ?? 0) + 1
  state.seen.set(key, nth)
  const total = ++state.total
  if (options.expectedAuthorization !== undefined && request.headers.authorization !== options.expectedAuthorization) {
    state.mismatches++
  }
  if (options.record !== false) state.requests.push(request)
  state.signal.changed()

  const reply = options.script ? ((await options.script(request, nth, total)) ?? {}) : {}
  if (typeof reply === 'string') return misbehave(reply, response, rawSocket())
  if (reply.delayMs) await waitWhileOpen(response, reply.delayMs)
  if (response.destroyed) return
  const status = reply.status ?? 204
  if (status >= 200 && status < 300) state.distinct.add(key)
  response.writeHead(status, reply.headers)
  response.end(reply.body)
  state.signal.changed()
}

async function read(incoming: IncomingMessage, keepBody: boolean): Promise<ReceivedRequest | undefined> {
  const receivedAtMs = Date.now()
  const receivedMonotonicMs = performance.now()
  const chunks: Buffer[] = []
  const whole = await new Promise<boolean>(resolve => {
    if (keepBody) incoming.on('data', chunk => chunks.push(chunk))
    else incoming.resume()
    incoming.on('end', () => resolve(true))
    incoming.on('error', () => resolve(false))
    incoming.on('close', () => resolve(false))
  })
  if (!whole) return undefined
  const socket = incoming.socket as TLSSocket
  return {
    method: incoming.method ?? '',
    path: incoming.url ?? '',
    rawHeaders: incoming.rawHeaders,
    headers: incoming.headers,
    body: Buffer.concat(chunks),
    receivedAtMs,
    receivedMonotonicMs,
    tlsVersion: socket.encrypted ? socket.getProtocol() : null,
    remotePort: socket.remotePort ?? 0,
  }
}

function misbehave(how: Exclude<Reply, object>, response: ServerResponse, rawSocket: Socket | undefined): void {
  switch (how) {
    case 'hang':
      return
    case 'reset':
      rawSocket?.resetAndDestroy()
      return
    case 'close':
      response.socket?.end()
      return
    case 'drip':
      response.writeHead(200, { 'content-type': 'text/plain' })
      response.write('.')
      if (response.socket) {
        repeatWhileOpen(response.socket, 1_000, () => (response.write('.') ? 'again' : 'done'))
      }
      return
  }
}

function waitWhileOpen(response: ServerResponse, delayMs: number): Promise<void> {
  return new Promise(resolve => {
    const timer = setTimeout(resolve, delayMs)
    response.once('close', () => {
      clearTimeout(timer)
      resolve()
    })
  })
}
