/**
 * Erasing a tenant: removes everything that belongs to it, in all tables, some rows at a time. A row belongs to a
 * tenant if its table has a column `tenant`, so a table that is added later is erased too. What stays are the audit
 * log's entries, which contain names but no values, and the row here, which says that the tenant was erased.
 */

import { Buffer } from 'node:buffer'
import { idBytes, idText } from '../../base/ids.ts'
import type { EndpointId, EventId, TenantId } from '../../base/model.ts'
import { type Erasure, OPERATOR_TENANT } from '../../base/tenant.ts'
import { reads, writes } from '../operation.ts'
import {
  type BulkQuery,
  bytes,
  type Dialect,
  int,
  intOrNull,
  type Row,
  type Transaction,
  text,
  type Value,
} from '../transaction.ts'
import { type By, record } from './audit.ts'
import { eraseCalls } from './idempotent-calls.ts'
import { describeTables, type TableShape } from './move.ts'
import { forgetTenantInMessages } from './notifications/messages.ts'
import { forgetTenantInBatches } from './replays/batches.ts'
import { forgetTenantInStream } from './stream/log.ts'
import { deleteTenant } from './tenants.ts'

const KEPT: ReadonlySet<string> = new Set(['audit', 'erasure'])

/** Erased first: what creates deliveries, then deliveries and events. New tables come between FIRST and LAST. */
const FIRST = ['inbox', 'live_delivery', 'attempt', 'delivery', 'event', 'idempotency']

/** Nodes learn from changes of these rows that they are no longer valid, so these are removed only at the end. */
const LAST: ReadonlySet<string> = new Set(['endpoint', 'api_key'])

const toErasure = (row: Row): Erasure => ({
  tenant: text(row.tenant_id),
  state: text(row.state) as Erasure['state'],
  rowsRemoved: int(row.rows_removed),
  requestedAtMs: int(row.requested_ms),
  finishedAtMs: intOrNull(row.finished_ms),
})

const FIELDS = 'tenant_id, state, rows_removed, requested_ms, finished_ms'

export type BegunErasure = {
  readonly erasure: Erasure
  /** The endpoints that this call deleted; empty if the tenant had been deleted before. */
  readonly endpoints: readonly { readonly id: EndpointId; readonly partition: number }[]
}

/**
 * Deletes the tenant, if it exists, and starts its erasure, unless that is already running. Returns null if there is no
 * such tenant and no data of one.
 *
 * @param args.attemptMs how long an attempt that is in flight now can take: its outcome is still recorded
 */
export function* eraseTenant(
  args: { id: TenantId; nowMs: number; attemptMs: number } & By,
): Transaction<BegunErasure | null> {
  const { id, nowMs, attemptMs } = args
  const running = yield {
    text: `select ${FIELDS} from erasure where tenant_id = $1 and state = 'running'`,
    params: [id],
  }
  if (running.length > 0) return { erasure: toErasure(running[0]!), endpoints: [] }
  const timeouts = yield {
    text: 'select coalesce(max(timeout_ms), 0) as ms from endpoint where tenant = $1',
    params: [id],
  }
  const endpoints = yield* deleteTenant(args)
  if (endpoints === null && !(yield* isAnythingOf(id))) return null
  const rows = yield {
    text: `insert into erasure (tenant_id, state, rows_removed, settled_ms, requested_ms, finished_ms)
           values ($1, 'running', 0, $2, $3, null)
           on conflict (tenant_id) do update set state = 'running', rows_removed = 0, settled_ms = excluded.settled_ms,
             requested_ms = excluded.requested_ms, finished_ms = null
           returning ${FIELDS}`,
    params: [id, nowMs + attemptMs + int(timeouts[0]!.ms), nowMs],
  }
  yield* record(args, { action: 'erased', target: 'tenant', targetId: id, tenant: id }, nowMs)
  return { erasure: toErasure(rows[0]!), endpoints: endpoints ?? [] }
}

