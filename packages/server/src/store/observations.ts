/**
 * What this process has committed, told once a commit, for whoever counts. Nobody's work depends on it: what a commit
 * did whose answer was lost is not told.
 */

import { type EndpointId, isOperational } from '../base/model.ts'
import type { Call } from './driver.ts'
import type { AcceptRequest, AcceptResult } from './operations/inbox.ts'
import type { PublishRequest, StoredResult } from './operations/publish.ts'
import type { CancelledSome } from './operations/replays.ts'
import type { Moved, Settlement } from './operations/settle.ts'

export type Observation =
  /** A commit is over. `items`: events, deliveries, outcomes and other changes in it. */
  | { readonly kind: 'commit'; readonly items: number; readonly durationMs: number; readonly isFault: boolean }
  /** Events are stored that publishers gave: no duplicates, no tests, nothing that Posthorn published itself. */
  | { readonly kind: 'accepted'; readonly events: number }
  /** Events that were published from SQL are stored as rejected. */
  | { readonly kind: 'rejected'; readonly events: number }
  /** Outcomes are stored; `moved` says of each what became of its delivery. */
  | { readonly kind: 'settled'; readonly settlements: readonly Settlement[]; readonly moved: readonly Moved[] }
  /** Deliveries of an endpoint were cancelled. */
  | {
      readonly kind: 'cancelled'
      readonly endpoint: EndpointId
      readonly deliveries: number
      readonly atMs: number
    }

export class Observations {
  readonly #listeners: ((observation: Observation) => void)[] = []

  on(listener: (observation: Observation) => void): void {
    this.#listeners.push(listener)
  }

  emit(observation: Observation): void {
    for (const listener of this.#listeners) listener(observation)
  }
}

/** What requests that were stored together have brought. */
export function publishedIn(requests: readonly PublishRequest[], results: readonly StoredResult[]): Observation {
  let events = 0
  for (const [at, request] of requests.entries()) {
    const result = results[at]!
    if (result.kind !== 'stored') continue
    const isCounted = ({ test, type }: PublishRequest['events'][number]) => !test && !isOperational(type)
    for (const event of request.events) if (isCounted(event)) events++
    for (const { index } of result.duplicates) if (isCounted(request.events[index]!)) events--
  }
  return { kind: 'accepted', events }
}

/** What a call of another kind has brought, if it is one that somebody counts. */
export function doneBy({ name, args }: Call, value: unknown): readonly Observation[] {
  if (name === 'cancelDelivery') {
    const endpoint = value as EndpointId | null
    const { nowMs } = args as { nowMs: number }
    return endpoint === null ? [] : [{ kind: 'cancelled', endpoint, deliveries: 1, atMs: nowMs }]
  }
  if (name === 'cancelDeliveries') {
    const { endpoint, nowMs } = args as { endpoint: EndpointId; nowMs: number }
    return [{ kind: 'cancelled', endpoint, deliveries: value as number, atMs: nowMs }]
  }
  if (name === 'cancelReplayed') {
    const { nowMs: atMs } = args as { nowMs: number }
    const { lanes } = value as CancelledSome
    return lanes.map(({ endpoint, deliveries }) => ({ kind: 'cancelled', endpoint, deliveries, atMs }))
  }
  if (name === 'acceptArrivals') return arrivedIn(args as AcceptRequest, value as AcceptResult)
  return []
}

function arrivedIn({ arrivals }: AcceptRequest, { stored }: AcceptResult): readonly Observation[] {
  const ids = new Set(stored)
  const [rejected, accepted] = [true, false].map(
    isRejected =>
      arrivals.filter(
        arrival => ids.has(arrival.event) && (arrival.rejected !== null) === isRejected && !isOperational(arrival.type),
      ).length,
  )
  return [
    { kind: 'accepted', events: accepted! },
    { kind: 'rejected', events: rejected! },
  ]
}
