/** The outcome of an event at each endpoint of its tenant and, for endpoints that did not get it, the reason. */

import type {
  Delivery,
  EndpointId,
  EventEndpoint,
  EventId,
  NotMadeReason,
  OutcomeReason,
  PayloadFilter,
  TenantId,
} from '../../base/model.ts'
import { compileInterruptible } from '../../catalogue/filter/compile.ts'
import { Progress } from '../../catalogue/filter/progress.ts'
import { isTypeWanted } from '../../catalogue/type-pattern.ts'
import type { EndpointFacts, EventFacts } from '../../store/operations/events/event-endpoints.ts'
import type { Store } from '../../store/store.ts'
import type { Place } from '../../store/where.ts'
import { notFound } from '../checks/refusals.ts'
import { callTurns, parseInTurns } from '../turns.ts'

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
  const parsed = payload === null ? undefined : await parseInTurns(tenant, payload)
  const nowMs = store.now()
  const found: EventEndpoint[] = []
  for (const endpoint of facts.endpoints) {
    // A filter can take some milliseconds, and a page has hundreds.
    const hasPassed =
      parsed !== undefined && needsPayload(facts, endpoint)
        ? await passes(tenant, endpoint.wanted!.filterText!, parsed)
        : undefined
    found.push(await callTurns.take(tenant, () => toEventEndpoint(facts, endpoint, hasPassed, nowMs)))
  }
  return found
}

/** Whether a filter lets a payload through. */
async function passes(tenant: TenantId, filterText: string, payload: unknown): Promise<boolean> {
  const filter = await callTurns.take(tenant, () => compileInterruptible(JSON.parse(filterText) as PayloadFilter))
  const progress = new Progress()
  return callTurns.run(tenant, () => filter(payload, progress))
}

/** @param hasPassed whether the filter lets the payload through; undefined: that isn't known, or doesn't matter */
function toEventEndpoint(
  event: EventFacts,
  facts: EndpointFacts,
  hasPassed: boolean | undefined,
  nowMs: number,
): EventEndpoint {
  const { endpoint, endpointUid, url: endpointUrl, delivery, deliveryCount } = facts
  const found = { endpoint, endpointUid, endpointUrl, delivery, deliveryCount }
  if (delivery !== null) {
    const reason = whyNotSent(facts, delivery, nowMs)
    return { ...found, state: delivery.state, reason, behind: reason === 'earlier_delivery' ? facts.behind : null }
  }
  const reason = reasonOf(event, facts, hasPassed)
  return { ...found, state: reason === null ? 'being_made' : 'not_made', reason, behind: null }
}

const isDeleted = ({ deletedAtMs }: EndpointFacts): boolean => deletedAtMs !== null

/** Null: it is about to be sent, or its attempts say what became of it. */
function whyNotSent(facts: EndpointFacts, delivery: Delivery, nowMs: number): OutcomeReason | null {
  const { deletedAtMs } = facts
  switch (delivery.state) {
    case 'pending':
      return whyPending(facts, delivery, nowMs)
    case 'held':
      return delivery.heldReason
    case 'cancelled':
      return deletedAtMs !== null && delivery.endedAtMs! >= deletedAtMs ? 'deleted' : 'cancelled'
    default:
      return null
  }
}

function whyPending(facts: EndpointFacts, { dueAtMs, test }: Delivery, nowMs: number): OutcomeReason | null {
  // Its deliveries are being cancelled, or held.
  if (isDeleted(facts)) return 'deleted'
  if (facts.isDisabled) return 'disabled'
  if (facts.behind !== null) return 'earlier_delivery'
  const readyAtMs = Math.max(dueAtMs!, nowMs)
  // Tests are sent regardless.
  if (!test && (facts.pausedUntilMs ?? 0) > readyAtMs) return 'paused'
  if (readyAtMs > nowMs) return 'next_attempt'
  if (facts.isUnheard) return 'no_listener'
  if (facts.failingSinceMs !== null) return 'failing'
  return facts.isRateLimited ? 'rate_limit' : null
}

const needsPayload = (event: EventFacts, facts: EndpointFacts): boolean => {
  const { delivery, wanted } = facts
  return delivery === null && wanted !== null && wanted.filterText !== null && (isDeleted(facts) || !event.isMade)
}

/** Why there is no delivery; null: it is still being created. */
function reasonOf(event: EventFacts, facts: EndpointFacts, hasPassed: boolean | undefined): NotMadeReason | null {
  const { createdVersion, deletedVersion, wanted } = facts
  const version = event.tenantVersion
  if (event.isRejected) return 'rejected'
  if (event.test) return 'test'
  if (version === null) return isDeleted(facts) ? 'deleted' : null
  if (createdVersion > version) return 'registered_later'
  if (deletedVersion !== null && deletedVersion <= version) return 'deleted'
  if (wanted === null) return 'unknown'
  if (!isTypeWanted(wanted.types, event.type)) return 'type'
  // An endpoint that received the type but had no delivery once all were created was excluded by its filter.
  if (wanted.filterText !== null) {
    const isDecided = !needsPayload(event, facts)
    if (!isDecided && hasPassed === undefined) return 'unknown'
    if (isDecided || !hasPassed) return 'filter'
  }
  // Very many deliveries were being created, and the endpoint was deleted before its turn.
  if (isDeleted(facts)) return 'deleted'
  return event.isMade ? 'unknown' : null
}
