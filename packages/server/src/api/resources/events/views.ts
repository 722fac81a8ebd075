/** Events as the API returns them. */

import { Buffer } from 'node:buffer'
import type { DescribedDelivery, EventEndpoint, PublishedEvent } from '../../../base/model.ts'
import { hidePayloadFaults } from '../../../services/events/hidden-faults.ts'
import { time, timeOrNull } from '../../http/shapes.ts'
import { type DeliveryView, viewDelivery, viewResult } from '../deliveries/delivery.ts'
import type { EventEndpointView, EventView } from './schemas.ts'

export function viewEventEndpoint({
  endpoint,
  endpointUid,
  endpointUrl,
  state,
  reason,
  behind,
  delivery,
  deliveryCount,
}: EventEndpoint): EventEndpointView {
  return {
    endpoint,
    endpointUid,
    endpointUrl,
    state,
    reason,
    behind,
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
  deliveries?: DeliveryView[]
  endpoints?: EventEndpointView[]
  nextEndpoints?: string | null
}

export function writeEvent(event: PublishedEvent, seesPayloads: boolean): string {
  return writeWithPayload(event, {}, seesPayloads)
}

/** @param nextEndpoints cursor of the next page in the list of the event's endpoints; null: there is none */
export function writeEventDetail(
  event: PublishedEvent,
  deliveries: readonly DescribedDelivery[],
  endpoints: readonly EventEndpointView[],
  nextEndpoints: string | null,
  seesPayloads: boolean,
): string {
  const extras = { deliveries: deliveries.map(viewDelivery), endpoints: [...endpoints], nextEndpoints }
  return writeWithPayload(event, extras, seesPayloads)
}

/** Returns JSON text, because the payload is copied in as the bytes that it was published as. */
function writeWithPayload(event: PublishedEvent, extras: EventExtras, seesPayloads: boolean): string {
  const { id, tenant, type, key, test, createdAtMs, notSent, rejected, payload } = event
  const view: EventView & EventExtras = {
    id,
    tenant,
    type,
    key,
    test,
    createdAt: time(createdAtMs),
    notSent,
    rejected: seesPayloads ? rejected : hidePayloadFaults(rejected),
    payloadRemoved: payload.length === 0,
    payloadHidden: !seesPayloads,
    ...extras,
  }
  const text = payload.length === 0 || !seesPayloads ? 'null' : Buffer.from(payload).toString()
  return `${JSON.stringify(view).slice(0, -1)},"payload":${text}}`
}
