/** Rows of deliveries that have ended. */
import type { BulkQuery, Row, Transaction } from '../../transaction.ts'

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
]

export const historyRow = (row: Row, state: string, attempts: number, endedAtMs: number) => [
  row.tenant!,
  row.id!,
  row.endpoint!,
  row.event!,
  row.type!,
  state,
  attempts,
  row.replay_of!,
  row.test!,
  row.created_ms!,
  endedAtMs,
]

export function* storeHistory(rows: readonly ReturnType<typeof historyRow>[]): Transaction<void> {
  if (rows.length === 0) return
  yield {
    text: `insert into delivery
             (tenant, id, endpoint, event, type, state, attempts, replay_of, test, created_ms, ended_ms)
           select tenant, id, endpoint, event, type, state, attempts, replay_of, test, created_ms, ended_ms from v`,
    columns: HISTORY_COLUMNS,
    rows,
  }
}
