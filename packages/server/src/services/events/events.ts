import type { FieldError } from '../../base/errors.ts'
import type { Delivery, EventEndpoint, EventId, PublishedEvent, TenantId } from '../../base/model.ts'
import type { EventFilter, RejectedFilter } from '../../store/operations/events/reading.ts'
import type { Store } from '../../store/store.ts'
import { checkId, checkIdParameter, checkTypeParameter, invalid, notFound, requireTenant } from '../checks/refusals.ts'
import { checkStorable } from '../checks/values.ts'
import { type EndpointPage, readEventEndpoints } from './event-endpoints.ts'

/** Deliveries shown with their event, the newest; the list of deliveries, filtered by event, has them all. */
const MAX_DELIVERIES_OF_EVENT = 1_000

/** What people see of events that were published. Publishing them: publish/publisher.ts. */
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

  /** Events that were published from SQL and can't be delivered as they are, of a tenant or of all; newest first. */
  async listRejected(filter: RejectedFilter, limit: number): Promise<PublishedEvent[]> {
    checkIdParameter('evt', filter.before, 'cursor')
    const faults: FieldError[] = []
    // Whatever SQL could publish for: the tenant need not exist, nor have an id that one can have.
    if (filter.tenant !== null) checkStorable(filter.tenant, 'tenant', faults)
    if (faults.length > 0) throw invalid(faults)
    return this.#store.read('listRejectedEvents', { ...filter, limit })
  }

  /** An event with what became of it at each endpoint. */
  async get(tenant: TenantId, id: EventId): Promise<{ event: PublishedEvent; deliveries: Delivery[] }> {
    checkId('evt', id, 'event')
    const none = { state: null, endpoint: null, type: null, before: null, fromMs: null, toMs: null }
    await requireTenant(this.#store, tenant)
    const read = () => this.#store.read('getEvent', { tenant, id })
    // Once more: what has left the inbox between the two looks is an event then.
    const event = (await read()) ?? (await this.#store.read('getArrival', { tenant, id })) ?? (await read())
    if (event === null) throw notFound('event')
    const filter = { ...none, event: id, tenant, limit: MAX_DELIVERIES_OF_EVENT }
    return { event, deliveries: await this.#store.read('listDeliveries', filter) }
  }

  /** What became of an event at each endpoint of its tenant, and why; endpoints newest first. */
  async listEndpoints(tenant: TenantId, id: EventId, page: EndpointPage): Promise<EventEndpoint[]> {
    checkId('evt', id, 'event')
    checkIdParameter('ep', page.before, 'cursor')
    await requireTenant(this.#store, tenant)
    return readEventEndpoints(this.#store, tenant, id, page)
  }
}
