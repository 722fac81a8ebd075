/** Reads headers and the raw body from an incoming request: a Fetch `Request` or one of Node. */
import { VerificationError } from './verification-error.ts'

/** A request of Node's `http` or a framework built on it: an `IncomingMessage`, or an Express or Fastify request. */
export type NodeRequest = {
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  /** The body's bytes, if a body parser kept them. */
  readonly rawBody?: Uint8Array | string | undefined
  /** The body as bytes or a string, if a raw parser has read it. Anything else counts as parsed and is refused. */
  readonly body?: unknown
}

export type IncomingRequest = Request | NodeRequest

export function headerOf(request: IncomingRequest, name: string): string | null {
  if (isFetch(request)) return request.headers.get(name)
  const value = request.headers[name]
  return (typeof value === 'object' ? value[0] : value) ?? null
}

/** Returns the body's bytes. Throws VerificationError if they aren't available or there are more than `maxBytes`. */
export async function readBody(request: IncomingRequest, maxBytes: number): Promise<Uint8Array> {
  const declared = Number(headerOf(request, 'content-length') ?? 0)
  if (!(declared <= maxBytes)) throw new VerificationError('body', 'too_large')
  const body = isFetch(request) ? await readFetch(request, maxBytes) : await readNode(request, maxBytes)
  if (!(body.length <= maxBytes)) throw new VerificationError('body', 'too_large')
  return body
}

function readFetch(request: Request, maxBytes: number): Promise<Uint8Array> {
  if (request.bodyUsed) throw new VerificationError('body', 'missing')
  return request.body === null ? Promise.resolve(new Uint8Array()) : collect(request.body, maxBytes)
}

async function readNode(request: NodeRequest, maxBytes: number): Promise<Uint8Array> {
  const kept = request.rawBody ?? request.body
  if (kept instanceof Uint8Array) return kept
  if (typeof kept === 'string') return new TextEncoder().encode(kept)
  if (kept !== undefined && kept !== null) throw new VerificationError('body', 'parsed')
  const stream = request as Partial<AsyncIterable<Uint8Array>> & {
    readonly readableDidRead?: boolean
    readonly readableEnded?: boolean
  }
  // In a stream that someone has started to read, the remainder would be taken for the whole body.
  if (stream[Symbol.asyncIterator] === undefined || stream.readableDidRead === true || stream.readableEnded === true) {
    throw new VerificationError('body', 'missing')
  }
  return collect(stream as AsyncIterable<Uint8Array>, maxBytes)
}

async function collect(chunks: AsyncIterable<Uint8Array>, maxBytes: number): Promise<Uint8Array> {
  const kept: Uint8Array[] = []
  let size = 0
  for await (const chunk of chunks) {
    // After `setEncoding` the chunks are strings, and the original bytes can't be recovered from them.
    if (!(chunk instanceof Uint8Array)) throw new VerificationError('body', 'parsed')
    size += chunk.length
    if (!(size <= maxBytes)) throw new VerificationError('body', 'too_large')
    kept.push(chunk)
  }
  const body = new Uint8Array(size)
  let at = 0
  for (const chunk of kept) {
    body.set(chunk, at)
    at += chunk.length
  }
  return body
}

/** Checks for a method, not the class: the request can come from a Fetch implementation other than the runtime's. */
const isFetch = (request: IncomingRequest): request is Request => typeof request.headers.get === 'function'
