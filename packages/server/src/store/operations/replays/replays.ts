/** Replays: what was requested, how far it has got, and how it ends. parts.ts creates the deliveries. */

import { firstIdAt, idBytes, idText } from '../../../base/ids.ts'
import type { EndpointId, Replay, ReplayId, ReplaySelection, ReplayState, TenantId } from '../../../base/model.ts'
import type { Observation } from '../../observations.ts'
import {
  type BulkQuery,
  bytes,
  type Dialect,
  int,
  intOrNull,
  type Row,
  type Transaction,
  text,
} from '../../transaction.ts'
import { Where } from '../../where.ts'
import { cancelledRow, KEPT_FIELDS, storeHistory } from '../deliveries/history.ts'
import { isRepeated, keepCall, type Once } from '../idempotent-calls.ts'
import { noteReplayFinished } from '../notices.ts'

const FIELDS = `r.tenant, r.id, r.replay_key, r.hash, r.selection, r.state, r.deliveries, r.made, r.skipped, r.created_ms,
  r.ended_ms, (select count(*) from live_delivery l where l.replay = r.id) as live`

const toReplay = (row: Row): Replay => ({
  id: idText('rpl', bytes(row.id)),
  key: text(row.replay_key),
  tenant: text(row.tenant),
  selection: JSON.parse(text(row.selection)) as ReplaySelection,
  state: text(row.state) as ReplayState,
  deliveries: intOrNull(row.deliveries),
  made: int(row.made),
  skipped: int(row.skipped),
  live: int(row.live),
  createdAtMs: int(row.created_ms),
  endedAtMs: intOrNull(row.ended_ms),
})

type Keyed = { readonly tenant: TenantId; readonly key: string }

function* readRow({ tenant, key }: Keyed): Transaction<Row | undefined> {
  const rows = yield {
    text: `select ${FIELDS} from replay r where r.tenant = $1 and r.replay_key = $2`,
    params: [tenant, key],
  }
  return rows[0]
}

/** Finds a replay by the caller's id. `hash` is that of its selection. */
export function* getReplay(args: Keyed): Transaction<{ replay: Replay; hash: Uint8Array } | null> {
  const row = yield* readRow(args)
  return row === undefined ? null : { replay: toReplay(row), hash: bytes(row.hash) }
}

export type ReplayFilter = { readonly state: ReplayState | null; readonly before: ReplayId | null }

/** Newest first. */
export function* listReplays(args: ReplayFilter & { tenant: TenantId; limit: number }): Transaction<Replay[]> {
  const where = new Where()
    .add('r.tenant = ?', args.tenant)
    .addIf('r.id < ?', args.before === null ? null : idBytes(args.before))
    .addIf('r.state = ?', args.state)
  const rows = yield {
    text: `select ${FIELDS} from replay r where ${where.text} order by r.id desc limit ${args.limit}`,
    params: where.params,
  }
  return rows.map(toReplay)
}

// Creating a replay

/** What a replay creates for one endpoint; `wanted` is null if that wasn't counted. */
export type NewReplayPart = {
  readonly endpoint: EndpointId
  readonly partition: number
  readonly wanted: number | null
}

export type NewReplay = Pick<Replay, 'id' | 'key' | 'tenant' | 'selection' | 'deliveries' | 'createdAtMs'> & {
  /** The selection's hash. */
  readonly hash: Uint8Array
  readonly asOfMs: number
  readonly parts: readonly NewReplayPart[]
  /** Whether it has parts that were added before (`addReplayParts`). Default: false. */
  readonly hasParts?: boolean
  /** The most replays of the tenant that can be open, that is, have not ended. */
  readonly maxOpen: number
}

/** `known`: a replay with this key exists, and is returned instead. `repeated`: the call was made before. */
export type CreatedReplay =
  | { readonly kind: 'created' }
  | { readonly kind: 'known'; readonly replay: Replay; readonly hash: Uint8Array }
  | { readonly kind: 'no_tenant' | 'too_many' | 'repeated' }

