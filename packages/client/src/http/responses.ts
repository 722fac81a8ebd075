import type { Problem } from '../api/models.ts'
import { noteOn } from '../version.ts'
import { ApiError, type CallName, ResponseError } from './errors.ts'
import { parseRetryAfter } from './retries.ts'

/** Returns a response with a status of 2xx. Throws ApiError or ResponseError for any other. */
export async function refuseUnlessOk(response: Response, name: CallName): Promise<Response> {
  if (response.ok) return response
  const { status } = response
  const details = { ...sourceOf(response), retryAfterMs: parseRetryAfter(response.headers.get('retry-after')) }
  const body = await bodyOf(response)
  if (isProblem(body)) throw new ApiError(name, body, details)
  const isRedirect = (status >= 300 && status < 400) || response.type === 'opaqueredirect'
  const message = isRedirect
    ? 'The server redirects. Set `url` to where the API is.'
    : `The response has status ${status} and is not an error of Posthorn. Check \`url\`, and the proxies on the way.`
  throw new ResponseError(name, message, { ...details, body })
}

/** The body as JSON. Throws ResponseError if it isn't JSON. */
export async function readJson<Result>(response: Response, name: CallName): Promise<Result> {
  const value = await bodyOf(response)
  if (value !== undefined) return value as Result
  const source = sourceOf(response)
  const note = noteOn(source.serverVersion)
  const message = `The response is not JSON. ${note ?? 'Check that `url` leads to Posthorn.'}`
  throw new ResponseError(name, message, source)
}

export function readText(response: Response): Promise<string> {
  return response.text()
}

export async function readBytes(response: Response): Promise<Uint8Array> {
  return new Uint8Array(await response.arrayBuffer())
}

/** For responses without a body. */
export function readNothing(response: Response): Promise<undefined> {
  return discard(response)
}

/** Frees the connection without reading the body, however long it is. */
async function discard(response: Response): Promise<undefined> {
  await response.body?.cancel().catch(() => undefined)
  return undefined
}

const sourceOf = ({ status, headers }: Response) => ({
  status,
  requestId: headers.get('x-request-id'),
  serverVersion: headers.get('posthorn-version'),
})

/** The body, if it is JSON. Otherwise undefined. */
async function bodyOf(response: Response): Promise<unknown> {
  if (!/^application\/([\w.+-]+\+)?json\b/i.test(response.headers.get('content-type') ?? '')) return discard(response)
  const text = await response.text()
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function isProblem(value: unknown): value is Problem {
  const { code, detail, title, errors = [] } = (value ?? {}) as Partial<Problem>
  return typeof code === 'string' && typeof detail === 'string' && typeof title === 'string' && Array.isArray(errors)
}
