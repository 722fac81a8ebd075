import type { FieldError } from '../../base/errors.ts'
import type { Delivery, EventEndpoint, EventId, PublishedEvent, TenantId } from '../../base/model.ts'
import type { EventFilter, RejectedFilter } from '../../store/operations/events/reading.ts'
import type { Store } from '../../store/store.ts'
import { checkId, checkIdParameter, checkTypeParameter, invalid, notFound, requireTenant } from '../checks/refusals.ts'
import { checkStorable } from '../checks/values.ts'
import { findByKey, type KeyedEvents, readEvent } from './by-key.ts'
import { type EndpointPage, readEventEndpoints } from './event-endpoints.ts'

/** The newest deliveries shown with an event. The list of deliveries, filtered by event, has all of them. */
const MAX_DELIVERIES_OF_EVENT = 1_000

/** Reads published events. Publishing is in publish/publisher.ts. */
export class Events {
  readonly #store: Store

  constructor(store: Store) {
    this.#store = store
  }

  /** Newest first. */
  async list(tenant: TenantId, filter: EventFilter, limit: number): Promise<PublishedEvent[]> {
    checkIdParameter('evt', filter.before, 'cursor')
    checkTypeParameter(filter.type)
    await requireTenant(this.#store, tenant)
    return this.#store.read('listEvents', { ...filter, tenant, limit })
  }

  /** Events with this key of their publisher, newest first: one at a time, since there is rarely another. */
  async listByKey(tenant: TenantId, key: string, filter: EventFilter): Promise<KeyedEvents> {
    checkIdParameter('evt', filter.before, 'cursor')
    checkTypeParameter(filter.type)
    await requireTenant(this.#store, tenant)
    return findByKey(this.#store, tenant, key, filter)
  }

  /** Events of one tenant or of all that were published from SQL and rejected, newest first. */
  async listRejected(filter: RejectedFilter, limit: number): Promise<PublishedEvent[]> {
    checkIdParameter('evt', filter.before, 'cursor')
    const faults: FieldError[] = []
    // Any text that SQL can publish for: the tenant need not exist, and its id need not be valid.
    if (filter.tenant !== null) checkStorable(filter.tenant, 'tenant', faults)
    if (faults.length > 0) throw invalid(faults)
    return this.#store.read('listRejectedEvents', { ...filter, limit })
  }

  /** An event with its deliveries. */
  async get(tenant: TenantId, id: EventId): Promise<{ event: PublishedEvent; deliveries: Delivery[] }> {
    checkId('evt', id, 'event')
    const none = { state: null, endpoint: null, type: null, before: null, fromMs: null, toMs: null }
    await requireTenant(this.#store, tenant)
    const event = await readEvent(this.#store, tenant, id)
    if (event === null) throw notFound('event')
    const filter = { ...none, event: id, tenant, limit: MAX_DELIVERIES_OF_EVENT }
    return { event, deliveries: await this.#store.read('listDeliveries', filter) }
  }

  /** The outcome of an event at each endpoint of its tenant, with the reason; endpoints newest first. */
  async listEndpoints(tenant: TenantId, id: EventId, page: EndpointPage): Promise<EventEndpoint[]> {
    checkId('evt', id, 'event')
    checkIdParameter('ep', page.before, 'cursor')
    await requireTenant(this.#store, tenant)
    return readEventEndpoints(this.#store, tenant, id, page)
  }
}
