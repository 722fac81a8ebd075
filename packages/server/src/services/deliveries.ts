import { PosthornError } from '../base/errors.ts'
import { newId } from '../base/ids.ts'
import type { Attempt, Delivery, DeliveryId, Endpoint, EventId, TenantId } from '../base/model.ts'
import type { DeliveryFilter } from '../store/operations/deliveries/reading.ts'
import type { Store } from '../store/store.ts'
import { checkId, checkIdParameter, checkTypeParameter, notFound, requireTenant } from './checks/refusals.ts'

/** Looks at a delivery that moves between look and change. */
const MAX_TRIES = 5

/** What people see of deliveries, and do to them. */
export class Deliveries {
  readonly #store: Store

  constructor(store: Store) {
    this.#store = store
  }

  /** Newest first. */
  async list(tenant: TenantId, filter: DeliveryFilter, limit: number): Promise<Delivery[]> {
    checkIdParameter('dlv', filter.before, 'cursor')
    checkIdParameter('ep', filter.endpoint, 'endpoint')
    checkIdParameter('evt', filter.event, 'event')
    checkTypeParameter(filter.type)
    await requireTenant(this.#store, tenant)
    return this.#store.read('listDeliveries', { ...filter, tenant, limit })
  }

  /** What was set aside after repeated crashes, of all tenants, newest first; `count` up to 10,000. */
  async listSetAside(before: DeliveryId | null, limit: number): Promise<{ count: number; deliveries: Delivery[] }> {
    checkIdParameter('dlv', before, 'cursor')
    return this.#store.read('listSetAside', { before, limit })
  }

  async get(tenant: TenantId, id: DeliveryId): Promise<{ delivery: Delivery; attempts: Attempt[] }> {
    const delivery = await this.#require(tenant, id)
    const attempts = await this.#store.read('listAttempts', { tenant, delivery: id })
    // A delivery that was stored before its row kept the last attempt: the attempts say it.
    const lastAttempt = delivery.lastAttempt ?? attempts.at(-1) ?? null
    return { delivery: { ...delivery, lastAttempt }, attempts }
  }

  /**
   * The next attempt of a pending delivery, or of one that was set aside, is now; of one that ended, there will be
   * another, with a schedule of its own.
   */
  async retry(tenant: TenantId, id: DeliveryId): Promise<{ delivery: Delivery; created: boolean }> {
    for (let attempt = 1; attempt <= MAX_TRIES; attempt++) {
      const delivery = await this.#require(tenant, id)
      const endpoint = await this.#store.read('getEndpoint', { tenant, id: delivery.endpoint })
      if (endpoint === null) throw conflict('The endpoint is gone: there is nowhere to send it.')
      if (delivery.state === 'held' && delivery.heldReason !== 'set_aside') {
        throw conflict('The endpoint is disabled: enable it to release what is held.')
      }
      if (delivery.state !== 'pending' && delivery.state !== 'held') {
        return { delivery: await this.#again(delivery, endpoint), created: true }
      }
      const change = delivery.state === 'held' ? 'releaseSetAside' : 'makeDueNow'
      if (await this.#store.write(change, { tenant, id, nowMs: this.#store.now() })) {
        this.#emitLane(endpoint, id)
        return { delivery: await this.#require(tenant, id), created: false }
      }
    }
    throw conflict('The delivery is changing just now: try again.')
  }

  /** Pending and held deliveries are cancelled; one that is cancelled stays so. */
  async cancel(tenant: TenantId, id: DeliveryId): Promise<Delivery> {
    for (let attempt = 1; attempt <= MAX_TRIES; attempt++) {
      const delivery = await this.#require(tenant, id)
      if (delivery.state === 'cancelled') return delivery
      if (delivery.state === 'delivered' || delivery.state === 'exhausted') {
        throw conflict(`The delivery has ended (${delivery.state}): there is nothing left to cancel.`)
      }
      if ((await this.#store.write('cancelDelivery', { tenant, id, nowMs: this.#store.now() })) !== null) {
        const endpoint = await this.#store.read('getEndpoint', { tenant, id: delivery.endpoint })
        // A deleted endpoint has no lane any more.
        if (endpoint !== null) this.#emitLane(endpoint, id)
        return this.#require(tenant, id)
      }
    }
    throw conflict('The delivery is changing just now: try again.')
  }

  async #require(tenant: TenantId, id: DeliveryId): Promise<Delivery> {
    checkId('dlv', id, 'delivery')
    await requireTenant(this.#store, tenant)
    const delivery = await this.#store.read('getDelivery', { tenant, id })
    if (delivery === null) throw notFound('delivery')
    return delivery
  }

  /** A new delivery of the same event. It starts as held if the endpoint is disabled. */
  async #again(ended: Delivery, endpoint: Endpoint): Promise<Delivery> {
    const { tenant, event, type, test } = ended
    await this.#requireKept(tenant, event)
    const nowMs = this.#store.now()
    const id = newId('dlv', nowMs)
    const delivery = { id, endpoint: endpoint.id, partition: endpoint.partition, replayOf: ended.id }
    const made = await this.#store.write('createDelivery', { tenant, event, type, test, delivery, nowMs })
    if (made === null) await this.#requireKept(tenant, event)
    if (made === null) throw conflict('The endpoint is gone: there is nowhere to send it.')
    if (!made.held) this.#emitLane(endpoint, id)
    return this.#require(tenant, id)
  }

  async #requireKept(tenant: TenantId, event: EventId): Promise<void> {
    const found = await this.#store.read('getEvent', { tenant, id: event })
    if (found !== null && found.payload.length > 0) return
    throw conflict('The event is too old: its payload is not kept any more.')
  }

  #emitLane({ tenant, id: endpoint, partition }: Endpoint, delivery: DeliveryId): void {
    this.#store.changes.emit({ kind: 'lane', tenant, endpoint, partition, delivery })
  }
}

function conflict(detail: string): PosthornError {
  return new PosthornError('conflict', detail)
}
