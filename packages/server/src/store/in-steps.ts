/**
 * What a change of an endpoint does to all its deliveries, with a limited number in each commit, so that a million of
 * them keep no one waiting. A crash can interrupt it; `findUnfinished` then says where to do it again.
 */
import { HOUR_MS } from '../base/durations.ts'
import type { EndpointId, TenantId } from '../base/model.ts'
import { PARTS_A_COMMIT, type ReplayOf } from './operations/replays/part-changes.ts'
import type { NewReplay } from './operations/replays/replays.ts'
import type { Store } from './store.ts'

/** Some milliseconds: a tenant that keeps changing endpoints with a backlog must not delay others. */
const DELIVERIES_A_COMMIT = 128
const STATISTICS_A_COMMIT = 500
const CALLS_A_COMMIT = 1_000

export type DeliveriesOf = { readonly partition: number; readonly endpoint: EndpointId }

/** Holds an endpoint's pending deliveries while the endpoint is disabled; returns how many were changed. */
export function holdAll(store: Store, { partition, endpoint }: DeliveriesOf): Promise<number> {
  return untilNone(() => store.write('holdDeliveries', { partition, endpoint, limit: DELIVERIES_A_COMMIT }))
}

/** Makes an enabled endpoint's held deliveries pending and due; returns how many were changed. */
export function releaseAll(store: Store, { partition, endpoint }: DeliveriesOf): Promise<number> {
  return untilNone(() => {
    const nowMs = store.now()
    return store.write('releaseDeliveries', { partition, endpoint, limit: DELIVERIES_A_COMMIT, nowMs })
  })
}

/** Cancels an endpoint's live deliveries, or only the held ones; returns how many were changed. */
export function cancelAll(
  store: Store,
  { partition, endpoint }: DeliveriesOf,
  only: 'held' | 'all' = 'all',
): Promise<number> {
  return untilNone(() => {
    const nowMs = store.now()
    return store.write('cancelDeliveries', { partition, endpoint, only, limit: DELIVERIES_A_COMMIT, nowMs })
  })
}

/** Cancels the replay's deliveries that are still live, and ends the replay, which was cancelled before. */
export async function cancelReplay(store: Store, of: ReplayOf): Promise<void> {
  while (!(await cancelSome(store, of)));
}

/** The next step of the same. Returns whether the replay has ended. */
export async function cancelSome(store: Store, of: ReplayOf): Promise<boolean> {
  const nowMs = store.now()
  const { lanes, isEnded } = await store.write('cancelReplayed', { ...of, limit: DELIVERIES_A_COMMIT, nowMs })
  for (const at of lanes) store.changes.emit({ kind: 'lane', tenant: of.tenant, ...at })
  return isEnded
}

/**
 * Adds the parts of a replay that is about to be created, if they are too many for its own commit. Returns the replay to
 * create, after which `settleParts` must be called. A crash in between leaves what `mendParts` mends.
 */
export async function addManyParts<New extends NewReplay>(store: Store, replay: New): Promise<New> {
  const { tenant, id, parts } = replay
  if (parts.length <= PARTS_A_COMMIT) return replay
  for (let at = 0; at < parts.length; at += PARTS_A_COMMIT) {
    await store.write('addReplayParts', { tenant, replay: id, parts: parts.slice(at, at + PARTS_A_COMMIT) })
  }
  return { ...replay, parts: [], hasParts: true }
}

/** Releases the parts that `addManyParts` has added, or removes them if the replay was not created. */
export async function settleParts(
  store: Store,
  { tenant, id, hasParts = false }: NewReplay,
  isCreated: boolean,
): Promise<void> {
  if (!hasParts) return
  if (isCreated) await moveParts(store, { tenant, replay: id })
  else await dropParts(store, { tenant, replay: id })
}

async function dropParts(store: Store, of: ReplayOf): Promise<void> {
  await untilNone(() => store.write('dropReplayParts', of))
}

/** Lets the parts of a running replay be claimed; keeps those of a paused one from it. */
export async function moveParts(store: Store, of: ReplayOf): Promise<void> {
  await untilNone(() => store.write('moveReplayParts', of))
}

/** Completes what a crash has cut short between two of the above. */
export async function mendParts(store: Store): Promise<void> {
  for (const of of await store.read('findUnreleasedReplays', {})) await moveParts(store, of)
  const beforeMs = store.now() - HOUR_MS
  for (const of of await store.read('findUncreatedReplays', { beforeMs })) await dropParts(store, of)
}

/** Forgets the calls with an `Idempotency-Key` of a tenant that was deleted. */
export async function forgetAllCalls(store: Store, tenant: TenantId): Promise<void> {
  await untilNone(() => store.write('forgetCalls', { tenant, limit: CALLS_A_COMMIT }))
}

/** Removes all statistics of a tenant. */
export async function removeAllStats(store: Store, tenant: TenantId): Promise<void> {
  await untilNone(() => store.write('removeStats', { tenant, limit: STATISTICS_A_COMMIT }))
}

/** Repeats until none is left, not until fewer than the limit: a step skips rows that another transaction holds. */
async function untilNone(moveSome: () => Promise<number>): Promise<number> {
  let moved = 0
  for (;;) {
    const count = await moveSome()
    if (count === 0) return moved
    moved += count
  }
}
