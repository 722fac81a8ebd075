import type { AttemptOutcome, RetrySchedule } from '../model.ts'
import type { Step } from '../store/operations/settle.ts'

/** C12: each wait gets up to this part of itself on top, at random, and never less. */
const JITTER = 0.1
/** What a receiver can put an attempt off by with `Retry-After`. */
const LONGEST_RETRY_AFTER_MS = 24 * 60 * 60 * 1_000

export type StepInput = {
  readonly outcome: AttemptOutcome
  /** 1 for the first. */
  readonly attempt: number
  readonly schedule: RetrySchedule
  /** When the attempt ended, by the store's time. */
  readonly endedAtMs: number
  /** What the receiver asked to wait (`retryAfterMs`), or 0. */
  readonly retryAfterMs: number
  /** From 0 up to, but not, 1. */
  readonly random: number
}

/** What an attempt makes of its delivery. Pure. */
export function nextStep({ outcome, attempt, schedule, endedAtMs, retryAfterMs, random }: StepInput): Step {
  if (outcome === 'success') return { kind: 'delivered' }
  const waitSeconds = schedule[attempt - 1]
  if (waitSeconds === undefined) return { kind: 'exhausted' }
  const waitMs = waitSeconds * 1_000 * (1 + JITTER * random)
  // Whole milliseconds, rounded up: never sooner than the schedule says.
  return { kind: 'retry', dueAtMs: endedAtMs + Math.ceil(Math.max(waitMs, retryAfterMs)) }
}

/** What `Retry-After` asks for, in milliseconds from now; 0 if there is none or it can't be read (RFC 9110 §10.2.3). */
export function retryAfterMs(status: number | null, header: string | null, nowMs: number): number {
  if (header === null || (status !== 429 && status !== 503)) return 0
  const text = header.trim()
  const waitMs = /^\d{1,10}$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - nowMs
  if (!Number.isFinite(waitMs) || waitMs <= 0) return 0
  return Math.min(waitMs, LONGEST_RETRY_AFTER_MS)
}
