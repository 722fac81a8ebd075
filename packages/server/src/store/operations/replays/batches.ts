/**
 * Replays across tenants: what was requested, how far the search for tenants has come, and how they end. Each tenant that
 * has something to send gets a replay of its own (replays.ts), which runs only while the batch does. So pausing and
 * cancelling take effect immediately, however many tenants there are: makeReplayed looks at the batch's row.
 */
import { firstIdAt, idBytes, idText, parseId } from '../../../base/ids.ts'
import type { ReplayBatchId, ReplayId, TenantId } from '../../../base/model.ts'
import type { ReplayBatch, ReplaySelection, ReplayState } from '../../../base/replay.ts'
import { bytes, int, intOrNull, type Row, type Transaction, text, textOrNull, type Value } from '../../transaction.ts'
import { type Place, Where } from '../../where.ts'
import { type By, recordAct } from '../audit.ts'
import { isRepeated, keepCall, type Once } from '../idempotent-calls.ts'
import { NEVER_MS } from './part-changes.ts'
import { createReplay, FROM, MOVES, type MoveTo, type NewReplay } from './replays.ts'

/**
 * What `after_tenant` is once all tenants have been looked at. Before that it is the last of those that have been; null:
 * none.
 */
const ALL_SEARCHED = ''

const FIELDS = 'b.id, b.replay_key, b.hash, b.selection, b.state, b.after_tenant, b.created_ms, b.ended_ms'

function* toBatch(row: Row): Transaction<ReplayBatch> {
  const id = idText('rpb', bytes(row.id))
  // Casts: a sum of bigints is a numeric on PostgreSQL, which arrives as text.
  const [sums] = yield {
    text: `select count(*) as replays, cast(coalesce(sum(made), 0) as bigint) as made, count(deliveries) as counted,
             cast(coalesce(sum(skipped), 0) as bigint) as skipped, cast(coalesce(sum(deliveries), 0) as bigint) as deliveries
           from replay where batch = $1`,
    params: [bytes(row.id)],
  }
  const [live] = yield {
    text: 'select count(*) as n from live_delivery where replay in (select id from replay where batch = $1)',
    params: [bytes(row.id)],
  }
  const replays = int(sums!.replays)
  return {
    id,
    key: text(row.replay_key) === id ? null : text(row.replay_key),
    selection: JSON.parse(text(row.selection)) as ReplaySelection,
    state: text(row.state) as ReplayState,
    isSearching: row.ended_ms === null && textOrNull(row.after_tenant) !== ALL_SEARCHED,
    replays,
    deliveries: int(sums!.counted) === replays ? int(sums!.deliveries) : null,
    made: int(sums!.made),
    skipped: int(sums!.skipped),
    live: int(live!.n),
    createdAtMs: int(row.created_ms),
    endedAtMs: intOrNull(row.ended_ms),
  }
}

type Named = {
  /** Its id or its key. No key has the form of an id. */
  readonly name: string
}

/** The condition on `replay_batch b`, whose parameter is the value. */
function byName(name: string): { readonly text: string; readonly value: Value } {
  const id = parseId('rpb', name)
  return id === undefined ? { text: 'b.replay_key = $1', value: name } : { text: 'b.id = $1', value: id }
}

/** `hash` is that of its selection. */
export function* getReplayBatch({ name }: Named): Transaction<{ batch: ReplayBatch; hash: Uint8Array } | null> {
  const by = byName(name)
  const [row] = yield { text: `select ${FIELDS} from replay_batch b where ${by.text}`, params: [by.value] }
  return row === undefined ? null : { batch: yield* toBatch(row), hash: bytes(row.hash) }
}

export type ReplayBatchFilter = Place<ReplayBatchId> & { readonly state: ReplayState | null }

export function* listReplayBatches(args: ReplayBatchFilter & { limit: number }): Transaction<ReplayBatch[]> {
  const where = new Where().addIf('b.state = ?', args.state)
  const order = where.behind(args, 'b.id')
  const rows = yield {
    text: `select ${FIELDS} from replay_batch b ${where.clause} ${order} limit ${args.limit}`,
    params: where.params,
  }
  const batches: ReplayBatch[] = []
  for (const row of rows) batches.push(yield* toBatch(row))
  return batches
}

// Creating one

export type NewReplayBatch = Pick<ReplayBatch, 'id' | 'selection' | 'createdAtMs'> & {
  /** The caller's, or else the batch's id. */
  readonly key: string
  /** The selection's hash. */
  readonly hash: Uint8Array
  readonly asOfMs: number
  /** The most batches that can be open, that is, have not ended. */
  readonly maxOpen: number
}

