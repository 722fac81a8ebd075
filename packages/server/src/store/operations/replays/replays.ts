/** Replays: what was requested, how far it has got, and how it ends. parts.ts creates the deliveries. */

import { idBytes, idText, parseId } from '../../../base/ids.ts'
import type { EndpointId, ReplayBatchId, ReplayId, TenantId } from '../../../base/model.ts'
import type { Replay, ReplaySelection, ReplayState } from '../../../base/replay.ts'
import type { Observation } from '../../observations.ts'
import { bytes, type Dialect, int, intOrNull, type Row, type Transaction, text, type Value } from '../../transaction.ts'
import { type Place, Where } from '../../where.ts'
import { type By, recordAct } from '../audit.ts'
import { cancelledRow, KEPT_FIELDS, storeHistory } from '../deliveries/history.ts'
import { isRepeated, keepCall, type Once } from '../idempotent-calls.ts'
import { noteReplayFinished } from '../notices.ts'
import { dropParts, insertParts, isBatchPaused, moveParts, type NewReplayPart } from './part-changes.ts'

/** A replay that is part of one across tenants is paused with it, and cancelled. */
const STATE = `case when r.batch is null or r.state in ('done', 'cancelled') then r.state else coalesce((
  select case when b.state in ('paused', 'cancelled') then b.state else r.state end
  from replay_batch b where b.id = r.batch), r.state) end`

const FIELDS = `r.tenant, r.id, r.replay_key, r.hash, r.selection, r.batch, ${STATE} as state, r.deliveries, r.made,
  r.skipped, r.created_ms, r.ended_ms, (select count(*) from live_delivery l where l.replay = r.id) as live`

/** Where the caller has given no key, the store has an id in its place. Callers can't give such a key. */
const keyOf = (row: Row): string | null => (isReplayId(text(row.replay_key)) ? null : text(row.replay_key))

/** Replays of a batch have its id as their key, so that each tenant gets one. */
const isReplayId = (name: string): boolean => parseId('rpl', name) !== undefined || parseId('rpb', name) !== undefined

const toReplay = (row: Row): Replay => ({
  id: idText('rpl', bytes(row.id)),
  key: keyOf(row),
  tenant: text(row.tenant),
  batch: row.batch === null ? null : idText('rpb', bytes(row.batch)),
  selection: JSON.parse(text(row.selection)) as ReplaySelection,
  state: text(row.state) as ReplayState,
  deliveries: intOrNull(row.deliveries),
  made: int(row.made),
  skipped: int(row.skipped),
  live: int(row.live),
  createdAtMs: int(row.created_ms),
  endedAtMs: intOrNull(row.ended_ms),
})

type Named = {
  readonly tenant: TenantId
  /** The replay's id or its key. No key has the form of an id. */
  readonly name: string
}

/** The condition on `replay r`, whose parameters are the tenant and the value. */
function byName(name: string): { readonly text: string; readonly value: Value } {
  const id = parseId('rpl', name)
  return id === undefined ? { text: 'r.replay_key = $2', value: name } : { text: 'r.id = $2', value: id }
}

function* readRow({ tenant, name }: Named): Transaction<Row | undefined> {
  const by = byName(name)
  const rows = yield {
    text: `select ${FIELDS} from replay r where r.tenant = $1 and ${by.text}`,
    params: [tenant, by.value],
  }
  return rows[0]
}

/** `hash` is that of the replay's selection. */
export function* getReplay(args: Named): Transaction<{ replay: Replay; hash: Uint8Array } | null> {
  const row = yield* readRow(args)
  return row === undefined ? null : { replay: toReplay(row), hash: bytes(row.hash) }
}

export type ReplayFilter = Place<ReplayId> & { readonly state: ReplayState | null }

export function* listReplays(args: ReplayFilter & { tenant: TenantId; limit: number }): Transaction<Replay[]> {
  const where = new Where().add('r.tenant = ?', args.tenant).addIf(`${STATE} = ?`, args.state)
  const order = where.behind(args, 'r.id')
  const rows = yield {
    text: `select ${FIELDS} from replay r where ${where.text} ${order} limit ${args.limit}`,
    params: where.params,
  }
  return rows.map(toReplay)
}

