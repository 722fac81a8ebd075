/** Warns about an endpoint that keeps failing, and disables it in the end (C11). */

import { SYSTEM } from '../../../base/callers.ts'
import { DAY_MS } from '../../../base/durations.ts'
import { idBytes } from '../../../base/ids.ts'
import {
  type DeliveryId,
  type EndpointId,
  FAILING_RECENTLY_MS,
  FAILING_STAGES,
  failingStepMs,
  type TenantId,
} from '../../../base/model.ts'
import type { Transaction } from '../../transaction.ts'
import { noteFailing } from '../notices.ts'
import { getEndpoint, setEndpointState } from './endpoints.ts'

export type FailingClaim = {
  readonly tenant: TenantId
  readonly endpoint: EndpointId
  /** When the last known failure ended. */
  readonly lastFailureMs: number
  /** The delivery that failed then. */
  readonly delivery: DeliveryId | null
  readonly nowMs: number
  /** How long an endpoint can go without a success before it is disabled, in milliseconds; 0: forever. */
  readonly disableAfterMs: number
}

/** `failing`: a run of failures, since when, and how many warnings were sent. `well`: the store has no run. */
export type FailingEscalation =
  | { readonly kind: 'well' | 'disabled' }
  | { readonly kind: 'failing'; readonly sinceMs: number; readonly stage: number; readonly isWarned: boolean }

/** Warns or disables. The state in the store decides, so that two callers do it only once. */
export function* escalateFailing(args: FailingClaim): Transaction<FailingEscalation> {
  const { tenant, nowMs, lastFailureMs, disableAfterMs } = args
  const endpoint = yield* getEndpoint({ tenant, id: args.endpoint })
  const sinceMs = endpoint?.health.failingSinceMs ?? null
  if (endpoint === null || endpoint.state === 'disabled' || sinceMs === null) return { kind: 'well' }
  const { stage } = endpoint.health
  const ageMs = nowMs - sinceMs
  const isRecent = nowMs - lastFailureMs <= FAILING_RECENTLY_MS
  if (isRecent && disableAfterMs > 0 && ageMs >= disableAfterMs) {
    const { delivery } = args
    const change = { by: SYSTEM, state: 'disabled', reason: 'failing', delivery, nowMs } as const
    yield* setEndpointState({ tenant, id: endpoint.id, ...change })
    return { kind: 'disabled' }
  }
  const reached = FAILING_STAGES.filter((_, index) => ageMs >= failingStepMs(index, disableAfterMs)).length
  if (!isRecent || reached <= stage) return { kind: 'failing', sinceMs, stage, isWarned: false }
  yield {
    text: 'update endpoint set failing_stage = $2 where id = $1',
    params: [idBytes(endpoint.id), reached],
  }
  const days = failingStepMs(reached - 1, disableAfterMs) / DAY_MS
  const disablesAtMs = disableAfterMs === 0 ? null : sinceMs + disableAfterMs
  const { delivery } = args
  yield* noteFailing(endpoint, { sinceMs, lastFailureMs, delivery, stage: reached, days, disablesAtMs }, nowMs)
  return { kind: 'failing', sinceMs, stage: reached, isWarned: true }
}
