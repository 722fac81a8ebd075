/** Which calls are made again after an error, and when. */
import { ApiError, ConnectionError, type PosthornError, TimeoutError } from './errors.ts'

const FIRST_DELAY_MS = 500
const MAX_DELAY_MS = 8_000
/** A call doesn't wait longer than this for a server that asks it to. */
export const MAX_RETRY_AFTER_MS = 60_000
/** Nor does what waits in the background, which asks again after it. */
export const MAX_PATIENCE_MS = 3_600_000
/** A server that asks for less has not thought of how often it will be asked: some proxies always send 0. */
const LEAST_RETRY_AFTER_MS = 1_000

/** Statuses after which the same call can succeed. 501 is not one of them. */
const TRANSIENT: readonly (number | null)[] = [408, 429, 500, 502, 503, 504]
/** Codes that say that the call was not begun. Any call can be repeated after them. */
const NOT_BEGUN: readonly string[] = ['rate_limited', 'overloaded', 'shutting_down']

/**
 * How long to wait before the call is made again, in milliseconds. Undefined if it isn't.
 *
 * @param retry how many times the call was made again already
 * @param isRepeatable whether carrying out the call twice has the effect of carrying it out once
 * @param random between 0 and 1
 * @param isPatient whether it is in the background, and waits for a server that asks for more than a minute
 */
export function delayBefore(
  retry: number,
  error: PosthornError,
  isRepeatable: boolean,
  random: number,
  isPatient = false,
): number | undefined {
  const { code, status, retryAfterMs } = error
  const isNotBegun = error instanceof ApiError && NOT_BEGUN.includes(code)
  const isUncertain = error instanceof ConnectionError || error instanceof TimeoutError
  if (!isNotBegun && !(isRepeatable && (isUncertain || code === 'call_in_flight' || TRANSIENT.includes(status)))) {
    return undefined
  }
  const ownMs = Math.min(FIRST_DELAY_MS * 2 ** retry, MAX_DELAY_MS) * (1 - random / 2)
  if (retryAfterMs === null) return ownMs
  if (retryAfterMs > MAX_RETRY_AFTER_MS && !isPatient) return undefined
  // Never sooner than the server asks, and a little later, so that clients that were refused together don't come back
  // together.
  const askedMs = Math.min(retryAfterMs, MAX_PATIENCE_MS) * (1 + random / 10)
  return askedMs < LEAST_RETRY_AFTER_MS ? Math.max(askedMs, ownMs) : askedMs
}

/** Parses `Retry-After` (RFC 9110 §10.2.3): seconds or a date. Null if it is neither. */
export function parseRetryAfter(text: string | null): number | null {
  if (text === null) return null
  if (/^\d+$/.test(text)) return Number(text) * 1_000
  // Date.parse takes other texts too, such as -1.
  const ms = text.endsWith('GMT') ? Date.parse(text) - Date.now() : Number.NaN
  return Number.isNaN(ms) ? null : Math.max(0, ms)
}
