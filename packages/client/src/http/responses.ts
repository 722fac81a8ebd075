import type { Problem } from '../api/models.ts'
import { noteOn } from '../version.ts'
import { ApiError, type CallName, ResponseError } from './errors.ts'
import type { Page } from './list.ts'
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

/** Returns a response of this media type. Throws ResponseError for any other. */
export async function refuseUnlessOfType(
  response: Response,
  name: CallName,
  type: string | undefined,
): Promise<Response> {
  if (type === undefined || response.headers.get('content-type')?.toLowerCase().startsWith(type)) return response
  await discard(response)
  throw notExpected(response, name, `of the type ${type}`)
}

/** The body as JSON. Throws ResponseError if it isn't JSON. */
export async function readJson<Result>(response: Response, name: CallName): Promise<Result> {
  const value = await bodyOf(response)
  // Of no call the result is a bare text, number or null.
  if (typeof value === 'object' && value !== null) return value as Result
  throw notExpected(response, name, value === undefined ? 'JSON' : 'what this call returns')
}

/** A page of a list. Throws ResponseError for anything else, which would otherwise be read again and again. */
export async function readPage<PageOf extends Page<unknown>>(response: Response, name: CallName): Promise<PageOf> {
  const page = await readJson<PageOf>(response, name)
  if (Array.isArray(page.data)) return page
  throw notExpected(response, name, 'a page of a list')
}

function notExpected(response: Response, name: CallName, what: string): ResponseError {
  const source = sourceOf(response)
  const remedy = noteOn(source.serverVersion) ?? 'Check that `url` leads to Posthorn.'
  return new ResponseError(name, `The response is not ${what}. ${remedy}`, source)
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
