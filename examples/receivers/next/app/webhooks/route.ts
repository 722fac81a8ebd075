/** Receives webhooks: checks the bearer token and the signature, and processes each event once. */
import { after } from 'next/server'
import { process, store } from './inbox'
import { hasToken, isSigned } from './verify'

const MAX_BYTES = 2 * 1024 * 1024

/** If this throws, Next responds with 500: whatever isn't 2xx is sent again later. */
export async function POST(request: Request): Promise<Response> {
  if (!hasToken(request.headers.get('authorization') ?? '')) return respond(401)
  const bytes = await read(request)
  if (bytes === null) return respond(413)
  let body: string
  try {
    // Strictly: otherwise U+FFFD would take the place of what isn't UTF-8.
    body = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return respond(400)
  }
  if (!isSigned(body, request.headers)) return respond(401)
  let payload: unknown
  try {
    payload = JSON.parse(body)
  } catch {
    return respond(400)
  }
  // A test request has no event behind it.
  if (request.headers.get('x-posthorn-test') === 'true') return respond(204)
  const id = request.headers.get('webhook-id')!
  // Respond first, work afterwards: the sender waits for 15 seconds only.
  if (store(id, payload)) after(() => process(id, payload))
  return respond(204)
}

function respond(status: number): Response {
  return new Response(null, { status })
}

/** The bytes as they came, since the signature covers them: no `request.json()`. Null if there are too many. */
async function read(request: Request): Promise<Buffer | null> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of request.body ?? []) {
    bytes += chunk.length
    if (bytes > MAX_BYTES) return null
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
