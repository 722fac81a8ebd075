import type { PauseDetailCode } from '../../base/attempt-details.ts'
import { DAY_MS } from '../../base/durations.ts'
import { parseHttpDate } from './http-date.ts'

/** The longest that a receiver can postpone an attempt with `Retry-After`. */
const LONGEST_RETRY_AFTER_MS = DAY_MS

export type RetryAfter = {
  readonly status: number | null
  /** The header. Null if there is none. */
  readonly retryAfter: string | null
  /** The response's `Date`, since the receiver's clock might be wrong: an HTTP date is relative to it. Null if none. */
  readonly date: string | null
}

/** What a receiver asks for. */
export type Pause = {
  /** From now on, in milliseconds, at most a day. 0 for none. */
  readonly waitMs: number
  /** Why this is not what the header says. Null if it is. */
  readonly detail: PauseDetailCode | null
}

const NO_PAUSE: Pause = { waitMs: 0, detail: null }
const passedOver = (detail: PauseDetailCode): Pause => ({ waitMs: 0, detail })

/**
 * The pause that `Retry-After` asks for on a 429 or 503 (RFC 9110 §10.2.3): whole seconds, or a date. Anything else is
 * passed over, and so are times since 1970, which some receivers send: as seconds from now they would mean decades, and
 * cost a day.
 */
export function readRetryAfter({ status, retryAfter, date }: RetryAfter, nowMs: number): Pause {
  if (retryAfter === null || (status !== 429 && status !== 503)) return NO_PAUSE
  const text = retryAfter.trim()
  if (/^-\d+(\.\d+)?$/.test(text)) return passedOver('retry_after_negative')
  if (/^\d+(\.\d+)?$/.test(text)) {
    if (isSince1970(Number(text))) return passedOver('retry_after_since_1970')
    return text.includes('.') ? passedOver('retry_after_fractional') : capped(1_000 * Number(text))
  }
  const atMs = parseHttpDate(text, nowMs)
  if (atMs === undefined) return passedOver('retry_after_malformed')
  const fromMs = date === null ? undefined : parseHttpDate(date.trim(), nowMs)
  const waitMs = atMs - (fromMs ?? nowMs)
  return waitMs < 0 ? passedOver('retry_after_past') : capped(waitMs)
}

const capped = (waitMs: number): Pause =>
  waitMs > LONGEST_RETRY_AFTER_MS
    ? { waitMs: LONGEST_RETRY_AFTER_MS, detail: 'retry_after_too_long' }
    : { waitMs, detail: null }

/** From 2001 to 2286, in one of these units to the second. By size, and not by the clock, which machines differ in. */
const isSince1970 = (value: number): boolean =>
  [1, 1e3, 1e6, 1e9].some(perSecond => value >= 1e9 * perSecond && value < 1e10 * perSecond)