/** A replay that has nothing to create ends immediately. */
export function* createReplay(args: NewReplay & Once): Transaction<CreatedReplay> {
  const { tenant, key, selection, parts, once } = args
  if (yield* isRepeated(once)) return { kind: 'repeated' }
  const known = yield* getReplay({ tenant, key })
  if (known !== null) return { kind: 'known', ...known }
  const there = yield { text: 'select 1 from tenant where id = $1 and deleted_ms is null', params: [tenant] }
  if (there.length === 0) return { kind: 'no_tenant' }
  const open = yield {
    text: 'select count(*) as n from replay where tenant = $1 and ended_ms is null',
    params: [tenant],
  }
  if (int(open[0]!.n) >= args.maxOpen) return { kind: 'too_many' }
  const id = idBytes(args.id)
  const made = yield {
    text: `insert into replay (tenant, id, replay_key, hash, selection, as_of_ms, state, deliveries, created_ms)
           values ($1, $2, $3, $4, $5, $6, 'running', $7, $8) on conflict (tenant, replay_key) do nothing returning id`,
    params: [tenant, id, key, args.hash, JSON.stringify(selection), args.asOfMs, args.deliveries, args.createdAtMs],
  }
  // Another call has created it at this very moment.
  if (made.length === 0) return { kind: 'known', ...(yield* getReplay({ tenant, key }))! }
  if (parts.length > 0) yield* insertParts({ tenant, id, parts }, 0)
  else if (args.hasParts !== true) yield* endReplay({ tenant, id, state: 'done', nowMs: args.createdAtMs })
  yield* keepCall(once)
  return { kind: 'created' }
}

// Parts, a limited number at a time

/** A time that never comes: no node claims the parts of a replay that is paused, or whose parts are still added. */
const NEVER_MS = 8_640_000_000_000_000

/**
 * Changes of parts in one commit. A replay has as many as its tenant has endpoints, and everyone's events wait for each
 * commit: 20,000 in one took a second.
 */
export const PARTS_A_COMMIT = 500

const PART_COLUMNS: BulkQuery['columns'] = [
  ['replay', 'bytes'],
  ['endpoint', 'bytes'],
  ['tenant', 'text'],
  ['partition', 'int'],
  ['wanted', 'int'],
]

type Parts = { readonly tenant: TenantId; readonly id: Uint8Array; readonly parts: readonly NewReplayPart[] }

function* insertParts({ tenant, id, parts }: Parts, claimedUntilMs: number): Transaction<void> {
  yield {
    text: `insert into replay_part (replay, endpoint, tenant, partition, wanted, claimed_until_ms)
           select replay, endpoint, tenant, partition, wanted, ${claimedUntilMs} from v`,
    columns: PART_COLUMNS,
    rows: parts.map(({ endpoint, partition, wanted }) => [id, idBytes(endpoint), tenant, partition, wanted]),
  }
}

type ReplayOf = { readonly tenant: TenantId; readonly replay: ReplayId }

/**
 * Adds parts of a replay that is created afterwards (`createReplay` with `hasParts`). They are claimed only once
 * `moveReplayParts` has released them.
 */
export function* addReplayParts({
  replay,
  ...args
}: ReplayOf & { readonly parts: readonly NewReplayPart[] }): Transaction<void> {
  yield* insertParts({ ...args, id: idBytes(replay) }, NEVER_MS)
}

/** Releases parts of a running replay to be claimed, or takes them back if it is paused. Returns how many. */
export function* moveReplayParts({ tenant, replay }: ReplayOf): Transaction<number> {
  const id = idBytes(replay)
  // Locked, so that the state can't change before this commit.
  const [locked] = yield {
    text: 'update replay set made = made where tenant = $1 and id = $2 returning state',
    params: [tenant, id],
  }
  const state = locked === undefined ? null : text(locked.state)
  return state === 'running' || state === 'paused' ? yield* moveParts(id, state) : 0
}

function* moveParts(id: Uint8Array, to: 'running' | 'paused'): Transaction<number> {
  const isWrong = to === 'paused' ? `claimed_until_ms <> ${NEVER_MS}` : `claimed_until_ms = ${NEVER_MS}`
  const moved = yield {
    text: `update replay_part set claimed_until_ms = $2 where (replay, endpoint) in (
             select replay, endpoint from replay_part where replay = $1 and ${isWrong} limit ${PARTS_A_COMMIT})
           returning endpoint`,
    params: [id, to === 'paused' ? NEVER_MS : 0],
  }
  return moved.length
}

