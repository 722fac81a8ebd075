import type { DeliveryId, EndpointId, EventId, TenantId } from '../base/model.ts'
import type { LaneItem } from './operations/lanes/lanes.ts'

/**
 * What this process tells itself after a commit, so that nobody has to look. A change that gets lost costs time, not
 * correctness: publishing checks versions in its transaction, and the engine sweeps the live table.
 */
export type Change =
  | { readonly kind: 'catalogue' }
  /** API keys were made or revoked. */
  | { readonly kind: 'api_keys' }
  | { readonly kind: 'tenant'; readonly tenant: TenantId }
  | { readonly kind: 'endpoint'; readonly tenant: TenantId; readonly endpoint: EndpointId; readonly partition: number }
  /** Pending deliveries of an endpoint were changed by somebody other than its lane. */
  | {
      readonly kind: 'lane'
      readonly tenant: TenantId
      readonly endpoint: EndpointId
      readonly partition: number
      readonly delivery?: DeliveryId
    }
  /** Events that were stored by this process, by publishing or out of the inbox; not those that were rejected. */
  | {
      readonly kind: 'stored'
      readonly tenant: TenantId
      readonly events: readonly { readonly id: EventId; readonly type: string; readonly test: boolean }[]
    }
  /** Fresh deliveries, just committed and due now. */
  | { readonly kind: 'fresh'; readonly items: readonly LaneItem[] }
  /** Another node has committed something that is due at an endpoint. */
  | { readonly kind: 'wake'; readonly tenant: TenantId; readonly endpoint: EndpointId; readonly partition: number }
  /** An event was put into the inbox. */
  | { readonly kind: 'inbox' }
  /** A replay was made, or goes on. */
  | { readonly kind: 'replays' }
  /** What other nodes have said up to now may have been missed; and whether what they say from now on is heard. */
  | { readonly kind: 'messages'; readonly areHeard: boolean }
  /** Partitions were given back, or a node has come and should get some: who shares them looks now. */
  | { readonly kind: 'leases' }
  /** A commit ended in a fault of the store: what is in it must be read again. */
  | { readonly kind: 'doubt' }

/** Emits this process's changes to those who listen. */
export class Changes {
  readonly #listeners: ((change: Change) => void)[] = []

  on(listener: (change: Change) => void): void {
    this.#listeners.push(listener)
  }

  emit(change: Change): void {
    for (const listener of this.#listeners) listener(change)
  }
}