function* isAnythingOf(tenant: TenantId): Transaction<boolean> {
  const rows = yield { text: 'select 1 from tenant where id = $1', params: [tenant] }
  if (rows.length > 0) return true
  for (const table of ['event', 'inbox', 'delivery']) {
    const found = yield { text: `select 1 from ${table} where tenant = $1 limit 1`, params: [tenant] }
    if (found.length > 0) return true
  }
  return false
}

export function* getErasure(args: { id: TenantId }): Transaction<Erasure | null> {
  const rows = yield { text: `select ${FIELDS} from erasure where tenant_id = $1`, params: [args.id] }
  return rows.length === 0 ? null : toErasure(rows[0]!)
}

/** A tenant to be erased. The oldest request comes first. */
export type ErasureJob = {
  readonly tenant: TenantId
  /** From then on no attempt is in flight. */
  readonly settledAtMs: number
}

export function* findOpenErasures(_args: object): Transaction<ErasureJob[]> {
  const rows = yield {
    text: `select tenant_id, settled_ms from erasure where state = 'running' order by requested_ms limit 100`,
  }
  return rows.map(row => ({ tenant: text(row.tenant_id), settledAtMs: int(row.settled_ms) }))
}

export type ErasureStep = {
  readonly tenant: TenantId
  /** False: keeps what nodes still read, that is, the tenant's row, its endpoints and its keys. */
  readonly isLast: boolean
  readonly limit: number
}

/** Removes some rows and returns how many; 0 if nothing is left. */
export function* eraseSome({ tenant, isLast, limit }: ErasureStep, dialect: Dialect): Transaction<number> {
  const tables = (yield* describeTables({}, dialect)).filter(table => isOfTenants(table, isLast))
  tables.sort((a, b) => placeOf(a) - placeOf(b))
  for (const table of tables) {
    const rows = yield* eraseRows(table, tenant, limit)
    if (rows === 0) continue
    yield* countRemoved(tenant, rows)
    return rows
  }
  // Their table names the tenant only in a part of the key.
  const calls = yield* eraseCalls(tenant, limit)
  if (calls > 0) {
    yield* countRemoved(tenant, calls)
    return calls
  }
  if (!isLast) return 0
  yield* forgetTenantInBatches(tenant)
  yield* forgetTenantInStream(tenant)
  yield* forgetTenantInMessages(tenant)
  const gone = yield { text: 'delete from tenant where id = $1 returning id', params: [tenant] }
  return gone.length
}

function* countRemoved(tenant: TenantId, rows: number): Transaction<void> {
  yield { text: 'update erasure set rows_removed = rows_removed + $2 where tenant_id = $1', params: [tenant, rows] }
}

const isOfTenants = ({ name, columns }: TableShape, isLast: boolean): boolean =>
  !KEPT.has(name) && (isLast || !LAST.has(name)) && columns.some(([column]) => column === 'tenant')

function placeOf({ name }: TableShape): number {
  if (LAST.has(name)) return FIRST.length + 1
  return FIRST.includes(name) ? FIRST.indexOf(name) : FIRST.length
}

/** The same array of columns for each table, so that statements are cached. */
const keyColumns = new Map<string, BulkQuery['columns']>()

function* eraseRows(table: TableShape, tenant: TenantId, limit: number): Transaction<number> {
  const { name, key, columns } = table
  const names = key.join(', ')
  const found = yield { text: `select ${names} from ${name} where tenant = $1 limit ${limit}`, params: [tenant] }
  if (found.length === 0) return 0
  const typed = keyColumns.get(name) ?? key.map(column => columns.find(([each]) => each === column)!)
  keyColumns.set(name, typed)
  yield {
    text: `delete from ${name} where (${names}) in (select ${names} from v)`,
    columns: typed,
    rows: found.map(row => key.map(column => row[column] as Value)),
  }
  return found.length
}

// What operational events quote

const QUOTING = `type in ('posthorn.delivery.exhausted', 'posthorn.endpoint.failing', 'posthorn.endpoint.disabled')`

