import type { EndpointId } from '../base/model.ts'
import type { Moved, Settlement } from './operations/deliveries/settlement.ts'
import { asPosthorn } from './tenant-call.ts'

export type Observation =
  /** A commit has ended. `items`: events, deliveries, outcomes and other changes in it. */
  | { readonly kind: 'commit'; readonly items: number; readonly durationMs: number; readonly isFault: boolean }
  /** Publishers' events were stored: no duplicates, no tests, nothing that Posthorn published itself. */
  | { readonly kind: 'accepted'; readonly events: number }
  /** Events published from SQL were stored as rejected. */
  | { readonly kind: 'rejected'; readonly events: number }
  /** Outcomes were stored; `moved` says for each what became of its delivery. */
  | { readonly kind: 'settled'; readonly settlements: readonly Settlement[]; readonly moved: readonly Moved[] }
  /** An endpoint's deliveries were cancelled. */
  | {
      readonly kind: 'cancelled'
      readonly endpoint: EndpointId
      readonly deliveries: number
      readonly atMs: number
    }

/**
 * What this process has committed, reported once per commit, for metrics and statistics. No work depends on it: a
 * commit whose response was lost is not reported.
 */
export class Observations {
  readonly #listeners: ((observation: Observation) => void)[] = []

  on(listener: (observation: Observation) => void): void {
    this.#listeners.push(listener)
  }

  emit(observation: Observation): void {
    asPosthorn(() => {
      for (const listener of this.#listeners) listener(observation)
    })
  }
}
