/**
 * Parts of replays, one for each endpoint: which node works on them, and creating their deliveries. A node claims parts
 * for some seconds, but only to avoid duplicate work. What it stores is conditional on the part being where it was and
 * on the replay running, so nothing is created twice, or after a pause or a cancellation.
 */

import { idBytes, idText } from '../../../base/ids.ts'
import type { DeliveryId, EndpointId, EventId, ReplayId, TenantId } from '../../../base/model.ts'
import type { ReplaySelection } from '../../../base/replay.ts'
import {
  type BulkQuery,
  bytes,
  type Dialect,
  idList,
  int,
  intOrNull,
  type Row,
  type Transaction,
  text,
  textOrNull,
  type Value,
} from '../../transaction.ts'
import { tenantVersions } from '../configuration.ts'
import { deliveryRows, storeDeliveryRows } from '../deliveries/new-deliveries.ts'
import { NEVER_MS } from './part-changes.ts'
import { endReplay } from './replays.ts'

export type ReplayPart = {
  readonly tenant: TenantId
  readonly replay: ReplayId
  readonly endpoint: EndpointId
  readonly partition: number
  readonly selection: ReplaySelection
  readonly asOfMs: number
  /** Where the part has got to; null: at the beginning. */
  readonly after: string | null
}

type PartKey = Pick<ReplayPart, 'replay' | 'endpoint'>

const KEY_COLUMNS: BulkQuery['columns'] = [
  ['replay', 'bytes'],
  ['endpoint', 'bytes'],
]

const keysOf = (parts: readonly PartKey[]) => parts.map(({ replay, endpoint }) => [idBytes(replay), idBytes(endpoint)])

/** Whether there is a part that no node has claimed. */
export function* peekReplayParts(_args: object, { nowMs }: Dialect): Transaction<boolean> {
  const rows = yield { text: `select 1 from replay_part where claimed_until_ms <= ${nowMs} limit 1` }
  return rows.length > 0
}

export type PartsClaim = {
  readonly limit: number
  /** How long no other node takes the parts, in milliseconds. */
  readonly claimMs: number
  /** Begins with the tenant after this one. Default: the first. */
  readonly after?: TenantId
}

/**
 * Claims the parts of each tenant that have waited longest: as many of each as fit, and of a few tenants at least one.
 * They come tenant by tenant.
 */
export function* claimReplayParts(args: PartsClaim, dialect: Dialect): Transaction<ReplayPart[]> {
  const { nowMs } = dialect
  const found = yield* findClaimable(args, dialect)
  if (found.length === 0) return []
  const keys = found.map(row => [row.replay!, row.endpoint!])
  yield* delay(found, `${nowMs} + ${args.claimMs}`)
  const rows = yield {
    text: `select p.tenant, p.replay, p.endpoint, p.partition, p.after_id, r.selection, r.as_of_ms, b.state as batch_state
           from v join replay_part p on p.replay = v.replay and p.endpoint = v.endpoint
           join replay r on r.tenant = p.tenant and r.id = p.replay left join replay_batch b on b.id = r.batch
           where r.state = 'running'`,
    columns: KEY_COLUMNS,
    rows: keys,
  }
  const [running, sleeping] = [rows.filter(isRunning), rows.filter(row => !isRunning(row))]
  yield* delay(sleeping, String(NEVER_MS))
  const known = new Set(rows.map(keyOfRow))
  yield* delay(
    found.filter(row => !known.has(keyOfRow(row))),
    `${nowMs} + ${PUT_BACK_MS}`,
  )
  const order = new Map(found.map((row, index) => [keyOfRow(row), index]))
  return running.sort((a, b) => order.get(keyOfRow(a))! - order.get(keyOfRow(b))!).map(toPart)
}

