import { type Actor, SYSTEM } from '../../base/callers.ts'
import type { Clock } from '../../base/clock.ts'
import { type FieldError, PosthornError } from '../../base/errors.ts'
import { newId, parseId } from '../../base/ids.ts'
import type { Attempt, Delivery, DeliveryId, DescribedDelivery, Endpoint, EventId, TenantId } from '../../base/model.ts'
import { CallRepeated, type Keep } from '../../store/operations/idempotent-calls.ts'
import type { Store } from '../../store/store.ts'
import type { Place } from '../../store/where.ts'
import { checkTenantParameter } from '../checks/list-parameters.ts'
import { checkId, checkPlace, invalid, notFound, requireTenant } from '../checks/refusals.ts'
import type { Found } from '../slices.ts'
import { describeDeliveries } from './describe.ts'
import { countDeliveries, type DeliveryCounts, findDeliveries } from './finding.ts'
import { type DeliveryQuery, type DeliverySelection, resolveQuery } from './query.ts'
import { type Retries, retryEach } from './retrying.ts'

/** Attempts to change a delivery that changes between reading and writing. */
const MAX_TRIES = 5

export type RetriedDelivery = { readonly delivery: DescribedDelivery; readonly created: boolean }

/** Lists, retries and cancels deliveries. */
export class Deliveries {
  readonly #store: Store
  readonly #clock: Pick<Clock, 'monotonicMs'>

  constructor(store: Store, clock: Pick<Clock, 'monotonicMs'>) {
    this.#store = store
    this.#clock = clock
  }