export type AllReplaysFilter = ReplayFilter & {
  readonly tenant: TenantId | null
  /** Only replays that are part of this one across tenants. */
  readonly batch: ReplayBatchId | null
}

/** Replays of all tenants. First which, then what they are: the deliveries of all others need not be counted. */
export function* listAllReplays(args: AllReplaysFilter & { limit: number }): Transaction<Replay[]> {
  const where = new Where()
    .addIf('r.tenant = ?', args.tenant)
    .addIf('r.batch = ?', args.batch === null ? null : idBytes(args.batch))
    .addIf(`${STATE} = ?`, args.state)
  const order = where.behind(args, 'r.id')
  where.conditions.push('exists (select 1 from tenant t where t.id = r.tenant and t.deleted_ms is null)')
  const rows = yield {
    text: `select ${FIELDS} from replay r where (r.tenant, r.id) in (
             select r.tenant, r.id from replay r where ${where.text} ${order} limit ${args.limit}) ${order}`,
    params: where.params,
  }
  return rows.map(toReplay)
}

// Creating a replay

export type NewReplay = Pick<Replay, 'id' | 'tenant' | 'batch' | 'selection' | 'deliveries' | 'createdAtMs'> & {
  /** The caller's, or else the id of the batch or of the replay. */
  readonly key: string
  /** The selection's hash. */
  readonly hash: Uint8Array
  readonly asOfMs: number
  readonly parts: readonly NewReplayPart[]
  /** Whether it has parts that were added before (`addReplayParts`). Default: false. */
  readonly hasParts?: boolean
  /** The most replays of the tenant that can be open, that is, have not ended. */
  readonly maxOpen: number
}

/** `known`: a replay with this key exists. `repeated`: the call was made before. */
export type CreatedReplay =
  | { readonly kind: 'created' }
  | { readonly kind: 'known'; readonly id: ReplayId; readonly hash: Uint8Array }
  | { readonly kind: 'no_tenant' | 'too_many' | 'repeated' }

/** A replay that has nothing to create ends immediately. */
export function* createReplay(args: NewReplay & By & Once): Transaction<CreatedReplay> {
  const { tenant, key, selection, parts, once } = args
  if (yield* isRepeated(once)) return { kind: 'repeated' }
  const known = yield* findKnown(tenant, key)
  if (known !== null) return known
  const there = yield { text: 'select 1 from tenant where id = $1 and deleted_ms is null', params: [tenant] }
  if (there.length === 0) return { kind: 'no_tenant' }
  const open = yield {
    text: 'select count(*) as n from replay where tenant = $1 and ended_ms is null',
    params: [tenant],
  }
  if (int(open[0]!.n) >= args.maxOpen) return { kind: 'too_many' }
  const id = idBytes(args.id)
  const made = yield {
    text: `insert into replay
             (tenant, id, replay_key, hash, selection, as_of_ms, state, deliveries, created_ms, batch)
           values ($1, $2, $3, $4, $5, $6, 'running', $7, $8, $9)
           on conflict (tenant, replay_key) do nothing returning id`,
    params: [
      tenant,
      id,
      key,
      args.hash,
      JSON.stringify(selection),
      args.asOfMs,
      args.deliveries,
      args.createdAtMs,
      args.batch === null ? null : idBytes(args.batch),
    ],
  }
  // Another call has created it at this very moment.
  if (made.length === 0) return (yield* findKnown(tenant, key))!
  if (parts.length > 0) yield* insertParts({ tenant, id, parts }, 0)
  else if (args.hasParts !== true) yield* endReplay({ tenant, id, state: 'done', nowMs: args.createdAtMs })
  yield* recordAct(args, { ...about(tenant, args.id), action: 'created' }, args.createdAtMs)
  yield* keepCall(once)
  return { kind: 'created' }
}

const about = (tenant: TenantId, targetId: ReplayId) => ({ target: 'replay', targetId, tenant }) as const

function* findKnown(tenant: TenantId, key: string): Transaction<CreatedReplay | null> {
  const [row] = yield {
    text: 'select id, hash from replay where tenant = $1 and replay_key = $2',
    params: [tenant, key],
  }
  return row === undefined ? null : { kind: 'known', id: idText('rpl', bytes(row.id)), hash: bytes(row.hash) }
}