function* findClaimable({ limit, after = '' }: PartsClaim, dialect: Dialect): Transaction<Row[]> {
  const { nowMs } = dialect
  const later = yield* waitingTenants(after, limit, nowMs)
  const isRound = after !== '' && later.length < limit
  const others = isRound ? yield* waitingTenants('', limit - later.length, nowMs) : []
  const tenants = [...new Set([...later, ...others])]
  const found = new Map<TenantId, readonly Row[]>()
  let left = limit
  for (const [index, tenant] of tenants.entries()) {
    const rows = yield* longestWaiting(tenant, Math.ceil(left / (tenants.length - index)), dialect)
    found.set(tenant, rows)
    left -= rows.length
  }
  // What some leave goes to those that might have more.
  for (const [tenant, rows] of found) {
    if (left === 0) break
    const more = yield* longestWaiting(tenant, rows.length + left, dialect)
    found.set(tenant, more)
    left -= more.length - rows.length
  }
  return [...found.values()].flat()
}

function* longestWaiting(tenant: TenantId, limit: number, { nowMs, skipLocked }: Dialect): Transaction<readonly Row[]> {
  return yield {
    text: `select replay, endpoint from replay_part where tenant = $1 and claimed_until_ms <= ${nowMs}
           order by claimed_until_ms limit ${limit} ${skipLocked}`,
    params: [tenant],
  }
}

/** Tenants with parts to claim, in the order of their ids. Skips from tenant to tenant along the index. */
function* waitingTenants(after: TenantId, limit: number, nowMs: string): Transaction<TenantId[]> {
  const rows = yield {
    text: `with recursive skip(tenant) as (
             select (select tenant from replay_part where tenant > $1 and claimed_until_ms <= ${nowMs}
                     order by tenant limit 1)
             union all
             select (select p.tenant from replay_part p
                     where p.tenant > skip.tenant and p.claimed_until_ms <= ${nowMs} order by p.tenant limit 1)
             from skip where skip.tenant is not null)
           select tenant from skip where tenant is not null limit ${limit}`,
    params: [after],
  }
  return rows.map(row => text(row.tenant))
}

/** Parts of a replay across tenants that is paused are put to sleep as they are claimed. */
const isRunning = (row: Row): boolean => row.batch_state === null || row.batch_state === 'running'

/** How long claimed parts are left alone whose replay is not running. A crash while it was paused has left them. */
const PUT_BACK_MS = 60_000

const keyOfRow = (row: Row): string => `${idText('rpl', bytes(row.replay))} ${idText('ep', bytes(row.endpoint))}`

/** Lets no node claim parts before a time, which is an SQL expression. */
function* delay(parts: readonly Row[], untilMs: string): Transaction<void> {
  if (parts.length === 0) return
  yield {
    text: `update replay_part set claimed_until_ms = ${untilMs}
           where (replay, endpoint) in (select replay, endpoint from v)`,
    columns: KEY_COLUMNS,
    rows: parts.map(row => [row.replay!, row.endpoint!]),
  }
}

/** Wakes parts that went to sleep while their replay across tenants was paused. Returns how many. */
export function* wakeReplayParts(args: { readonly limit: number }): Transaction<number> {
  const rows = yield {
    text: `update replay_part set claimed_until_ms = 0 where (replay, endpoint) in (
             select p.replay, p.endpoint from replay_part p join replay r on r.tenant = p.tenant and r.id = p.replay
             join replay_batch b on b.id = r.batch
             where p.claimed_until_ms >= ${NEVER_MS} and r.state = 'running' and b.state = 'running' limit ${args.limit})
           returning replay`,
  }
  return rows.length
}

const toPart = (row: Row): ReplayPart => ({
  tenant: text(row.tenant),
  replay: idText('rpl', bytes(row.replay)),
  endpoint: idText('ep', bytes(row.endpoint)),
  partition: int(row.partition),
  selection: JSON.parse(text(row.selection)) as ReplaySelection,
  asOfMs: int(row.as_of_ms),
  after: textOrNull(row.after_id),
})

/** Releases parts that are not worked on for now: any node can claim them. */
export function* releaseReplayParts(
  args: { readonly parts: readonly PartKey[]; readonly claimMs: number },
  { nowMs, skipLocked }: Dialect,
): Transaction<void> {
  if (args.parts.length === 0) return
  yield {
    // Not parts that were paused in the meantime, nor those that someone is changing: waiting for them could deadlock.
    text: `update replay_part set claimed_until_ms = ${nowMs}
           where (replay, endpoint) in (
             select p.replay, p.endpoint from replay_part p
             where (p.replay, p.endpoint) in (select replay, endpoint from v)
               and p.claimed_until_ms <= ${nowMs} + ${args.claimMs} ${skipLocked})`,
    columns: KEY_COLUMNS,
    rows: keysOf(args.parts),
  }
}

