/** What a replay covers at the moment: its endpoints, what they want, and how many deliveries that makes. */
import type { Clock } from '../base/clock.ts'
import type { EndpointId, ReplaySelection, TenantId } from '../base/model.ts'
import type { NewReplayPart } from '../store/operations/replays/replays.ts'
import type { Replayable, ReplayChunk } from '../store/operations/replays/scan.ts'
import type { Store } from '../store/store.ts'
import { WantingEndpoints } from './wanting.ts'

/** Rows scanned in one step, which takes its reader some milliseconds. */
const ROWS_A_STEP = 1_000
/** Pairs of an event and an endpoint scanned in one step, for a tenant with very many endpoints. */
const PAIRS_A_STEP = 5_000
/** Counting is given up after this time. */
const COUNT_TIMEOUT_MS = 20_000

/** Whether the endpoint gets a delivery. */
export type Wants = (found: Pick<Replayable, 'endpoint' | 'type' | 'replayOf'>) => boolean

/**
 * An endpoint gets again what it got before. An event that it never got is included if the endpoint wants the type now,
 * or if the call names the endpoint together with the event or types: then that is exactly what the caller wants.
 * Filters are not evaluated, since that would mean reading every payload.
 */
export function wantsOf(
  { endpoint, event, types }: ReplaySelection,
  isWanted: (endpoint: EndpointId, type: string) => boolean,
): Wants {
  if (endpoint !== null && (event !== null || types !== null)) return () => true
  return ({ endpoint: id, type, replayOf }) => replayOf !== null || isWanted(id, type)
}

export type ReplayCount = {
  /** Null if there are too many to count. */
  readonly deliveries: number | null
  /** Parts of the endpoints that get deliveries, or might get some. */
  readonly parts: readonly NewReplayPart[]
}

export type ReplayCounter = (
  tenant: TenantId,
  selection: ReplaySelection,
  asOfMs: number,
) => Promise<ReplayCount | null>

/** Counts in steps, so that other reads get their turn. Null if the tenant does not exist. Throws StoreUnavailable. */
export function createReplayCounter(store: Store, clock: Clock, timeoutMs = COUNT_TIMEOUT_MS): ReplayCounter {
  return async (tenant, selection, asOfMs) => {
    // Not from the cache, which might not know an endpoint that another node registered a moment ago.
    const wanting = new WantingEndpoints(store, clock, tenant, selection.endpoint)
    const all = await wanting.list()
    if (all === null) return null
    if (all.length === 0) return { deliveries: 0, parts: [] }
    const wants = wantsOf(selection, (endpoint, type) => wanting.has(endpoint, type))
    const counts = new Map<EndpointId, number>()
    const scan = { tenant, selection, asOfMs, endpoints: all.map(({ id }) => id) }
    const limit = selection.missing ? Math.max(1, Math.floor(PAIRS_A_STEP / all.length)) : ROWS_A_STEP
    const untilMs = clock.monotonicMs() + timeoutMs
    let deliveries = 0
    let after: string | null = null
    do {
      const chunk: ReplayChunk = await store.read('scanReplay', { ...scan, after, limit: Math.min(limit, ROWS_A_STEP) })
      await wanting.learn(chunk.found.flatMap(({ type, replayOf }) => (replayOf === null ? [type] : [])))
      for (const found of chunk.found) {
        if (found.isOvertaken || !wants(found)) continue
        counts.set(found.endpoint, (counts.get(found.endpoint) ?? 0) + 1)
        deliveries++
      }
      after = chunk.after
    } while (after !== null && clock.monotonicMs() < untilMs)
    if (after !== null) {
      return { deliveries: null, parts: all.map(({ id, partition }) => ({ endpoint: id, partition, wanted: null })) }
    }
    const parts = all.map(({ id, partition }) => ({ endpoint: id, partition, wanted: counts.get(id) ?? 0 }))
    return { deliveries, parts: parts.filter(({ wanted }) => wanted > 0) }
  }
}