// States

/** From which states each state can be reached. Going from a state to itself changes nothing. */
export const FROM: Readonly<Record<Exclude<ReplayState, 'done'>, readonly ReplayState[]>> = {
  running: ['running', 'paused'],
  paused: ['running', 'paused'],
  cancelled: ['running', 'paused', 'cancelled'],
}

/** What can be done to a replay. */
export type MoveTo = Exclude<ReplayState, 'done'>

/** What it is called to bring a replay into a state. */
export const MOVES = { running: 'resumed', paused: 'paused', cancelled: 'cancelled' } as const

export type MovedReplay = {
  readonly id: ReplayId
  /** What it is now, whether or not it was changed. */
  readonly state: ReplayState
  readonly isAllowed: boolean
  /** Why it is not allowed: the replay across tenants that it belongs to is paused. */
  readonly isBatchPaused: boolean
}

/**
 * Pauses, resumes, or begins to cancel a replay: once it is paused or cancelled, nothing more is created. If it has very
 * many parts, `moveReplayParts` moves the others. `cancelReplayed` cancels what a cancelled replay has created, and then
 * ends it. A replay that is done can be cancelled as long as some of its deliveries are live. They are not counted here:
 * there can be very many, and everyone's commits would wait.
 */
export function* setReplayState(
  args: Named & { readonly to: MoveTo; readonly nowMs: number } & By,
): Transaction<MovedReplay | null> {
  const { tenant, name, to } = args
  const by = byName(name)
  // Locked, so that a node that is creating its deliveries has either committed or finds the replay changed.
  const [locked] = yield {
    text: `update replay as r set made = made where r.tenant = $1 and ${by.text} returning id, state, batch`,
    params: [tenant, by.value],
  }
  if (locked === undefined) return null
  const id = bytes(locked.id)
  const rows = yield {
    text: `select ${STATE} as state from replay r where tenant = $1 and id = $2`,
    params: [tenant, id],
  }
  const replay = { id: idText('rpl', id), state: text(rows[0]!.state) as ReplayState }
  // Its own state, whatever the batch does; but nothing leads out of a batch that is being cancelled.
  const own = text(locked.state) as ReplayState
  const state = to !== 'cancelled' && replay.state === 'cancelled' ? 'cancelled' : own
  const isAllowed = state === 'done' ? to === 'cancelled' && (yield* hasLive(id)) : FROM[to].includes(state)
  if (to === 'running' && isAllowed && (yield* isBatchPaused(locked.batch!))) {
    return { ...replay, isAllowed: false, isBatchPaused: true }
  }
  if (!isAllowed || state === to) return { ...replay, isAllowed, isBatchPaused: false }
  yield { text: 'update replay set state = $3 where tenant = $1 and id = $2', params: [tenant, id, to] }
  if (to === 'cancelled') {
    // Open again until the deliveries it created are cancelled.
    yield { text: 'update replay set ended_ms = null where tenant = $1 and id = $2', params: [tenant, id] }
    yield* dropParts(id)
  } else yield* moveParts(id, to)
  yield* recordAct(args, { ...about(tenant, replay.id), action: MOVES[to] }, args.nowMs)
  return { ...replay, state: to, isAllowed, isBatchPaused: false }
}

function* hasLive(id: Uint8Array): Transaction<boolean> {
  return (yield { text: 'select 1 from live_delivery where replay = $1 limit 1', params: [id] }).length > 0
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
    const isEnded = !(yield* hasLive(id))
    if (isEnded) yield* endReplay({ tenant: args.tenant, id, state: 'cancelled', nowMs: args.nowMs })
    return { lanes: [], isEnded }
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
  const replay = idText('rpl', args.id)
  yield* noteReplayFinished({ tenant, replay, key: keyOf(ended), state, deliveries: int(ended.made), nowMs })
  return true
}

/** Begins to cancel the replays of a tenant that is being deleted. `cancelReplayed` removes their parts and ends them. */
export function* cancelReplaysOf(tenant: TenantId): Transaction<void> {
  yield { text: `update replay set state = 'cancelled' where tenant = $1 and ended_ms is null`, params: [tenant] }
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
