/** Changes of a replay's parts, a limited number in each commit. in-steps.ts repeats them. */

import { firstIdAt, idBytes, idText } from '../../../base/ids.ts'
import type { EndpointId, ReplayId, TenantId } from '../../../base/model.ts'
import { type BulkQuery, bytes, type Transaction, text, type Value } from '../../transaction.ts'

/** What a replay creates for one endpoint; `wanted` is null if that wasn't counted. */
export type NewReplayPart = {
  readonly endpoint: EndpointId
  readonly partition: number
  readonly wanted: number | null
}

/** A time that never comes: no node claims the parts of a replay that is paused, or whose parts are still added. */
export const NEVER_MS = 8_640_000_000_000_000

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

export function* insertParts({ tenant, id, parts }: Parts, claimedUntilMs: number): Transaction<void> {
  yield {
    text: `insert into replay_part (replay, endpoint, tenant, partition, wanted, claimed_until_ms)
           select replay, endpoint, tenant, partition, wanted, ${claimedUntilMs} from v`,
    columns: PART_COLUMNS,
    rows: parts.map(({ endpoint, partition, wanted }) => [id, idBytes(endpoint), tenant, partition, wanted]),
  }
}

export type ReplayOf = { readonly tenant: TenantId; readonly replay: ReplayId }

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
    text: 'update replay set made = made where tenant = $1 and id = $2 returning state, batch',
    params: [tenant, id],
  }
  const state = locked === undefined ? null : text(locked.state)
  if (state !== 'running' && state !== 'paused') return 0
  // A paused batch lets its replays' parts sleep, and wakes them when it is resumed.
  if (state === 'running' && (yield* isBatchPaused(locked!.batch!))) return 0
  return yield* moveParts(id, state)
}

/** @param batch null: the replay belongs to none */
export function* isBatchPaused(batch: Value): Transaction<boolean> {
  if (batch === null) return false
  return (yield { text: `select 1 from replay_batch where id = $1 and state = 'paused'`, params: [batch] }).length > 0
}

/** Releases some parts, or takes them back. Returns how many. */
export function* moveParts(id: Uint8Array, to: 'running' | 'paused'): Transaction<number> {
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

/** Removes some parts. Returns how many. */
export function* dropParts(id: Uint8Array): Transaction<number> {
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
             select 1 from replay_part p where p.replay = r.id and p.claimed_until_ms = ${NEVER_MS})
           and not exists (select 1 from replay_batch b where b.id = r.batch and b.state = 'paused') limit 100`,
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
