/** What a replay covers at the moment: its endpoints, what they want, and how many deliveries that makes. */
import type { Clock } from '../base/clock.ts'
import type { EndpointId, TenantId } from '../base/model.ts'
import type { ReplaySelection } from '../base/replay.ts'
import { SharedTurns } from '../publish/turns.ts'
import type { NewReplayPart } from '../store/operations/replays/part-changes.ts'
import type { Replayable, ReplayChunk } from '../store/operations/replays/scan.ts'
import type { Store } from '../store/store.ts'
import { Sieve, wantsOf } from './sieve.ts'
import { WantingEndpoints } from './wanting.ts'

/** Rows scanned in one step, which takes its reader some milliseconds. */
const ROWS_A_STEP = 1_000
/** Pairs of an event and an endpoint scanned in one step, for a tenant with very many endpoints. */
const PAIRS_A_STEP = 5_000
/** Work between two looks at the time, in milliseconds. */
const SIFT_MS = 50
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
  const turns = new SharedTurns(clock)
  return async (tenant, selection, asOfMs, timeoutMs = longestMs) => {
    // Not from the cache, which might not know an endpoint that another node registered a moment ago.
    const wanting = new WantingEndpoints(store, clock, turns, tenant, selection.endpoint)
    const all = await wanting.list()
    if (all === null) return null
    if (all.length === 0) return { deliveries: 0, parts: [] }
    const sieve = new Sieve(store, clock, tenant, {
      wants: wantsOf(selection, wanting),
      filterOf: endpoint => wanting.filterOf(endpoint),
      turns,
    })
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
      const isLearned = await wanting.learn(typesOfMissing(undecided), isLate)
      while (isLearned && undecided.length > 0 && !isLate()) {
        const { kept, decided } = await sieve.sift(undecided, undefined, sieve.workedMs + SIFT_MS)
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

const typesOfMissing = (found: readonly Replayable[]): string[] =>
  found.flatMap(({ type, replayOf }) => (replayOf === null ? [type] : []))
