import { idBytes, idText } from '../../../base/ids.ts'
import type { DeliveryId, EndpointId, TenantId } from '../../../base/model.ts'
import type { Noted } from '../../stream-notes.ts'
import {
  type BulkQuery,
  bytes,
  type Dialect,
  int,
  jsonOrNull,
  type Row,
  type Transaction,
  text,
} from '../../transaction.ts'
import { record } from '../audit.ts'
import { bumpTenant, lockConfiguration } from '../configuration.ts'
import { markEndpoints } from '../endpoints/marks.ts'
import { exhaustedFact, gatherExhausted, noteDisabled } from '../notices.ts'
import { LAST_FIELDS } from './delivery-rows.ts'
import type { Moved, NextStep, SettleArguments, SettleResult, StoredSettlement } from './settlement.ts'

/**
 * Settles attempts, with these fences: a failure counts only if the delivery is pending, its previous attempt was the
 * one before this, and this node holds the partition's current epoch. A 2xx counts in any live state: the receiver has
 * the webhook, whichever node sent it.
 */
export function* settle(
  { settlements, marks }: SettleArguments<StoredSettlement>,
  dialect: Dialect,
): Transaction<SettleResult> {
  if (settlements.some(({ gone }) => gone)) yield* lockConfiguration(dialect)
  yield* storeAttempts(settlements)
  const steps: Record<NextStep['kind'], StoredSettlement[]> = { delivered: [], exhausted: [], retry: [] }
  for (const settlement of settlements) steps[settlement.step.kind].push(settlement)
  const moved = new Map<DeliveryId, Moved>()
  yield* end('delivered', steps.delivered, moved, dialect)
  yield* end('exhausted', steps.exhausted, moved, dialect)
  yield* reschedule(steps.retry, moved, dialect)
  yield {
    note: () => settlements.filter(({ delivery }) => moved.has(delivery)).map(settlement => noteOf(settlement)),
  }
  yield* markEndpoints(marks, dialect)
  const disabled = yield* disableGone(settlements)
  return { moved: settlements.map(({ delivery }) => moved.get(delivery) ?? 'unmoved'), disabled }
}

const noteOf = ({ tenant, delivery }: StoredSettlement): Noted => ({
  kind: 'delivery',
  tenant,
  id: idBytes(delivery),
})

const ATTEMPT_COLUMNS: BulkQuery['columns'] = [
  ['tenant', 'text'],
  ['delivery', 'bytes'],
  ['number', 'int'],
  ['started_ms', 'int'],
  ['duration_ms', 'int'],
  ['status', 'int'],
  ['error', 'text'],
  ['address', 'text'],
  ['headers', 'bytes'],
  ['body', 'bytes'],
  ['truncated', 'int'],
  ['request_version', 'int'],
  ['sender', 'int'],
]

