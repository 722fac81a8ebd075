import type { Clock } from '../../base/clock.ts'
import type { FieldError } from '../../base/errors.ts'
import type { DescribedDelivery, EventEndpoint, EventId, PublishedEvent, TenantId } from '../../base/model.ts'
import { ANY_DELIVERY } from '../../store/operations/deliveries/filter.ts'
import type { EventFilter, RejectedFilter } from '../../store/operations/events/reading.ts'
import type { Store } from '../../store/store.ts'
import type { Place } from '../../store/where.ts'
import { checkId, checkPlace, checkTypeParameter, invalid, notFound, requireTenant } from '../checks/refusals.ts'
import { checkStorable } from '../checks/values.ts'
import { describeDeliveries } from '../deliveries/describe.ts'
import { type Found, searchInSlices } from '../slices.ts'
import { type EndpointPage, readEventEndpoints } from './event-endpoints.ts'

/** The newest deliveries shown with an event. The list of deliveries, filtered by event, has all of them. */
const MAX_DELIVERIES_OF_EVENT = 1_000
/** Rejected events of all tenants that one read looks at to find those of one. */
const REJECTED_A_READ = 10_000

/** Reads published events. Publishing is in publish/publisher.ts. */
export class Events {
  readonly #store: Store
  readonly #clock: Pick<Clock, 'monotonicMs'>

  constructor(store: Store, clock: Pick<Clock, 'monotonicMs'>) {
    this.#store = store
    this.#clock = clock
  }

  async list(tenant: TenantId, filter: EventFilter, limit: number): Promise<PublishedEvent[]> {
    checkPlace('evt', filter)
    checkTypeParameter(filter.type)
    await requireTenant(this.#store, tenant)
    return this.#store.read('listEvents', { ...filter, tenant, limit })
  }

  /** Events of one tenant or of all that were published from SQL and rejected. */
  async listRejected({ tenant, ...place }: RejectedFilter, count: number): Promise<Found<PublishedEvent>> {
    checkPlace('evt', place)
    const faults: FieldError[] = []
    // Any text that SQL can publish for: the tenant need not exist, and its id need not be valid.
    if (tenant !== null) checkStorable(tenant, 'tenant', faults)
    if (faults.length > 0) throw invalid(faults)
    const read = (from: Place<EventId>, limit: number) =>
      this.#store.read('listRejectedEvents', { tenant, ...from, limit, maxRows: REJECTED_A_READ })
    return searchInSlices(place, count, read, this.#clock)
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