/** `known`: a batch with this key exists. `repeated`: the call was made before. */
export type CreatedReplayBatch =
  | { readonly kind: 'created' }
  | { readonly kind: 'known'; readonly id: ReplayBatchId; readonly hash: Uint8Array }
  | { readonly kind: 'too_many' | 'repeated' }

export function* createReplayBatch(args: NewReplayBatch & By & Once): Transaction<CreatedReplayBatch> {
  if (yield* isRepeated(args.once)) return { kind: 'repeated' }
  const known = yield* findKnown(args.key)
  if (known !== null) return known
  const open = yield { text: 'select count(*) as n from replay_batch where ended_ms is null' }
  if (int(open[0]!.n) >= args.maxOpen) return { kind: 'too_many' }
  const made = yield {
    text: `insert into replay_batch (id, replay_key, hash, selection, as_of_ms, state, created_ms)
           values ($1, $2, $3, $4, $5, 'running', $6) on conflict (replay_key) do nothing returning id`,
    params: [idBytes(args.id), args.key, args.hash, JSON.stringify(args.selection), args.asOfMs, args.createdAtMs],
  }
  // Another call has created it at this very moment.
  if (made.length === 0) return (yield* findKnown(args.key))!
  yield* recordAct(args, { ...about(args.id), action: 'created' }, args.createdAtMs)
  yield* keepCall(args.once)
  return { kind: 'created' }
}

const about = (targetId: ReplayBatchId) => ({ target: 'replay_batch', targetId, tenant: null }) as const

function* findKnown(key: string): Transaction<CreatedReplayBatch | null> {
  const [row] = yield { text: 'select id, hash from replay_batch where replay_key = $1', params: [key] }
  return row === undefined ? null : { kind: 'known', id: idText('rpb', bytes(row.id)), hash: bytes(row.hash) }
}

// Working on it

/** What is left to do for a batch that has not ended. */
export type OpenReplayBatch = Pick<ReplayBatch, 'id' | 'selection' | 'state' | 'isSearching'> & {
  readonly hash: Uint8Array
  readonly asOfMs: number
  /** The last tenant looked at; null: none. */
  readonly afterTenant: TenantId | null
  /** It runs, and has parts that went to sleep while it was paused. */
  readonly isPartAsleep: boolean
}

/** Oldest first. */
export function* findOpenReplayBatches(_args: object): Transaction<OpenReplayBatch[]> {
  const rows = yield {
    text: `select ${FIELDS}, b.as_of_ms, case when b.state = 'running' and exists (
               select 1 from replay_part p join replay r on r.tenant = p.tenant and r.id = p.replay
               where p.claimed_until_ms >= ${NEVER_MS} and r.batch = b.id and r.state = 'running')
             then 1 else 0 end as asleep
           from replay_batch b where b.ended_ms is null order by b.id limit 100`,
  }
  return rows.map(row => {
    const afterTenant = textOrNull(row.after_tenant)
    return {
      id: idText('rpb', bytes(row.id)),
      selection: JSON.parse(text(row.selection)) as ReplaySelection,
      state: text(row.state) as ReplayState,
      isSearching: afterTenant !== ALL_SEARCHED,
      hash: bytes(row.hash),
      asOfMs: int(row.as_of_ms),
      afterTenant,
      isPartAsleep: row.asleep === 1,
    }
  })
}

export type TenantSlice = {
  /** Tenants with events of the period. */
  readonly tenants: readonly TenantId[]
  /** The last tenant looked at; null if there are no more. */
  readonly after: TenantId | null
}

/** Looks at the next tenants, in the order of their ids, for events that were published in a period. */
export function* findReplayTenants(args: {
  readonly after: TenantId | null
  readonly fromMs: number
  readonly toMs: number
  readonly limit: number
}): Transaction<TenantSlice> {
  const { after, fromMs, toMs, limit } = args
  const rows = yield {
    text: `select t.id, case when exists (
               select 1 from event e where e.tenant = t.id and e.id >= $2 and e.id < $3) then 1 else 0 end as has_events
           from (select id from tenant where deleted_ms is null and id > $1 order by id limit ${limit}) t order by t.id`,
    params: [after ?? '', idBytes(firstIdAt('evt', fromMs)), idBytes(firstIdAt('evt', toMs))],
  }
  const tenants = rows.filter(row => row.has_events === 1).map(row => text(row.id))
  return { tenants, after: rows.length < limit ? null : text(rows.at(-1)!.id) }
}

export type BatchStep = {
  readonly batch: ReplayBatchId
  /** The last tenant looked at before this step, and the last of this step; null: there are no more. */
  readonly before: TenantId | null
  readonly after: TenantId | null
  readonly replays: readonly NewReplay[]
}

