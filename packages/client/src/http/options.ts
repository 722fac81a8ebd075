/** The settings of a client and of a call. */

export type ClientOptions = {
  /** Where the server listens, such as `https://posthorn.example`, or a path below which its API is. */
  readonly url: string | URL
  /** Sent as `Authorization: Bearer …`. Default: none, for calls that need no key, or with `headers` of your own. */
  readonly apiKey?: string | undefined
  /** Headers of every request, or a function that is called before each attempt. Default: none. */
  readonly headers?: RequestHeaders | (() => RequestHeaders | Promise<RequestHeaders>) | undefined
  /** Sends a request. Default: the global `fetch`. */
  readonly fetch?: Fetch | undefined
  /**
   * How long an attempt can take until its response is complete, in milliseconds. Infinity for no limit. Default:
   * 30,000. Retries and the waits between them come on top: to limit all of it, pass a `signal`.
   */
  readonly timeoutMs?: number | undefined
  /** How many times a call that can be repeated is made again if it fails. Default: 3. */
  readonly maxRetries?: number | undefined
}

export type RequestHeaders = Readonly<Record<string, string>>

/** A function like the global `fetch`. It sees every attempt, and can change or observe it. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>

export type CallOptions = {
  /** Ends the call, its waits included: it then throws the signal's reason, as `fetch` does. */
  readonly signal?: AbortSignal | undefined
  /** Default: the client's. */
  readonly timeoutMs?: number | undefined
  /** Default: the client's. */
  readonly maxRetries?: number | undefined
}

/** Options of a call that makes something. */
export type MakingCallOptions = CallOptions & {
  /**
   * The call's `Idempotency-Key`: the server carries out a call once, however often it gets it with the same key.
   * Default: a new one for each call, so that its retries make nothing twice. Null sends none, and the call is then not
   * retried unless the server says that it has not begun it.
   */
  readonly idempotencyKey?: string | null | undefined
}

const MAX_TIMER_MS = 2 ** 31 - 1

/** The `url` without a slash at its end. Throws TypeError if it can't be the base of the API's paths. */
export function baseOf(url: string | URL): string {
  const { document, location } = globalThis as { document?: { baseURI: string }; location?: { href: string } }
  const base = document?.baseURI ?? location?.href
  let parsed: URL
  try {
    parsed = new URL(url, base)
  } catch {
    throw new TypeError('`url` must be an absolute URL, such as https://posthorn.example.')
  }
  if (!/^https?:$/.test(parsed.protocol)) throw new TypeError('`url` must begin with https:// or http://.')
  // `fetch` refuses such URLs with an error that quotes them.
  if (parsed.username !== '' || parsed.password !== '') {
    throw new TypeError('`url` must not contain a user name or a password. Pass the key as `apiKey`.')
  }
  if (parsed.search !== '' || parsed.hash !== '') throw new TypeError('`url` must not contain a query or a fragment.')
  return parsed.href.replace(/\/+$/, '')
}

/** Throws TypeError, which doesn't quote the key, if a header can't carry it. */
export function checkKey(key: unknown): void {
  if (typeof key !== 'string' || !/^[!-~]+$/.test(key)) {
    throw new TypeError(
      'The API key must be visible ASCII characters only. Look for a space or a line break around it, or an empty variable.',
    )
  }
}

export function checkTimeout(timeoutMs: number): number {
  if (timeoutMs === Infinity) return timeoutMs
  if (!(timeoutMs > 0 && timeoutMs <= MAX_TIMER_MS)) {
    throw new TypeError(`\`timeoutMs\` must be a number from 1 to ${MAX_TIMER_MS}, or Infinity.`)
  }
  return timeoutMs
}

export function checkRetries(maxRetries: number): number {
  if (!(Number.isInteger(maxRetries) && maxRetries >= 0)) {
    throw new TypeError('`maxRetries` must be a whole number, 0 or more.')
  }
  return maxRetries
}
