import { PosthornError } from '../base/errors.ts'
import { newId } from '../base/ids.ts'
import type { Attempt, Delivery, DeliveryId, Endpoint, EventId, TenantId } from '../base/model.ts'
import type { DeliveryFilter } from '../store/operations/deliveries/reading.ts'
import type { Store } from '../store/store.ts'
import { checkId, checkIdParameter, checkTypeParameter, notFound, requireTenant } from './checks/refusals.ts'
import { endpointIdOfParameter } from './endpoints/references.ts'

/** Attempts to change a delivery that changes between reading and writing. */
const MAX_TRIES = 5

/** Lists, retries and cancels deliveries. */
export class Deliveries {
  readonly #store: Store

  constructor(store: Store) {
    this.#store = store
  }

  /** Newest first. */
  async list(tenant: TenantId, filter: DeliveryFilter, limit: number): Promise<Delivery[]> {
    checkIdParameter('dlv', filter.before, 'cursor')
    checkIdParameter('evt', filter.event, 'event')
    checkTypeParameter(filter.type)
    await requireTenant(this.#store, tenant)
    const endpoint = await endpointIdOfParameter(this.#store, tenant, filter.endpoint)
    return this.#store.read('listDeliveries', { ...filter, endpoint, tenant, limit })
  }

  /** Deliveries of all tenants that were set aside after repeated crashes, newest first; `count` is at most 10,000. */
  async listSetAside(before: DeliveryId | null, limit: number): Promise<{ count: number; deliveries: Delivery[] }> {
    checkIdParameter('dlv', before, 'cursor')
    return this.#store.read('listSetAside', { before, limit })
  }

  async get(tenant: TenantId, id: DeliveryId): Promise<{ delivery: Delivery; attempts: Attempt[] }> {
    const delivery = await this.#require(tenant, id)
    return { delivery, attempts: await this.#store.read('listAttempts', { tenant, delivery: id }) }
  }

  /**
   * Makes the next attempt of a pending or set-aside delivery due now. For a delivery that has ended, creates another
   * one, with a schedule of its own.
   */
  async retry(tenant: TenantId, id: DeliveryId): Promise<{ delivery: Delivery; created: boolean }> {
    for (let attempt = 1; attempt <= MAX_TRIES; attempt++) {
      const delivery = await this.#require(tenant, id)
      const endpoint = await this.#store.read('getEndpoint', { tenant, id: delivery.endpoint })
      if (endpoint === null) throw conflict('The endpoint was deleted, so the delivery cannot be retried.')
      if (delivery.state === 'held' && delivery.heldReason !== 'set_aside') {
        throw conflict('The endpoint is disabled. Enable it to release its held deliveries.')
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
    throw conflict('The delivery is being changed at the same time. Try again.')
  }

  /** Cancels a pending or held delivery. Does nothing if it is cancelled already. */
  async cancel(tenant: TenantId, id: DeliveryId): Promise<Delivery> {
    for (let attempt = 1; attempt <= MAX_TRIES; attempt++) {
      const delivery = await this.#require(tenant, id)
      if (delivery.state === 'cancelled') return delivery
      if (delivery.state === 'delivered' || delivery.state === 'exhausted') {
        throw conflict(`The delivery has already ended (${delivery.state}) and cannot be cancelled.`)
      }
      if ((await this.#store.write('cancelDelivery', { tenant, id, nowMs: this.#store.now() })) !== null) {
        const endpoint = await this.#store.read('getEndpoint', { tenant, id: delivery.endpoint })
        // A deleted endpoint no longer has a lane.
        if (endpoint !== null) this.#emitLane(endpoint, id)
        return this.#require(tenant, id)
      }
    }
    throw conflict('The delivery is being changed at the same time. Try again.')
  }

  async #require(tenant: TenantId, id: DeliveryId): Promise<Delivery> {
    checkId('dlv', id, 'delivery')
    await requireTenant(this.#store, tenant)
    const delivery = await this.#store.read('getDelivery', { tenant, id })
    if (delivery === null) throw notFound('delivery')
    return delivery
  }

  /** Creates a new delivery of the same event. It is held from the start if the endpoint is disabled. */
  async #again(ended: Delivery, endpoint: Endpoint): Promise<Delivery> {
    const { tenant, event, type, test } = ended
    await this.#requireKept(tenant, event)
    const nowMs = this.#store.now()
    const id = newId('dlv', nowMs)
    const delivery = { id, endpoint: endpoint.id, partition: endpoint.partition, replayOf: ended.id }
    const made = await this.#store.write('createDelivery', { tenant, event, type, test, delivery, nowMs })
    if (made === null) await this.#requireKept(tenant, event)
    if (made === null) throw conflict('The endpoint was deleted, so the delivery cannot be retried.')
    if (!made.held) this.#emitLane(endpoint, id)
    return this.#require(tenant, id)
  }

  async #requireKept(tenant: TenantId, event: EventId): Promise<void> {
    const found = await this.#store.read('getEvent', { tenant, id: event })
    if (found !== null && found.payload.length > 0) return
    throw conflict('The payload of the event is no longer kept, so the delivery cannot be retried.')
  }

  #emitLane({ tenant, id: endpoint, partition }: Endpoint, delivery: DeliveryId): void {
    this.#store.changes.emit({ kind: 'lane', tenant, endpoint, partition, delivery })
  }
}

function conflict(detail: string): PosthornError {
  return new PosthornError('conflict', detail)
}
