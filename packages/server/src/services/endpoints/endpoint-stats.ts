/** What happened at each of some endpoints in a recent period, for a list of them. */
import { DAY_MS } from '../../base/durations.ts'
import type { Endpoint, EndpointId } from '../../base/model.ts'
import type { LastDelivery } from '../../store/operations/endpoints/last-deliveries.ts'
import { type Counts, GRAINS, type Grain, noCounts } from '../../store/operations/stats.ts'
import type { Store } from '../../store/store.ts'

/** Periods that end now, by their names. They begin at the start of a step, so they can be longer by up to one. */
const PERIODS = {
  '24h': { ms: DAY_MS, grain: 'hour' },
  '7d': { ms: 7 * DAY_MS, grain: 'day' },
  '30d': { ms: 30 * DAY_MS, grain: 'day' },
} as const satisfies Readonly<Record<string, { readonly ms: number; readonly grain: Grain }>>
export type StatsPeriod = keyof typeof PERIODS
export const STATS_PERIODS = Object.keys(PERIODS) as StatsPeriod[]

export type EndpointNumbers = {
  readonly fromMs: number
  readonly toMs: number
  readonly counts: Readonly<Counts>
  /** null: no delivery has ended, or none is kept. */
  readonly lastDelivery: LastDelivery | null
}

/** The numbers of endpoints. What happened in the last few seconds might be missing. */
export async function readEndpointNumbers(
  store: Pick<Store, 'read' | 'now'>,
  endpoints: readonly Pick<Endpoint, 'id' | 'tenant'>[],
  period: StatsPeriod,
): Promise<(id: EndpointId) => EndpointNumbers> {
  const { ms, grain } = PERIODS[period]
  const toMs = store.now()
  const fromMs = toMs - ms - ((toMs - ms) % GRAINS[grain].ms)
  const asked = endpoints.map(({ id, tenant }) => ({ id, tenant }))
  const sums = await store.read('sumStatsOfEndpoints', { endpoints: asked, grain, fromMs, toMs })
  const last = await store.read('readLastDeliveries', { endpoints: asked.map(({ id }) => id) })
  return id => ({ fromMs, toMs, counts: sums.get(id) ?? noCounts(), lastDelivery: last.get(id) ?? null })
}
