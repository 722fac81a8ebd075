/** What an exchange means for its delivery: pure functions from an exchange to what is stored and logged. */

import { sentenceOf } from '../../base/attempt-details.ts'
import type { AttemptDetail, AttemptError, RetrySchedule, TenantId } from '../../base/model.ts'
import { packHeaders } from '../../store/operations/deliveries/answer-headers.ts'
import { withNotes } from '../../store/operations/deliveries/attempt-notes.ts'
import { withTrace } from '../../store/operations/deliveries/sent-trace.ts'
import type { Settlement } from '../../store/operations/deliveries/settlement.ts'
import type { LaneItem } from '../../store/operations/lanes/lanes.ts'
import type { ProbeTurns } from '../lane/probe-turns.ts'
import { LONGEST_PROBE_PAUSE_MS, type RequestEnd } from '../lane/recovery.ts'
import { neverConnected } from '../receiver-health.ts'
import type { Attempt } from './attempt.ts'
import { classify, type Exchange, headerOf } from './outcome.ts'
import { type Pause, readRetryAfter } from './retry-after.ts'
import { nextStep } from './schedule.ts'

/** What matters here about an attempt. */
export type ConcludedAttempt = Pick<Attempt, 'item' | 'destination' | 'epoch' | 'isRequest' | 'record' | 'trace'>

/** What else an attempt's conclusion depends on. */
export type Circumstances = {
  /** The id of what this process puts into requests. */
  readonly sender: number
  readonly schedule: RetrySchedule
  /** Store time, milliseconds since 1970. */
  readonly endedAtMs: number
  /** From 0 (inclusive) to 1 (exclusive). */
  readonly random: number
  /** False if the endpoint has changed since, so a 410 or Retry-After from the old configuration might not apply. */
  readonly isCurrent: boolean
}

export type Conclusion = {
  readonly settlement: Settlement
  /** Null if the attempt succeeded. */
  readonly error: AttemptError | null
  /** What exactly went wrong, with the request or with the pause that the receiver asked for. Null if nothing more is known. */
  readonly detail: AttemptDetail | null
  /** How long the receiver asked Posthorn to wait, in milliseconds. 0 if it doesn't. */
  readonly waitMs: number
}

export function concludeAttempt(
  { item, destination, epoch, isRequest, record, trace }: ConcludedAttempt,
  exchange: Exchange,
  { sender, schedule, endedAtMs, random, isCurrent }: Circumstances,
): Conclusion {
  const { outcome, error, gone } = classify(exchange)
  const { startedAtMs, durationMs, status, address, retryAfter } = exchange
  const date = retryAfter === null ? null : headerOf(exchange.headers, 'date')
  const pause = isCurrent ? readRetryAfter({ status, retryAfter, date }, endedAtMs) : NO_PAUSE
  const { waitMs } = pause
  const number = item.attempts + 1
  const { headers, body, truncated } = record(exchange)
  const detail = exchange.detail ?? detailOf(pause, headers)
  // Property by property: spreads would build these objects several times for every attempt.
  return {
    error: outcome === 'success' ? null : error,
    detail,
    waitMs,
    settlement: {
      tenant: item.tenant,
      delivery: item.delivery,
      endpoint: item.endpoint,
      event: item.event,
      replay: item.replay,
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
        headers: packHeaders(
          withTrace(
            withNotes(headers, { detail, reconnected: exchange.reconnected }),
            isRequest && trace !== null ? trace.traceparent : null,
            item.traceparent ?? null,
          ),
        ),
        responseBody: body,
        responseTruncated: truncated,
        requestVersion: isRequest ? destination.requestVersion : null,
        sender: isRequest ? sender : null,
      },
    },
  }
}

/** The rest matters to failures only. */
const SUCCESS = { isSuccess: true, neverConnected: false, random: 0, longestPauseMs: 0 }

/** What the end of a request says to its lane. Null if no one was there: nothing is known about the receiver then. */
export function requestEnd(
  tenant: TenantId,
  error: AttemptError | null,
  { endedAtMs: nowMs, random, schedule }: Circumstances,
  probes: ProbeTurns,
): RequestEnd | null {
  if (error === null) return { ...SUCCESS, nowMs }
  if (error === 'no_listener') return null
  return {
    isSuccess: false,
    neverConnected: neverConnected(error),
    nowMs,
    random,
    longestPauseMs: Math.min(LONGEST_PROBE_PAUSE_MS, 1_000 * Math.min(...schedule)),
    takeTurn: (wantedMs, latestMs) => probes.take(tenant, wantedMs, latestMs),
  }
}

const NO_PAUSE: Pause = { waitMs: 0, detail: null }
/** Longer than any date. */
const MAX_VALUE_CHARACTERS = 40

/** @param headers as recorded: a receiver can echo a secret in any of them */
function detailOf({ detail }: Pause, headers: readonly string[]): AttemptDetail | null {
  if (detail === null) return null
  // Free text is only shown where the response's headers are.
  const isShown = detail !== 'retry_after_malformed'
  return {
    code: detail,
    value: isShown ? (headerOf(headers, 'retry-after')?.trim().slice(0, MAX_VALUE_CHARACTERS) ?? null) : null,
  }
}

/** The fields of an attempt's log line. There is one wide line per attempt. */
export function attemptLine(
  { event, type }: LaneItem,
  settlement: Settlement,
  detail: AttemptDetail | null,
  { reconnected }: Exchange,
): Readonly<Record<string, unknown>> {
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
    // The following are omitted from the line if undefined.
    detail: detail === null ? undefined : detail.code,
    why: detail === null ? undefined : sentenceOf(detail),
    reconnected: reconnected ? true : undefined,
    next: step.kind,
    dueAt: step.kind === 'retry' ? new Date(step.dueAtMs).toISOString() : undefined,
  }
}
