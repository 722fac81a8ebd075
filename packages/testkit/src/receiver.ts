/** A receiver as a customer would run one: a real HTTPS server that records what it gets and answers as a script says. */
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
  /** Names and values in turn, in the order and the letter case they came in. */
  readonly rawHeaders: readonly string[]
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
  /** Wall-clock time at which the head was read, milliseconds since 1970. */
  readonly receivedAtMs: number
  /** The same moment, milliseconds by `performance.now()`: for distances between requests. */
  readonly receivedMonotonicMs: number
  /** `TLSv1.3`, …; null over plain HTTP. */
  readonly tlsVersion: string | null
  /** The sender's port: equal for two requests that shared a connection. */
  readonly remotePort: number
}

/** `hang`: never answers · `reset`: TCP reset · `close`: ends without an answer · `drip`: 200, then a byte a second. */
export type Reply =
  | {
      /** Default: 204. */
      readonly status?: number
      readonly headers?: Record<string, string | string[]>
      readonly body?: string | Buffer
      /** How long to wait before answering, milliseconds. Default: 0. */
      readonly delayMs?: number
    }
  | 'hang'
  | 'reset'
  | 'close'
  | 'drip'

/** `nth`: how many requests with this `webhook-id` and path came so far (1: the first); `total`: how many in all. */
// biome-ignore lint/suspicious/noConfusingVoidType: a script that only looks returns nothing, which means 204
export type Script = (request: ReceivedRequest, nth: number, total: number) => Reply | void | Promise<Reply | void>

export type ReceiverOptions = {
  /** Issues the receiver's certificate. This, `tls` or `http: true` is needed. */
  readonly authority?: Authority
  /** A certificate of the caller's own. */
  readonly tls?: Certificate
  /** Plain HTTP instead of HTTPS. Default: false. */
  readonly http?: boolean
  /** DNS names of the certificate; the first is the host in `url`. Default: none, and `url` has 127.0.0.1. */
  readonly names?: readonly string[]
  /** How to answer. Default: 204 always. */
  readonly script?: Script
  /** Oldest and newest TLS version offered. Default: Node's own. */
  readonly minVersion?: SecureVersion
  readonly maxVersion?: SecureVersion
  /** 0: any free one. Default: 0. */
  readonly port?: number
  /** False: requests are counted and their ids kept, nothing else: for load. Default: true. */
  readonly record?: boolean
  /** What `Authorization` must be; anything else is counted in `mismatches` (and answered all the same). */
  readonly expectedAuthorization?: string
  /** How long an idle connection is kept, milliseconds. Default: 60,000. */
  readonly keepAliveTimeoutMs?: number
}

export type Receiver = {
  /** `https://127.0.0.1:41234`, no slash at the end. */
  readonly url: string
  readonly port: number
  /** What came in, in order; empty with `record: false`. */
  readonly requests: readonly ReceivedRequest[]
  /** Requests so far. */
  readonly total: number
  /** `<webhook-id> <path>` of every request that was answered with a 2xx: the distinct deliveries. */
  readonly distinct: ReadonlySet<string>
  /** `<webhook-id> <path>` of every request, whatever was answered, with how often it came. */
  readonly seen: ReadonlyMap<string, number>
  /** Requests whose `Authorization` was not the expected one. */
  readonly mismatches: number
  /** TCP connections so far. */
  readonly connections: number
  /** Resolves once `predicate` holds; looked at after each request and each answer. */
  waitFor(predicate: (receiver: Receiver) => boolean, options?: WaitOptions): Promise<void>
  /** Goes down: connections are destroyed, new ones refused. What was recorded stays. */
  stop(): Promise<void>
  /** Comes back on the same port. */
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
    signal: createSignal(() => `${state.total} requests, ${state.distinct.size} distinct deliveries answered with 2xx`),
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
    // A script may leave a request unanswered for longer than Node's own limits.
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
  if (!request) return // the sender left before its request was whole
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