/** Removes parts of a replay. Returns how many. */
export function* dropReplayParts({ replay }: ReplayOf): Transaction<number> {
  return yield* dropParts(idBytes(replay))
}

function* dropParts(id: Uint8Array): Transaction<number> {
  const dropped = yield {
    text: `delete from replay_part where (replay, endpoint) in (
             select replay, endpoint from replay_part where replay = $1 limit ${PARTS_A_COMMIT})
           returning endpoint`,
    params: [id],
  }
  return dropped.length
}

/** Running replays with parts that no node can claim: a crash kept them from being released. */
export function* findUnreleasedReplays(_args: object): Transaction<ReplayOf[]> {
  const rows = yield {
    text: `select r.tenant, r.id from replay r where r.state = 'running' and exists (
             select 1 from replay_part p where p.replay = r.id and p.claimed_until_ms = ${NEVER_MS}) limit 100`,
  }
  return rows.map(row => ({ tenant: text(row.tenant), replay: idText('rpl', bytes(row.id)) }))
}

/** Replays that were never created, because of a crash or a refusal, but have parts, and are older than a moment. */
export function* findUncreatedReplays(args: { readonly beforeMs: number }): Transaction<ReplayOf[]> {
  const rows = yield {
    text: `select tenant, replay from replay_part p where claimed_until_ms = ${NEVER_MS} and replay < $1
             and not exists (select 1 from replay r where r.tenant = p.tenant and r.id = p.replay)
           group by tenant, replay limit 100`,
    params: [idBytes(firstIdAt('rpl', args.beforeMs))],
  }
  return rows.map(row => ({ tenant: text(row.tenant), replay: idText('rpl', bytes(row.replay)) }))
}

// States

/** From which states each state can be reached. Going from a state to itself changes nothing. */
const FROM: Readonly<Record<Exclude<ReplayState, 'done'>, readonly ReplayState[]>> = {
  running: ['running', 'paused'],
  paused: ['running', 'paused'],
  cancelled: ['running', 'paused', 'cancelled'],
}

/**
 * Pauses, resumes, or begins to cancel a replay: once it is paused or cancelled, nothing more is created. If it has more
 * than a few parts, `moveReplayParts` moves the others. `cancelReplayed` cancels what a cancelled replay has created, and then ends it. A replay that is done can be
 * cancelled as long as some of its deliveries are live.
 */
export function* setReplayState(
  args: Keyed & { readonly to: 'running' | 'paused' | 'cancelled' },
): Transaction<{ replay: Replay; isAllowed: boolean } | null> {
  const { tenant, key, to } = args
  // Locked, so that a node that is creating its deliveries has either committed or finds the replay changed.
  const locked = yield {
    text: `update replay set made = made where tenant = $1 and replay_key = $2 returning id, state, ended_ms`,
    params: [tenant, key],
  }
  if (locked.length === 0) return null
  const replay = toReplay((yield* readRow(args))!)
  const isDoneWithout = replay.state === 'done' && !(to === 'cancelled' && replay.live > 0)
  const isAllowed = replay.state === 'done' ? !isDoneWithout : FROM[to].includes(replay.state)
  if (!isAllowed || replay.state === to) return { replay, isAllowed }
  const id = bytes(locked[0]!.id)
  yield { text: 'update replay set state = $3 where tenant = $1 and id = $2', params: [tenant, id, to] }
  if (to === 'cancelled') {
    // Open again until the deliveries it created are cancelled.
    yield { text: 'update replay set ended_ms = null where tenant = $1 and id = $2', params: [tenant, id] }
    yield* dropParts(id)
  } else yield* moveParts(id, to)
  return { replay: { ...replay, state: to, endedAtMs: null }, isAllowed }
}

export type CancelledSome = {
  readonly lanes: readonly {
    readonly endpoint: EndpointId
    readonly partition: number
    /** How many of the endpoint's deliveries were cancelled. */
    readonly deliveries: number
  }[]
  /** Nothing was left: the replay has ended. */
  readonly isEnded: boolean
}

