import type { AttemptDetail, AttemptError, AttemptOutcome } from '../../base/model.ts'

/** The result of one HTTP request: a status, or the reason why there is none. */
export type Exchange = {
  readonly startedAtMs: number
  readonly durationMs: number
  /** Null if there was no response. */
  readonly status: number | null
  /** Null if there was a response. */
  readonly failure: AttemptError | null
  /** What exactly the failure was. Null if there was a response, or nothing more is known. */
  readonly detail: AttemptDetail | null
  /** The request was lost on a kept connection and repeated on a new one (C12). */
  readonly reconnected: boolean
  /** `address:port` connected to. Null if no connection was made. */
  readonly address: string | null
  /** Names and values alternately, as received. */
  readonly headers: readonly string[]
  /** The first bytes of the response body. */
  readonly body: Uint8Array
  readonly truncated: boolean
  /** The `Retry-After` header. Null if there was none. */
  readonly retryAfter: string | null
}

/** An exchange in which nothing was sent. */
export function noAnswer(failure: AttemptError, detail: AttemptDetail | null, nowMs: number): Exchange {
  return {
    startedAtMs: nowMs,
    durationMs: 0,
    status: null,
    failure,
    detail,
    reconnected: false,
    address: null,
    headers: [],
    body: new Uint8Array(0),
    truncated: false,
    retryAfter: null,
  }
}

export type Classification = {
  readonly outcome: AttemptOutcome
  readonly error: AttemptError | null
  /** The receiver said that the endpoint is permanently gone (C11). */
  readonly gone: boolean
}

const SUCCESS: Classification = { outcome: 'success', error: null, gone: false }

/** C11: any 2xx status is a success; any other status, or none, is a failure. The response body doesn't matter. */
export function classify({ status, failure }: Pick<Exchange, 'status' | 'failure'>): Classification {
  if (status === null) return { outcome: 'failure', error: failure ?? 'internal', gone: false }
  if (status >= 200 && status <= 299) return SUCCESS
  return { outcome: 'failure', error: statusError(status), gone: status === 410 }
}

function statusError(status: number): AttemptError {
  if (status === 410) return 'http_gone'
  if (status >= 300 && status <= 399) return 'http_redirect'
  if (status >= 400 && status <= 499) return 'http_client_error'
  if (status >= 500 && status <= 599) return 'http_server_error'
  return 'http_unexpected'
}

/** Returns the first header of that name (in lower case). Null if there is none. */
export function headerOf(headers: readonly string[], name: string): string | null {
  for (let at = 0; at + 1 < headers.length; at += 2) if (headers[at]!.toLowerCase() === name) return headers[at + 1]!
  return null
}
