/** The outcome of an event at each endpoint of its tenant and, for endpoints that did not get it, the reason. */

import { systemClock } from '../../base/clock.ts'
import type { EndpointId, EventEndpoint, EventId, NotMadeReason, PayloadFilter, TenantId } from '../../base/model.ts'
import { compileFilter } from '../../catalogue/filter.ts'
import { isTypeWanted } from '../../catalogue/type-pattern.ts'
import { TURN_MS, Turns } from '../../publish/turns.ts'
import type { EndpointFacts, EventFacts } from '../../store/operations/events/event-endpoints.ts'
import type { Store } from '../../store/store.ts'
import { notFound } from '../checks/refusals.ts'

export type EndpointPage = { readonly before: EndpointId | null; readonly limit: number }

/** Endpoints newest first, including deleted ones. Throws not_found. */
export async function readEventEndpoints(
  store: Store,
  tenant: TenantId,
  event: EventId,
  page: EndpointPage,
): Promise<EventEndpoint[]> {
  const facts = await store.read('listEventEndpoints', { tenant, event, ...page })
  if (facts === null) throw notFound('event')
  // Read only if the deliveries don't show what the filter decided.
  const payload = facts.endpoints.some(endpoint => needsPayload(facts, endpoint))
    ? await store.read('readPayload', { tenant, event })
    : null
  const parsed = payload === null ? undefined : parse(payload)
  const turns = new Turns(systemClock)
  const found: EventEndpoint[] = []
  for (const endpoint of facts.endpoints) {
    found.push(toEventEndpoint(facts, endpoint, parsed))
    // A filter can take a millisecond, and a page has hundreds.
    await turns.pauseAfter(TURN_MS)
  }
  return found
}

/** Undefined if the payload is no longer kept. */
function parse(payload: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(payload).toString())
  } catch {
    return undefined
  }
}

function toEventEndpoint(event: EventFacts, facts: EndpointFacts, payload: unknown): EventEndpoint {
  const { endpoint, delivery, deliveryCount } = facts
  if (delivery !== null) return { endpoint, state: delivery.state, reason: null, delivery, deliveryCount }
  const reason = reasonOf(event, facts, payload)
  const state = reason === null ? 'being_made' : 'not_made'
  return { endpoint, state, reason, delivery, deliveryCount }
}

const needsPayload = (event: EventFacts, { delivery, wanted, isDeleted }: EndpointFacts): boolean =>
  delivery === null && wanted !== null && wanted.filterText !== null && (isDeleted || !event.isMade)

/** Why there is no delivery; null: it is still being created. */
function reasonOf(event: EventFacts, facts: EndpointFacts, payload: unknown): NotMadeReason | null {
  const { createdVersion, deletedVersion, isDeleted, wanted } = facts
  const version = event.tenantVersion
  if (event.isRejected) return 'rejected'
  if (event.test) return 'test'
  if (version === null) return isDeleted ? 'deleted' : null
  if (createdVersion > version) return 'registered_later'
  if (deletedVersion !== null && deletedVersion <= version) return 'deleted'
  if (wanted === null) return 'unknown'
  if (!isTypeWanted(wanted.types, event.type)) return 'type'
  // An endpoint that received the type but had no delivery once all were created was excluded by its filter.
  if (wanted.filterText !== null) {
    const isDecided = !needsPayload(event, facts)
    if (!isDecided && payload === undefined) return 'unknown'
    if (isDecided || !passes(wanted.filterText, payload)) return 'filter'
  }
  // Very many deliveries were being created, and the endpoint was deleted before its turn.
  if (isDeleted) return 'deleted'
  return event.isMade ? 'unknown' : null
}

const passes = (filterText: string, payload: unknown): boolean =>
  compileFilter(JSON.parse(filterText) as PayloadFilter)(payload)
