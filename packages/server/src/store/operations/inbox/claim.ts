/** Claims rows of the inbox and releases them. */

import { idBytes, idText } from '../../../base/ids.ts'
import type { NotSent, TenantId } from '../../../base/model.ts'
import {
  bytes,
  type Dialect,
  int,
  intOrNull,
  jsonOrNull,
  type Row,
  type Transaction,
  text,
  textOrNull,
  type Value,
} from '../../transaction.ts'
import { type Arrival, type InboxItem, type InboxRow, KEY, KEY_COLUMNS } from './inbox.ts'

const MAX_TENANTS = 64

/** The most rows in one claim. */
const MAX_ROWS = 512

/** The most payload bytes in one claim: its rows are processed in one go, which blocks the process. */
const MAX_PAYLOAD_BYTES = 2 * 1024 * 1024

export type InboxClaim = {
  /** Claims rows of tenants after this one; empty: from the first. */
  readonly after: TenantId
  /** How long no other node takes the rows, in milliseconds. */
  readonly claimMs: number
  /** Larger payloads are left in the store. */
  readonly maxPayloadBytes: number
  /** Fewer rows of some tenants, whose rows take long. Default: none. */
  readonly maxRows?: ReadonlyMap<TenantId, number>
}

export type ClaimedInbox = {
  readonly arrivals: readonly Arrival[]
  readonly items: readonly InboxItem[]
  /** The last tenant whose rows were claimed; empty if none were left. */
  readonly last: TenantId
  /** This tenant or those after it might have more. */
  readonly hasMore: boolean
}

/** Claims the oldest few unclaimed rows of each tenant, for a limited number of tenants. */
export function* claimInbox(args: InboxClaim, dialect: Dialect): Transaction<ClaimedInbox> {
  const tenants = yield* waitingTenants(args.after, dialect)
  if (tenants.length === 0) return { arrivals: [], items: [], last: '', hasMore: false }
  const found = yield* lockOldest(tenants, args, dialect)
  const chosen = withinBytes(found, args.maxPayloadBytes)
  const rows = chosen.length === 0 ? [] : yield* claimRows(chosen, args, dialect)
  const isArrival = (row: Row) => row.payload_bytes !== null
  const isCut = chosen.length < found.length
  return {
    arrivals: rows.filter(isArrival).map(toArrival),
    items: rows.filter(row => !isArrival(row)).map(toItem),
    // If the payloads were too large together, the remaining rows come with the next claim.
    last: isCut ? text(chosen.at(-1)!.tenant) : tenants.at(-1)!,
    hasMore: isCut || tenants.length === MAX_TENANTS,
  }
}

/** Skips from tenant to tenant along the key. */
function* waitingTenants(after: TenantId, { nowMs }: Dialect): Transaction<TenantId[]> {
  const rows = yield {
    text: `with recursive skip(tenant) as (
             select (select tenant from inbox where tenant > $1 and claimed_until_ms <= ${nowMs}
                     order by tenant limit 1)
             union all
             select (select i.tenant from inbox i where i.tenant > skip.tenant and i.claimed_until_ms <= ${nowMs}
                     order by i.tenant limit 1)
             from skip where skip.tenant is not null)
           select tenant from skip where tenant is not null limit ${MAX_TENANTS}`,
    params: [after],
  }
  return rows.map(row => text(row.tenant))
}

/**
 * One statement for each tenant: given one for all, PostgreSQL before 17 would read the whole inbox. It would also do
 * so if it knew the limit and expected no more rows than that (31 ms instead of 1, for 50,000). It can't know a limit
 * that comes from a query, and reads along the key.
 */
function* lockOldest(
  tenants: readonly TenantId[],
  { maxRows }: InboxClaim,
  { nowMs, skipLocked }: Dialect,
): Transaction<Row[]> {
  const each = Math.floor(MAX_ROWS / tenants.length)
  const found: Row[] = []
  for (const tenant of tenants) {
    const rows = yield {
      text: `select tenant, id, coalesce(length(payload), 0) as size from inbox
             where tenant = $1 and claimed_until_ms <= ${nowMs} order by id
             limit (select cast($2 as bigint)) ${skipLocked}`,
      params: [tenant, Math.min(each, maxRows?.get(tenant) ?? each)],
    }
    for (const row of rows) found.push(row)
  }
  return found
}

/** The first rows whose payloads fit into memory together; at least one row. */
function withinBytes(rows: readonly Row[], maxPayloadBytes: number): Row[] {
  let left = MAX_PAYLOAD_BYTES
  const end = rows.findIndex((row, index) => {
    const size = int(row.size)
    if (size <= maxPayloadBytes) left -= size
    return left < 0 && index > 0
  })
  return rows.slice(0, end < 0 ? rows.length : end)
}

const keyOf = (row: Row): [Value, Value] => [row.tenant!, row.id!]

function* claimRows(rows: readonly Row[], args: InboxClaim, { nowMs, isNamed }: Dialect): Transaction<Row[]> {
  const claimed = yield {
    text: `update inbox set claimed_until_ms = ${nowMs} + ${args.claimMs} from v where ${isNamed('inbox', KEY)}
           returning inbox.tenant, inbox.id, type, event_key, created_ms, after_endpoint, made, not_sent, tenant_version,
             length(payload) as payload_bytes,
             case when length(payload) <= ${args.maxPayloadBytes} then payload end as payload`,
    columns: KEY_COLUMNS,
    rows: rows.map(keyOf),
  }
  return claimed.sort((a, b) =>
    a.tenant === b.tenant ? Buffer.compare(bytes(a.id), bytes(b.id)) : a.tenant! < b.tenant! ? -1 : 1,
  )
}

const toRow = (row: Row): InboxRow => ({
  tenant: text(row.tenant),
  event: idText('evt', bytes(row.id)),
  type: text(row.type),
  createdAtMs: int(row.created_ms),
})

const toItem = (row: Row): InboxItem => ({
  ...toRow(row),
  after: row.after_endpoint === null ? null : idText('ep', bytes(row.after_endpoint)),
  tenantVersion: int(row.tenant_version),
  made: int(row.made),
  notSent: (jsonOrNull(row.not_sent) ?? {}) as NotSent,
})

const toArrival = (row: Row): Arrival => ({
  ...toRow(row),
  key: textOrNull(row.event_key),
  payload: row.payload === null ? null : bytes(row.payload),
  payloadBytes: intOrNull(row.payload_bytes)!,
})

/** Releases rows that are not worked on after all: any node can claim them in `afterMs` milliseconds. */
export function* releaseInbox(
  args: { rows: readonly Pick<InboxRow, 'tenant' | 'event'>[]; afterMs: number },
  { nowMs, isNamed }: Dialect,
): Transaction<void> {
  if (args.rows.length === 0) return
  yield {
    text: `update inbox set claimed_until_ms = ${nowMs} + ${args.afterMs} from v where ${isNamed('inbox', KEY)}`,
    columns: KEY_COLUMNS,
    rows: args.rows.map(({ tenant, event }) => [tenant, idBytes(event)]),
  }
}
