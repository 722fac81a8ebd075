import type { AttemptOutcome, RetrySchedule } from '../../base/model.ts'
import { retryWaitMs } from '../../catalogue/retry-schedule.ts'
import type { NextStep } from '../../store/operations/deliveries/settlement.ts'

export type StepInput = {
  readonly outcome: AttemptOutcome
  /** 1 for the first. */
  readonly attempt: number
  readonly schedule: RetrySchedule
  /** Store time at which the attempt ended. */
  readonly endedAtMs: number
  /** How long the receiver asked to wait (`readRetryAfter`), or 0. */
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
