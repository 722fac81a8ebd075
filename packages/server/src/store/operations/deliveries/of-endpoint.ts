/** Applies a change of an endpoint to its deliveries, a limited number at a time. */

import { idBytes } from '../../../base/ids.ts'
import type { EndpointId } from '../../../base/model.ts'
import type { Note } from '../../stream-notes.ts'
import { bytes, type Row, type Transaction, text } from '../../transaction.ts'
import { cancelledRow, KEPT_FIELDS, storeHistory } from './history.ts'

type OfEndpoint = { readonly partition: number; readonly endpoint: EndpointId; readonly limit: number }

const changed = (rows: readonly Row[]): Note => ({
  note: () => rows.map(row => ({ kind: 'delivery', tenant: text(row.tenant), id: bytes(row.id) })),
})

/** Makes pending deliveries of a disabled endpoint held. Returns how many. */
export function* holdDeliveries(args: OfEndpoint): Transaction<number> {
  const rows = yield {
    text: `update live_delivery set state = 'held', held_reason = 'disabled' where (tenant, id) in (
             select l.tenant, l.id from live_delivery l join endpoint e on e.id = l.endpoint
             where l.partition = $1 and l.endpoint = $2 and l.state = 'pending' and e.state = 'disabled'
             limit ${args.limit})
           returning tenant, id`,
    params: [args.partition, idBytes(args.endpoint)],
  }
  yield changed(rows)
  return rows.length
}

/** Makes held deliveries of an enabled endpoint pending and due now. Returns how many. */
export function* releaseDeliveries(args: OfEndpoint & { nowMs: number }): Transaction<number> {
  const rows = yield {
    text: `update live_delivery set state = 'pending', held_reason = null,
             due_ms = case when due_ms > $3 then due_ms else $3 end
           where (tenant, id) in (
             select l.tenant, l.id from live_delivery l join endpoint e on e.id = l.endpoint
             where l.partition = $1 and l.endpoint = $2 and l.state = 'held' and l.held_reason = 'disabled'
               and e.state = 'enabled' order by l.id limit ${args.limit})
           returning tenant, id`,
    params: [args.partition, idBytes(args.endpoint), args.nowMs],
  }
  yield changed(rows)
  return rows.length
}

/** Cancels an endpoint's live deliveries, either all or only the held ones. Returns how many. */
export function* cancelDeliveries(args: OfEndpoint & { only: 'held' | 'all'; nowMs: number }): Transaction<number> {
  const states =
    args.only === 'held' ? `l.state = 'held' and l.held_reason = 'disabled'` : `l.state in ('pending', 'held')`
  const rows = yield {
    text: `delete from live_delivery where (tenant, id) in (
             select l.tenant, l.id from live_delivery l
             where l.partition = $1 and l.endpoint = $2 and ${states} limit ${args.limit})
           returning ${KEPT_FIELDS}`,
    params: [args.partition, idBytes(args.endpoint)],
  }
  yield* storeHistory(rows.map(row => cancelledRow(row, args.nowMs)))
  return rows.length
}
