/**
 * Calls to the API from the program that Posthorn runs in, as `fetch` would make them over the network: the same server
 * parses them, and the same limits and refusals apply. Each call has a connection of its own, so nothing that goes wrong
 * with one can reach another. Request and response bodies are streamed.
 */
import { type IncomingMessage, type Server, request as sendRequest } from 'node:http'
import { Readable } from 'node:stream'
import { PosthornError } from '../../base/errors.ts'
import { InnerSocket } from './inner-socket.ts'

/** What the caller can say in addition to what `fetch` takes. */
export type InnerRequestInit = RequestInit & {
  /** The IP address of the client's connection to the program, as it appears in logs. Default: unknown. */
  readonly clientAddress?: string | undefined
}

/** Headers that concern one connection (RFC 9110 §7.6.1), or that the body's framing here replaces. */
const OF_CONNECTION = new Set([
  'connection',
  'expect',
  'host',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])
/**
 * Nothing is compressed: a framework knows better what its own server does. Next.js takes `Content-Encoding` off responses,
 * because those of the global `fetch` have it although their bodies are decoded.
 */
const NOT_PASSED_ON = new Set([...OF_CONNECTION, 'accept-encoding', 'content-length'])
/** Responses that have no body (Fetch §2.2.3). */
const WITHOUT_BODY = new Set([101, 103, 204, 205, 304])
/** A body of unknown length is read up to here before it is sent: most end before, and their length is then known. */
const LOOK_AHEAD_BYTES = 65_536

export class InnerFetch {
  readonly #createServer: () => Server
  /** Calls whose response has not begun. */
  readonly #pending = new Set<Promise<Response>>()
  #server: Server | undefined
  #isRefusing = false

  /** @param createServer makes a server that is not listening */
  constructor(createServer: () => Server) {
    this.#createServer = createServer
  }

  /**
   * Rejects with the signal's reason if the call was aborted, or as `fetch` does if the connection broke off. Throws
   * PosthornError (`shutting_down`) after `refuse`.
   */
  async fetch(input: Request | string | URL, init: InnerRequestInit = {}): Promise<Response> {
    const request = new Request(input, init)
    request.signal.throwIfAborted()
    const body = await readAhead(request)
    request.signal.throwIfAborted()
    if (this.#isRefusing) throw new PosthornError('shutting_down', 'The server is closed. Try again.')
    this.#server ??= this.#createServer()
    const { client, server } = InnerSocket.pair(init.clientAddress)
    this.#server.emit('connection', server)
    const response = exchange(request, body, client)
    this.#pending.add(response)
    return response.finally(() => this.#pending.delete(response))
  }

  /** Makes no further calls. */
  refuse(): void {
    this.#isRefusing = true
  }

  /** Settles once the calls that were made have a response, or have failed. */
  async untilAnswered(): Promise<void> {
    await Promise.allSettled(this.#pending)
  }

  close(): void {
    this.#server?.close()
  }
}

type Body = { readonly length: number | null; readonly stream: Readable | null }

/**
 * The length of a body counts: the API reserves memory for it, and for one of unknown length as much as it can have. A
 * Content-Length header is not believed: the program might have decompressed what it was about.
 */
async function readAhead(request: Request): Promise<Body> {
  if (request.body === null) return { length: null, stream: null }
  const reader = request.body.getReader()
  const { signal } = request
  signal.addEventListener('abort', () => void reader.cancel(signal.reason).catch(() => {}), { once: true })
  const chunks: Uint8Array[] = []
  let bytes = 0
  while (bytes <= LOOK_AHEAD_BYTES || chunks.length < 2) {
    const { done, value } = await reader.read()
    if (done) return { length: bytes, stream: Readable.from(chunks, { objectMode: false }) }
    chunks.push(value)
    bytes += value.length
  }
  return { length: null, stream: Readable.from(chunksOf(chunks, reader), { objectMode: false }) }
}

async function* chunksOf(first: readonly Uint8Array[], reader: ReadableStreamDefaultReader<Uint8Array>) {
  try {
    yield* first
    while (true) {
      const { done, value } = await reader.read()
      if (done) return
      yield value
    }
  } finally {
    // Nothing waits for it: the call is over, and the sender needn't send the rest.
    reader.cancel().catch(() => {})
  }
}

function exchange(request: Request, { length, stream }: Body, client: InnerSocket): Promise<Response> {
  const { promise, resolve, reject } = Promise.withResolvers<Response>()
  const { pathname, search, host } = new URL(request.url)
  const sent = sendRequest({
    createConnection: () => client,
    method: request.method,
    path: `${pathname}${search}`,
    headers: headersOf(request.headers, host, stream === null ? 0 : length),
    setHost: false,
  })
  const { signal } = request
  let received: IncomingMessage | undefined
  const abort = () => {
    // As with the global `fetch`: who reads the body gets the caller's reason.
    received?.destroy(signal.reason instanceof Error ? signal.reason : undefined)
    client.destroy()
  }
  signal.addEventListener('abort', abort, { once: true })
  // Without it, a signal that lasts longer than the call would keep the call in memory.
  client.once('close', () => signal.removeEventListener('abort', abort))
  const fail = (error: Error) =>
    reject(signal.aborted ? signal.reason : new TypeError('The call broke off before its response', { cause: error }))
  sent.on('error', fail)
  sent.on('response', response => {
    received = response
    resolve(toResponse(request, response))
  })
  if (stream === null) sent.end()
  else {
    stream.on('error', error => {
      fail(error)
      client.destroy()
    })
    // A response that comes before the whole body, such as a refusal, ends the connection.
    client.once('close', () => stream.destroy())
    stream.pipe(sent)
  }
  return promise
}

/** @param length null: unknown, so that the body is sent in chunks */
function headersOf(headers: Headers, host: string, length: number | null): string[] {
  const named = (headers.get('connection') ?? '').toLowerCase().split(',')
  const dropped = new Set(named.map(name => name.trim()))
  const kept = [...headers].filter(([name]) => !NOT_PASSED_ON.has(name) && !dropped.has(name))
  const framing =
    length === null ? ['transfer-encoding', 'chunked'] : length > 0 ? ['content-length', String(length)] : []
  return ['host', host, ...kept.flat(), ...framing]
}

function toResponse(request: Request, response: IncomingMessage): Response {
  const { statusCode: status = 500, statusMessage: statusText = '', rawHeaders } = response
  const headers = new Headers()
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]!
    if (!OF_CONNECTION.has(name.toLowerCase())) headers.append(name, rawHeaders[at + 1]!)
  }
  if (request.method === 'HEAD' || WITHOUT_BODY.has(status)) {
    response.resume()
    return new Response(null, { status, statusText, headers })
  }
  const body = Readable.toWeb(response) as ReadableStream<Uint8Array>
  return new Response(body, { status, statusText, headers })
}
