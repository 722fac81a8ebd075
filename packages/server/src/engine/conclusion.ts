/** What an exchange means for its delivery: pure functions, from what was had to what is stored and logged. */
import type { AttemptError, RetrySchedule } from '../model.ts'
import type { LaneItem } from '../store/operations/lanes.ts'
import type { Settlement } from '../store/operations/settle.ts'
import { type Exchange, judge } from './outcome.ts'
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
  const { outcome, error, ...said } = judge(exchange)
  const gone = said.gone && isCurrent
  const { retryAfter } = exchange
  const date = retryAfter === null ? null : headerOf(exchange.headers, 'date')
  const waitMs = isCurrent ? retryAfterMs({ status: exchange.status, retryAfter, date }, endedAtMs) : 0
  const number = item.attempts + 1
  const step = nextStep({ outcome, attempt: number, schedule, endedAtMs, retryAfterMs: waitMs, random })
  const { headers, body, truncated } = sent.record(exchange)
  const { startedAtMs, durationMs, status, address } = exchange
  const recorded = { responseHeaders: headers, responseBody: body, responseTruncated: truncated }
  const { tenant, delivery, endpoint, event, replay = false, partition, dueAtMs } = item
  return {
    error: outcome === 'success' ? null : error,
    waitMs,
    settlement: {
      ...{ tenant, delivery, endpoint, event, replay, partition, epoch, step, gone, dueAtMs, endedAtMs },
      attempt: { number, startedAtMs, durationMs, outcome, status, error, address, ...recorded },
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
  const next = step.kind
  const line = { tenant, endpoint, event, delivery, type, attempt: number, outcome, status, errorCode, durationMs }
  if (step.kind !== 'retry') return { ...line, address, next }
  return { ...line, address, next, dueAt: new Date(step.dueAtMs).toISOString() }
}

/** Nothing was sent. */
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
