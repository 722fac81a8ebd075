import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import { Loop } from '../base/loop.ts'
import type { EventId, TenantId } from '../base/model.ts'
import type { Configuration, KnownTypes, TenantMatcher } from '../catalogue/configuration-cache.ts'
import type { AcceptedArrival } from '../store/operations/inbox/arrivals.ts'
import type { ClaimedInbox } from '../store/operations/inbox/claim.ts'
import type { Arrival, InboxItem } from '../store/operations/inbox/inbox.ts'
import type { Store } from '../store/store.ts'
import { StoreContended, StoreUnavailable } from '../store/transaction.ts'
import type { PayloadLimits } from './event-faults.ts'
import { type ItemFacts, type ItemPlan, readItemFacts } from './fan-out.ts'
import { freshItems } from './new-deliveries.ts'
import { MAX_DELIVERIES_AT_ONCE, type PlanLimits, planTenant, type Rows, type TenantPlan } from './plan.ts'
import { untilCurrent } from './until-current.ts'

export type InboxOptions = {
  /** How often to look for what nobody told of, milliseconds: others have put it there, or a claim has run out. */
  readonly lookMs: number
  /** See PlanLimits. Default: 5,000. */
  readonly maxDeliveriesAtOnce?: number
}

/** How long others leave alone what is claimed here. A node that dies over it costs so much. */
const CLAIM_MS = 5_000
/** Deliveries made in one commit: some milliseconds' worth. */
const DELIVERIES_A_COMMIT = 2_000
/** Before what would overtake something in an ordered endpoint's queue is tried again. */
const BEHIND_MS = 50
/** After a fault of the store, before it is tried again. */
const PAUSE_MS = 1_000
/** Faults named in a line of the log. */
const MAX_FAULTS_LOGGED = 3

type Keys = {
  readonly arrivals: readonly Pick<Arrival, 'tenant' | 'event'>[]
  readonly items: readonly Pick<Arrival, 'tenant' | 'event'>[]
}

const NONE: ClaimedInbox = { arrivals: [], items: [], last: '', hasMore: false }

const isNone = ({ arrivals, items }: Rows): boolean => arrivals.length + items.length === 0

/**
 * Works off the inbox (store/operations/inbox/): makes events of what was published from SQL, and the deliveries of
 * events that have very many. Some for each tenant in turn, so that an event to ten thousand endpoints, or fifty
 * thousand events of one transaction, keep nobody else waiting. What is claimed here is another node's after some
 * seconds, so a crash costs those.
 */
export class Inbox {
  readonly #store: Store
  readonly #configuration: Configuration
  readonly #log: Logger
  readonly #limits: PlanLimits
  readonly #loop: Loop