/** Of the payload of such an event, what matters here. */
type Quoting = {
  readonly tenant: TenantId
  readonly payloadOmitted?: boolean
  readonly deliveries?: readonly object[]
}

const toQuoting = (row: Row): Quoting | null => {
  const payload = bytes(row.payload)
  return payload.length === 0 ? null : (JSON.parse(Buffer.from(payload).toString()) as Quoting)
}

/**
 * Operational events for the operator that quote the tenant's events and its receivers' responses, a page at a time. The
 * events themselves stay: they are the operator's.
 */
export function* findQuoting(args: {
  readonly tenant: TenantId
  readonly after: EventId | null
  readonly limit: number
}): Transaction<{ quoting: EventId[]; last: EventId | null }> {
  const rows = yield {
    text: `select id, payload from event where tenant = $1 and id > $2 and ${QUOTING} order by id limit $3`,
    params: [OPERATOR_TENANT, args.after === null ? new Uint8Array(16) : idBytes(args.after), args.limit],
  }
  const idOf = (row: Row) => idText('evt', bytes(row.id))
  const quoting = rows.filter(row => {
    const data = toQuoting(row)
    return data?.tenant === args.tenant && data.payloadOmitted !== undefined
  })
  return { quoting: quoting.map(idOf), last: rows.length === 0 ? null : idOf(rows.at(-1)!) }
}

/** Leaves out what these events quote. */
export function* forgetQuotes(args: { readonly events: readonly EventId[] }): Transaction<void> {
  for (const event of args.events) {
    const of = [OPERATOR_TENANT, idBytes(event)]
    const [row] = yield { text: 'select payload from event where tenant = $1 and id = $2', params: of }
    const data = row === undefined ? null : toQuoting(row)
    if (data === null) continue
    const { deliveries } = data
    const named = deliveries === undefined ? {} : { deliveries: deliveries.map(each => ({ ...each, key: null })) }
    const left = { ...data, ...named, key: null, payload: null, payloadOmitted: true, lastAttempt: null }
    yield {
      text: 'update event set payload = $3 where tenant = $1 and id = $2',
      params: [...of, Buffer.from(JSON.stringify(left))],
    }
  }
}

export function* finishErasure(args: { tenant: TenantId; nowMs: number }): Transaction<void> {
  yield {
    text: `update erasure set state = 'finished', finished_ms = $2 where tenant_id = $1 and state = 'running'`,
    params: [args.tenant, args.nowMs],
  }
}

/** Whether a tenant is being erased. Until the erasure has finished, its rows don't match each other. */
export function* isErasing(args: { readonly tenant: TenantId }): Transaction<boolean> {
  const rows = yield {
    text: `select 1 from erasure where tenant_id = $1 and state = 'running'`,
    params: [args.tenant],
  }
  return rows.length > 0
}

/** Removes erasures that finished before a time. The audit log's entries about them are kept for as long. */
export function* dropOldErasures({
  limit,
  beforeMs,
}: {
  readonly limit: number
  readonly beforeMs: number
}): Transaction<number> {
  const rows = yield {
    text: `delete from erasure where tenant_id in (
             select tenant_id from erasure where finished_ms < $1 limit ${limit}) returning tenant_id`,
    params: [beforeMs],
  }
  return rows.length
}

export const erasureOperations = {
  eraseTenant: writes({ run: eraseTenant, configuration: 'changes' }),
  getErasure: reads({ run: getErasure, waitedForBy: 'engine' }),
  findOpenErasures: reads({ run: findOpenErasures, waitedForBy: 'engine' }),
  findQuoting: reads({ run: findQuoting, waitedForBy: 'people' }),
  forgetQuotes: writes({ run: forgetQuotes, configuration: 'ignores' }),
  isErasing: reads({ run: isErasing, waitedForBy: 'engine' }),
  eraseSome: writes({ run: eraseSome, configuration: 'ignores' }),
  finishErasure: writes({ run: finishErasure, configuration: 'ignores' }),
  dropOldErasures: writes({ run: dropOldErasures, configuration: 'ignores' }),
}
