/** What an exchange means for its delivery: pure functions, from what was had to what is stored and logged. */
import type { AttemptError, RetrySchedule } from '../../base/model.ts'
import { packHeaders } from '../../store/operations/deliveries/answer-headers.ts'
import type { Settlement } from '../../store/operations/deliveries/settlement.ts'
import type { LaneItem } from '../../store/operations/lanes/lanes.ts'
import { classify } from './outcome.ts'
import { nextStep, retryAfterMs } from './schedule.ts'
import type { Sent } from './sender.ts'

export type ConclusionInput = {
  readonly item: LaneItem
  readonly schedule: RetrySchedule
  readonly sent: Sent
  /** The epoch under which the request was sent. */
  readonly epoch: number
  /** By the store's time, milliseconds since 1970. */
  readonly endedAtMs: number
  /** From 0 up to, but not, 1. */
  readonly random: number
  /** False: the endpoint has changed since; what the receiver said of itself may not be true of it any more. */
  readonly isCurrent: boolean
}

export type Conclusion = {
  readonly settlement: Settlement
  /** null: it was a success. */
  readonly error: AttemptError | null
  /** The receiver asks to be left alone so long, milliseconds; 0: it doesn't. */
  readonly waitMs: number
}

export function concludeAttempt(input: ConclusionInput): Conclusion {
  const { item, schedule, sent, epoch, endedAtMs, random, isCurrent } = input
  const { exchange } = sent
  const { outcome, error, gone } = classify(exchange)
  const { startedAtMs, durationMs, status, address, retryAfter } = exchange
  const date = retryAfter === null ? null : headerOf(exchange.headers, 'date')
  const waitMs = isCurrent ? retryAfterMs({ status, retryAfter, date }, endedAtMs) : 0
  const number = item.attempts + 1
  const { headers, body, truncated } = sent.record(exchange)
  // Member by member: spread, they would be put together several times for each attempt there is.
  return {
    error: outcome === 'success' ? null : error,
    waitMs,
    settlement: {
      tenant: item.tenant,
      delivery: item.delivery,
      endpoint: item.endpoint,
      event: item.event,
      replay: item.replay ?? false,
      partition: item.partition,
      epoch,
      step: nextStep({ outcome, attempt: number, schedule, endedAtMs, retryAfterMs: waitMs, random }),
      gone: gone && isCurrent,
      dueAtMs: item.dueAtMs,
      endedAtMs,
      attempt: {
        number,
        startedAtMs,
        durationMs,
        outcome,
        status,
        error,
        address,
        headers: packHeaders(headers),
        responseBody: body,
        responseTruncated: truncated,
      },
    },
  }
}

/** Of an answer, the first of that name, in lower case; null: there is none. */
function headerOf(headers: readonly string[], name: string): string | null {
  for (let at = 0; at + 1 < headers.length; at += 2) if (headers[at]!.toLowerCase() === name) return headers[at + 1]!
  return null
}

/** One wide log line an attempt. */
export function attemptLine({ event, type }: LaneItem, settlement: Settlement): Readonly<Record<string, unknown>> {
  const { tenant, endpoint, delivery, step, attempt } = settlement
  const { number, outcome, status, error: errorCode, durationMs, address } = attempt
  return {
    tenant,
    endpoint,
    event,
    delivery,
    type,
    attempt: number,
    outcome,
    status,
    errorCode,
    durationMs,
    address,
    next: step.kind,
    // Left out of the line where it is undefined.
    dueAt: step.kind === 'retry' ? new Date(step.dueAtMs).toISOString() : undefined,
  }
}
