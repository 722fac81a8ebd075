/**
 * What Posthorn publishes about itself (docs/decisions/0025-failing-receivers.md). A notice is stored in the same
 * transaction as the fact it reports, and becomes an operational event later: gathering (an endpoint's exhausted
 * deliveries, reported at most once a minute) → ready → published and removed. Its key is derived from the fact and
 * published with the event, so that neither a crash nor a second node makes two of it. Where no endpoint wants
 * operational events, nothing is stored.
 */

import { Buffer } from 'node:buffer'
import { idText } from '../../base/ids.ts'
import {
  type DeliveryId,
  type DisabledReason,
  type Endpoint,
  type EndpointId,
  isOperational,
  type ReplayId,
  type TenantId,
} from '../../base/model.ts'
import { OPERATOR_TENANT } from '../../base/tenant.ts'
import { reads, writes } from '../operation.ts'
import {
  type BulkQuery,
  bytes,
  type Dialect,
  int,
  type Row,
  type Transaction,
  text,
  textOrNull,
} from '../transaction.ts'
import { addItems, tenantsWithNotifications } from './notifications/items.ts'

export type Notice = {
  /** The same for the same fact. */
  readonly key: string
  readonly type: string
  /** The tenant it is about, whose endpoints can get it besides the provider's; null if it concerns no tenant. */
  readonly tenant: TenantId | null
  /** The payload; background/failure-notices.ts adds to what it says of a delivery that failed. */
  readonly data: object
}

/** A notice to be published. */
export type ReadyNotice = Omit<Notice, 'data'> & { readonly payload: string }

/** The shortest interval between two reports of an endpoint's exhausted deliveries. */
const GATHER_MS = 60_000
/** How long other nodes leave a notice alone that a node has claimed to publish. */
const CLAIM_MS = 10_000
/** The most deliveries listed in one notice; further ones are only counted. */
const MAX_NAMED = 20
const MAX_CLAIMED = 100

const time = (ms: number): string => new Date(ms).toISOString()

const TENANT_COLUMNS: BulkQuery['columns'] = [['id', 'text']]

/** Of these tenants and the operator's, those that have endpoints with operational types, or notifications. */
function* subscribers(tenants: readonly TenantId[]): Transaction<Set<TenantId>> {
  const rows = yield {
    text: `select v.id from v where exists (
             select 1 from endpoint e where e.tenant = v.id and e.operational = 1 and e.deleted_ms is null)`,
    columns: TENANT_COLUMNS,
    rows: [...new Set([OPERATOR_TENANT, ...tenants])].map(tenant => [tenant]),
  }
  return new Set([...rows.map(row => text(row.id)), ...(yield* tenantsWithNotifications(tenants))])
}

function* wanted<Of extends { readonly tenant: TenantId | null }>(facts: readonly Of[]): Transaction<Of[]> {
  if (facts.length === 0) return []
  const found = yield* subscribers(facts.flatMap(({ tenant }) => (tenant === null ? [] : [tenant])))
  return facts.filter(({ tenant }) => found.has(OPERATOR_TENANT) || (tenant !== null && found.has(tenant)))
}

const NOTICE_COLUMNS: BulkQuery['columns'] = [
  ['key', 'text'],
  ['type', 'text'],
  ['tenant', 'text'],
  ['gathers', 'int'],
  ['due_ms', 'int'],
  ['count', 'int'],
  ['data', 'text'],
]

const INSERT = `insert into notice (key, type, tenant, gathers, due_ms, count, data)
  select key, type, tenant, gathers, due_ms, count, data from v where true`

/** Stores the notices that some endpoint wants, each fact once. */
export function* addNotices(notices: readonly Notice[], nowMs: number): Transaction<void> {
  const wantedNotices = yield* wanted(notices)
  if (wantedNotices.length === 0) return
  yield {
    text: `${INSERT} on conflict (key) do nothing`,
    columns: NOTICE_COLUMNS,
    rows: wantedNotices.map(({ key, type, tenant, data }) => [key, type, tenant, 0, nowMs, 1, JSON.stringify(data)]),
  }
}

