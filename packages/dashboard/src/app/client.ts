import { ApiError, ConnectionError, Posthorn, type Problem, ResponseError } from '@posthorn/client'
import { IS_PORTAL } from '../lib/portal.ts'

/** Where the server has its pages and its API: what `<base href>` says, with a slash at its end. */
export const BASE = new URL('.', document.baseURI)

/** The API's calls by way of the session: `/v1/…` is `<base>session/v1/…`, or `<base>v1/…` in the portal. */
const DOOR = IS_PORTAL ? '.' : 'session'

/** The token of a portal's session in a frame. It is here only: storage is for everyone who gets at the browser. */
let bearer: string | null = null

export function setBearer(token: string | null): void {
  bearer = token
}

export const hasBearer = (): boolean => bearer !== null

/** A form can't send the first header, so a call that has it was made by these pages. */
export function sessionHeaders(): Record<string, string> {
  return { 'Posthorn-Session': '1', ...(bearer !== null && { authorization: `Bearer ${bearer}` }) }
}

/** Where the session makes a call. `path` begins with `/v1/`. */
export const sessionUrl = (path: string): URL => new URL(`${DOOR}${path}`, BASE)

export const posthorn = new Posthorn({
  url: new URL(DOOR, BASE),
  headers: sessionHeaders,
  // What is missing for longer is shown as such and asked for again: see `connection.ts`.
  maxRetries: 1,
})

type Answer = { readonly ok: boolean; readonly status: number; readonly text: string }

declare global {
  /** The call that `src/early.js` has made already, until it is taken. */
  var posthornEarly: { readonly href: string; readonly answer: Promise<Answer> } | undefined
}

/** Another call than a GET can change what the early one was told. */
function takeEarly(method: string, { href }: URL): Promise<Answer> | undefined {
  const early = globalThis.posthornEarly
  const isWanted = method === 'GET' && early?.href === href
  if (isWanted || method !== 'GET') globalThis.posthornEarly = undefined
  return isWanted ? early.answer : undefined
}

async function send(url: URL, init: RequestInit): Promise<Answer> {
  const response = await fetch(url, init)
  return { ok: response.ok, status: response.status, text: await response.text() }
}

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
  const headers = sessionHeaders()
  if (body !== undefined) headers['content-type'] = 'application/json'
  const given = Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined)
  const url = sessionUrl(`${path}${given.length === 0 ? '' : `?${new URLSearchParams(given)}`}`)
  let answer: Answer
  try {
    answer = await (takeEarly(method, url) ??
      send(url, { method, headers, body: body ?? null, signal: signal ?? null }))
  } catch (cause) {
    if (signal?.aborted) throw signal.reason
    throw new ConnectionError(name, 'The connection failed.', { code: 'connection_failed', cause })
  }
  const { ok, status, text } = answer
  if (ok) return text
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
