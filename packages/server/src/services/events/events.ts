import type { Clock } from '../../base/clock.ts'
import type { FieldError } from '../../base/errors.ts'
import type { DescribedDelivery, EventEndpoint, EventId, PublishedEvent, TenantId } from '../../base/model.ts'
import { ANY_DELIVERY } from '../../store/operations/deliveries/filter.ts'
import type { RejectedFilter } from '../../store/operations/events/rejected.ts'
import type { Store } from '../../store/store.ts'
import type { Place, Range } from '../../store/where.ts'
import { adviseOnKey, checkPeriod } from '../checks/contradictions.ts'
import { adviseOnTypes, checkKey, checkTenantParameter, checkTypes } from '../checks/list-parameters.ts'
import { checkId, checkPlace, invalid, notFound, requireTenant } from '../checks/refusals.ts'
import { checkStorable } from '../checks/values.ts'
import type { Warning } from '../checks/warnings.ts'
import { describeDeliveries } from '../deliveries/describe.ts'
import { type Found, REJECTED_A_READ, searchInSlices } from '../slices.ts'
import { type EndpointPage, readEventEndpoints } from './event-endpoints.ts'
import { EventList, type EventPage, type EventQuery } from './event-list.ts'
import { adviseOnPayloadFilter } from './payload-advice.ts'
import { createPayloadTest, type PayloadInput } from './payload-test.ts'
import { readEvent } from './read-event.ts'

/** The newest deliveries shown with an event. The list of deliveries, filtered by event, has all of them. */
const MAX_DELIVERIES_OF_EVENT = 1_000

/** Which events are listed. What is left out or null selects all. */
export type EventFilter = Partial<Range> &
  PayloadInput & {
    readonly types?: readonly string[] | null
    /** The publisher's own key. */
    readonly key?: string | null
  }

/** A filter that can be carried out. */
export type EventsSelected = { readonly query: EventQuery; readonly warnings: readonly Warning[] }

/** Reads published events. Publishing is in publish/publisher.ts. */
export class Events {
  readonly #store: Store
  readonly #clock: Clock
  readonly #list: EventList

  constructor(store: Store, clock: Clock) {
    this.#store = store
    this.#clock = clock
    this.#list = new EventList(store, clock)
  }

  /** What to list of a tenant. Throws not_found, or `invalid` with all faults. */
  async select(tenant: TenantId, filter: EventFilter): Promise<EventsSelected> {
    await requireTenant(this.#store, tenant)
    return this.#select(tenant, filter)
  }

  /** What to list of all tenants, or (`tenant` not null) of one of them. Throws `invalid` with all faults. */
  async selectOfAll(tenant: TenantId | null, filter: EventFilter): Promise<EventsSelected> {
    if (tenant !== null) await checkTenantParameter(this.#store, tenant)
    return this.#select(tenant, filter)
  }

  async #select(tenant: TenantId | null, filter: EventFilter): Promise<EventsSelected> {
    const { types = null, key = null, fromMs = null, toMs = null } = filter
    const faults: FieldError[] = []
    checkTypes(types, faults)
    if (key !== null) checkKey(key, faults)
    checkPeriod({ fromMs, toMs }, this.#store.now(), '', faults)
    const matches = createPayloadTest(filter, faults)
    if (faults.length > 0) throw invalid(faults)
    const onTypes = types === null ? [] : await adviseOnTypes(this.#store, types)
    const onKey = await adviseOnKey(this.#store, tenant, key, types)
    const warnings = [...onTypes, ...onKey, ...(await adviseOnPayloadFilter(this.#store, tenant, filter.filter, types))]
    return { query: { tenant, types, key, fromMs, toMs, matches }, warnings }
  }

  /** One page of events: up to `limit` behind a place. The search ends early if it takes long. */
  async list({ query }: EventsSelected, place: Place<EventId>, limit: number): Promise<EventPage> {
    checkPlace('evt', place)
    return this.#list.page(query, place, limit)
  }

  /** How many events match; null: too many to count, or it depends on their payloads, or they are of all tenants. */
  async count({ query: { matches, tenant, ...rest } }: EventsSelected): Promise<number | null> {
    return tenant === null || matches !== null ? null : this.#store.read('countEvents', { tenant, ...rest })
  }

  /** Events of one tenant or of all that were published from SQL and rejected. */
  async listRejected({ tenant, key, ...place }: RejectedFilter, count: number): Promise<Found<PublishedEvent>> {
    checkPlace('evt', place)
    const faults: FieldError[] = []
    // Any text that SQL can publish for: the tenant need not exist, and its id need not be valid.
    if (tenant !== null) checkStorable(tenant, 'tenant', faults)
    if (key !== null) checkKey(key, faults)
    if (faults.length > 0) throw invalid(faults)
    const read = (from: Place<EventId>, limit: number) =>
      this.#store.read('listRejectedEvents', { tenant, key, ...from, limit, maxRows: REJECTED_A_READ })
    return searchInSlices(place, count, read, this.#clock)
  }

  /** An event with its deliveries. */
  async get(tenant: TenantId, id: EventId): Promise<{ event: PublishedEvent; deliveries: DescribedDelivery[] }> {
    checkId('evt', id, 'event')
    await requireTenant(this.#store, tenant)
    const event = await readEvent(this.#store, tenant, id)
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
