import { Buffer } from 'node:buffer'
import { type Actor, SYSTEM } from '../base/callers.ts'
import { systemClock } from '../base/clock.ts'
import { DAY_MS } from '../base/durations.ts'
import { codeOfFaults, PosthornError } from '../base/errors.ts'
import { newId } from '../base/ids.ts'
import type { DeliveryId, Endpoint, EventId, EventType, TenantId } from '../base/model.ts'
import { OPERATOR_TENANT } from '../base/tenant.ts'
import { CatalogueCache, type Configuration, type KnownTypes } from '../catalogue/configuration-cache.ts'
import type { Match, TenantIndex } from '../catalogue/match.ts'
import { TenantCache } from '../catalogue/tenant-cache.ts'
import type { TenantMatcher } from '../catalogue/tenant-memory.ts'
import { chooseTestType } from '../catalogue/test-type.ts'
import type {
  NewEvent,
  PublishedItem,
  PublishOnce,
  PublishRequest,
} from '../store/operations/events/publish-request.ts'
import { CallRepeated, type Keep, type KeptCall } from '../store/operations/idempotent-calls.ts'
import { type Store, StoreOverloaded } from '../store/store.ts'
import { BodyCheck, type CheckMeans, type Draft } from './checking/body-check.ts'
import { CheckCosts } from './checking/check-costs.ts'
import { Checker } from './checking/checker.ts'
import { hashOf } from './checking/jobs.ts'
import { MatchingShares } from './matching-share.ts'
import { freshItems, newDelivery } from './new-deliveries.ts'
import { isBroad, MAX_DELIVERIES_AT_ONCE } from './plan.ts'
import { type Unheld, untilCurrent } from './until-current.ts'

/** Settings, under their own names, and options that only tests change. */
export type PublisherOptions = {
  readonly maxBatch: number
  readonly maxDepth: number
  readonly idempotencyDays: number
  /** See TenantCacheOptions. */
  readonly configurationMemoryBytes?: number
  /** Maximum number of deliveries that a call creates in its own commit. If it has more, the inbox creates them. */
  readonly maxDeliveriesAtOnce?: number
}

type PublishCall = {
  readonly tenant: TenantId
  readonly traceparent: string | null
  /** Throws what the events are refused for. Called before they are made. Default: nothing is checked. */
  readonly check?: (types: KnownTypes) => void | Promise<void>
  /** Where the call has the key of its event with this index, as a JSON Pointer. Default: `/key`. */
  readonly pointerToKey?: (index: number) => string
  /** Who tests an endpoint. Default: it is no test. */
  readonly by?: Actor
  /** The call to be stored with the events. Called after they were made. Default: none. */
  readonly once?: () => PublishOnce
}

export type StartedTest = { readonly event: EventId; readonly delivery: DeliveryId; readonly type: string }

const UNMATCHED: Match = { endpoints: [], notSent: {} }

/** Creates the events to store. With `isLater`, the inbox creates their deliveries. */
type MakeEvents = (
  types: KnownTypes,
  configuration: TenantMatcher,
  nowMs: number,
  isLater: boolean,
) => NewEvent[] | Promise<NewEvent[]>

/**
 * Takes events from a request's bytes to a commit: cut → validate → match → store → hand over. One path for single
 * events, arrays and tests. No response is sent before the commit is durable (C13).
 */
export class Publisher {
  readonly #store: Store
  readonly #options: PublisherOptions
  readonly #maxDeliveriesAtOnce: number
  readonly #catalogue: CatalogueCache
  readonly #tenants: TenantCache
  readonly #shares = new MatchingShares()
  readonly #means: CheckMeans

  /** @param checker does what takes long */
  constructor(store: Store, options: PublisherOptions, checker: Checker = new Checker(systemClock)) {
    this.#store = store
    this.#options = options
    this.#maxDeliveriesAtOnce = options.maxDeliveriesAtOnce ?? MAX_DELIVERIES_AT_ONCE
    this.#catalogue = new CatalogueCache(store)
    this.#tenants = new TenantCache(store, options)
    const { maxBatch, maxDepth } = options
    this.#means = { costs: new CheckCosts(systemClock), checker, limits: { maxBatch, maxDepth } }
  }

