/** Rows of new deliveries, created by publishing, from the inbox, and by replays. */

import { Buffer } from 'node:buffer'
import { idBytes } from '../../../base/ids.ts'
import type { DeliveryId, EndpointId, EventId, TenantId } from '../../../base/model.ts'
import { type BulkQuery, bytes, type Dialect, int, type Transaction } from '../../transaction.ts'

/** A delivery to be created, as decided by matching. */
export type NewDelivery = {
  readonly id: DeliveryId
  readonly endpoint: EndpointId
  readonly partition: number
  /** The endpoint is disabled: the delivery starts as held. */
  readonly held: boolean
  /** The endpoint is ordered: the delivery gets a number, which places it at the end of the endpoint's queue. */
  readonly ordered: boolean
  readonly replayOf?: DeliveryId
}

const LIVE_COLUMNS: BulkQuery['columns'] = [
  ['tenant', 'text'],
  ['id', 'bytes'],
  ['endpoint', 'bytes'],
  ['partition', 'int'],
  ['event', 'bytes'],
  ['type', 'text'],
  ['state', 'text'],
  ['held_reason', 'text'],
  ['due_ms', 'int'],
  ['replay_of', 'bytes'],
  ['test', 'int'],
  ['seq', 'int'],
]

type DeliveryRow = readonly [
  tenant: TenantId,
  id: Uint8Array,
  endpoint: Uint8Array,
  partition: number,
  event: Uint8Array,
  type: string,
  state: string,
  heldReason: string | null,
  dueAtMs: number,
  replayOf: Uint8Array | null,
  test: number,
  seq: number | null,
]

/** A placeholder for a number that is not assigned yet. */
const UNNUMBERED = 0

export function deliveryRows(
  tenant: TenantId,
  nowMs: number,
  event: EventId,
  type: string,
  test: boolean,
  deliveries: readonly NewDelivery[],
): DeliveryRow[] {
  const eventBytes = idBytes(event)
  return deliveries.map(delivery => [
    tenant,
    idBytes(delivery.id),
    idBytes(delivery.endpoint),
    delivery.partition,
    eventBytes,
    type,
    delivery.held ? 'held' : 'pending',
    delivery.held ? 'disabled' : null,
    nowMs,
    delivery.replayOf === undefined ? null : idBytes(delivery.replayOf),
    test ? 1 : 0,
    delivery.ordered ? UNNUMBERED : null,
  ])
}

const ENDPOINT_COLUMNS: BulkQuery['columns'] = [['id', 'bytes']]

const SEQ_COLUMNS: BulkQuery['columns'] = [
  ['id', 'bytes'],
  ['next_seq', 'int'],
]

/**
 * Numbers the deliveries to ordered endpoints. The endpoints' rows stay locked until the commit. So, whichever node
 * stores them, numbers rise in commit order, and a reader of an endpoint's queue sees its beginning.
 */
function* numbered(rows: readonly DeliveryRow[], dialect: Dialect): Transaction<DeliveryRow[]> {
  const keyOfEndpoint = ([, , endpoint]: DeliveryRow) => Buffer.from(endpoint).toString('latin1')
  const ids = new Map(rows.filter(row => row[11] !== null).map(row => [keyOfEndpoint(row), row[2]]))
  // Locked in the order of their ids, so that two transactions wait for each other instead of deadlocking.
  const found = yield {
    text: `select e.id, e.next_seq from endpoint e join v on e.id = v.id order by e.id ${dialect.lockEndpointRows}`,
    columns: ENDPOINT_COLUMNS,
    rows: [...ids.values()].map(id => [id]),
  }
  const next = new Map(found.map(row => [Buffer.from(bytes(row.id)).toString('latin1'), int(row.next_seq)]))
  const done = rows.map((row): DeliveryRow => {
    if (row[11] === null) return row
    const key = keyOfEndpoint(row)
    const seq = next.get(key)!
    next.set(key, seq + 1)
    const [tenant, id, endpoint, partition, event, type, state, heldReason, dueAtMs, replayOf, test] = row
    return [tenant, id, endpoint, partition, event, type, state, heldReason, dueAtMs, replayOf, test, seq]
  })
  yield {
    text: 'update endpoint set next_seq = v.next_seq from v where endpoint.id = v.id',
    columns: SEQ_COLUMNS,
    rows: [...ids].map(([key, id]) => [id, next.get(key)!]),
  }
  return done
}

export function* storeDeliveryRows(unnumbered: readonly DeliveryRow[], dialect: Dialect): Transaction<void> {
  if (unnumbered.length === 0) return
  const rows = unnumbered.some(row => row[11] !== null) ? yield* numbered(unnumbered, dialect) : unnumbered
  yield {
    text: `insert into live_delivery
             (tenant, id, endpoint, partition, event, type, state, held_reason, due_ms, attempts, replay_of, test,
              created_ms, seq)
           select tenant, id, endpoint, partition, event, type, state, held_reason, due_ms, 0, replay_of, test, due_ms,
             seq
           from v`,
    columns: LIVE_COLUMNS,
    rows,
  }
  yield { note: () => rows.map(([tenant, id]) => ({ kind: 'delivery', tenant, id })) }
}
