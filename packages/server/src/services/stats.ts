import { formatCount } from '../base/counts.ts'
import type { FieldError, PosthornError } from '../base/errors.ts'
import { addBins, type LatencyBins } from '../base/latency-bins.ts'
import type { EndpointId, EndpointReference, TenantId } from '../base/model.ts'
import { addCounts, type Counts, GRAINS, type Grain, noCounts } from '../store/operations/stats.ts'
import type { Store } from '../store/store.ts'
import { checkTenantParameter } from './checks/list-parameters.ts'
import { invalid, requireTenant } from './checks/refusals.ts'
import { endpointIdOfParameter } from './endpoints/references.ts'

export type StatsFilter = {
  readonly endpoint: EndpointReference | null
  readonly fromMs: number | null
  readonly toMs: number | null
  readonly step: Grain | null
}

/** Numbers of one step that starts at `startMs`. */
export type StatsPoint = {
  readonly startMs: number
  readonly counts: Readonly<Counts>
  readonly latencies: LatencyBins
}

export type StatsReport = {
  readonly step: Grain
  readonly fromMs: number
  readonly toMs: number
  /** The sum of all points. */
  readonly total: StatsPoint
  readonly points: readonly StatsPoint[]
  /** Whether nothing happened in the period. */
  readonly isEmpty: boolean
}

/** Whole steps: `toMs` is excluded. */
export type StatsPlan = { readonly step: Grain; readonly fromMs: number; readonly toMs: number }

type StatsOf = { readonly tenant: TenantId | null; readonly endpoint: EndpointId | null }

/** Slightly more than a day of minutes. */
const MAX_POINTS = 1_500
/** If no step is given, the shortest step with at most this many points is used. */
const USUAL_POINTS = 400
const HOUR_MS = GRAINS.hour.ms
/** Length of the period if no start is given. */
const USUAL_SPAN_MS: Readonly<Record<Grain, number>> = {
  minute: 3 * HOUR_MS,
  hour: 24 * HOUR_MS,
  day: 30 * 24 * HOUR_MS,
}

/** Deliveries and attempts as numbers over time, of a tenant or of all. */
export class Stats {
  readonly #store: Pick<Store, 'read' | 'now'>
  readonly #flush: () => Promise<void>

  /** @param flush stores the numbers that this node has collected, so that results include them */
  constructor(store: Pick<Store, 'read' | 'now'>, flush: () => Promise<void>) {
    this.#store = store
    this.#flush = flush
  }

  async read(tenant: TenantId, filter: StatsFilter): Promise<StatsReport> {
    const plan = planStats(filter, this.#store.now())
    await requireTenant(this.#store as Store, tenant)
    return this.#readOf(tenant, filter.endpoint, plan)
  }

  /** The numbers of all tenants together, or (`tenant` not null) of one of them. */
  async readOfAll(tenant: TenantId | null, filter: StatsFilter): Promise<StatsReport> {
    const plan = planStats(filter, this.#store.now())
    if (tenant !== null) {
      await checkTenantParameter(this.#store, tenant)
      return this.#readOf(tenant, filter.endpoint, plan)
    }
    if (filter.endpoint !== null)
      throw refusal('endpoint', "Add `tenant`: an endpoint's numbers are kept with its tenant's.")
    return this.#report({ tenant: null, endpoint: null, ...plan })
  }

  async #readOf(tenant: TenantId, reference: EndpointReference | null, plan: StatsPlan): Promise<StatsReport> {
    const endpoint = await endpointIdOfParameter(this.#store, tenant, reference)
    const report = await this.#report({ tenant, endpoint, ...plan })
    if (report.isEmpty) await this.#requireEndpoint(tenant, endpoint)
    return report
  }

  async #report({ tenant, endpoint, step, fromMs, toMs }: StatsPlan & StatsOf): Promise<StatsReport> {
    await this.#flush()
    const query = { tenant, endpoint, grain: step, fromMs, toMs }
    const found = new Map((await this.#store.read('readStats', query)).map(stat => [stat.startMs, stat]))
    const total = { startMs: fromMs, counts: noCounts(), latencies: new Map() }
    const points: StatsPoint[] = []
    for (let startMs = fromMs; startMs < toMs; startMs += GRAINS[step].ms) {
      const point = found.get(startMs) ?? { startMs, counts: noCounts(), latencies: new Map() }
      addCounts(total.counts, point.counts)
      addBins(total.latencies, point.latencies)
      points.push(point)
    }
    return { step, fromMs, toMs, total, points, isEmpty: found.size === 0 }
  }

  /** Numbers are kept longer than endpoints, so only one without any can be told to be unknown. */
  async #requireEndpoint(tenant: TenantId, id: EndpointId | null): Promise<void> {
    if (id === null || (await this.#store.read('findEndpointById', { tenant, id })) !== null) return
    throw refusal('endpoint', 'The tenant has no endpoint with this id, and no numbers of one in this period.')
  }
}

/**
 * The step, and the bounds rounded to whole steps. Throws `invalid`.
 *
 * @param usualPoints if no step is given, the most of the shortest step. Default: 400
 */
export function planStats(
  { fromMs, toMs, step }: Omit<StatsFilter, 'endpoint'>,
  nowMs: number,
  usualPoints = USUAL_POINTS,
): StatsPlan {
  // There are no numbers for the future: an end later than one step from now is moved there.
  const to = Math.min(toMs ?? nowMs, nowMs + GRAINS[step ?? 'day'].ms)
  const from = fromMs ?? to - USUAL_SPAN_MS[step ?? 'hour']
  if (from >= to && (fromMs !== null || toMs !== null)) {
    throw refusal('from', fromMs === null ? '`to` is too early.' : '`from` must be before `to`, and before now.')
  }
  const chosen = step ?? usualStep(from, to, nowMs, usualPoints)
  const { ms, keptMs } = GRAINS[chosen]
  const start = from - (from % ms)
  const end = Math.ceil(to / ms) * ms
  if ((end - start) / ms > MAX_POINTS) {
    throw refusal(
      'step',
      `The period has more than ${formatCount(MAX_POINTS)} steps. Choose a longer step or a shorter period.`,
    )
  }
  if (start < nowMs - keptMs - ms) {
    const days = keptMs / GRAINS.day.ms
    throw refusal('from', `Steps of one ${chosen} are kept for ${days} days. Choose a longer step or a later start.`)
  }
  return { step: chosen, fromMs: start, toMs: end }
}

function usualStep(fromMs: number, toMs: number, nowMs: number, usualPoints: number): Grain {
  const isFit = (grain: Grain) =>
    (toMs - fromMs) / GRAINS[grain].ms <= usualPoints && fromMs >= nowMs - GRAINS[grain].keptMs
  return (['minute', 'hour'] as const).find(isFit) ?? 'day'
}

/** Attempts, and those of them that failed: that didn't get a 2xx. */
export function attemptsOf(counts: Readonly<Counts>): { readonly attempts: number; readonly failed: number } {
  const { status_2xx, status_3xx, status_4xx, status_5xx, status_other, no_answer } = counts
  const failed = status_3xx + status_4xx + status_5xx + status_other + no_answer
  return { attempts: status_2xx + failed, failed }
}

function refusal(field: string, detail: string): PosthornError {
  return invalid([{ field, detail } satisfies FieldError])
}
