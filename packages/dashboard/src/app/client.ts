import { ApiError, ConnectionError, Posthorn, type Problem, ResponseError } from '@posthorn/client'

/** Where the server has its pages and its API: what `<base href>` says, with a slash at its end. */
export const BASE = new URL('.', document.baseURI)

/** A form can't send this header, so a call that has it was made by these pages. */
export const SESSION_HEADERS = { 'Posthorn-Session': '1' } as const

/** The API's calls by way of the session: `/v1/…` becomes `<base>session/v1/…`. */
export const posthorn = new Posthorn({
  url: new URL('session', BASE),
  headers: SESSION_HEADERS,
  // What is missing for longer is shown as such and asked for again: see `connection.ts`.
  maxRetries: 1,
})

type Options = {
  readonly query?: Readonly<Record<string, string | undefined>>
  readonly body?: unknown
  readonly signal?: AbortSignal
}

/** A call that the client has no method for yet. Fails as its methods do. `path` begins with `/v1/`. */
export async function call<Result>(method: string, path: string, options: Options = {}): Promise<Result> {
  const { body, ...rest } = options
  const text = await callText(method, path, { ...rest, ...(body !== undefined && { body: JSON.stringify(body) }) })
  return parse(text) as Result
}

type TextOptions = Omit<Options, 'body'> & { readonly body?: string }

/**
 * A call whose body is sent, and whose response is returned, as it is written: numbers that JavaScript can't hold stay
 * as they are. Fails as the client's methods do.
 */
export async function callText(method: string, path: string, options: TextOptions = {}): Promise<string> {
  const { query = {}, body, signal } = options
  const name = { method, path }
  const headers: Record<string, string> = { ...SESSION_HEADERS }
  if (body !== undefined) headers['content-type'] = 'application/json'
  const given = Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined)
  const url = new URL(`session${path}${given.length === 0 ? '' : `?${new URLSearchParams(given)}`}`, BASE)
  let response: Response
  let text: string
  try {
    response = await fetch(url, { method, headers, body: body ?? null, signal: signal ?? null })
    text = await response.text()
  } catch (cause) {
    if (signal?.aborted) throw signal.reason
    throw new ConnectionError(name, 'The connection failed.', { code: 'connection_failed', cause })
  }
  const { status } = response
  if (response.ok) return text
  const read = parse(text)
  if (typeof (read as Problem | null | undefined)?.detail === 'string')
    throw new ApiError(name, read as Problem, { status })
  throw new ResponseError(name, 'The response is not of this API.', { status, body: read })
}

/** Nothing for an empty response, null for one that isn't JSON. */
function parse(text: string): unknown {
  if (text === '') return undefined
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
