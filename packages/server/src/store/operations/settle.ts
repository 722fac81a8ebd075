import { idBytes, idText } from '../../ids.ts'
import type { Attempt, DeliveryId, EndpointId, TenantId } from '../../model.ts'
import { type BulkQuery, bytes, type Dialect, int, type Row, type Transaction, text } from '../transaction.ts'
import { type PackedSettlements, type StoredSettlement, unpackSettlements } from './packed.ts'
import { bumpTenant, lockConfiguration } from './versions.ts'

/** What an attempt makes of its delivery. */
export type Step =
  | { readonly kind: 'delivered' }
  | { readonly kind: 'exhausted' }
  /** Another attempt follows. */
  | { readonly kind: 'retry'; readonly dueAtMs: number }

/** One attempt's end: always recorded, and a step of its delivery where the fences let it. */
export type Settlement = {
  readonly tenant: TenantId
  readonly delivery: DeliveryId
  readonly endpoint: EndpointId
  readonly partition: number
  /** The epoch under which this node holds the partition. */
  readonly epoch: number
  readonly attempt: Attempt
  readonly step: Step
  /** The receiver answered 410: the endpoint is to be disabled (C11). */
  readonly gone: boolean
  readonly endedAtMs: number
}

export type SettleResult = {
  /** Per settlement: whether it moved its delivery. */
  readonly applied: readonly boolean[]
  /** Endpoints that a 410 disabled just now. */
  readonly disabled: readonly { readonly tenant: TenantId; readonly endpoint: EndpointId }[]
}

/**
 * The fences: a failure counts only while the delivery is pending, at the attempt before, and the partition's epoch is
 * ours. A 2xx counts in any live state: the receiver has it, whoever sent it.
 */
export function* settle(packed: PackedSettlements, dialect: Dialect): Transaction<SettleResult> {
  const settlements = unpackSettlements(packed)
  if (settlements.some(({ gone }) => gone)) yield* lockConfiguration(dialect)
  yield* storeAttempts(settlements)
  const epochs = yield* currentEpochs(settlements)
  const ending: StoredSettlement[] = []
  const retrying: StoredSettlement[] = []
  for (const settlement of settlements) {
    if (settlement.step.kind === 'delivered') ending.push(settlement)
    else if (epochs.get(settlement.partition) !== settlement.epoch) continue
    else if (settlement.step.kind === 'exhausted') ending.push(settlement)
    else retrying.push(settlement)
  }
  const moved = new Set<DeliveryId>()
  yield* end(ending, moved)
  yield* reschedule(retrying, moved)
  const disabled = yield* disableGone(settlements, epochs)
  return { applied: settlements.map(({ delivery }) => moved.has(delivery)), disabled }
}

const ATTEMPT_COLUMNS: BulkQuery['columns'] = [
  ['tenant', 'text'],
  ['delivery', 'bytes'],
  ['number', 'int'],
  ['started_ms', 'int'],
  ['duration_ms', 'int'],
  ['status', 'int'],
  ['error', 'text'],
  ['address', 'text'],
  ['headers', 'text'],
  ['body', 'bytes'],
  ['truncated', 'int'],
]

function* storeAttempts(settlements: readonly StoredSettlement[]): Transaction<void> {
  yield {
    text: `insert into attempt
             (tenant, delivery, number, started_ms, duration_ms, status, error, address, headers, body, truncated)
           select tenant, delivery, number, started_ms, duration_ms, status, error, address, headers, body, truncated
           from v where true on conflict do nothing`,
    columns: ATTEMPT_COLUMNS,
    rows: settlements.map(({ tenant, delivery, attempt }) => [
      tenant,
      idBytes(delivery),
      attempt.number,
      attempt.startedAtMs,
      attempt.durationMs,
      attempt.status,
      attempt.error,
      attempt.address,
      attempt.headersText,
      attempt.responseBody,
      attempt.responseTruncated ? 1 : 0,
    ]),
  }
}

const PARTITION_COLUMNS: BulkQuery['columns'] = [['id', 'int']]

function* currentEpochs(settlements: readonly StoredSettlement[]): Transaction<Map<number, number>> {
  const partitions = [...new Set(settlements.map(({ partition }) => partition))].sort((a, b) => a - b)
  const rows = yield {
    text: 'select p.id, p.epoch from partition_lease p join v on p.id = v.id',
    columns: PARTITION_COLUMNS,
    rows: partitions.map(id => [id]),
  }
  return new Map(rows.map(row => [int(row.id), int(row.epoch)]))
}

