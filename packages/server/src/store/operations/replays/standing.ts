/** Derives an event's standing at an endpoint from all of its deliveries there. Pure functions. */
import type { DeliveryState, EndState } from '../../../base/model.ts'

/** A delivery of the event to the endpoint. Ids compare as text in the order of creation. */
export type Sibling = {
  readonly id: string
  readonly state: DeliveryState
  readonly createdAtMs: number
  /** null if it has not ended. */
  readonly endedAtMs: number | null
}

/**
 * `none`: there was no delivery. `live`: one was pending or held, so it will still be sent. `ended`: `latest` is the
 * delivery that decides, and `state` is how it ended. `isOvertaken`: another one was created later.
 */
export type Standing =
  | { readonly kind: 'live' }
  | { readonly kind: 'none'; readonly isOvertaken: boolean }
  | { readonly kind: 'ended'; readonly latest: string; readonly state: EndState; readonly isOvertaken: boolean }

/**
 * The standing at a moment: deliveries that ended later were live then, and those created later did not exist.
 *
 * The latest delivery that ended decides, but a cancelled one only if there is no other: cancelling a replay doesn't
 * undo that the event had failed, or arrived, before.
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