// Facts

/** Whether the endpoint is reported on. Not if it gets only operational events, which would then be about themselves. */
const isTold = ({ tenant, types }: Pick<Endpoint, 'tenant' | 'types'>): boolean =>
  tenant !== OPERATOR_TENANT && !(types?.every(isOperational) ?? false)

export function* noteDisabled(
  endpoint: Pick<Endpoint, 'id' | 'tenant' | 'types'>,
  nowMs: number,
  reason: DisabledReason,
  /** The one whose failure disabled it. Null: a person did. */
  delivery: DeliveryId | null,
): Transaction<void> {
  if (!isTold(endpoint)) return
  const { id, tenant } = endpoint
  const data = { tenant, endpoint: id, reason, disabledAt: time(nowMs), delivery }
  yield* addNotices([{ key: `disabled:${id}:${nowMs}`, type: 'posthorn.endpoint.disabled', tenant, data }], nowMs)
}

export type FailingFact = {
  readonly sinceMs: number
  readonly lastFailureMs: number
  /** The warning's number, from 1. */
  readonly stage: number
  /** How many days it had been failing when the warning fell due. */
  readonly days: number
  /** The delivery that failed last. Null if it isn't known. */
  readonly delivery: DeliveryId | null
  /** When it will be disabled unless an attempt succeeds; null if never. */
  readonly disablesAtMs: number | null
}

export function* noteFailing(
  endpoint: Pick<Endpoint, 'id' | 'tenant' | 'types'>,
  fact: FailingFact,
  nowMs: number,
): Transaction<void> {
  if (!isTold(endpoint)) return
  const { id, tenant } = endpoint
  const { sinceMs, stage, days, delivery } = fact
  const times = { failingSince: time(sinceMs), lastFailureAt: time(fact.lastFailureMs) }
  const disablesAt = fact.disablesAtMs === null ? null : time(fact.disablesAtMs)
  const data = { tenant, endpoint: id, days, ...times, disablesAt, delivery }
  yield* addNotices(
    [{ key: `failing:${id}:${sinceMs}:${stage}`, type: 'posthorn.endpoint.failing', tenant, data }],
    nowMs,
  )
}

/** Reports the secrets that a change replaced, by the names of their members. */
export function* noteReplaced(after: Endpoint, secrets: readonly string[]): Transaction<void> {
  if (secrets.length === 0) return
  const { id, tenant, updatedAtMs } = after
  const data = { tenant, endpoint: id, secrets, replacedAt: time(updatedAtMs) }
  const key = `replaced:${id}:${updatedAtMs}`
  yield* addNotices([{ key, type: 'posthorn.secret.replaced', tenant, data }], updatedAtMs)
}

export type ExpiringFact = {
  readonly secret: 'clientSecret' | 'clientCertificate'
  readonly expiresAtMs: number
  /** 30, 7 or 1. */
  readonly days: number
}

export function* noteExpiring(
  { id, tenant }: Pick<Endpoint, 'id' | 'tenant'>,
  { secret, expiresAtMs, days }: ExpiringFact,
  nowMs: number,
): Transaction<void> {
  const data = { tenant, endpoint: id, secret, days, expiresAt: time(expiresAtMs) }
  const key = `expiring:${id}:${secret}:${expiresAtMs}:${days}`
  yield* addNotices([{ key, type: 'posthorn.secret.expiring', tenant, data }], nowMs)
}

export type FinishedReplay = {
  readonly tenant: TenantId
  readonly replay: ReplayId
  /** The caller's own name for the replay; null if it has none. */
  readonly key: string | null
  readonly state: 'done' | 'cancelled'
  /** Deliveries that it created. */
  readonly deliveries: number
}