// How the deliveries of a part are doing

export type PartLook = {
  /** Deliveries that were created but not attempted yet, counted up to MAX_UNTRIED. */
  readonly untried: number
  /** A delivery from `since` on has failed. */
  readonly isFailing: boolean
  /** Even one delivery can hold up others: the endpoint is ordered or has a rate limit. */
  readonly isNarrow: boolean
}

/** Higher counts need not be told apart. */
const MAX_UNTRIED = 1_000

/** In the order of the parts; undefined for an endpoint that doesn't exist. */
export function* lookAtReplayParts(args: {
  readonly parts: readonly (PartKey & { readonly since: DeliveryId | null })[]
}): Transaction<(PartLook | undefined)[]> {
  const looks: (PartLook | undefined)[] = []
  for (const { replay, endpoint, since } of args.parts) {
    const params = [idBytes(replay), idBytes(endpoint)]
    const rows = yield {
      text: `select (select count(*) from (select 1 from live_delivery where replay = $1 and endpoint = $2
                       and state = 'pending' and attempts = 0 limit ${MAX_UNTRIED}) u) as untried,
               ordered, rate_requests from endpoint where id = $2 and deleted_ms is null`,
      params,
    }
    const [row] = rows
    const failed =
      since === null
        ? []
        : yield {
            text: `select 1 from live_delivery where replay = $1 and endpoint = $2 and id >= $3 and attempts > 0
                     and state = 'pending' limit 1`,
            params: [...params, idBytes(since)],
          }
    looks.push(
      row === undefined
        ? undefined
        : {
            untried: int(row.untried),
            isFailing: failed.length > 0,
            isNarrow: row.ordered === 1 || row.rate_requests !== null,
          },
    )
  }
  return looks
}

// Creating deliveries

export type Replayed = {
  readonly id: DeliveryId
  readonly event: EventId
  readonly type: string
  readonly test: boolean
  /** null: the endpoint never got the event. */
  readonly replayOf: DeliveryId | null
  readonly dueAtMs: number
}

export type PartStep = Pick<ReplayPart, 'tenant' | 'replay' | 'endpoint' | 'partition'> & {
  /** Where the part must stand before this step, and where it stands after it. */
  readonly before: string | null
  readonly after: string | null
  readonly isLast: boolean
  /** The version of the tenant's configuration that the endpoint was matched at; null: it doesn't matter. */
  readonly tenantVersion: number | null
  readonly deliveries: readonly Replayed[]
  /** Found, but not to be created. */
  readonly skipped: number
  readonly nowMs: number
}

/**
 * `gone`: the replay is no longer running, or another node has continued with the part. `stale`: the configuration has
 * changed. `endpoint_gone`: the endpoint was deleted, so the part was removed.
 */
export type PartStepResult =
  | { readonly kind: 'made'; readonly deliveries: readonly DeliveryId[]; readonly isHeld: boolean }
  | { readonly kind: 'gone' | 'stale' | 'endpoint_gone' }

/** Stores a part's next deliveries and its progress, or nothing. */
export function* makeReplayed(args: PartStep, dialect: Dialect): Transaction<PartStepResult> {
  const { tenant, endpoint } = args
  const id = idBytes(args.replay)
  // Locks the replay until the commit: a pause or a cancellation waits, or came first, and then nothing is created.
  const running = yield {
    text: `update replay set made = made where tenant = $1 and id = $2 and state = 'running' returning batch`,
    params: [tenant, id],
  }
  if (!(yield* isBatchRunning(running[0]?.batch ?? null, dialect))) return { kind: 'gone' }
  const [part] = yield {
    text: 'select after_id, wanted, done from replay_part where replay = $1 and endpoint = $2',
    params: [id, idBytes(endpoint)],
  }
  if (running.length === 0 || part === undefined || textOrNull(part.after_id) !== args.before) return { kind: 'gone' }
  const [at] = yield {
    text: 'select state, ordered from endpoint where id = $1 and deleted_ms is null',
    params: [idBytes(endpoint)],
  }
  if (at === undefined) {
    const left = Math.max(0, (intOrNull(part.wanted) ?? 0) - int(part.done))
    yield* moveOn({ ...args, isLast: true }, 0, left)
    return { kind: 'endpoint_gone' }
  }
  if (args.tenantVersion !== null && (yield* tenantVersions([tenant])).get(tenant) !== args.tenantVersion) {
    return { kind: 'stale' }
  }
  const isHeld = at.state === 'disabled'
  const deliveries = yield* ofKeptEvents(args, dialect)
  yield* storeReplayed(args, deliveries, isHeld, at.ordered === 1, dialect)
  yield* moveOn(args, deliveries.length, args.skipped + args.deliveries.length - deliveries.length)
  return { kind: 'made', deliveries: deliveries.map(delivery => delivery.id), isHeld }
}

