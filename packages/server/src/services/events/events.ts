import type { FieldError } from '../../base/errors.ts'
import type { DescribedDelivery, EventEndpoint, EventId, PublishedEvent, TenantId } from '../../base/model.ts'
import { ANY_DELIVERY } from '../../store/operations/deliveries/filter.ts'
import type { EventFilter, RejectedFilter } from '../../store/operations/events/reading.ts'
import type { Store } from '../../store/store.ts'
import { checkId, checkPlace, checkTypeParameter, invalid, notFound, requireTenant } from '../checks/refusals.ts'
import { checkStorable } from '../checks/values.ts'
import { describeDeliveries } from '../deliveries/describe.ts'
import { type EndpointPage, readEventEndpoints } from './event-endpoints.ts'

/** The newest deliveries shown with an event. The list of deliveries, filtered by event, has all of them. */
const MAX_DELIVERIES_OF_EVENT = 1_000

/** Reads published events. Publishing is in publish/publisher.ts. */
export class Events {
  readonly #store: Store

  constructor(store: Store) {
    this.#store = store
  }

  async list(tenant: TenantId, filter: EventFilter, limit: number): Promise<PublishedEvent[]> {
    checkPlace('evt', filter)
    checkTypeParameter(filter.type)
    await requireTenant(this.#store, tenant)
    return this.#store.read('listEvents', { ...filter, tenant, limit })
  }

  /** Events of one tenant or of all that were published from SQL and rejected. */
  async listRejected(filter: RejectedFilter, limit: number): Promise<PublishedEvent[]> {
    checkPlace('evt', filter)
    const faults: FieldError[] = []
    // Any text that SQL can publish for: the tenant need not exist, and its id need not be valid.
    if (filter.tenant !== null) checkStorable(filter.tenant, 'tenant', faults)
    if (faults.length > 0) throw invalid(faults)
    return this.#store.read('listRejectedEvents', { ...filter, limit })
  }

  /** An event with its deliveries. */
  async get(tenant: TenantId, id: EventId): Promise<{ event: PublishedEvent; deliveries: DescribedDelivery[] }> {
    checkId('evt', id, 'event')
    await requireTenant(this.#store, tenant)
    const read = () => this.#store.read('getEvent', { tenant, id })
    // Read again, because an event that left the inbox between the first two reads was found by neither.
    const event = (await read()) ?? (await this.#store.read('getArrival', { tenant, id })) ?? (await read())
    if (event === null) throw notFound('event')
    const limit = MAX_DELIVERIES_OF_EVENT
    const search = { ...ANY_DELIVERY, tenant, events: [id], before: null, limit, maxRows: limit }
    const { items } = await this.#store.read('findDeliveries', search)
    return { event, deliveries: await describeDeliveries(this.#store, items) }
  }

  /** The outcome of an event at each endpoint of its tenant, with the reason. */
  async listEndpoints(tenant: TenantId, id: EventId, page: EndpointPage): Promise<EventEndpoint[]> {
    checkId('evt', id, 'event')
    checkPlace('ep', page)
    await requireTenant(this.#store, tenant)
    return readEventEndpoints(this.#store, tenant, id, page)
  }
}
