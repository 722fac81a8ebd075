import type { EndpointId } from '../base/model.ts'
import type { Moved, Settlement } from './operations/deliveries/settlement.ts'

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

/**
 * What this process has committed, told once a commit, for whoever counts. Nobody's work depends on it: what a commit
 * did whose answer was lost is not told.
 */
export class Observations {
  readonly #listeners: ((observation: Observation) => void)[] = []

  on(listener: (observation: Observation) => void): void {
    this.#listeners.push(listener)
  }

  emit(observation: Observation): void {
    for (const listener of this.#listeners) listener(observation)
  }
}