/** To be yielded in the transaction that ends a replay. */
export function* noteReplayFinished(args: FinishedReplay & { nowMs: number }): Transaction<void> {
  const { tenant, replay, key, state, deliveries, nowMs } = args
  const data = { tenant, replay, key, state, deliveries, finishedAt: time(nowMs) }
  yield* addNotices(
    [{ key: `replay:${tenant}:${replay}:${nowMs}`, type: 'posthorn.replay.finished', tenant, data }],
    nowMs,
  )
}

/** Reports nodes whose lease ended although they had not shut down. */
export function* noteLostNodes(
  nodes: readonly { readonly id: Uint8Array; readonly silentSinceMs: number | null }[],
  nowMs: number,
): Transaction<void> {
  const notices = nodes.map(({ id, silentSinceMs }) => {
    const node = Buffer.from(id).toString('hex')
    const data = { node, leaseEndedAt: silentSinceMs === null ? null : time(silentSinceMs), noticedAt: time(nowMs) }
    // A node that was cut off and came back can be lost again.
    const key = `node:${node}:${silentSinceMs ?? 'crash'}`
    return { key, type: 'posthorn.node.lost', tenant: null, data }
  })
  yield* addNotices(notices, nowMs)
}

// Exhausted deliveries

export type ExhaustedFact = {
  readonly tenant: TenantId
  readonly endpoint: EndpointId
  readonly delivery: string
  readonly event: string
  readonly type: string
  readonly endedAtMs: number
}

type Gathered = {
  readonly tenant: TenantId
  readonly endpoint: EndpointId
  readonly count: number
  readonly deliveries: readonly { readonly delivery: string; readonly event: string; readonly type: string }[]
  readonly firstAt: string
  readonly lastAt: string
}

const KEY = ['key']

const KEY_COLUMNS: BulkQuery['columns'] = [['key', 'text']]

/** Keeps one row per endpoint, however many deliveries there are. */
export function* gatherExhausted(all: readonly ExhaustedFact[], dialect: Dialect): Transaction<void> {
  const facts = yield* wanted(all.filter(({ type, tenant }) => !isOperational(type) && tenant !== OPERATOR_TENANT))
  if (facts.length === 0) return
  const byKey = [...Map.groupBy(facts, ({ endpoint }) => `exhausted:${endpoint}`)].sort(([a], [b]) => (a < b ? -1 : 1))
  const found = yield {
    text: `select l.key, l.count, l.data from v cross join notice l where ${dialect.isNamed('l', KEY)}
           order by v.key ${dialect.lockLiveRows}`,
    columns: KEY_COLUMNS,
    rows: byKey.map(([key]) => [key]),
  }
  const before = new Map(found.map(row => [text(row.key), row]))
  yield {
    text: `${INSERT} on conflict (key) do update set count = notice.count + excluded.count, data = excluded.data`,
    columns: NOTICE_COLUMNS,
    rows: byKey.map(([key, own]) => {
      const { tenant, endedAtMs } = own[0]!
      const data = JSON.stringify(gather(before.get(key), own))
      return [key, 'posthorn.delivery.exhausted', tenant, 1, endedAtMs, own.length, data]
    }),
  }
}

function gather(before: Row | undefined, facts: readonly ExhaustedFact[]): Gathered {
  const { tenant, endpoint } = facts[0]!
  const old = before === undefined || int(before.count) === 0 ? undefined : (JSON.parse(text(before.data)) as Gathered)
  const named = facts.map(({ delivery, event, type }) => ({ delivery, event, type }))
  const times = facts.map(({ endedAtMs }) => endedAtMs)
  return {
    tenant,
    endpoint,
    count: (old?.count ?? 0) + facts.length,
    deliveries: [...(old?.deliveries ?? []), ...named].slice(0, MAX_NAMED),
    firstAt: old?.firstAt ?? time(Math.min(...times)),
    lastAt: time(Math.max(...times)),
  }
}

// From notices to events