function* storeAttempts(settlements: readonly StoredSettlement[]): Transaction<void> {
  yield {
    text: `insert into attempt (tenant, delivery, number, started_ms, duration_ms, status, error, address, headers, body,
             truncated, request_version, sender)
           select tenant, delivery, number, started_ms, duration_ms, status, error, address, headers, body, truncated,
             request_version, sender
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
      attempt.headers,
      attempt.responseBody,
      attempt.responseTruncated ? 1 : 0,
      attempt.requestVersion,
      attempt.sender,
    ]),
  }
  yield {
    note: () =>
      settlements.map(({ tenant, delivery, attempt: { number, startedAtMs } }) => ({
        kind: 'attempt',
        tenant,
        id: idBytes(delivery),
        number,
        startedAtMs,
      })),
  }
}

type EndKind = 'delivered' | 'exhausted'

const DELIVERED_COLUMNS: BulkQuery['columns'] = [
  ['tenant', 'text'],
  ['id', 'bytes'],
  ['attempt', 'int'],
  ['ended_ms', 'int'],
  ['started_ms', 'int'],
  ['duration_ms', 'int'],
  ['status', 'int'],
]

/** What goes into the query by how the deliveries end: each value costs something at each delivery. */
const END_COLUMNS: Readonly<Record<EndKind, BulkQuery['columns']>> = {
  delivered: DELIVERED_COLUMNS,
  exhausted: [...DELIVERED_COLUMNS, ['error', 'text'], ['epoch', 'int']],
}

const LIVE_KEY = ['tenant', 'id']

const LIVE_KEY_COLUMNS: BulkQuery['columns'] = [
  ['tenant', 'text'],
  ['id', 'bytes'],
]

/**
 * Whether this node still holds the partition. Checked in the same statement that moves the delivery: another node can
 * take over while a process is paused between two statements of its transaction.
 */
const isOurs = (partition: string, epoch: string): string =>
  `exists (select 1 from partition_lease p where p.id = ${partition} and p.epoch = ${epoch})`

/**
 * A failure moves only a pending delivery whose next attempt it was. In a `case`, where the planner of PostgreSQL does
 * not look: rows are found by their key alone (see `Dialect.isNamed`), and not along an index of pending ones.
 */
const isNext = (table: string, attempt: string): string =>
  `case when ${table}.state = 'pending' and ${table}.attempts = ${attempt} - 1
     and ${isOurs(`${table}.partition`, 'v.epoch')} then 1 else 0 end = 1`

/** A 2xx ends a delivery in any live state. */
const FENCES: Readonly<Record<EndKind, string>> = { delivered: '', exhausted: `and ${isNext('l', 'v.attempt')}` }

/** Columns returned of the ended deliveries; exhausted ones are reported with them. */
const RETURNED: Readonly<Record<EndKind, string>> = { delivered: 'id', exhausted: 'id, endpoint, event, type' }

/** Copies into history inside the store: moving the rows through JavaScript took twice as long. */
const intoHistory = (kind: EndKind, dialect: Dialect): string =>
  `insert into delivery
     (tenant, id, endpoint, event, type, state, attempts, replay_of, test, created_ms, ended_ms, ${LAST_FIELDS})
   select l.tenant, l.id, l.endpoint, l.event, l.type, '${kind}',
     case when l.attempts > v.attempt then l.attempts else v.attempt end, l.replay_of, l.test, l.created_ms, v.ended_ms,
     v.started_ms, v.duration_ms, v.status, ${kind === 'delivered' ? 'null' : 'v.error'}
   from v cross join live_delivery l where ${dialect.isNamed('l', LIVE_KEY)} ${FENCES[kind]}
   ${dialect.lockLiveRows} returning ${RETURNED[kind]}`

const deleteLive = (rows: readonly EndRow[], { deleteNamed }: Dialect): BulkQuery => ({
  text: deleteNamed('live_delivery', LIVE_KEY),
  columns: LIVE_KEY_COLUMNS,
  rows: rows.map(([tenant, id]) => [tenant, id]),
})

type EndRow = [tenant: string, id: Uint8Array, ...values: (string | number | null)[]]

/** Moves deliveries from the live table into history. */
function* end(
  kind: EndKind,
  settlements: readonly StoredSettlement[],
  moved: Map<DeliveryId, Moved>,
  dialect: Dialect,
): Transaction<void> {
  if (settlements.length === 0) return
  const rows = settlements.map(({ tenant, delivery, attempt, endedAtMs, epoch }) => {
    const { number, startedAtMs, durationMs, status, error } = attempt
    const row: EndRow = [tenant, idBytes(delivery), number, endedAtMs, startedAtMs, durationMs, status]
    if (kind === 'exhausted') row.push(error, epoch)
    return row
  })
  const ended = yield { text: intoHistory(kind, dialect), columns: END_COLUMNS[kind], rows }
  if (kind === 'exhausted') yield* tellExhausted(ended, settlements, dialect)
  if (ended.length === settlements.length) {
    for (const { delivery } of settlements) moved.set(delivery, 'ended')
    yield deleteLive(rows, dialect)
    return
  }
  const ids = new Set(ended.map(row => idText('dlv', bytes(row.id))))
  for (const id of ids) moved.set(id, 'ended')
  const left = rows.filter((_, index) => ids.has(settlements[index]!.delivery))
  if (left.length > 0) yield deleteLive(left, dialect)
}

function* tellExhausted(
  ended: readonly Row[],
  settlements: readonly StoredSettlement[],
  dialect: Dialect,
): Transaction<void> {
  if (ended.length === 0) return
  const byId = new Map(settlements.map(settlement => [settlement.delivery, settlement]))
  const facts = ended.map(row => {
    const { tenant, endedAtMs } = byId.get(idText('dlv', bytes(row.id)))!
    return exhaustedFact(row, tenant, endedAtMs)
  })
  yield* gatherExhausted(facts, dialect)
}

const RETRY_COLUMNS: BulkQuery['columns'] = [
  ['tenant', 'text'],
  ['id', 'bytes'],
  ['attempts', 'int'],
  ['due_ms', 'int'],
  ['was_due_ms', 'int'],
  ['epoch', 'int'],
  ['started_ms', 'int'],
  ['duration_ms', 'int'],
  ['status', 'int'],
  ['error', 'text'],
]

/**
 * If a delivery's due time changed while the attempt was in flight, someone made it due (`makeDueNow`) and wants
 * another attempt now, so the new time stays. An attempt that has ended, however it ended, has not crashed the process,
 * so no trial stays open.
 */
function* reschedule(
  settlements: readonly StoredSettlement[],
  moved: Map<DeliveryId, Moved>,
  { isNamed }: Dialect,
): Transaction<void> {
  if (settlements.length === 0) return
  const rows = yield {
    text: `update live_delivery set attempts = v.attempts, open_trials = 0,
             due_ms = case when live_delivery.due_ms = v.was_due_ms then v.due_ms else live_delivery.due_ms end,
             last_started_ms = v.started_ms, last_duration_ms = v.duration_ms, last_status = v.status,
             last_error = v.error
           from v
           where ${isNamed('live_delivery', LIVE_KEY)}
             and ${isNext('live_delivery', 'v.attempts')}
           returning live_delivery.id, live_delivery.due_ms`,
    columns: RETRY_COLUMNS,
    rows: settlements.map(({ tenant, delivery, attempt, step, dueAtMs, epoch }) => [
      tenant,
      idBytes(delivery),
      attempt.number,
      step.kind === 'retry' ? step.dueAtMs : 0,
      dueAtMs,
      epoch,
      attempt.startedAtMs,
      attempt.durationMs,
      attempt.status,
      attempt.error,
    ]),
  }
  for (const row of rows) moved.set(idText('dlv', bytes(row.id)), int(row.due_ms))
}

function* disableGone(settlements: readonly StoredSettlement[]): Transaction<SettleResult['disabled']> {
  const disabled: { tenant: TenantId; endpoint: EndpointId }[] = []
  for (const { gone, tenant, endpoint, epoch, endedAtMs, delivery } of settlements) {
    if (!gone) continue
    const rows = yield {
      text: `update endpoint set state = 'disabled', disabled_reason = 'gone', disabled_ms = $2,
               updated_ms = case when updated_ms < $2 then $2 else updated_ms + 1 end
             where id = $1 and state = 'enabled' and deleted_ms is null and ${isOurs('endpoint.partition', '$3')}
             returning tenant, types`,
      params: [idBytes(endpoint), endedAtMs, epoch],
    }
    if (rows.length === 0) continue
    disabled.push({ tenant: text(rows[0]!.tenant), endpoint })
    yield* bumpTenant(tenant, idBytes(endpoint))
    const change = { action: 'disabled', target: 'endpoint', targetId: endpoint, tenant } as const
    yield* record({}, change, endedAtMs)
    const types = jsonOrNull(rows[0]!.types) as string[] | null
    yield* noteDisabled({ id: endpoint, tenant, types }, endedAtMs, 'gone', delivery)
  }
  return disabled
}
