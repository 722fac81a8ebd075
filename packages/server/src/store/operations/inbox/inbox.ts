/**
 * The inbox: what has been accepted and has no deliveries yet. It contains two kinds of rows. An arrival was published
 * from SQL: it has a payload and is not an event yet; a node validates and matches it, and stores it with its
 * deliveries. An item is an event that is already stored and has very many deliveries: a node creates them some at a
 * time, in the order of the endpoints' ids, so that their commits don't keep others waiting.
 *
 * A node claims rows for some seconds before it works on them, so that nodes don't do the same work. What it stores is
 * conditional on the row being unchanged, so even two nodes with the same row would not store it twice.
 */
import type { EndpointId, EventId, NotSent, TenantId } from '../../../base/model.ts'
import type { BulkQuery, Dialect, Transaction } from '../../transaction.ts'

export type InboxRow = {
  readonly tenant: TenantId
  readonly event: EventId
  readonly type: string
  readonly createdAtMs: number
}

/** An event that is stored, and whose deliveries are being created. */
export type InboxItem = InboxRow & {
  /** Deliveries to endpoints up to this one have been created; null: none yet. */
  readonly after: EndpointId | null
  /** The tenant's version that decides which endpoints want it: what is configured later applies to later events. */
  readonly tenantVersion: number
  /** How many deliveries have been created. */
  readonly made: number
  /** Why the other endpoints up to `after` got no delivery. */
  readonly notSent: NotSent
}

/** An event that was published from SQL. */
export type Arrival = InboxRow & {
  readonly key: string | null
  /** null: larger than `maxPayloadBytes`. */
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

/** Whether the inbox has a row that no node has claimed. */
export function* peekInbox(_args: object, dialect: Dialect): Transaction<boolean> {
  const rows = yield {
    text: `select tenant from inbox where claimed_until_ms <= ${dialect.nowMs} order by tenant, id limit 1`,
  }
  return rows.length > 0
}

/** The columns that name a row. */
export const KEY = ['tenant', 'id']

export const KEY_COLUMNS: BulkQuery['columns'] = [
  ['tenant', 'text'],
  ['id', 'bytes'],
]