const END_COLUMNS: BulkQuery['columns'] = [
  ['tenant', 'text'],
  ['id', 'bytes'],
  ['attempts_before', 'int'],
]

// Row values against a list, not `exists (…)`: SQLite would go through the whole table for each row of `v` (144 µs
// instead of 9 for one delivery, with a few thousand pending).
const DELETE_LIVE = `delete from live_delivery where (tenant, id) in (select v.tenant, v.id from v)`
const RETURNING_LIVE = 'returning tenant, id, endpoint, event, type, attempts, replay_of, test, created_ms'
const DELETE_DELIVERED = `${DELETE_LIVE} ${RETURNING_LIVE}`
const DELETE_EXHAUSTED = `${DELETE_LIVE} and state = 'pending' and attempts = (
    select v.attempts_before from v where v.tenant = live_delivery.tenant and v.id = live_delivery.id)
  ${RETURNING_LIVE}`

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

/** Takes deliveries out of the live table and puts them into history. */
function* end(settlements: readonly StoredSettlement[], moved: Set<DeliveryId>): Transaction<void> {
  if (settlements.length === 0) return
  const byDelivery = new Map(settlements.map(settlement => [settlement.delivery, settlement]))
  const rows = yield* deleteLive(DELETE_DELIVERED, 'delivered', byDelivery)
  rows.push(...(yield* deleteLive(DELETE_EXHAUSTED, 'exhausted', byDelivery)))
  yield* storeHistory(
    rows.map(row => {
      const id = idText('dlv', bytes(row.id))
      const { step, attempt, endedAtMs } = byDelivery.get(id)!
      moved.add(id)
      return historyRow(row, step.kind, Math.max(attempt.number, int(row.attempts)), endedAtMs)
    }),
  )
}

function* deleteLive(
  text: string,
  kind: Step['kind'],
  byDelivery: ReadonlyMap<DeliveryId, StoredSettlement>,
): Transaction<Row[]> {
  const rows = [...byDelivery.values()].filter(({ step }) => step.kind === kind)
  if (rows.length === 0) return []
  return yield {
    text,
    columns: END_COLUMNS,
    rows: rows.map(({ tenant, delivery, attempt }) => [tenant, idBytes(delivery), attempt.number - 1]),
  }
}

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

const RETRY_COLUMNS: BulkQuery['columns'] = [
  ['tenant', 'text'],
  ['id', 'bytes'],
  ['attempts', 'int'],
  ['due_ms', 'int'],
]

function* reschedule(settlements: readonly StoredSettlement[], moved: Set<DeliveryId>): Transaction<void> {
  if (settlements.length === 0) return
  const rows = yield {
    text: `update live_delivery set attempts = v.attempts, due_ms = v.due_ms from v
           where v.tenant = live_delivery.tenant and v.id = live_delivery.id
             and live_delivery.state = 'pending' and live_delivery.attempts = v.attempts - 1
           returning live_delivery.id`,
    columns: RETRY_COLUMNS,
    rows: settlements.map(({ tenant, delivery, attempt, step }) => [
      tenant,
      idBytes(delivery),
      attempt.number,
      step.kind === 'retry' ? step.dueAtMs : 0,
    ]),
  }
  for (const row of rows) moved.add(idText('dlv', bytes(row.id)))
}

function* disableGone(
  settlements: readonly StoredSettlement[],
  epochs: ReadonlyMap<number, number>,
): Transaction<SettleResult['disabled']> {
  const disabled: { tenant: TenantId; endpoint: EndpointId }[] = []
  for (const { gone, tenant, endpoint, partition, epoch, endedAtMs } of settlements) {
    if (!gone || epochs.get(partition) !== epoch) continue
    const rows = yield {
      text: `update endpoint set state = 'disabled', disabled_reason = 'gone', updated_ms = $2
             where id = $1 and state = 'enabled' and deleted_ms is null returning tenant`,
      params: [idBytes(endpoint), endedAtMs],
    }
    if (rows.length === 0) continue
    disabled.push({ tenant: text(rows[0]!.tenant), endpoint })
    yield* bumpTenant(tenant)
  }
  return disabled
}
