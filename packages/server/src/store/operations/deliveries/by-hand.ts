/** What a person does to a delivery. */

import { idBytes, idText } from '../../../base/ids.ts'
import type { DeliveryId, EndpointId, EventId, TenantId } from '../../../base/model.ts'
import { bytes, type Dialect, int, type Transaction } from '../../transaction.ts'
import { historyRow, storeHistory } from './history.ts'
import { deliveryRows, type NewDelivery, storeDeliveryRows } from './new-deliveries.ts'

/** A pending delivery's next attempt is now. False if it is not pending. */
export function* makeDueNow(args: { tenant: TenantId; id: DeliveryId; nowMs: number }): Transaction<boolean> {
  const rows = yield {
    text: `update live_delivery set due_ms = $3 where tenant = $1 and id = $2 and state = 'pending' returning id`,
    params: [args.tenant, idBytes(args.id), args.nowMs],
  }
  return rows.length > 0
}

/**
 * What was set aside is sent again, now and as if it had never been, or held while its endpoint is disabled. null if
 * it is not set aside.
 */
export function* releaseSetAside(
  args: { tenant: TenantId; id: DeliveryId; nowMs: number },
  dialect: Dialect,
): Transaction<{ held: boolean } | null> {
  const { tenant, nowMs } = args
  const id = idBytes(args.id)
  const rows = yield {
    text: `select e.state from live_delivery l join endpoint e on e.id = l.endpoint
           where l.tenant = $1 and l.id = $2 and l.held_reason = 'set_aside' ${dialect.lockLiveRows}`,
    params: [tenant, id],
  }
  if (rows.length === 0) return null
  const held = rows[0]!.state === 'disabled'
  yield {
    text: `update live_delivery set state = $3, held_reason = $4, due_ms = $5, open_trials = 0
           where tenant = $1 and id = $2`,
    params: [tenant, id, held ? 'held' : 'pending', held ? 'disabled' : null, nowMs],
  }
  return { held }
}

/** Answers the endpoint that it was to go to; null if it is not there, or has ended. */
export function* cancelDelivery(args: {
  tenant: TenantId
  id: DeliveryId
  nowMs: number
}): Transaction<EndpointId | null> {
  const rows = yield {
    text: `delete from live_delivery where tenant = $1 and id = $2
           returning tenant, id, endpoint, event, type, attempts, replay_of, test, created_ms`,
    params: [args.tenant, idBytes(args.id)],
  }
  yield* storeHistory(rows.map(row => historyRow(row, 'cancelled', int(row.attempts), args.nowMs)))
  return rows.length === 0 ? null : idText('ep', bytes(rows[0]!.endpoint))
}

/** A new delivery of an event that is there already, to an endpoint as it is now; null if either is gone. */
export function* createDelivery(
  args: {
    tenant: TenantId
    event: EventId
    type: string
    test: boolean
    delivery: Omit<NewDelivery, 'held' | 'ordered'>
    nowMs: number
  },
  dialect: Dialect,
): Transaction<{ held: boolean } | null> {
  const rows = yield {
    text: 'select state, ordered from endpoint where id = $1 and deleted_ms is null',
    params: [idBytes(args.delivery.endpoint)],
  }
  if (rows.length === 0) return null
  // Also keeps the event: neither it nor its payload goes with what is old before this is committed.
  const events = yield {
    text: `select 1 from event where tenant = $1 and id = $2 and length(payload) > 0 ${dialect.shareEventRows}`,
    params: [args.tenant, idBytes(args.event)],
  }
  if (events.length === 0) return null
  const held = rows[0]!.state === 'disabled'
  const { tenant, nowMs, event, type, test } = args
  const delivery = { ...args.delivery, held, ordered: rows[0]!.ordered === 1 }
  yield* storeDeliveryRows(deliveryRows(tenant, nowMs, event, type, test, [delivery]), dialect)
  return { held }
}
