import type { DeliveryId, EndpointId, EventId, TenantId } from '../base/model.ts'
import type { LaneItem } from './operations/lanes/lanes.ts'
import { asPosthorn } from './tenant-call.ts'

/**
 * What this process reports to itself after a commit, so that nothing has to poll. A lost change costs time, not
 * correctness: publishing checks versions in its transaction, and the engine sweeps the live table.
 */
export type Change =
  | { readonly kind: 'catalogue' }
  /** API keys were created or revoked, or sessions started or ended. */
  | { readonly kind: 'api_keys' }
  | { readonly kind: 'tenant'; readonly tenant: TenantId }
  | { readonly kind: 'endpoint'; readonly tenant: TenantId; readonly endpoint: EndpointId; readonly partition: number }
  /** Something other than its lane changed an endpoint's pending deliveries. */
  | {
      readonly kind: 'lane'
      readonly tenant: TenantId
      readonly endpoint: EndpointId
      readonly partition: number
      readonly delivery?: DeliveryId
    }
  /** Events that this process stored, published or taken from the inbox, except rejected ones. */
  | {
      readonly kind: 'stored'
      readonly tenant: TenantId
      readonly events: readonly { readonly id: EventId; readonly type: string; readonly test: boolean }[]
    }
  /** New deliveries, just committed and due now. */
  | { readonly kind: 'fresh'; readonly items: readonly LaneItem[] }
  /** Another node has committed something that is due at an endpoint. */
  | { readonly kind: 'wake'; readonly tenant: TenantId; readonly endpoint: EndpointId; readonly partition: number }
  /** An event was put into the inbox. */
  | { readonly kind: 'inbox' }
  /** A request that was handed over to those who listen was answered. */
  | { readonly kind: 'answer'; readonly tenant: TenantId; readonly delivery: DeliveryId }
  /** A replay was created or resumed. */
  | { readonly kind: 'replays' }
  /** Messages of other nodes might have been lost until now. `areHeard`: whether they arrive from now on. */
  | { readonly kind: 'messages'; readonly areHeard: boolean }
  /** Partitions were given back, or a node has joined and should get some: the nodes that share them check now. */
  | { readonly kind: 'leases' }
  /** A commit ended in a fault of the store, so its contents must be read again. */
  | { readonly kind: 'doubt' }

/** Emits this process's changes to its listeners. */
export class Changes {
  readonly #listeners: ((change: Change) => void)[] = []

  on(listener: (change: Change) => void): void {
    this.#listeners.push(listener)
  }

  emit(change: Change): void {
    asPosthorn(() => {
      for (const listener of this.#listeners) listener(change)
    })
  }
}
