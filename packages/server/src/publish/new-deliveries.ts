/** Turns matched endpoints into deliveries, and stored deliveries into items for their lanes. */
import { newId } from '../base/ids.ts'
import type { EventId, TenantId } from '../base/model.ts'
import type { NewDelivery } from '../store/operations/deliveries/new-deliveries.ts'
import type { MatchEndpoint } from '../store/operations/endpoints/matching.ts'
import type { LaneItem } from '../store/operations/lanes/lanes.ts'

export function newDelivery({ id, partition, state, ordered }: MatchEndpoint, nowMs: number): NewDelivery {
  return { id: newId('dlv', nowMs), endpoint: id, partition, held: state === 'disabled', ordered }
}

export type StoredEvent = {
  readonly tenant: TenantId
  readonly event: EventId
  readonly type: string
  readonly test: boolean
  readonly traceparent: string | null
  readonly payload: Uint8Array | null
}

/** The items to hand to lanes, after the commit only: a lane must never send what a crash could still undo. */
export function freshItems(stored: StoredEvent, deliveries: readonly NewDelivery[], nowMs: number): LaneItem[] {
  const { tenant, event, type, test, traceparent, payload } = stored
  const items: LaneItem[] = []
  for (const { id: delivery, endpoint, partition, held } of deliveries) {
    if (held) continue
    items.push({
      tenant,
      delivery,
      endpoint,
      partition,
      event,
      type,
      test,
      traceparent,
      replay: false,
      dueAtMs: nowMs,
      attempts: 0,
      payload,
    })
  }
  return items
}
