/** What someone can do to a delivery manually. */

import { idBytes, idText } from '../../../base/ids.ts'
import type { DeliveryId, EndpointId, EndpointState, EventId, TenantId } from '../../../base/model.ts'
import type { Note } from '../../stream-notes.ts'
import { bytes, type Dialect, type Transaction } from '../../transaction.ts'
import { type By, recordAct } from '../audit.ts'
import { isRepeated, keepCall, type Once } from '../idempotent-calls.ts'
import { cancelledRow, KEPT_FIELDS, storeHistory } from './history.ts'
import { deliveryRows, type NewDelivery, storeDeliveryRows } from './new-deliveries.ts'

const changed = (tenant: TenantId, id: Uint8Array): Note => ({ note: () => [{ kind: 'delivery', tenant, id }] })

const about = (tenant: TenantId, targetId: DeliveryId) => ({ target: 'delivery', targetId, tenant }) as const

/** Makes a pending delivery's next attempt due now. Returns false if the delivery is not pending. */
export function* makeDueNow(
  args: { tenant: TenantId; id: DeliveryId; nowMs: number } & By & Once,
): Transaction<boolean | 'repeated'> {
  if (yield* isRepeated(args.once)) return 'repeated'
  const rows = yield {
    text: `update live_delivery set due_ms = $3 where tenant = $1 and id = $2 and state = 'pending' returning id`,
    params: [args.tenant, idBytes(args.id), args.nowMs],
  }
  if (rows.length === 0) return false
  yield changed(args.tenant, idBytes(args.id))
  yield* recordAct(args, { ...about(args.tenant, args.id), action: 'retried' }, args.nowMs)
  yield* keepCall(args.once)
  return true
}

/** The state that the delivery's endpoint must be in; otherwise nothing is done. Default: either. */
type IfState = { readonly ifState?: EndpointState }

/**
 * Releases a delivery that is set aside and forgets its open trials: it is due now, or held while its endpoint is
 * disabled. Returns null if the delivery is not set aside, or its endpoint is in another state.
 */
export function* releaseSetAside(
  args: { tenant: TenantId; id: DeliveryId; nowMs: number } & IfState & By & Once,
  dialect: Dialect,
): Transaction<{ held: boolean } | null | 'repeated'> {
  const { tenant, nowMs, ifState, once } = args
  if (yield* isRepeated(once)) return 'repeated'
  const id = idBytes(args.id)
  const rows = yield {
    text: `select e.state from live_delivery l join endpoint e on e.id = l.endpoint
           where l.tenant = $1 and l.id = $2 and l.held_reason = 'set_aside' ${dialect.lockLiveRows}`,
    params: [tenant, id],
  }
  if (rows.length === 0 || (ifState ?? rows[0]!.state) !== rows[0]!.state) return null
  const held = rows[0]!.state === 'disabled'
  yield {
    text: `update live_delivery set state = $3, held_reason = $4, due_ms = $5, open_trials = 0
           where tenant = $1 and id = $2`,
    params: [tenant, id, held ? 'held' : 'pending', held ? 'disabled' : null, nowMs],
  }
  yield changed(tenant, id)
  yield* recordAct(args, { ...about(tenant, args.id), action: 'retried' }, nowMs)
  yield* keepCall(once)
  return { held }
}

/** Returns the endpoint it would have gone to; null if there is no such delivery or it has ended. */
export function* cancelDelivery(
  args: { tenant: TenantId; id: DeliveryId; nowMs: number } & By,
): Transaction<EndpointId | null> {
  const rows = yield {
    text: `delete from live_delivery where tenant = $1 and id = $2
           returning ${KEPT_FIELDS}`,
    params: [args.tenant, idBytes(args.id)],
  }
  yield* storeHistory(rows.map(row => cancelledRow(row, args.nowMs)))
  if (rows.length === 0) return null
  yield* recordAct(args, { ...about(args.tenant, args.id), action: 'cancelled' }, args.nowMs)
  return idText('ep', bytes(rows[0]!.endpoint))
}

/**
 * Creates a delivery of an existing event to an endpoint as it is now. Returns null if either no longer exists, or the
 * endpoint is in another state.
 */
export function* createDelivery(
  args: {
    tenant: TenantId
    event: EventId
    type: string
    test: boolean
    delivery: Omit<NewDelivery, 'held' | 'ordered'>
    nowMs: number
  } & IfState &
    By &
    Once,
  dialect: Dialect,
): Transaction<{ held: boolean } | null | 'repeated'> {
  if (yield* isRepeated(args.once)) return 'repeated'
  const rows = yield {
    text: 'select state, ordered from endpoint where id = $1 and deleted_ms is null',
    params: [idBytes(args.delivery.endpoint)],
  }
  if (rows.length === 0 || (args.ifState ?? rows[0]!.state) !== rows[0]!.state) return null
  // This also keeps the event: retention can't remove it or its payload before this transaction is committed.
  const events = yield {
    text: `select 1 from event where tenant = $1 and id = $2 and length(payload) > 0 ${dialect.shareEventRows}`,
    params: [args.tenant, idBytes(args.event)],
  }
  if (events.length === 0) return null
  const held = rows[0]!.state === 'disabled'
  const { tenant, nowMs, event, type, test } = args
  const delivery = { ...args.delivery, held, ordered: rows[0]!.ordered === 1 }
  yield* storeDeliveryRows(deliveryRows(tenant, nowMs, event, type, test, [delivery]), dialect)
  yield* recordAct(args, { ...about(tenant, args.delivery.replayOf ?? delivery.id), action: 'retried' }, nowMs)
  yield* keepCall(args.once)
  return { held }
}
