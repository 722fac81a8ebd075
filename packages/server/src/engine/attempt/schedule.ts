import { DAY_MS } from '../../base/durations.ts'
import type { AttemptOutcome, RetrySchedule } from '../../base/model.ts'
import { retryWaitMs } from '../../catalogue/retry-schedule.ts'
import type { NextStep } from '../../store/operations/deliveries/settlement.ts'
import { parseHttpDate } from './http-date.ts'

/** The longest that a receiver can postpone an attempt with `Retry-After`. */
const LONGEST_RETRY_AFTER_MS = DAY_MS

export type StepInput = {
  readonly outcome: AttemptOutcome
  /** 1 for the first. */
  readonly attempt: number
  readonly schedule: RetrySchedule
  /** Store time at which the attempt ended. */
  readonly endedAtMs: number
  /** How long the receiver asked to wait (`retryAfterMs`), or 0. */
  readonly retryAfterMs: number
  /** From 0 (inclusive) to 1 (exclusive). */
  readonly random: number
}

/** Determines the delivery's next step after an attempt. Pure. */
export function nextStep({ outcome, attempt, schedule, endedAtMs, retryAfterMs, random }: StepInput): NextStep {
  if (outcome === 'success') return { kind: 'delivered' }
  const waitSeconds = schedule[attempt - 1]
  if (waitSeconds === undefined) return { kind: 'exhausted' }
  const waitMs = retryWaitMs(waitSeconds, random)
  // Whole milliseconds, rounded up: never sooner than the schedule says.
  return { kind: 'retry', dueAtMs: endedAtMs + Math.ceil(Math.max(waitMs, retryAfterMs)) }
}

export type RetryAfter = {
  readonly status: number | null
  /** The header. Null if there is none. */
  readonly retryAfter: string | null
  /** The response's `Date`, since the receiver's clock might be wrong: an HTTP date is relative to it. Null if none. */
  readonly date: string | null
}

/**
 * Returns how long `Retry-After` asks to wait, in milliseconds from now, at most a day. 0 if there is no such header or
 * it can't be parsed (RFC 9110 §10.2.3).
 */
export function retryAfterMs({ status, retryAfter, date }: RetryAfter, nowMs: number): number {
  if (retryAfter === null || (status !== 429 && status !== 503)) return 0
  const text = retryAfter.trim()
  const waitMs = /^\d+$/.test(text) ? Number(text) * 1_000 : untilMs(text, date, nowMs)
  return waitMs > 0 ? Math.min(waitMs, LONGEST_RETRY_AFTER_MS) : 0
}

function untilMs(text: string, date: string | null, nowMs: number): number {
  const atMs = parseHttpDate(text, nowMs)
  if (atMs === undefined) return 0
  const fromMs = date === null ? undefined : parseHttpDate(date.trim(), nowMs)
  return atMs - (fromMs ?? nowMs)
}