/** Removes some parts of a cancelled replay, cancels some live deliveries, and ends it when none is left of either. */
export function* cancelReplayed(
  args: { readonly tenant: TenantId; readonly replay: ReplayId; readonly limit: number; readonly nowMs: number },
  { skipLocked }: Dialect,
): Transaction<CancelledSome> {
  const id = idBytes(args.replay)
  const parts = yield* dropParts(id)
  const rows = yield {
    text: `delete from live_delivery where (tenant, id) in (
             select l.tenant, l.id from live_delivery l where l.replay = $1 limit ${args.limit} ${skipLocked})
           returning partition, ${KEPT_FIELDS}`,
    params: [id],
  }
  yield* storeHistory(rows.map(row => cancelledRow(row, args.nowMs)))
  if (rows.length === 0) {
    if (parts > 0) return { lanes: [], isEnded: false }
    // Unless rows are left that another transaction has locked.
    const left = yield { text: 'select 1 from live_delivery where replay = $1 limit 1', params: [id] }
    if (left.length === 0) yield* endReplay({ tenant: args.tenant, id, state: 'cancelled', nowMs: args.nowMs })
    return { lanes: [], isEnded: left.length === 0 }
  }
  const byEndpoint = Map.groupBy(rows, row => idText('ep', bytes(row.endpoint)))
  const lanes = [...byEndpoint].map(([endpoint, ofIt]) => ({
    endpoint,
    partition: int(ofIt[0]!.partition),
    deliveries: ofIt.length,
  }))
  return { lanes, isEnded: false }
}

/** Replays whose cancellation might have been cut short by a crash. */
export function* findUncancelledReplays(_args: object): Transaction<{ tenant: TenantId; replay: ReplayId }[]> {
  const rows = yield {
    text: `select tenant, id from replay where state = 'cancelled' and ended_ms is null limit 100`,
  }
  return rows.map(row => ({ tenant: text(row.tenant), replay: idText('rpl', bytes(row.id)) }))
}

// Ending

/**
 * Ends a replay. This is the only place where one ends: anything that must happen when a replay is over belongs here,
 * and happens once, in the same transaction. Returns false if the replay had already ended.
 */
export function* endReplay(args: {
  readonly tenant: TenantId
  readonly id: Uint8Array
  readonly state: 'done' | 'cancelled'
  readonly nowMs: number
}): Transaction<boolean> {
  const rows = yield {
    text: `update replay set state = $3, ended_ms = $4,
             deliveries = case when $3 = 'done' then made + skipped else deliveries end
           where tenant = $1 and id = $2 and ended_ms is null returning replay_key, made`,
    params: [args.tenant, args.id, args.state, args.nowMs],
  }
  const [ended] = rows
  if (ended === undefined) return false
  const { tenant, state, nowMs } = args
  yield* noteReplayFinished({ tenant, replay: text(ended.replay_key), state, deliveries: int(ended.made), nowMs })
  return true
}

/** Ends the replays of a tenant that is being deleted: their deliveries are cancelled along with its endpoints. */
export function* endReplaysOf(tenant: TenantId, nowMs: number): Transaction<void> {
  const rows = yield { text: 'select id from replay where tenant = $1 and ended_ms is null', params: [tenant] }
  for (const row of rows) {
    const id = bytes(row.id)
    yield { text: 'delete from replay_part where replay = $1', params: [id] }
    yield* endReplay({ tenant, id, state: 'cancelled', nowMs })
  }
}

/** Removes some replays that ended before a time. Returns how many. */
export function* dropReplays(args: { readonly endedBeforeMs: number; readonly limit: number }): Transaction<number> {
  const rows = yield {
    text: `delete from replay where (tenant, id) in (
             select tenant, id from replay where ended_ms is not null and ended_ms < $1 limit ${args.limit})
           returning id`,
    params: [args.endedBeforeMs],
  }
  return rows.length
}

export const cancelledIn = (
  { nowMs: atMs }: { readonly nowMs: number },
  { lanes }: CancelledSome,
): readonly Observation[] =>
  lanes.map(({ endpoint, deliveries }) => ({ kind: 'cancelled', endpoint, deliveries, atMs }))
