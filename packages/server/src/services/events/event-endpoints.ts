/** The outcome of an event at each endpoint of its tenant and, for endpoints that did not get it, the reason. */

import type { EndpointId, EventEndpoint, EventId, NotMadeReason, PayloadFilter, TenantId } from '../../base/model.ts'
import { compileFilter } from '../../catalogue/filter.ts'
import { isTypeWanted } from '../../catalogue/type-pattern.ts'
import type { EndpointFacts, EventFacts } from '../../store/operations/events/event-endpoints.ts'
import type { Store } from '../../store/store.ts'
import type { Place } from '../../store/where.ts'
import { notFound } from '../checks/refusals.ts'

export type EndpointPage = Place<EndpointId> & { readonly limit: number }

/** Includes deleted endpoints. Throws not_found. */
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
  return facts.endpoints.map(endpoint => toEventEndpoint(facts, endpoint, parsed))
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
  const { endpoint, endpointUid, delivery, deliveryCount } = facts
  const found = { endpoint, endpointUid, delivery, deliveryCount }
  if (delivery !== null) return { ...found, state: delivery.state, reason: null }
  const reason = reasonOf(event, facts, payload)
  return { ...found, state: reason === null ? 'being_made' : 'not_made', reason }
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
