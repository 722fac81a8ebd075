/** What an event has come to at an endpoint, out of all its deliveries there. Pure. */
import type { DeliveryState, EndState } from '../../../base/model.ts'

/** A delivery of the event to the endpoint. Ids compare as text in the order in which they were made. */
export type Sibling = {
  readonly id: string
  readonly state: DeliveryState
  readonly createdAtMs: number
  /** null: it has not ended. */
  readonly endedAtMs: number | null
}

/**
 * none: there was no delivery. live: one was pending or held, so it will still be sent. ended: `latest` is the one that
 * tells, and `state` is how that ended. `isOvertaken`: another was made since.
 */
export type Standing =
  | { readonly kind: 'live' }
  | { readonly kind: 'none'; readonly isOvertaken: boolean }
  | { readonly kind: 'ended'; readonly latest: string; readonly state: EndState; readonly isOvertaken: boolean }

/**
 * As of a moment: what ended later was live then, what was made later was not there.
 *
 * The latest that ended tells, but one that was cancelled only where there is no other: somebody who cancels a replay
 * has not made undone that the event had failed, or arrived, before.
 */
export function standingOf(siblings: Iterable<Sibling>, asOfMs: number): Standing {
  let latest: (Sibling & { state: EndState }) | undefined
  let isLive = false
  let isOvertaken = false
  for (const sibling of siblings) {
    const { state, createdAtMs, endedAtMs } = sibling
    if (createdAtMs > asOfMs) isOvertaken = true
    else if (state === 'pending' || state === 'held' || endedAtMs === null || endedAtMs > asOfMs) isLive = true
    else if (latest === undefined || tellsMore({ ...sibling, state }, latest)) latest = { ...sibling, state }
  }
  if (isLive) return { kind: 'live' }
  if (latest === undefined) return { kind: 'none', isOvertaken }
  return { kind: 'ended', latest: latest.id, state: latest.state, isOvertaken }
}

function tellsMore(one: Sibling, other: Sibling): boolean {
  const isCancelled = one.state === 'cancelled'
  if (isCancelled !== (other.state === 'cancelled')) return !isCancelled
  return one.id > other.id
}
