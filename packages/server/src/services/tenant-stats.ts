/** Tenants in order of what happened in a period: which have the most to send, and which are in trouble. */
import type { Clock } from '../base/clock.ts'
import type { TenantId } from '../base/model.ts'
import { OPERATOR_TENANT } from '../base/tenant.ts'
import { type Counts, GRAINS, type Grain, noCounts, type TenantSums } from '../store/operations/stats.ts'
import type { Store } from '../store/store.ts'
import { SEARCH_MS } from './slices.ts'
import { attemptsOf, planStats, type StatsFilter, type StatsPlan } from './stats.ts'

export const TENANT_ORDERS = ['volume', 'trouble'] as const
type TenantOrder = (typeof TENANT_ORDERS)[number]

/** Steps that are added up for each tenant, as long as those of an hour are at most as many. */
const USUAL_POINTS = 96
/** Rows of statistics that a short read looks at: some thirty milliseconds' worth. */
const ROWS_A_READ = 20_000
const TENANTS_A_READ = { min: 20, max: 2_000 } as const

export type TenantStats = {
  readonly tenant: TenantId
  readonly name: string | null
  readonly counts: Readonly<Counts>
  /** Attempts in the period. */
  readonly attempts: number
  /** Those of them that didn't get a 2xx. */
  readonly failed: number
  /** Enabled endpoints that fail now; null: more than 1,000. */
  readonly failingEndpoints: number | null
}

type TenantRanking = Omit<StatsPlan, 'step'> & {
  readonly items: readonly TenantStats[]
  /** Whether all tenants were looked at before the time was up. */
  readonly isComplete: boolean
}

type Ranked = Omit<TenantStats, 'name'>

type Steps = { readonly grain: Grain; readonly fromMs: number; readonly toMs: number }

/** Ranks tenants. Only the operator can: it tells how much others send. */
export class TenantRanks {
  readonly #store: Pick<Store, 'read' | 'now'>
  readonly #clock: Pick<Clock, 'monotonicMs'>
  readonly #flush: () => Promise<void>

  /** @param flush stores the numbers that this node has collected, so that results include them */
  constructor(
    store: Pick<Store, 'read' | 'now'>,
    clock: Pick<Clock, 'monotonicMs'>,
    flush: () => Promise<void> = async () => {},
  ) {
    this.#store = store
    this.#clock = clock
    this.#flush = flush
  }

  /** The first `limit` tenants, without those that have nothing of what the order is about. */
  async rank(order: TenantOrder, period: Pick<StatsFilter, 'fromMs' | 'toMs'>, limit: number): Promise<TenantRanking> {
    const { step, fromMs, toMs } = planStats({ ...period, step: null }, this.#store.now(), USUAL_POINTS)
    await this.#flush()
    const failing = await this.#store.read('findTroubledTenants', { trouble: 'failing', tenant: null, untilMs: null })
    const endpoints = new Map(failing.tenants.map(one => [one.tenant, one.endpoints]))
    const first = new First(order, limit)
    const steps = { grain: step, fromMs, toMs }
    const areAll = await this.#sum(steps, (tenant, counts) => {
      first.add(toRanked(tenant, counts, endpoints.get(tenant) ?? (endpoints.has(tenant) ? null : 0)))
      endpoints.delete(tenant)
    })
    endpoints.delete(OPERATOR_TENANT)
    // What is left failed without an attempt in the period.
    if (areAll) for (const [tenant, count] of endpoints) first.add(toRanked(tenant, noCounts(), count))
    return { fromMs, toMs, items: await this.#named(first.items()), isComplete: areAll && failing.areAll }
  }

  /** Reads the sums of all tenants. Returns false if the time was up before. */
  async #sum(steps: Steps, take: (tenant: TenantId, counts: Counts) => void): Promise<boolean> {
    const endsAtMs = this.#clock.monotonicMs() + SEARCH_MS
    const limit = tenantsARead(steps)
    let afterTenant: TenantId | null = null
    while (true) {
      const read: TenantSums = await this.#store.read('sumStatsOfTenants', { ...steps, afterTenant, limit })
      for (const { tenant, counts } of read.tenants) take(tenant, counts)
      afterTenant = read.lastTenant
      if (afterTenant === null) return true
      if (this.#clock.monotonicMs() >= endsAtMs) return false
    }
  }

  async #named(items: readonly Ranked[]): Promise<TenantStats[]> {
    const names = await this.#store.read('readTenantNames', { tenants: items.map(({ tenant }) => tenant) })
    return items.flatMap(item => (names.has(item.tenant) ? [{ ...item, name: names.get(item.tenant)! }] : []))
  }
}

function toRanked(tenant: TenantId, counts: Readonly<Counts>, failingEndpoints: number | null): Ranked {
  return { tenant, counts, ...attemptsOf(counts), failingEndpoints }
}

/** Tenants whose steps a short read adds up. */
export function tenantsARead({ grain, fromMs, toMs }: Steps): number {
  const { min, max } = TENANTS_A_READ
  return Math.min(Math.max(Math.floor((ROWS_A_READ * GRAINS[grain].ms) / (toMs - fromMs)), min), max)
}

/** What is compared, the most important first; more comes first. */
const MEASURES: Readonly<Record<TenantOrder, readonly ((ranked: Ranked) => number)[]>> = {
  volume: [({ attempts }) => attempts, ({ counts }) => counts.delivered],
  trouble: [
    ({ failingEndpoints }) => failingEndpoints ?? Number.MAX_SAFE_INTEGER,
    ({ counts }) => counts.exhausted,
    ({ failed }) => failed,
  ],
}

/** Keeps the first few of very many. */
export class First {
  readonly #order: TenantOrder
  readonly #limit: number
  #kept: Ranked[] = []

  constructor(order: TenantOrder, limit: number) {
    this.#order = order
    this.#limit = limit
  }

  add(ranked: Ranked): void {
    if (MEASURES[this.#order].every(measure => measure(ranked) === 0)) return
    this.#kept.push(ranked)
    if (this.#kept.length >= 2 * this.#limit + 1_000) this.#kept = this.items()
  }

  /** In order; equal ones in the order of their ids. */
  items(): Ranked[] {
    return this.#kept.toSorted((a, b) => this.#compare(a, b)).slice(0, this.#limit)
  }

  #compare(a: Ranked, b: Ranked): number {
    for (const measure of MEASURES[this.#order]) {
      const difference = measure(b) - measure(a)
      if (difference !== 0) return difference
    }
    return a.tenant < b.tenant ? -1 : 1
  }
}
