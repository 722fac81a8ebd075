/** Rows of deliveries that have ended. */
import { type BulkQuery, bytes, type Row, type Transaction, text } from '../../transaction.ts'
import { LAST_FIELDS } from './delivery-rows.ts'

const HISTORY_COLUMNS: BulkQuery['columns'] = [
  ['tenant', 'text'],
  ['id', 'bytes'],
  ['endpoint', 'bytes'],
  ['event', 'bytes'],
  ['type', 'text'],
  ['state', 'text'],
  ['attempts', 'int'],
  ['replay_of', 'bytes'],
  ['test', 'int'],
  ['created_ms', 'int'],
  ['ended_ms', 'int'],
  ['last_started_ms', 'int'],
  ['last_duration_ms', 'int'],
  ['last_status', 'int'],
  ['last_error', 'text'],
]

/** The columns of a live delivery that its row in history keeps. */
export const KEPT_FIELDS = `tenant, id, endpoint, event, type, attempts, replay_of, test, created_ms, ${LAST_FIELDS}`

/** @param row has the KEPT_FIELDS */
export const cancelledRow = (row: Row, endedAtMs: number) => [
  row.tenant!,
  row.id!,
  row.endpoint!,
  row.event!,
  row.type!,
  'cancelled',
  row.attempts!,
  row.replay_of!,
  row.test!,
  row.created_ms!,
  endedAtMs,
  row.last_started_ms!,
  row.last_duration_ms!,
  row.last_status!,
  row.last_error!,
]

export function* storeHistory(rows: readonly ReturnType<typeof cancelledRow>[]): Transaction<void> {
  if (rows.length === 0) return
  yield {
    text: `insert into delivery
             (tenant, id, endpoint, event, type, state, attempts, replay_of, test, created_ms, ended_ms, ${LAST_FIELDS})
           select tenant, id, endpoint, event, type, state, attempts, replay_of, test, created_ms, ended_ms, ${LAST_FIELDS}
           from v`,
    columns: HISTORY_COLUMNS,
    rows,
  }
  yield { note: () => rows.map(([tenant, id]) => ({ kind: 'delivery', tenant: text(tenant), id: bytes(id) })) }
}
