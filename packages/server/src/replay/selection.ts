/** What a replay covers at the moment: its endpoints, what they want, and how many deliveries that makes. */
import type { Clock } from '../base/clock.ts'
import type { EndpointId, ReplaySelection, TenantId } from '../base/model.ts'
import { Filters } from '../catalogue/filter.ts'
import { createMatcher } from '../catalogue/match.ts'
import type { NewReplayPart } from '../store/operations/replays/part-changes.ts'
import type { ReplayChunk } from '../store/operations/replays/scan.ts'
import type { Store } from '../store/store.ts'
import { Sieve, wantsOf } from './sieve.ts'

/** Rows scanned in one step, which takes its reader some milliseconds. */
const ROWS_A_STEP = 1_000
/** Pairs of an event and an endpoint scanned in one step, for a tenant with very many endpoints. */
const PAIRS_A_STEP = 5_000
export const COUNT_TIMEOUT_MS = 20_000

export type ReplayCount = {
  /** Null if there are too many to count. */
  readonly deliveries: number | null
  /** Parts of the endpoints that get deliveries, or might get some. */
  readonly parts: readonly NewReplayPart[]
}

/** @param timeoutMs counting is given up after this time; default: 20 seconds */
export type ReplayCounter = (
  tenant: TenantId,
  selection: ReplaySelection,
  asOfMs: number,
  timeoutMs?: number,
) => Promise<ReplayCount | null>

/** Counts in steps, so that other reads get their turn. Null if the tenant does not exist. Throws StoreUnavailable. */
export function createReplayCounter(store: Store, clock: Clock, longestMs = COUNT_TIMEOUT_MS): ReplayCounter {
  const filters = new Filters()
  return async (tenant, selection, asOfMs, timeoutMs = longestMs) => {
    // Not from the cache, which might not know an endpoint that another node registered a moment ago.
    const configuration = await store.read('readTenantConfiguration', { tenant })
    if (configuration === null) return null
    const { endpoint } = selection
    const all = configuration.endpoints.filter(({ id }) => endpoint === null || id === endpoint)
    if (all.length === 0) return { deliveries: 0, parts: [] }
    const wants = wantsOf(selection, { ...configuration, ...createMatcher(configuration, filters) })
    const sieve = new Sieve(store, tenant, wants, filters)
    const counts = new Map<EndpointId, number>()
    const scan = { tenant, selection, asOfMs, endpoints: all.map(({ id }) => id) }
    const limit = selection.missing ? Math.max(1, Math.floor(PAIRS_A_STEP / all.length)) : ROWS_A_STEP
    const untilMs = clock.monotonicMs() + timeoutMs
    const isLate = () => clock.monotonicMs() >= untilMs
    let deliveries = 0
    let isCounted = false
    let after: string | null = null
    do {
      const chunk: ReplayChunk = await store.read('scanReplay', { ...scan, after, limit: Math.min(limit, ROWS_A_STEP) })
      let undecided = chunk.found.filter(({ isOvertaken }) => !isOvertaken)
      while (undecided.length > 0 && !isLate()) {
        const { kept, decided } = await sieve.sift(undecided)
        for (const { endpoint: id } of kept) counts.set(id, (counts.get(id) ?? 0) + 1)
        deliveries += kept.length
        undecided = undecided.slice(decided)
      }
      isCounted = undecided.length === 0 && chunk.after === null
      after = chunk.after
    } while (!isCounted && !isLate())
    if (!isCounted) {
      return { deliveries: null, parts: all.map(({ id, partition }) => ({ endpoint: id, partition, wanted: null })) }
    }
    const parts = all.map(({ id, partition }) => ({ endpoint: id, partition, wanted: counts.get(id) ?? 0 }))
    return { deliveries, parts: parts.filter(({ wanted }) => wanted > 0) }
  }
}
