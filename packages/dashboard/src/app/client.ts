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
  const { query = {}, body, signal } = options
  const name = { method, path }
  const headers: Record<string, string> = { ...SESSION_HEADERS }
  if (body !== undefined) headers['content-type'] = 'application/json'
  const given = Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined)
  const url = new URL(`session${path}${given.length === 0 ? '' : `?${new URLSearchParams(given)}`}`, BASE)
  let response: Response
  let read: unknown
  try {
    response = await fetch(url, {
      method,
      headers,
      body: body === undefined ? null : JSON.stringify(body),
      signal: signal ?? null,
    })
    read = response.status === 204 ? undefined : await response.json().catch(() => null)
  } catch (cause) {
    if (signal?.aborted) throw signal.reason
    throw new ConnectionError(name, 'The connection failed.', { code: 'connection_failed', cause })
  }
  const { status } = response
  if (response.ok) return read as Result
  if (typeof (read as Problem | null)?.detail === 'string') throw new ApiError(name, read as Problem, { status })
  throw new ResponseError(name, 'The response is not of this API.', { status, body: read })
}
