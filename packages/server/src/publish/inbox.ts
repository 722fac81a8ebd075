import type { Clock } from '../base/clock.ts'
import { CountedLines } from '../base/counted-lines.ts'
import type { Logger } from '../base/logger.ts'
import { Loop } from '../base/loop.ts'
import type { EventId, TenantId } from '../base/model.ts'
import type { Configuration, KnownTypes } from '../catalogue/configuration-cache.ts'
import type { AcceptedArrival } from '../store/operations/inbox/arrivals.ts'
import type { ClaimedInbox } from '../store/operations/inbox/claim.ts'
import type { Arrival } from '../store/operations/inbox/inbox.ts'
import type { Store } from '../store/store.ts'
import { StoreContended, StoreUnavailable } from '../store/transaction.ts'
import { ArrivalChecks } from './checking/arrival-checks.ts'
import type { CheckMeans } from './checking/body-check.ts'
import type { PayloadLimits } from './event-faults.ts'
import type { ItemPlan } from './fan-out.ts'
import { freshItems } from './new-deliveries.ts'
import { Payloads } from './payloads.ts'
import {
  deliveriesATenant,
  MAX_DELIVERIES_AT_ONCE,
  type PlanLimits,
  planTenant,
  type Rows,
  type TenantPlan,
} from './plan.ts'
import { Turns } from './turns.ts'
import { untilCurrent } from './until-current.ts'

export type InboxOptions = {
  /** How often to look for rows without a notification (from others, or after a claim expired), in milliseconds. */
  readonly lookMs: number
  /** See PlanLimits. Default: 5,000. */
  readonly maxDeliveriesAtOnce?: number
}

/** How long a claim keeps other nodes away. If a node dies, its claimed rows wait this long. */
const CLAIM_MS = 5_000
/** Deliveries created in one commit, which takes some milliseconds. */
const DELIVERIES_A_COMMIT = 2_000
/** Pause before retrying an event that would overtake an earlier one in an ordered endpoint's lane. */
const BEHIND_MS = 50
/** Pause before asking again whether a check in another thread has ended. */
const WAITING_MS = 20
/** Longest rest after a round, which keeps claimed rows waiting. */
const LONGEST_REST_MS = 50
/** Pause after a failure of the store, before the next try. */
const PAUSE_MS = 1_000
/** Maximum number of faults in a log line. */
const MAX_FAULTS_LOGGED = 3

type Keys = {
  readonly arrivals: readonly Pick<Arrival, 'tenant' | 'event'>[]
  readonly items: readonly Pick<Arrival, 'tenant' | 'event'>[]
}

const NONE: ClaimedInbox = { arrivals: [], items: [], last: '', hasMore: false }

const isNone = ({ arrivals, items }: Rows): boolean => arrivals.length + items.length === 0

/**
 * Processes the inbox (store/operations/inbox/): turns what was published from SQL into events, and creates the
 * deliveries of events that have very many. It handles some for each tenant in turn, so that an event to ten thousand
 * endpoints, or fifty thousand events from one transaction, don't hold up other tenants. A claim expires after some
 * seconds, so a crash costs only that delay.
 */
export class Inbox {
  readonly #store: Store
  readonly #configuration: Configuration
  readonly #log: Logger
  readonly #lines: CountedLines
  readonly #limits: Omit<PlanLimits, 'deliveriesATenant'>
  readonly #clock: Clock
  readonly #payloads: Payloads
  readonly #checks: ArrivalChecks
  /** How many rows to claim of tenants whose rows take long. */
  #claimedRows: ReadonlyMap<TenantId, number> = new Map()
  readonly #loop: Loop

