/** Replays: events that are sent again (docs/replays.md). */
import type { EndpointId, EndState, EventId, ReplayBatchId, ReplayId, TenantId } from './model.ts'

export const REPLAY_STATES = ['running', 'paused', 'done', 'cancelled'] as const
export type ReplayState = (typeof REPLAY_STATES)[number]

/** The end states. Pending and held deliveries will be attempted again anyway. */
export const REPLAYABLE_STATES = ['delivered', 'exhausted', 'cancelled'] as const satisfies readonly EndState[]

/** Which events a replay sends again: those that satisfy all conditions. */
export type ReplaySelection = {
  /** Replay only to this endpoint. Null for all of the tenant's endpoints. */
  readonly endpoint: EndpointId | null
  readonly event: EventId | null
  /** Event types by name. Null for all. */
  readonly types: readonly string[] | null
  /** The states that the event's delivery to the endpoint can have. */
  readonly states: readonly EndState[]
  /**
   * The statuses that the last attempt of the event's delivery to the endpoint can have, as callers write them (`503`,
   * `5xx`, `none`). Absent for any: selections that were stored before it existed don't have it.
   */
  readonly statuses?: readonly string[] | undefined
  /** Whether to include events that the endpoint never got, and would get with its present settings. */
  readonly missing: boolean
  /** Events published at or after `fromMs` and before `toMs`, in milliseconds since 1970. */
  readonly fromMs: number | null
  readonly toMs: number | null
}

/** New deliveries of earlier events, made a few at a time. */
export type Replay = {
  /** The internal id, which orders replays by time. */
  readonly id: ReplayId
  /** The caller's own name for it, unique in its tenant; null: none was given. */
  readonly key: string | null
  readonly tenant: TenantId
  /** The replay across tenants that it belongs to; null: none. It runs only while that one does. */
  readonly batch: ReplayBatchId | null
  readonly selection: ReplaySelection
  readonly state: ReplayState
  /** Planned deliveries, counted at creation. Null if there were too many to count. Once ended: made plus skipped. */
  readonly deliveries: number | null
  readonly made: number
  /** Not made after all: sent again by another call in the meantime, or the endpoint or the event is gone. */
  readonly skipped: number
  /** How many of the deliveries made are pending or held. */
  readonly live: number
  readonly createdAtMs: number
  readonly endedAtMs: number | null
}

/** A replay across tenants: one replay in each tenant that has something to send. */
export type ReplayBatch = {
  readonly id: ReplayBatchId
  /** The caller's own name for it; null: none was given. */
  readonly key: string | null
  /** Without an endpoint or an event, which belong to one tenant. */
  readonly selection: ReplaySelection
  readonly state: ReplayState
  /** Tenants are still being looked through, so the numbers below can grow. */
  readonly isSearching: boolean
  /** How many tenants have a replay of it so far. */
  readonly replays: number
  /** The sums of these replays; null: at least one of them was too large to count. */
  readonly deliveries: number | null
  readonly made: number
  readonly skipped: number
  readonly live: number
  readonly createdAtMs: number
  readonly endedAtMs: number | null
}
