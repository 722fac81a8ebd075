/** What operational events report about a delivery that failed. */

import { idBytes, idText } from '../../../base/ids.ts'
import type { Attempt, DeliveryId, EventId, TenantId } from '../../../base/model.ts'
import { bytes, idList, int, type Row, type Transaction, textOrNull } from '../../transaction.ts'
import { ATTEMPT_FIELDS, toAttempt } from './attempts.ts'
import { getDelivery } from './reading.ts'

export type DeliveryFailure = {
  readonly event: EventId
  readonly type: string
  readonly key: string | null
  /** As published. Null if it is larger than asked for, or was removed. */
  readonly payload: Uint8Array | null
  /** The last attempt that failed, without its request. Null if none did, or it is no longer kept. */
  readonly lastAttempt: Attempt | null
  /** The keys of the other events that were asked for. Null for none. */
  readonly keys: ReadonlyMap<EventId, string | null>
}

export type FailureQuery = {
  readonly tenant: TenantId
  readonly delivery: DeliveryId
  /** Other events whose keys are wanted. */
  readonly events: readonly EventId[]
  readonly maxPayloadBytes: number
}

/** Null if the delivery is no longer kept. */
export function* readFailure(args: FailureQuery): Transaction<DeliveryFailure | null> {
  const { tenant, maxPayloadBytes } = args
  const delivery = yield* getDelivery({ tenant, id: args.delivery })
  if (delivery === null) return null
  const { text: list, params } = idList([delivery.event, ...args.events].map(idBytes), 2)
  const rows = yield {
    text: `select id, event_key, length(payload) as payload_bytes from event where tenant = $1 and id in (${list})`,
    params: [tenant, ...params],
  }
  const events = new Map(rows.map(row => [idText('evt', bytes(row.id)), row]))
  const own = events.get(delivery.event)
  return {
    event: delivery.event,
    type: delivery.type,
    key: textOrNull(own?.event_key ?? null),
    payload: own === undefined ? null : yield* readPayloadUpTo(maxPayloadBytes, tenant, own),
    lastAttempt: yield* readLastFailed(tenant, args.delivery),
    keys: new Map([...events].map(([id, row]) => [id, textOrNull(row.event_key)])),
  }
}

function* readPayloadUpTo(maxBytes: number, tenant: TenantId, event: Row): Transaction<Uint8Array | null> {
  const size = int(event.payload_bytes)
  if (size === 0 || size > maxBytes) return null
  const [row] = yield { text: 'select payload from event where tenant = $1 and id = $2', params: [tenant, event.id!] }
  return row === undefined ? null : bytes(row.payload)
}

function* readLastFailed(tenant: TenantId, delivery: DeliveryId): Transaction<Attempt | null> {
  const rows = yield {
    text: `select ${ATTEMPT_FIELDS} from attempt where tenant = $1 and delivery = $2 and error is not null
           order by number desc, started_ms desc limit 1`,
    params: [tenant, idBytes(delivery)],
  }
  return rows.length === 0 ? null : toAttempt(rows[0]!, null)
}