  constructor(
    store: Store,
    configuration: Configuration,
    clock: Clock,
    log: Logger,
    settings: PayloadLimits & Pick<CheckMeans, 'checker' | 'costs'>,
    options: InboxOptions,
  ) {
    this.#store = store
    this.#configuration = configuration
    this.#log = log
    this.#lines = new CountedLines(log, clock)
    this.#clock = clock
    this.#payloads = new Payloads(store, clock)
    const { maxDeliveriesAtOnce = MAX_DELIVERIES_AT_ONCE } = options
    this.#limits = { maxDepth: settings.maxDepth, maxBodyBytes: settings.maxBodyBytes, maxDeliveriesAtOnce }
    this.#checks = new ArrivalChecks(settings, this.#limits)
    this.#loop = new Loop({
      clock,
      everyMs: options.lookMs,
      retryMs: PAUSE_MS,
      run: () => this.#work(),
      onFailure: error => log.warn({ err: error }, 'processing the inbox failed; retrying'),
    }).wakeOn(store.changes, ({ kind }) => kind === 'inbox')
  }

  /** Starts processing what is in the inbox and what arrives later. */
  start(): void {
    this.#loop.start()
  }

  /** Resolves when nothing is in progress. */
  stop(): Promise<void> {
    return this.#loop.stop()
  }

  /** Goes round all tenants in the order of their ids. Those that don't fit into one claim come with the next. */
  async #work(): Promise<void> {
    let claimed = NONE
    while (!this.#loop.isStopped) {
      if (isNone(claimed)) {
        if (!(await this.#store.read('peekInbox', {}))) return
        claimed = await this.#claim('')
        // The peek also sees rows that another node is just claiming.
        if (isNone(claimed)) return
      }
      const begunAtMs = this.#clock.monotonicMs()
      claimed = await this.#workOff(claimed)
      await this.#restSince(begunAtMs)
    }
    await this.#giveBack(claimed)
  }

  /**
   * While several tenants have something to store, leaves half of the time to them. Rounds without a rest, of a tenant
   * that publishes to thousands of endpoints, would take nearly all of the main thread, or of PostgreSQL.
   */
  async #restSince(begunAtMs: number): Promise<void> {
    if (!this.#store.isShared) return
    await this.#loop.rest(Math.min(this.#clock.monotonicMs() - begunAtMs, LONGEST_REST_MS))
  }

  #claim(after: TenantId): Promise<ClaimedInbox> {
    return this.#store.write('claimInbox', {
      after,
      claimMs: CLAIM_MS,
      maxPayloadBytes: this.#limits.maxBodyBytes,
      maxRows: this.#claimedRows,
    })
  }

  /** Stores what was claimed, and releases what can't be stored now. Returns what was claimed in the meantime. */
  async #workOff(claimed: ClaimedInbox): Promise<ClaimedInbox> {
    // Claim in the commit that stores these: one more per step (20 steps for 10,000) would leave the lanes without
    // work.
    let next: Promise<ClaimedInbox> | undefined
    const claimNext = () => {
      next ??= this.#claim(claimed.hasMore ? claimed.last : '')
      next.catch(() => {}) // thrown below, unless something else fails first
    }
    let left: Rows = claimed
    await untilCurrent(this.#store, async () => {
      left = await this.#storeOnce(left, claimNext)
      return isNone(left) ? 'stored' : 'stale'
    })
    // The rest became stale on every try. Any node can claim it again.
    await this.#giveBack(left)
    return next ?? NONE
  }

  /** Returns the rows that were not stored because the configuration had changed. */
  async #storeOnce({ arrivals, items }: Rows, claimNext: () => void): Promise<Rows> {
    const types = await this.#configuration.catalogue.get()
    const nowMs = this.#store.now()
    const limits = { ...this.#limits, deliveriesATenant: deliveriesATenant(this.#store.isShared) }
    const arrivalsOf = Map.groupBy(arrivals, ({ tenant }) => tenant)
    const itemsOf = Map.groupBy(items, ({ tenant }) => tenant)
    const tenants = [...new Set([...arrivalsOf.keys(), ...itemsOf.keys()])]
    const configurations = await Promise.all(tenants.map(tenant => this.#configuration.tenants.get(tenant)))
    const turns = new Turns(this.#clock)
    const at = {
      types,
      limits,
      nowMs,
      store: this.#store,
      payloads: this.#payloads,
      checks: this.#checks,
      turns,
    }
    const plans: TenantPlan[] = []
    for (const [index, tenant] of tenants.entries()) {
      const rows = { arrivals: arrivalsOf.get(tenant) ?? [], items: itemsOf.get(tenant) ?? [] }
      plans.push(await planTenant(tenant, rows, { ...at, configuration: configurations[index]! }))
    }
    this.#claimedRows = rowsToClaim(plans)
    const stale = new Set<EventId>()
    const chunks = chunksOf(plans)
    for (const [index, chunk] of chunks.entries()) {
      const sent = await this.#readSent(chunk)
      const stored = this.#commit(chunk, types, { nowMs, sent })
      if (index === chunks.length - 1) claimNext()
      for (const event of await stored) stale.add(event)
    }
    await this.#dropStale(plans, types, stale)
    const isStale = ({ event }: { event: EventId }) => stale.has(event)
    return { arrivals: arrivals.filter(isStale), items: items.filter(isStale) }
  }

  /**
   * What the deliveries of these plans send. Read before they are stored: a lane can find its delivery in the store, and
   * be done with it before a hand-over that comes late, which would have it sent again.
   */
  async #readSent(plans: readonly TenantPlan[]): Promise<ReadonlyMap<EventId, Sent>> {
    const planned = plans.flatMap(({ items }) => items.filter(({ deliveries }) => deliveries.length > 0))
    const sent = planned.map(async ({ item: { tenant, event } }): Promise<[EventId, Sent]> => {
      const [payload, traceparent] = await Promise.all([
        this.#store.read('readPayload', { tenant, event }),
        this.#store.read('readTraceparent', { tenant, event }),
      ])
      return [event, { payload, traceparent }]
    })
    return new Map(await Promise.all(sent))
  }

  /** Writes that are submitted together are committed together. Returns events whose configuration had changed. */
  async #commit(plans: readonly TenantPlan[], types: KnownTypes, { nowMs, sent }: Moment): Promise<EventId[]> {
    for (const { arrival, error } of plans.flatMap(({ failed }) => failed)) this.#tellFailed(arrival, error)
    const stale = await Promise.all([
      this.#accept(plans, types, nowMs),
      ...plans.flatMap(plan => plan.items.map(item => this.#fanOut(plan, item, { nowMs, sent }))),
      ...plans.map(({ surplus }) => this.#giveBack(surplus)),
      ...plans.map(({ waiting }) => this.#giveBack({ arrivals: waiting, items: [] }, WAITING_MS)),
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

  /** Stores each arrival on its own after one of them made their common commit fail, so that only that one fails. */
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

  /** Logs the failure, once a second. The event stays in the inbox and is retried when the claim expires. */
  #tellFailed({ tenant, event, type }: Pick<Arrival, 'tenant' | 'event' | 'type'>, err: unknown): void {
    const message = 'storing an event published from SQL failed; retrying'
    this.#lines.add('arrival', 'error', message, { err, tenant, event, type })
  }

  async #fanOut({ configuration }: TenantPlan, plan: ItemPlan, { nowMs, sent }: Moment) {
    const { item, deliveries } = plan
    const tenantVersion = configuration?.version ?? null
    const { tenant, event, type } = item
    const result = await this.#store.write('fanOut', { ...plan, tenantVersion, nowMs })
    if (result === 'stale') return [item.event]
    if (result === 'behind') return this.#giveBack({ arrivals: [], items: [item] }, BEHIND_MS)
    if (result === 'gone' || deliveries.length === 0) return []
    const fresh = freshItems({ tenant, event, type, test: false, ...sent.get(event)! }, deliveries, nowMs)
    if (fresh.length > 0) this.#store.changes.emit({ kind: 'fresh', items: fresh })
    return []
  }

  async #dropStale(plans: readonly TenantPlan[], types: KnownTypes, stale: ReadonlySet<EventId>): Promise<void> {
    if (stale.size === 0) return
    const { catalogue } = await this.#store.read('readVersions', { tenant: plans[0]!.tenant })
    if (catalogue !== types.version) this.#configuration.catalogue.drop(types)
    for (const { tenant, configuration, accepted, items } of plans) {
      const isStale = accepted.some(({ event }) => stale.has(event)) || items.some(({ item }) => stale.has(item.event))
      if (isStale && configuration !== null) this.#configuration.tenants.drop(tenant, configuration)
    }
  }
}

/** What deliveries of an event send. The payload is null if it is gone. */
type Sent = { readonly payload: Uint8Array | null; readonly traceparent: string | null }

/** When plans are stored (store time), and what their deliveries send. */
type Moment = { readonly nowMs: number; readonly sent: ReadonlyMap<EventId, Sent> }

/** Groups plans into chunks that fit into one commit each. */
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

/** Rows that a round doesn't get to are claimed in vain: next time, twice as many as it did are claimed. */
function rowsToClaim(plans: readonly TenantPlan[]): ReadonlyMap<TenantId, number> {
  const late = plans.filter(({ surplus }) => !isNone(surplus))
  return new Map(late.map(({ tenant, accepted, items }) => [tenant, 2 * (accepted.length + items.length) + 1]))
}
