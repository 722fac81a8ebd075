import { type AnswerRequestBody, ApiError, type ListenedRequest, type Posthorn, PosthornError } from '@posthorn/client'
import type { Outcome } from './outcomes.ts'
import { pause } from './pause.ts'

/**
 * `taken`: the server has the answer, or another's. `late`: the time of the attempt was over. `refused`: it can't be
 * given, because the key no longer allows it, say.
 */
export type Answered = 'taken' | 'late' | 'refused'

const CALL_MS = 10_000
const FIRST_PAUSE_MS = 200
const MAX_PAUSE_MS = 2_000

/**
 * Says what the response to a request was, until the server has it or can no longer want it: it might be restarting.
 *
 * @param untilMs by `performance.now()`
 */
export async function answer(
  posthorn: Posthorn,
  { tenant, delivery, attempt }: ListenedRequest,
  { status, headers, body, isTruncated, durationMs }: Outcome,
  untilMs: number,
  signal: AbortSignal,
): Promise<Answered> {
  let sent: AnswerRequestBody = {
    attempt,
    status,
    durationMs: Math.min(durationMs, MAX_DURATION_MS),
    ...(headers === undefined ? {} : { headers }),
    ...(body === undefined ? {} : { body, truncated: isTruncated === true }),
  }
  let mightHaveIt = false
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, MAX_PAUSE_MS)) {
    try {
      await posthorn.listeners.answerRequest(tenant, delivery, sent, { timeoutMs: CALL_MS, maxRetries: 0, signal })
      return 'taken'
    } catch (error) {
      if (signal.aborted) return 'late'
      if (!(error instanceof PosthornError)) throw error
      if (error instanceof ApiError) {
        const { status: refusal } = error
        if (refusal === 409) return mightHaveIt ? 'taken' : 'late'
        if (refusal === 404) return 'late'
        if (refusal === 401 || refusal === 403) return 'refused'
        if (refusal < 500 && refusal !== 429) {
          // The response has something that can't be kept. Its status is what matters.
          if (sent.headers === undefined && sent.body === undefined) return 'refused'
          sent = { attempt, status, durationMs: sent.durationMs }
          continue
        }
      } else mightHaveIt = true
      if (performance.now() + pauseMs > untilMs) return 'late'
      if (!(await pause(pauseMs, signal))) return 'late'
    }
  }
}

/** The longest that the API takes. */
const MAX_DURATION_MS = 120_000
