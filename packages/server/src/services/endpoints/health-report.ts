import { type AttemptError, type Endpoint, type EndpointId, RETURNING } from '../../base/model.ts'
import type { StoredHealth } from '../../store/operations/endpoints/finding.ts'
import type { Store } from '../../store/store.ts'

/**
 * How an endpoint's receiver does. `failing`: there was no success since the first failure of a run. `paused`: it isn't
 * failing, but asked for a pause that isn't over. `healthy`: neither, and one of its newest deliveries arrived.
 * `unknown`: nothing that is kept tells, or it was failing, was then enabled again or got another URL, and no attempt
 * was made since.
 */
export const HEALTH_STATES = ['healthy', 'failing', 'paused', 'unknown'] as const
export type HealthState = (typeof HEALTH_STATES)[number]

export type HealthReport = {
  readonly state: HealthState
  readonly failingSinceMs: number | null
  /** The newest failure among the newest deliveries; null unless it is failing, or if nothing of it is kept. */
  readonly lastFailure: {
    readonly endedAtMs: number
    /** null: there was no response. */
    readonly status: number | null
    readonly error: AttemptError
  } | null
  /** Time in the future before which the receiver wants no request (Retry-After); null: none. */
  readonly pausedUntilMs: number | null
}

/** How the receivers of endpoints do, as of now. Costs as many reads for several as for one. */
export async function readHealth(
  store: Pick<Store, 'read'>,
  endpoints: readonly Pick<Endpoint, 'id' | 'partition' | 'health'>[],
  nowMs: number,
): Promise<Map<EndpointId, HealthReport>> {
  if (endpoints.length === 0) return new Map()
  const looked = endpoints.map(({ id, partition, health }) => ({ id, partition, health }))
  const { failures, succeeded } = await store.read('readEndpointFacts', { endpoints: looked, nowMs })
  return new Map(
    endpoints.map(({ id, health }) => {
      const { failingSinceMs, stage } = health
      const pausedUntilMs = (health.pausedUntilMs ?? 0) > nowMs ? health.pausedUntilMs : null
      const stored = storedHealthOf(failingSinceMs, pausedUntilMs)
      const hasSucceeded = succeeded.has(id) && stage !== RETURNING
      const state = stored !== 'other' ? stored : hasSucceeded ? 'healthy' : 'unknown'
      return [id, { state, failingSinceMs, lastFailure: failures.get(id) ?? null, pausedUntilMs }]
    }),
  )
}

/** What the endpoint's own row says, by which the store selects. */
function storedHealthOf(failingSinceMs: number | null, pausedUntilMs: number | null): StoredHealth {
  if (failingSinceMs !== null) return 'failing'
  return pausedUntilMs === null ? 'other' : 'paused'
}
