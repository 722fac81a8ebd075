/** Event rows: how the rest of Posthorn reads them, and how publishing and the inbox store them. */

import type { FieldError } from '../../../base/errors.ts'
import { idText } from '../../../base/ids.ts'
import type { NotSent, PublishedEvent } from '../../../base/model.ts'
import {
  type BulkQuery,
  bytes,
  int,
  jsonOrNull,
  type Row,
  type Transaction,
  text,
  textOrNull,
} from '../../transaction.ts'

export const EVENT_FIELDS = 'tenant, id, type, event_key, payload, test, deliveries, not_sent, rejected, created_ms'

/** What was published from SQL and waits in the inbox, as an event: nothing but its content is known yet. */
export const ARRIVAL_FIELDS = `tenant, id, type, event_key, payload, 0 as test, cast(null as bigint) as deliveries,
  cast(null as text) as not_sent, cast(null as text) as rejected, created_ms`

export const toEvent = (row: Row): PublishedEvent => ({
  id: idText('evt', bytes(row.id)),
  tenant: text(row.tenant),
  type: text(row.type),
  key: textOrNull(row.event_key),
  payload: bytes(row.payload),
  test: row.test === 1,
  createdAtMs: int(row.created_ms),
  notSent: jsonOrNull(row.not_sent) as NotSent | null,
  rejected: jsonOrNull(row.rejected) as FieldError[] | null,
})

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
  // An event without a version was published for a tenant that doesn't exist: no list of events has it.
  yield {
    note: () =>
      rows
        .filter(row => row[EVENT_COLUMNS.length - 1] !== null)
        .map(row => ({ kind: 'event', tenant: row[0] as string, id: row[1] as Uint8Array })),
  }
}
