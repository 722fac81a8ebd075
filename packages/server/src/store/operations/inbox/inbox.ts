/**
 * The inbox: what has been accepted, and has no deliveries yet. Two kinds of rows lie there. An arrival was published
 * from SQL: it has a payload, and is not an event yet; a node validates and matches it, and stores it with its
 * deliveries. The other is an event that is stored already and has very many deliveries: a node makes them some at a
 * time, in the order of the endpoints' ids, so that no commit of them keeps others waiting.
 *
 * A node claims rows for some seconds before it works on them, so that nodes don't do each other's work; whatever it
 * stores is conditional on the row still being there as it was, so that two that did would not store it twice.
 */
import type { EndpointId, EventId, NotSent, TenantId } from '../../../base/model.ts'
import type { BulkQuery, Dialect, Transaction } from '../../transaction.ts'

export type InboxRow = {
  readonly tenant: TenantId
  readonly event: EventId
  readonly type: string
  readonly createdAtMs: number
}

/** An event that is stored, and whose deliveries are being made. */
export type InboxItem = InboxRow & {
  /** Its deliveries are made up to this endpoint; null: of none. */
  readonly after: EndpointId | null
  /** The version of its tenant that decides who wants it: what is configured later is for later events. */
  readonly tenantVersion: number
  /** How many are made. */
  readonly made: number
  /** What became of the other endpoints up to there. */
  readonly notSent: NotSent
}

/** What was published from SQL. */
export type Arrival = InboxRow & {
  readonly key: string | null
  /** null: larger than what was asked for. */
  readonly payload: Uint8Array | null
  readonly payloadBytes: number
}

const INBOX_COLUMNS: BulkQuery['columns'] = [
  ['tenant', 'text'],
  ['id', 'bytes'],
  ['type', 'text'],
  ['created_ms', 'int'],
  ['tenant_version', 'int'],
]

export function* storeInbox(
  rows: readonly (readonly [
    tenant: TenantId,
    event: Uint8Array,
    type: string,
    createdAtMs: number,
    tenantVersion: number,
  ])[],
): Transaction<void> {
  if (rows.length === 0) return
  yield {
    text: `insert into inbox (tenant, id, type, created_ms, tenant_version)
           select tenant, id, type, created_ms, tenant_version from v`,
    columns: INBOX_COLUMNS,
    rows,
  }
}

/** Whether there is anything that nobody has claimed. */
export function* peekInbox(_args: object, dialect: Dialect): Transaction<boolean> {
  const rows = yield {
    text: `select tenant from inbox where claimed_until_ms <= ${dialect.nowMs} order by tenant, id limit 1`,
  }
  return rows.length > 0
}

export const KEY_COLUMNS: BulkQuery['columns'] = [
  ['tenant', 'text'],
  ['id', 'bytes'],
]