/** Creates the replays of the next tenants. Returns those; null: the batch is not running, or was not there. */
export function* advanceReplayBatch({ batch, before, after, replays }: BatchStep): Transaction<ReplayId[] | null> {
  const moved = yield {
    text: `update replay_batch set after_tenant = $2
           where id = $1 and state = 'running' and coalesce(after_tenant, '/') = $3 returning id`,
    // No tenant is called "/".
    params: [idBytes(batch), after ?? ALL_SEARCHED, before ?? '/'],
  }
  if (moved.length === 0) return null
  const created: ReplayId[] = []
  for (const replay of replays) if ((yield* createReplay(replay)).kind === 'created') created.push(replay.id)
  return created
}

/** Replays of a cancelled batch that are not cancelled yet, or whose deliveries are still to be sent. */
export function* findReplaysToCancel(args: {
  readonly batch: ReplayBatchId
  readonly limit: number
}): Transaction<{ tenant: TenantId; replay: ReplayId }[]> {
  const rows = yield {
    text: `select r.tenant, r.id from replay r where r.batch = $1 and (r.ended_ms is null
             or exists (select 1 from live_delivery l where l.replay = r.id)) limit ${args.limit}`,
    params: [idBytes(args.batch)],
  }
  return rows.map(row => ({ tenant: text(row.tenant), replay: idText('rpl', bytes(row.id)) }))
}

/** Ends a batch of which nothing is left to do. Returns whether it has ended. */
export function* endReplayBatch(args: { readonly batch: ReplayBatchId; readonly nowMs: number }): Transaction<boolean> {
  const id = idBytes(args.batch)
  const rows = yield {
    text: `update replay_batch set ended_ms = $2, state = case when state = 'cancelled' then state else 'done' end
           where id = $1 and ended_ms is null and (state = 'cancelled' or after_tenant = '${ALL_SEARCHED}')
             and not exists (select 1 from replay r where r.batch = $1 and r.ended_ms is null) returning id`,
    params: [id, args.nowMs],
  }
  return rows.length > 0
}

// States

/**
 * Pauses, resumes or cancels a batch. One that is done can be cancelled as long as some of its deliveries are live.
 * Nothing is counted here: everyone's commits would wait.
 */
export function* setReplayBatchState(
  args: Named & { readonly to: MoveTo; readonly nowMs: number } & By,
): Transaction<{ id: ReplayBatchId; state: ReplayState; isAllowed: boolean } | null> {
  const { name, to } = args
  const by = byName(name)
  // Locked, so that a node that is creating deliveries of it has either committed or finds the batch changed.
  const [locked] = yield {
    text: `update replay_batch as b set state = state where ${by.text} returning id, state`,
    params: [by.value],
  }
  if (locked === undefined) return null
  const id = bytes(locked.id)
  const batch = { id: idText('rpb', id), state: text(locked.state) as ReplayState }
  const { state } = batch
  const isAllowed = state === 'done' ? to === 'cancelled' && (yield* hasLive(id)) : FROM[to].includes(state)
  if (!isAllowed || state === to) return { ...batch, isAllowed }
  // One that is cancelled is open again until its deliveries are cancelled, and looks at no more tenants.
  yield {
    text: `update replay_batch set state = $2, ended_ms = null,
             after_tenant = ${to === 'cancelled' ? `'${ALL_SEARCHED}'` : 'after_tenant'} where id = $1`,
    params: [id, to],
  }
  yield* recordAct(args, { ...about(batch.id), action: MOVES[to] }, args.nowMs)
  return { ...batch, state: to, isAllowed }
}

function* hasLive(id: Uint8Array): Transaction<boolean> {
  const rows = yield {
    text: 'select 1 from live_delivery where replay in (select id from replay where batch = $1) limit 1',
    params: [id],
  }
  return rows.length > 0
}

/** Removes some batches that ended before a time. Returns how many. */
export function* dropReplayBatches(args: {
  readonly endedBeforeMs: number
  readonly limit: number
}): Transaction<number> {
  const rows = yield {
    text: `delete from replay_batch where id in (
             select b.id from replay_batch b where b.ended_ms < $1
               and not exists (select 1 from replay r where r.batch = b.id) limit ${args.limit}) returning id`,
    params: [args.endedBeforeMs],
  }
  return rows.length
}

/** Forgets that a tenant, which is being erased, was the last one looked at. The search then starts over. */
export function* forgetTenantInBatches(tenant: TenantId): Transaction<void> {
  yield { text: 'update replay_batch set after_tenant = null where after_tenant = $1', params: [tenant] }
}