/** Locks it until the commit, like the replay. */
function* isBatchRunning(batch: Value, { shareBatchRow }: Dialect): Transaction<boolean> {
  if (batch === null) return true
  const rows = yield {
    text: `select 1 from replay_batch where id = $1 and state = 'running' ${shareBatchRow}`,
    params: [batch],
  }
  return rows.length > 0
}

/** Also keeps the events: retention can't remove them or their payloads before this transaction is committed. */
function* ofKeptEvents({ tenant, deliveries }: PartStep, dialect: Dialect): Transaction<Replayed[]> {
  if (deliveries.length === 0) return []
  const { text: list, params } = idList(
    deliveries.map(({ event }) => idBytes(event)),
    2,
  )
  const rows = yield {
    text: `select id from event where tenant = $1 and id in (${list}) and length(payload) > 0
           order by id ${dialect.shareEventRows}`,
    params: [tenant, ...params],
  }
  const kept = new Set(rows.map(row => idText('evt', bytes(row.id))))
  return deliveries.filter(({ event }) => kept.has(event))
}

const REPLAYED_COLUMNS: BulkQuery['columns'] = [
  ['tenant', 'text'],
  ['id', 'bytes'],
  ['replay', 'bytes'],
  ['due_ms', 'int'],
]

function* storeReplayed(
  { tenant, replay, endpoint, partition, nowMs }: PartStep,
  deliveries: readonly Replayed[],
  held: boolean,
  ordered: boolean,
  dialect: Dialect,
): Transaction<void> {
  if (deliveries.length === 0) return
  const rows = deliveries.flatMap(({ id, event, type, test, replayOf }) => {
    const delivery = { id, endpoint, partition, held, ordered, ...(replayOf === null ? {} : { replayOf }) }
    return deliveryRows(tenant, nowMs, event, type, test, [delivery])
  })
  yield* storeDeliveryRows(rows, dialect)
  // In a separate statement, so that published deliveries have no additional column to fill.
  yield {
    text: `update live_delivery set replay = v.replay, due_ms = v.due_ms from v
           where ${dialect.isNamed('live_delivery', ['tenant', 'id'])}`,
    columns: REPLAYED_COLUMNS,
    rows: deliveries.map(({ id, dueAtMs }) => [tenant, idBytes(id), idBytes(replay), ordered ? nowMs : dueAtMs]),
  }
}

function* moveOn(args: PartStep, made: number, skipped: number): Transaction<void> {
  const { tenant, nowMs } = args
  const [id, endpoint] = [idBytes(args.replay), idBytes(args.endpoint)]
  yield {
    text: 'update replay set made = made + $3, skipped = skipped + $4 where tenant = $1 and id = $2',
    params: [tenant, id, made, skipped],
  }
  if (!args.isLast) {
    yield {
      text: 'update replay_part set after_id = $3, done = done + $4 where replay = $1 and endpoint = $2',
      params: [id, endpoint, args.after, made + skipped],
    }
    return
  }
  yield { text: 'delete from replay_part where replay = $1 and endpoint = $2', params: [id, endpoint] }
  const left = yield { text: 'select 1 from replay_part where replay = $1 limit 1', params: [id] }
  if (left.length === 0) yield* endReplay({ tenant, id, state: 'done', nowMs })
}