  constructor(
    store: Store,
    configuration: Configuration,
    clock: Clock,
    log: Logger,
    settings: PayloadLimits,
    options: InboxOptions,
  ) {
    this.#store = store
    this.#configuration = configuration
    this.#log = log
    const { maxDeliveriesAtOnce = MAX_DELIVERIES_AT_ONCE } = options
    this.#limits = { maxDepth: settings.maxDepth, maxBodyBytes: settings.maxBodyBytes, maxDeliveriesAtOnce }
    this.#loop = new Loop({
      clock,
      everyMs: options.lookMs,
      retryMs: PAUSE_MS,
      run: () => this.#work(),
      onFailure: error => log.warn({ err: error }, 'the inbox could not be worked off; it is tried again'),
    }).wakeOn(store.changes, ({ kind }) => kind === 'inbox')
  }

  /** Goes on with what is there, and with what comes. */
  start(): void {
    this.#loop.start()
  }

  /** Settles when nothing is under way any more. */
  stop(): Promise<void> {
    return this.#loop.stop()
  }

  /** Rounds through all tenants, in the order of their ids; those beyond one claim come with the next. */
  async #work(): Promise<void> {
    let claimed = NONE
    while (!this.#loop.isStopped) {
      if (isNone(claimed)) {
        if (!(await this.#store.read('peekInbox', {}))) return
        claimed = await this.#claim('')
        // What another node is about to claim is nobody's yet.
        if (isNone(claimed)) return
      }
      claimed = await this.#workOff(claimed)
    }
    await this.#giveBack(claimed)
  }

  #claim(after: TenantId): Promise<ClaimedInbox> {
    return this.#store.write('claimInbox', {
      after,
      claimMs: CLAIM_MS,
      maxPayloadBytes: this.#limits.maxBodyBytes,
    })
  }

  /** Whatever of it can't be stored now is given back. Answers what was claimed meanwhile. */
  async #workOff(claimed: ClaimedInbox): Promise<ClaimedInbox> {
    // In the commit that stores these: one more for each step would leave the lanes without work (20 steps for 10,000).
    let next: Promise<ClaimedInbox> | undefined
    const claimNext = () => {
      next ??= this.#claim(claimed.hasMore ? claimed.last : '')
      next.catch(() => {}) // told below, unless something else fails before
    }
    let left: Rows = claimed
    await untilCurrent(this.#store, async () => {
      left = await this.#storeOnce(left, claimNext)
      return isNone(left) ? 'stored' : 'stale'
    })
    // What is left was matched in vain each time: it is taken up again by whichever node.
    await this.#giveBack(left)
    return next ?? NONE
  }

  /** Answers what was not stored because the configuration had moved. */
  async #storeOnce({ arrivals, items }: Rows, claimNext: () => void): Promise<Rows> {
    const types = await this.#configuration.catalogue.get()
    const nowMs = this.#store.now()
    const arrivalsOf = Map.groupBy(arrivals, ({ tenant }) => tenant)
    const itemsOf = Map.groupBy(items, ({ tenant }) => tenant)
    const tenants = [...new Set([...arrivalsOf.keys(), ...itemsOf.keys()])]
    const configurations = await Promise.all(tenants.map(tenant => this.#configuration.tenants.get(tenant)))
    const facts = await this.#readFacts(items, new Map(tenants.map((tenant, at) => [tenant, configurations[at]!])))
    const plans = tenants.map((tenant, index) => {
      const rows = { arrivals: arrivalsOf.get(tenant) ?? [], items: itemsOf.get(tenant) ?? [] }
      const configuration = configurations[index]!
      return planTenant(tenant, rows, { types, configuration, facts, limits: this.#limits, nowMs })
    })
    const stale = new Set<EventId>()
    const chunks = chunksOf(plans)
    for (const [index, chunk] of chunks.entries()) {
      const stored = this.#commit(chunk, types, nowMs)
      if (index === chunks.length - 1) claimNext()
      for (const event of await stored) stale.add(event)
    }
    this.#dropStale(plans, types, stale)
    const isStale = ({ event }: { event: EventId }) => stale.has(event)
    return { arrivals: arrivals.filter(isStale), items: items.filter(isStale) }
  }

  async #readFacts(
    items: readonly InboxItem[],
    configurations: ReadonlyMap<TenantId, TenantMatcher | null>,
  ): Promise<ReadonlyMap<EventId, ItemFacts>> {
    const facts = new Map<EventId, ItemFacts>()
    for (const item of items) {
      const configuration = configurations.get(item.tenant)
      if (configuration) facts.set(item.event, await readItemFacts(this.#store, item, configuration))
    }
    return facts
  }

  /** What is handed in together is committed together. Answers the events whose configuration had moved. */
  async #commit(plans: readonly TenantPlan[], types: KnownTypes, nowMs: number): Promise<EventId[]> {
    for (const { arrival, error } of plans.flatMap(({ failed }) => failed)) this.#tellFailed(arrival, error)
    const stale = await Promise.all([
      this.#accept(plans, types, nowMs),
      ...plans.flatMap(plan => plan.items.map(item => this.#fanOut(plan, item, nowMs))),
      ...plans.map(({ surplus }) => this.#giveBack(surplus)),
    ])
    return stale.flat()
  }

  async #giveBack({ arrivals, items }: Keys, afterMs = 0): Promise<EventId[]> {
    const rows = [...arrivals, ...items].map(({ tenant, event }) => ({ tenant, event }))
    if (rows.length > 0) await this.#store.write('releaseInbox', { rows, afterMs })
    return []
  }

  async #accept(plans: readonly TenantPlan[], types: KnownTypes, nowMs: number): Promise<EventId[]> {
    const arrivals = plans.flatMap(({ accepted }) => accepted)
    if (arrivals.length === 0) return []
    const tenants = plans.map(({ tenant, configuration }) => ({ tenant, version: configuration?.version ?? null }))
    try {
      const request = { catalogueVersion: types.version, tenants, nowMs, arrivals }
      const { stored, stale, behind } = await this.#store.write('acceptArrivals', request)
      const isBehind = new Set(behind)
      const late = arrivals.filter(({ event }) => isBehind.has(event))
      if (late.length > 0) await this.#giveBack({ arrivals: late, items: [] }, BEHIND_MS)
      const isStored = new Set(stored)
      this.#handOver(
        arrivals.filter(({ event }) => isStored.has(event)),
        nowMs,
      )
      return arrivals.filter(({ tenant }) => stale.includes(tenant)).map(({ event }) => event)
    } catch (error) {
      if (error instanceof StoreUnavailable || error instanceof StoreContended) throw error
      if (arrivals.length > 1) return this.#acceptEach(plans, types, nowMs)
      this.#tellFailed(arrivals[0]!, error)
      return []
    }
  }

  /** Somebody's data made the commit fail: each alone, so that only that one pays. */
  async #acceptEach(plans: readonly TenantPlan[], types: KnownTypes, nowMs: number): Promise<EventId[]> {
    const stale: EventId[] = []
    for (const plan of plans) {
      for (const one of plan.accepted) stale.push(...(await this.#accept([{ ...plan, accepted: [one] }], types, nowMs)))
    }
    return stale
  }

  #handOver(stored: readonly AcceptedArrival[], nowMs: number): void {
    const items = stored.flatMap(arrival =>
      freshItems({ ...arrival, test: false, traceparent: null }, arrival.deliveries ?? [], nowMs),
    )
    if (items.length > 0) this.#store.changes.emit({ kind: 'fresh', items })
    for (const { tenant, event, type, rejected } of stored) {
      if (rejected === null) {
        this.#store.changes.emit({ kind: 'stored', tenant, events: [{ id: event, type, test: false }] })
        continue
      }
      const faults = rejected.slice(0, MAX_FAULTS_LOGGED).map(({ field, reason }) => ({ field, reason }))
      this.#log.warn({ tenant, event, type, faults }, 'an event published from SQL was rejected')
    }
  }

  /** It stays in the inbox, and is tried again when the claim has run out. */
  #tellFailed({ tenant, event, type }: Pick<Arrival, 'tenant' | 'event' | 'type'>, err: unknown): void {
    this.#log.error({ err, tenant, event, type }, 'an event published from SQL could not be stored; it is tried again')
  }

  async #fanOut({ configuration }: TenantPlan, plan: ItemPlan, nowMs: number) {
    const { item, deliveries } = plan
    const tenantVersion = configuration?.version ?? null
    const { tenant, event, type } = item
    const [result, payload, traceparent] = await Promise.all([
      this.#store.write('fanOut', { ...plan, tenantVersion, nowMs }),
      this.#store.read('readPayload', { tenant, event }),
      this.#store.read('readTraceparent', { tenant, event }),
    ])
    if (result === 'stale') return [item.event]
    if (result === 'behind') return this.#giveBack({ arrivals: [], items: [item] }, BEHIND_MS)
    if (result === 'gone' || deliveries.length === 0) return []
    const fresh = freshItems({ tenant, event, type, test: false, traceparent, payload }, deliveries, nowMs)
    if (fresh.length > 0) this.#store.changes.emit({ kind: 'fresh', items: fresh })
    return []
  }

  #dropStale(plans: readonly TenantPlan[], types: KnownTypes, stale: ReadonlySet<EventId>): void {
    if (stale.size === 0) return
    this.#configuration.catalogue.drop(types)
    for (const { tenant, configuration, accepted, items } of plans) {
      const isStale = accepted.some(({ event }) => stale.has(event)) || items.some(({ item }) => stale.has(item.event))
      if (isStale && configuration !== null) this.#configuration.tenants.drop(tenant, configuration)
    }
  }
}

/** Plans of so many tenants as go into one commit. */
function chunksOf(plans: readonly TenantPlan[]): TenantPlan[][] {
  const chunks: TenantPlan[][] = []
  let room = 0
  for (const plan of plans) {
    if (room <= 0) {
      chunks.push([])
      room = DELIVERIES_A_COMMIT
    }
    chunks.at(-1)!.push(plan)
    room -= plan.deliveryCount
  }
  return chunks
}
