/** The rows of events, as publishing and the inbox store them. */
import type { BulkQuery, Transaction } from '../transaction.ts'

const EVENT_COLUMNS: BulkQuery['columns'] = [
  ['tenant', 'text'],
  ['id', 'bytes'],
  ['type', 'text'],
  ['event_key', 'text'],
  ['payload', 'bytes'],
  ['test', 'int'],
  ['deliveries', 'int'],
  ['not_sent', 'text'],
  ['rejected', 'text'],
  ['created_ms', 'int'],
  ['traceparent', 'text'],
  ['tenant_version', 'int'],
]

export function* storeEventRows(rows: BulkQuery['rows']): Transaction<void> {
  if (rows.length === 0) return
  yield {
    text: `insert into event (tenant, id, type, event_key, payload, test, deliveries, not_sent, rejected, created_ms,
             traceparent, tenant_version)
           select tenant, id, type, event_key, payload, test, deliveries, not_sent, rejected, created_ms, traceparent,
             tenant_version
           from v`,
    columns: EVENT_COLUMNS,
    rows,
  }
}
