/** A request as it comes in, by Fetch or by Node: its headers, and its body where nobody has read it yet. */
import { VerificationError } from './verification-error.ts'

/** What Node's `http` and the frameworks on it hand out: an `IncomingMessage`, Express's or Fastify's request. */
export type NodeRequest = {
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  /** The body's bytes, if something has kept them. */
  readonly rawBody?: Uint8Array | string | undefined
  /** Bytes, if a raw parser has read it; anything else was parsed. */
  readonly body?: unknown
}

export type IncomingRequest = Request | NodeRequest

export function headerOf(request: IncomingRequest, name: string): string | null {
  if (isFetch(request)) return request.headers.get(name)
  const value = request.headers[name]
  return (typeof value === 'object' ? value[0] : value) ?? null
}

/** The body's bytes. Throws VerificationError where they can't be had, or are more than `maxBytes`. */
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
  // Of one that was begun, what is left would be taken for the whole.
  if (stream[Symbol.asyncIterator] === undefined || stream.readableDidRead === true || stream.readableEnded === true) {
    throw new VerificationError('body', 'missing')
  }
  return collect(stream as AsyncIterable<Uint8Array>, maxBytes)
}

async function collect(chunks: AsyncIterable<Uint8Array>, maxBytes: number): Promise<Uint8Array> {
  const kept: Uint8Array[] = []
  let size = 0
  for await (const chunk of chunks) {
    // After `setEncoding` they are texts: what came can't be told from them any more.
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

/** By what it can do: the class may be that of another Fetch than the runtime's own. */
const isFetch = (request: IncomingRequest): request is Request => typeof request.headers.get === 'function'
