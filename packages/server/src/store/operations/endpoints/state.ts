/** Enabled or disabled: what a change of an endpoint's state does in its transaction. Its deliveries follow later. */

import { idBytes } from '../../../base/ids.ts'
import type { DeliveryId, DisabledReason, Endpoint, EndpointState } from '../../../base/model.ts'
import type { Transaction } from '../../transaction.ts'
import { type By, record } from '../audit.ts'
import { noteDisabled } from '../notices.ts'

export type StateChange = By & {
  readonly state: EndpointState
  /** Why, if it is disabled. */
  readonly reason: DisabledReason | null
  /** The delivery whose failure disabled it. Default: a person did. */
  readonly delivery?: DeliveryId | null
  readonly nowMs: number
}

/** Does nothing if the endpoint is in that state: an endpoint that is disabled again keeps its first reason and time. */
export function* changeState(
  before: Endpoint,
  { state, reason, delivery = null, nowMs, ...by }: StateChange,
): Transaction<void> {
  if (before.state === state) return
  const { id, tenant } = before
  const disabled = state === 'disabled' ? { reason, nowMs } : { reason: null, nowMs: null }
  yield {
    text: 'update endpoint set state = $2, disabled_reason = $3, disabled_ms = $4 where id = $1',
    params: [idBytes(id), state, disabled.reason, disabled.nowMs],
  }
  if (state === 'disabled') yield* noteDisabled(before, nowMs, reason!, delivery)
  yield* record(by, { action: state, target: 'endpoint', targetId: id, tenant }, nowMs)
}
