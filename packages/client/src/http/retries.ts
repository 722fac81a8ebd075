/** Which calls are made again after an error, and when. */
import { ApiError, ConnectionError, type PosthornError, TimeoutError } from './errors.ts'

const FIRST_DELAY_MS = 500
const MAX_DELAY_MS = 8_000
/** The client doesn't wait longer than this for a server that asks it to. */
export const MAX_RETRY_AFTER_MS = 60_000

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
 */
export function delayBefore(
  retry: number,
  error: PosthornError,
  isRepeatable: boolean,
  random: number,
): number | undefined {
  const { code, status, retryAfterMs } = error
  const isNotBegun = error instanceof ApiError && NOT_BEGUN.includes(code)
  const isUncertain = error instanceof ConnectionError || error instanceof TimeoutError
  if (!isNotBegun && !(isRepeatable && (isUncertain || code === 'call_in_flight' || TRANSIENT.includes(status)))) {
    return undefined
  }
  // Never sooner than the server asks, and a little later, so that clients that were refused together don't come back
  // together.
  if (retryAfterMs !== null) return retryAfterMs > MAX_RETRY_AFTER_MS ? undefined : retryAfterMs * (1 + random / 10)
  return Math.min(FIRST_DELAY_MS * 2 ** retry, MAX_DELAY_MS) * (1 - random / 2)
}

/** Parses `Retry-After` (RFC 9110 §10.2.3): seconds or a date. Null if it is neither. */
export function parseRetryAfter(text: string | null): number | null {
  if (text === null) return null
  if (/^\d+$/.test(text)) return Number(text) * 1_000
  // Date.parse takes other texts too, such as -1.
  const ms = text.endsWith('GMT') ? Date.parse(text) - Date.now() : Number.NaN
  return Number.isNaN(ms) ? null : Math.max(0, ms)
}