/** Whether any notice is due. */
export function* peekNotices(args: { nowMs: number }): Transaction<boolean> {
  return (yield { text: 'select 1 from notice where due_ms <= $1 limit 1', params: [args.nowMs] }).length > 0
}

/** Takes some ready notices, which other nodes then leave alone for a while. */
export function* claimNotices({ nowMs }: { nowMs: number }, dialect: Dialect): Transaction<ReadyNotice[]> {
  yield* readyGathered(nowMs, dialect)
  const rows = yield {
    text: `select key, type, tenant, data from notice where gathers = 0 and due_ms <= $1
           order by due_ms, key limit ${MAX_CLAIMED} ${dialect.skipLocked}`,
    params: [nowMs],
  }
  if (rows.length === 0) return []
  yield {
    text: `update notice set due_ms = ${nowMs + CLAIM_MS} from v where ${dialect.isNamed('notice', KEY)}`,
    columns: KEY_COLUMNS,
    rows: rows.map(row => [row.key!]),
  }
  return rows.map(row => ({
    key: text(row.key),
    type: text(row.type),
    tenant: textOrNull(row.tenant),
    payload: text(row.data),
  }))
}

/** Turns gathered facts into a notice that no longer changes. Their row starts again, or is removed if empty. */
function* readyGathered(nowMs: number, dialect: Dialect): Transaction<void> {
  const rows = yield {
    text: `select key, type, tenant, due_ms, count, data from notice where gathers = 1 and due_ms <= $1
           order by due_ms, key limit ${MAX_CLAIMED} ${dialect.skipLocked}`,
    params: [nowMs],
  }
  if (rows.length === 0) return
  const some = rows.filter(row => int(row.count) > 0)
  const none = rows.filter(row => int(row.count) === 0)
  if (none.length > 0) {
    yield {
      text: dialect.deleteNamed('notice', KEY),
      columns: KEY_COLUMNS,
      rows: none.map(row => [row.key!]),
    }
  }
  if (some.length === 0) return
  yield {
    text: `${INSERT} on conflict (key) do nothing`,
    columns: NOTICE_COLUMNS,
    rows: some.map(({ key, type, tenant, due_ms, count, data }) => {
      return [`${key}:${due_ms}`, type!, tenant!, 0, nowMs, count!, data!]
    }),
  }
  yield {
    text: `update notice set count = 0, data = '', due_ms = ${nowMs + GATHER_MS} from v where ${dialect.isNamed('notice', KEY)}`,
    columns: KEY_COLUMNS,
    rows: some.map(row => [row.key!]),
  }
}

/** Removes notices that were published, or that no endpoint wants now, and puts them on what notifications say next. */
export function* finishNotices(
  { keys, nowMs }: { keys: readonly string[]; nowMs: number },
  { deleteNamed }: Dialect,
): Transaction<void> {
  if (keys.length === 0) return
  const gone = yield {
    text: `${deleteNamed('notice', KEY)} and gathers = 0 returning notice.type, notice.tenant, notice.data`,
    columns: KEY_COLUMNS,
    rows: keys.map(key => [key]),
  }
  const facts = gone.map(row => ({
    type: text(row.type),
    tenant: textOrNull(row.tenant),
    data: text(row.data),
    atMs: nowMs,
  }))
  yield* addItems(facts, nowMs)
}

/** Made from the row of a delivery that ended. */
export const exhaustedFact = (row: Row, tenant: TenantId, endedAtMs: number): ExhaustedFact => ({
  tenant,
  endpoint: idText('ep', bytes(row.endpoint)),
  delivery: idText('dlv', bytes(row.id)),
  event: idText('evt', bytes(row.event)),
  type: text(row.type),
  endedAtMs,
})

export const noticeOperations = {
  peekNotices: reads({ run: peekNotices, waitedForBy: 'engine' }),
  claimNotices: writes({ run: claimNotices, configuration: 'ignores' }),
  finishNotices: writes({ run: finishNotices, configuration: 'ignores' }),
}