  /** How events are checked, whichever way they come. */
  get means(): CheckMeans {
    return this.#means
  }

  /** The cached configuration that events are validated and matched against. */
  get configuration(): Configuration {
    return { catalogue: this.#catalogue, tenants: this.#tenants }
  }

  /**
   * Publishes a request body: an event, or an array of events that is stored as a whole or not at all. `traceparent` is
   * the request's, already validated (base/trace-context.ts).
   *
   * @param kept the call, if it has an `Idempotency-Key`; its response is completed here
   */
  async publish(
    tenant: TenantId,
    body: Uint8Array,
    traceparent: string | null = null,
    kept?: KeptCall,
  ): Promise<{ batch: boolean; events: PublishedItem[] }> {
    if (tenant === OPERATOR_TENANT) throw operatorsOnly()
    const check = new BodyCheck(tenant, body, this.#means)
    const events = () => check.events!
    const call: PublishCall = {
      tenant,
      traceparent,
      pointerToKey: index => events().pointerToKey(index),
      ...(kept && { once: () => onceOf(kept, events().batch) }),
    }
    const make: MakeEvents = (_types, configuration, nowMs, isLater) =>
      this.#toNewEvents(tenant, events().drafts, configuration, nowMs, isLater)
    try {
      const stored = await this.#storeMatched({ ...call, check: types => check.against(types) }, make)
      return { batch: events().batch, events: stored }
    } catch (error) {
      const isRefused =
        error instanceof PosthornError &&
        error.code === codeOfFaults(error.fields) &&
        check.events !== undefined &&
        !check.hasErrors
      if (!isRefused || !(await this.#wereAccepted(tenant, events().drafts))) throw error
    }
    // A repeated call that was accepted before the type changed: it gets the same response as then.
    return { batch: events().batch, events: await this.#storeMatched(call, make) }
  }

  /** Whether each of these was accepted before under the same key, with the same type and payload. */
  async #wereAccepted(tenant: TenantId, drafts: readonly Draft[]): Promise<boolean> {
    const keys = drafts.flatMap(({ key }) => (key === null ? [] : [key]))
    if (keys.length < drafts.length) return false
    const known = await this.#store.read('readKeyHashes', { tenant, keys, nowMs: this.#store.now() })
    return drafts.every(({ key, hash }) => {
      const before = known.get(key!)
      return before !== undefined && Buffer.compare(before, hash!) === 0
    })
  }

  /**
   * Publishes an operational event. Nothing is stored if none of the tenant's endpoints wants it, or the tenant does
   * not exist. Throws PosthornError.
   */
  async publishOperational(tenant: TenantId, event: { type: string; key: string; payload: Uint8Array }): Promise<void> {
    const value: unknown = JSON.parse(Buffer.from(event.payload).toString())
    const draft = { ...event, value, hash: hashOf(event.type, event.payload) }
    const unwanted = new Error('No endpoint wants the event')
    const make: MakeEvents = (_types, configuration, nowMs, isLater) => {
      const match = configuration.index?.match(event.type, value, this.#shares.workOf(tenant, nowMs))
      if (match?.endpoints.length === 0) throw unwanted
      return this.#toNewEvents(tenant, [draft], configuration, nowMs, isLater)
    }
    try {
      await this.#storeMatched({ tenant, traceparent: null }, make)
    } catch (error) {
      const isUnwanted = error === unwanted || (error instanceof PosthornError && error.code === 'not_found')
      if (!isUnwanted) throw error
    }
  }

  /** Sends a type's example to one endpoint to test its receiver, whether or not the endpoint wants the type. */
  async publishTest(
    endpoint: Endpoint,
    typeName: string | undefined,
    by: Actor = SYSTEM,
    keep?: Keep<StartedTest>,
  ): Promise<StartedTest> {
    let started: StartedTest = { event: '', delivery: '', type: '' }
    const once = keep && (() => ({ call: keep(started), response: 'given' }) as const)
    const call = { tenant: endpoint.tenant, traceparent: null, by, ...(once && { once }) }
    await this.#storeMatched(call, async (types, { index }, nowMs) => {
      const known = chooseTestType(types, endpoint, typeName)
      const there = index === null ? await this.#store.read('getEndpoint', endpoint) : index.find(endpoint.id)
      if (!there) throw new PosthornError('not_found', 'The endpoint was not found.')
      if (there.state === 'disabled') {
        throw new PosthornError('conflict', 'The endpoint is disabled. Enable it before testing it.')
      }
      const { name: type } = known
      const [event, delivery] = [newId('evt', nowMs), newId('dlv', nowMs)]
      started = { event, delivery, type }
      return [
        {
          id: event,
          type,
          key: null,
          hash: null,
          payload: Buffer.from(JSON.stringify(known.example)),
          test: true,
          notSent: {},
          deliveries: [
            { id: delivery, endpoint: there.id, partition: there.partition, held: false, ordered: there.ordered },
          ],
        },
      ]
    })
    return started
  }

  /** The catalogue's types, ordered by name. */
  async types(): Promise<readonly EventType[]> {
    return (await this.#catalogue.get()).list
  }

  /** Creates events for the current configuration and stores them, again if the configuration changed in between. */
  async #storeMatched(call: PublishCall, makeEvents: MakeEvents): Promise<PublishedItem[]> {
    const stored = await untilCurrent(this.#store, unheld => this.#storeOnce(call, makeEvents, unheld))
    if (stored !== 'stale') return stored
    const detail = 'The configuration kept changing while the events were being stored. Try again.'
    throw new PosthornError('overloaded', detail, { retryAfterSeconds: 1 })
  }

  #toNewEvents(
    tenant: TenantId,
    drafts: readonly Draft[],
    { index }: TenantMatcher,
    nowMs: number,
    isLater: boolean,
  ): NewEvent[] {
    const matches = isLater || index === null ? undefined : this.#match(tenant, drafts, index, nowMs)
    if (matches === undefined) return drafts.map(draft => toNewEvent(draft, UNMATCHED, nowMs, true))
    const count = matches.reduce((sum, { endpoints }) => sum + endpoints.length, 0)
    const isForInbox = count > this.#maxDeliveriesAtOnce || (this.#store.isShared && isBroad(count, drafts.length))
    return drafts.map((draft, at) => toNewEvent(draft, matches[at]!, nowMs, isForInbox))
  }

  /** Undefined if that takes longer than a call can take, or than the tenant's share. */
  #match(tenant: TenantId, drafts: readonly Draft[], index: TenantIndex, nowMs: number): Match[] | undefined {
    const work = this.#shares.workOf(tenant, nowMs)
    const allowed = work.left
    const matches: Match[] = []
    for (const { type, value } of drafts) {
      const match = work.left <= 0 ? undefined : index.match(type, value, work)
      if (match === undefined) break
      matches.push(match)
    }
    const isMatched = matches.length === drafts.length
    this.#shares.count(tenant, allowed - work.left, isMatched, nowMs)
    return isMatched ? matches : undefined
  }

  async #storeOnce(
    call: PublishCall,
    makeEvents: MakeEvents,
    unheld: Unheld,
    isLater = false,
  ): Promise<PublishedItem[] | 'stale'> {
    const { tenant, traceparent, pointerToKey = () => '/key' } = call
    const types = await this.#catalogue.get()
    let configuration = await this.#tenants.get(tenant)
    if (configuration === null) throw tenantNotFound()
    let nowMs = this.#store.now()
    let events: NewEvent[]
    try {
      const checking = call.check?.(types)
      if (checking !== undefined) {
        await unheld(checking)
        // That can take seconds.
        configuration = await this.#tenants.get(tenant)
        if (configuration === null) throw tenantNotFound()
        nowMs = this.#store.now()
      }
      const made = makeEvents(types, configuration, nowMs, isLater)
      events = made instanceof Promise ? await made : made
    } catch (error) {
      if (configuration === null || !(await this.#dropStale(tenant, types, configuration))) throw error
      return 'stale'
    }
    const request: PublishRequest = {
      tenant,
      tenantVersion: configuration.version,
      catalogueVersion: types.version,
      nowMs,
      keyExpiresAtMs: nowMs + this.#options.idempotencyDays * DAY_MS,
      traceparent,
      events,
      // A member without a value would be copied to the store's thread with each request.
      ...(call.once && { once: call.once() }),
      ...(call.by && { by: call.by }),
    }
    const result = await this.#commit(request)
    if (result.kind === 'repeated') throw new CallRepeated()
    if (result.kind === 'behind') return this.#storeOnce(call, makeEvents, unheld, true)
    if (result.kind === 'conflict') throw idempotencyConflict(result.indexes.map(pointerToKey))
    if (result.kind === 'stored') {
      this.#handOver(request, result.events)
      return [...result.events]
    }
    await this.#dropStale(tenant, types, configuration)
    return 'stale'
  }

  /** Drops the copies that are stale (a tenant's change leaves the catalogue as it is). They must not cause a refusal: another node might have added the type a moment ago. */
  async #dropStale(tenant: TenantId, types: KnownTypes, configuration: TenantMatcher): Promise<boolean> {
    const now = await this.#store.read('readVersions', { tenant })
    const [isCatalogueStale, isTenantStale] = [now.catalogue !== types.version, now.tenant !== configuration.version]
    if (isCatalogueStale) this.#catalogue.drop(types)
    if (isTenantStale) this.#tenants.drop(tenant, configuration)
    return isCatalogueStale || isTenantStale
  }

  async #commit(request: PublishRequest) {
    try {
      return await this.#store.publish(request)
    } catch (error) {
      if (!(error instanceof StoreOverloaded)) throw error
      throw new PosthornError('overloaded', 'Too many events are waiting to be stored. Try again.', {
        retryAfterSeconds: 1,
        cause: error,
      })
    }
  }

  #handOver({ tenant, nowMs, traceparent = null, events }: PublishRequest, stored: readonly PublishedItem[]): void {
    const isRepeated = stored.some(({ duplicate }) => duplicate)
    const fresh = isRepeated ? events.filter((_event, index) => !stored[index]!.duplicate) : events
    this.#store.changes.emit({ kind: 'stored', tenant, events: fresh })
    if (events.some(({ deliveries }) => deliveries === null)) this.#store.changes.emit({ kind: 'inbox' })
    const items = events.flatMap(({ id: event, type, test, payload, deliveries }, index) => {
      if (stored[index]!.duplicate) return []
      return freshItems({ tenant, event, type, test, traceparent, payload }, deliveries ?? [], nowMs)
    })
    if (items.length > 0) this.#store.changes.emit({ kind: 'fresh', items })
  }
}

const onceOf = (call: KeptCall, batch: boolean): PublishOnce => ({ call, response: batch ? 'batch' : 'event' })

function toNewEvent(draft: Draft, { endpoints, notSent }: Match, nowMs: number, isLater: boolean): NewEvent {
  const { type, key, hash, payload } = draft
  const id = newId('evt', nowMs)
  if (isLater) return { id, type, key, hash, payload, test: false, notSent: {}, deliveries: null }
  const deliveries = endpoints.map(endpoint => newDelivery(endpoint, nowMs))
  return { id, type, key, hash, payload, test: false, notSent, deliveries }
}

function operatorsOnly(): PosthornError {
  return new PosthornError(
    'conflict',
    `Events cannot be published for ${OPERATOR_TENANT}. This tenant only gets Posthorn's own events.`,
  )
}

const tenantNotFound = () => new PosthornError('not_found', 'The tenant was not found.')

function idempotencyConflict(pointers: readonly string[]): PosthornError {
  const detail =
    'This key was already used for an event with another type or payload. Use a different key for each event.'
  return new PosthornError('idempotency_conflict', detail, { fields: pointers.map(field => ({ field, detail })) })
}