  /** What to list of a tenant. Throws not_found, or `invalid` with all faults. */
  async select(tenant: TenantId, query: DeliveryQuery): Promise<DeliverySelection> {
    await requireTenant(this.#store, tenant)
    return resolveQuery(this.#store, tenant, query)
  }

  /** What to list of all tenants, or (`tenant` not null) of one of them. Throws `invalid` with all faults. */
  async selectOfAll(tenant: TenantId | null, query: DeliveryQuery): Promise<DeliverySelection> {
    if (tenant !== null) await checkTenantParameter(this.#store, tenant)
    return resolveQuery(this.#store, tenant, query)
  }

  /** Up to `count` deliveries behind a place. The search ends early if it takes long. */
  async find(selection: DeliverySelection, place: Place<DeliveryId>, count: number): Promise<Found<DescribedDelivery>> {
    checkPlace('dlv', place)
    const found = await findDeliveries(this.#store, this.#clock, selection, place, count)
    return { ...found, items: await this.#describe(found.items) }
  }

  /** How many deliveries there are, by state. */
  count(selection: DeliverySelection): Promise<DeliveryCounts> {
    return countDeliveries(this.#store, this.#clock, selection)
  }

  /** Deliveries of all tenants that were set aside after repeated crashes; `count` is at most 10,000. */
  async listSetAside(
    place: Place<DeliveryId>,
    limit: number,
  ): Promise<{ count: number; deliveries: readonly DescribedDelivery[] }> {
    checkPlace('dlv', place)
    const { count, deliveries } = await this.#store.read('listSetAside', { ...place, limit })
    return { count, deliveries: await this.#describe(deliveries) }
  }

  async get(tenant: TenantId, id: DeliveryId): Promise<{ delivery: DescribedDelivery; attempts: Attempt[] }> {
    const delivery = await this.#require(tenant, id)
    const attempts = await this.#store.read('listAttempts', { tenant, delivery: id })
    // A delivery that was stored before its row kept the last attempt: the attempts say it.
    const lastAttempt = delivery.lastAttempt ?? attempts.at(-1) ?? null
    return { delivery: await this.#describeOne({ ...delivery, lastAttempt }), attempts }
  }

  /**
   * Makes the next attempt of a pending or set-aside delivery due now. For a delivery that has ended, creates another
   * one, with a schedule of its own.
   */
  async retry(
    tenant: TenantId,
    id: DeliveryId,
    by: Actor = SYSTEM,
    keep?: Keep<RetriedDelivery>,
  ): Promise<RetriedDelivery> {
    return this.#retry(tenant, id, by, keep)
  }

  /** @param by undefined: it is not recorded, because the retry of several deliveries is */
  async #retry(
    tenant: TenantId,
    id: DeliveryId,
    by: Actor | undefined,
    keep?: Keep<RetriedDelivery>,
  ): Promise<RetriedDelivery> {
    for (let attempt = 1; attempt <= MAX_TRIES; attempt++) {
      const { delivery, endpoint, isLive } = await this.#toRetry(tenant, id)
      const retried = await (isLive
        ? this.#makeDue(delivery, endpoint, by, keep)
        : this.#again(delivery, endpoint, by, keep))
      if (retried !== null) return retried
    }
    throw conflict('The delivery is being changed at the same time. Try again.')
  }

  /** Retries deliveries that a list found, or (`dryRun`) only tells what a retry would do. See retryEach. */
  retryFound(deliveries: readonly Delivery[], dryRun: boolean, by: Actor = SYSTEM): Promise<Retries> {
    if (dryRun) return retryEach(this.#store, deliveries, { retry: (tenant, id) => this.#wouldRetry(tenant, id) })
    return retryEach(this.#store, deliveries, {
      begin: tenants => this.#store.write('recordRetries', { tenants, by, nowMs: this.#store.now() }),
      retry: (tenant, id) => this.#retry(tenant, id, undefined),
    })
  }

  /** Retries deliveries of a tenant by their ids, or says what it would do. Those that don't exist are refused too. */
  async retryNamed(
    tenant: TenantId,
    ids: readonly DeliveryId[],
    dryRun: boolean,
    by: Actor = SYSTEM,
  ): Promise<Retries> {
    await requireTenant(this.#store, tenant)
    const known = [...new Set(ids)]
    const faults = known.flatMap(id => (parseId('dlv', id) === undefined ? [noDelivery(ids.indexOf(id))] : []))
    if (faults.length > 0) throw invalid(faults)
    const found = await this.#store.read('getDeliveries', { tenant, ids: known })
    const retries = await this.retryFound(
      known.flatMap(id => found.get(id) ?? []),
      dryRun,
      by,
    )
    const missing = known.filter(id => !found.has(id))
    const detail = notFound('delivery').message
    return { ...retries, refused: [...retries.refused, ...missing.map(delivery => ({ tenant, delivery, detail }))] }
  }

  /** Cancels a pending or held delivery. Does nothing if it is cancelled already. */
  async cancel(tenant: TenantId, id: DeliveryId, by: Actor = SYSTEM): Promise<DescribedDelivery> {
    for (let attempt = 1; attempt <= MAX_TRIES; attempt++) {
      const delivery = await this.#require(tenant, id)
      if (delivery.state === 'cancelled') return this.#describeOne(delivery)
      if (delivery.state === 'delivered' || delivery.state === 'exhausted') {
        throw conflict(`The delivery has already ended (${delivery.state}) and cannot be cancelled.`)
      }
      if ((await this.#store.write('cancelDelivery', { tenant, id, nowMs: this.#store.now(), by })) !== null) {
        const endpoint = await this.#store.read('getEndpoint', { tenant, id: delivery.endpoint })
        // A deleted endpoint no longer has a lane.
        if (endpoint !== null) this.#emitLane(endpoint, id)
        return this.#describeOne(await this.#require(tenant, id))
      }
    }
    throw conflict('The delivery is being changed at the same time. Try again.')
  }

  /** A delivery that can be retried, with its endpoint. Throws not_found or `conflict` if it can't. */
  async #toRetry(tenant: TenantId, id: DeliveryId) {
    const delivery = await this.#require(tenant, id)
    const endpoint = await this.#store.read('getEndpoint', { tenant, id: delivery.endpoint })
    if (endpoint === null) throw conflict('The endpoint was deleted, so the delivery cannot be retried.')
    if (delivery.state === 'held' && delivery.heldReason !== 'set_aside') {
      throw conflict('The endpoint is disabled, so the delivery is held. Enable the endpoint to release it.')
    }
    return { delivery, endpoint, isLive: delivery.state === 'pending' || delivery.state === 'held' }
  }

  /** Whether a retry would create a new delivery. Throws what the retry would throw. */
  async #wouldRetry(tenant: TenantId, id: DeliveryId): Promise<{ readonly created: boolean }> {
    const { delivery, isLive } = await this.#toRetry(tenant, id)
    if (!isLive) await this.#requireKept(tenant, delivery.event)
    return { created: !isLive }
  }

  #describe(deliveries: readonly Delivery[]): Promise<DescribedDelivery[]> {
    return describeDeliveries(this.#store, deliveries)
  }

  async #describeOne(delivery: Delivery): Promise<DescribedDelivery> {
    return (await this.#describe([delivery]))[0]!
  }

  async #require(tenant: TenantId, id: DeliveryId): Promise<Delivery> {
    checkId('dlv', id, 'delivery')
    await requireTenant(this.#store, tenant)
    const delivery = await this.#store.read('getDelivery', { tenant, id })
    if (delivery === null) throw notFound('delivery')
    return delivery
  }

  /** Makes the next attempt due now. Null if the delivery or its endpoint has changed in the meantime. */
  async #makeDue(
    before: Delivery,
    endpoint: Endpoint,
    by: Actor | undefined,
    keep?: Keep<RetriedDelivery>,
  ): Promise<RetriedDelivery | null> {
    const { tenant, id } = before
    const nowMs = this.#store.now()
    const isSetAside = before.state === 'held'
    const delivery: Delivery =
      isSetAside && endpoint.state === 'disabled'
        ? { ...before, heldReason: 'disabled' }
        : { ...before, state: 'pending', heldReason: null, dueAtMs: nowMs }
    const retried = { delivery: await this.#describeOne(delivery), created: false }
    const args = { tenant, id, nowMs, ...(by && { by }), once: keep?.(retried) }
    const made = isSetAside
      ? await this.#store.write('releaseSetAside', { ...args, ifState: endpoint.state })
      : await this.#store.write('makeDueNow', args)
    if (made === 'repeated') throw new CallRepeated()
    if (made === null || made === false) return null
    this.#emitLane(endpoint, id)
    return retried
  }

  /**
   * Creates a new delivery of the same event. It is held from the start if the endpoint is disabled. Null if the
   * endpoint has changed in the meantime.
   */
  async #again(
    ended: Delivery,
    endpoint: Endpoint,
    by: Actor | undefined,
    keep?: Keep<RetriedDelivery>,
  ): Promise<RetriedDelivery | null> {
    const { tenant, event, type, test } = ended
    await this.#requireKept(tenant, event)
    const nowMs = this.#store.now()
    const id = newId('dlv', nowMs)
    const isHeld = endpoint.state === 'disabled'
    const fresh = isHeld
      ? ({ state: 'held', heldReason: 'disabled', dueAtMs: null } as const)
      : ({ state: 'pending', heldReason: null, dueAtMs: nowMs } as const)
    const none = { attempts: 0, lastAttempt: null, endedAtMs: null }
    const delivery = { ...ended, ...fresh, ...none, id, replayOf: ended.id, createdAtMs: nowMs }
    const retried = { delivery: await this.#describeOne(delivery), created: true }
    const made = await this.#store.write('createDelivery', {
      tenant,
      event,
      type,
      test,
      delivery: { id, endpoint: endpoint.id, partition: endpoint.partition, replayOf: ended.id },
      nowMs,
      ifState: endpoint.state,
      ...(by && { by }),
      once: keep?.(retried),
    })
    if (made === 'repeated') throw new CallRepeated()
    if (made === null) {
      await this.#requireKept(tenant, event)
      return null
    }
    if (!made.held) this.#emitLane(endpoint, id)
    return retried
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

const noDelivery = (index: number): FieldError => ({
  field: `/ids/${index}`,
  detail: 'The value must be an id that starts with "dlv_".',
})

function conflict(detail: string): PosthornError {
  return new PosthornError('conflict', detail)
}
