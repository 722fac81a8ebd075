import { errors } from 'undici'
import type { AttemptError, AttemptOutcome } from '../../base/model.ts'

/** The result of one HTTP request: a status, or the reason why there is none. */
export type Exchange = {
  readonly startedAtMs: number
  readonly durationMs: number
  /** Null if there was no response. */
  readonly status: number | null
  /** Null if there was a response. */
  readonly failure: AttemptError | null
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
export function noAnswer(failure: AttemptError, nowMs: number): Exchange {
  return {
    startedAtMs: nowMs,
    durationMs: 0,
    status: null,
    failure,
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

/**
 * Maps the reason why there is no response to an error code, by the codes of Node, OpenSSL and undici, never by the
 * text of a message.
 * @param connected whether TCP was connected when it happened
 * @param ready whether the connection was ready for requests
 */
export function failureOf(error: unknown, connected: boolean, ready: boolean): AttemptError {
  const code = errorCode(error)
  if (code === 'POSTHORN_TARGET_REFUSED') return 'target_refused'
  if (code === 'POSTHORN_PROXY_FAILED') return 'proxy_failed'
  if (code === 'POSTHORN_RESPONSE_TIMEOUT') return 'response_timeout'
  if (code === 'POSTHORN_ANSWER_TOO_LARGE') return 'response_too_large'
  if (code === 'POSTHORN_ANSWER_MALFORMED') return 'response_malformed'
  if (code === 'POSTHORN_CONNECT_TIMEOUT' || (code === 'ETIMEDOUT' && !ready)) return 'connect_timeout'
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN' || code === 'EAI_FAIL' || code === 'ENODATA') return 'dns_failed'
  // Also while connecting: a reset can be reported before the connection itself is.
  if (code === 'ECONNRESET') return 'connection_reset'
  if (!connected) return code === 'ECONNREFUSED' ? 'connect_refused' : 'connect_failed'
  if (!ready) return 'tls_failed'
  if (code === 'UND_ERR_HEADERS_OVERFLOW') return 'response_too_large'
  // By class, because undici 8.12 leaves its code undefined.
  if (error instanceof errors.HTTPParserError || code === 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH') {
    return 'response_malformed'
  }
  return code.startsWith('ERR_SSL') ? 'tls_failed' : 'connection_reset'
}

function errorCode(error: unknown): string {
  const { code, errors } = error as { code?: unknown; errors?: unknown }
  if (typeof code === 'string') return code
  // Several addresses were tried (RFC 8305): report the reason of the last.
  return Array.isArray(errors) && errors.length > 0 ? errorCode(errors.at(-1)) : ''
}
