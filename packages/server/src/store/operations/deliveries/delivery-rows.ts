/** Converts rows of deliveries to the type that the rest of Posthorn uses. */

import { idText } from '../../../base/ids.ts'
import type { AttemptError, AttemptResult, Delivery, DeliveryState, HeldReason } from '../../../base/model.ts'
import { bytes, int, intOrNull, type Row, text, textOrNull } from '../../transaction.ts'

/** What the last attempt came to, of a delivery in either table. */
export const LAST_FIELDS = 'last_started_ms, last_duration_ms, last_status, last_error'

export const LIVE_FIELDS = `tenant, id, endpoint, event, type, state, held_reason, due_ms, attempts, replay_of, test, created_ms,
  cast(null as bigint) as ended_ms, ${LAST_FIELDS}`

export const HISTORY_FIELDS = `tenant, id, endpoint, event, type, state, cast(null as text) as held_reason,
  cast(null as bigint) as due_ms, attempts, replay_of, test, created_ms, ended_ms, ${LAST_FIELDS}`

export const toDelivery = (row: Row): Delivery => ({
  id: idText('dlv', bytes(row.id)),
  tenant: text(row.tenant),
  endpoint: idText('ep', bytes(row.endpoint)),
  event: idText('evt', bytes(row.event)),
  type: text(row.type),
  state: text(row.state) as DeliveryState,
  heldReason: textOrNull(row.held_reason) as HeldReason | null,
  attempts: int(row.attempts),
  lastAttempt: toResult(row),
  dueAtMs: row.state === 'pending' ? int(row.due_ms) : null,
  replayOf: row.replay_of === null ? null : idText('dlv', bytes(row.replay_of)),
  test: row.test === 1,
  createdAtMs: int(row.created_ms),
  endedAtMs: intOrNull(row.ended_ms),
})

function toResult(row: Row): AttemptResult | null {
  if (row.last_started_ms === null) return null
  return {
    startedAtMs: int(row.last_started_ms),
    durationMs: int(row.last_duration_ms),
    status: intOrNull(row.last_status),
    error: textOrNull(row.last_error) as AttemptError | null,
  }
}
