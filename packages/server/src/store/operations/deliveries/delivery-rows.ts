/** Converts rows of deliveries and attempts to the types that the rest of Posthorn uses. */

import { idText } from '../../../base/ids.ts'
import type { Attempt, AttemptError, Delivery, DeliveryState, HeldReason } from '../../../base/model.ts'
import { bytes, int, intOrNull, type Row, text, textOrNull } from '../../transaction.ts'
import { unpackHeaders } from './answer-headers.ts'

export const LIVE_FIELDS = `tenant, id, endpoint, event, type, state, held_reason, due_ms, attempts, replay_of, test, created_ms,
  null as ended_ms`

export const HISTORY_FIELDS = `tenant, id, endpoint, event, type, state, null as held_reason, null as due_ms, attempts,
  replay_of, test, created_ms, ended_ms`

export const toDelivery = (row: Row): Delivery => ({
  id: idText('dlv', bytes(row.id)),
  tenant: text(row.tenant),
  endpoint: idText('ep', bytes(row.endpoint)),
  event: idText('evt', bytes(row.event)),
  type: text(row.type),
  state: text(row.state) as DeliveryState,
  heldReason: textOrNull(row.held_reason) as HeldReason | null,
  attempts: int(row.attempts),
  dueAtMs: row.state === 'pending' ? int(row.due_ms) : null,
  replayOf: row.replay_of === null ? null : idText('dlv', bytes(row.replay_of)),
  test: row.test === 1,
  createdAtMs: int(row.created_ms),
  endedAtMs: intOrNull(row.ended_ms),
})

export const ATTEMPT_FIELDS = `number, started_ms, duration_ms, status, error, address, headers, body, truncated`

export function toAttempt(row: Row): Attempt {
  return {
    number: int(row.number),
    startedAtMs: int(row.started_ms),
    durationMs: int(row.duration_ms),
    outcome: row.error === null ? 'success' : 'failure',
    status: intOrNull(row.status),
    error: textOrNull(row.error) as AttemptError | null,
    address: textOrNull(row.address),
    responseHeaders: unpackHeaders(bytes(row.headers)),
    responseBody: bytes(row.body),
    responseTruncated: row.truncated === 1,
    responseRemoved: row.truncated === 2,
  }
}
