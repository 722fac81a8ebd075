/** Events as the API returns them. */

import { Buffer } from 'node:buffer'
import type { Delivery, EventEndpoint, PublishedEvent } from '../../../base/model.ts'
import { time, timeOrNull } from '../../http/shapes.ts'
import { type DeliveryView, viewDelivery, viewResult } from '../deliveries.ts'
import type { EventEndpointView, EventView } from './schemas.ts'

export function viewEventEndpoint({
  endpoint,
  endpointUid,
  state,
  reason,
  delivery,
  deliveryCount,
}: EventEndpoint): EventEndpointView {
  return {
    endpoint,
    endpointUid,
    state,
    reason,
    heldReason: delivery?.heldReason ?? null,
    delivery: delivery?.id ?? null,
    deliveryCount,
    attemptCount: delivery?.attempts ?? 0,
    lastAttempt: viewResult(delivery?.lastAttempt ?? null),
    nextAttemptAt: timeOrNull(delivery?.dueAtMs ?? null),
    endedAt: timeOrNull(delivery?.endedAtMs ?? null),
  }
}

type EventExtras = {
  tenant?: string
  deliveries?: DeliveryView[]
  endpoints?: EventEndpointView[]
  nextEndpoints?: string | null
}

export function writeEvent(event: PublishedEvent): string {
  return writeWithPayload(event, {})
}

/** @param nextEndpoints cursor of the next page in the list of the event's endpoints; null: there is none */
export function writeEventDetail(
  event: PublishedEvent,
  deliveries: readonly Delivery[],
  endpoints: readonly EventEndpointView[],
  nextEndpoints: string | null,
): string {
  return writeWithPayload(event, {
    deliveries: deliveries.map(viewDelivery),
    endpoints: [...endpoints],
    nextEndpoints,
  })
}

export function writeRejectedEvent(event: PublishedEvent): string {
  return writeWithPayload(event, { tenant: event.tenant })
}

/** Returns JSON text, because the payload is copied in as the bytes that it was published as. */
function writeWithPayload(event: PublishedEvent, extras: EventExtras): string {
  const { id, type, key, test, createdAtMs, notSent, rejected, payload } = event
  const view: EventView & EventExtras = {
    id,
    type,
    key,
    test,
    createdAt: time(createdAtMs),
    notSent,
    rejected,
    payloadRemoved: payload.length === 0,
    ...extras,
  }
  const text = payload.length === 0 ? 'null' : Buffer.from(payload).toString()
  return `${JSON.stringify(view).slice(0, -1)},"payload":${text}}`
}
