import type { RetrySchedule } from '../base/model.ts'
import type { ConnectionSettings } from './attempt/connections.ts'
import type { DestinationOptions } from './attempt/destinations.ts'
import type { BeginTrace } from './attempt/trace.ts'
import type { HealthSettings } from './receiver-health.ts'

/** Settings, by their own names, and what is not one. */
export type EngineOptions = ConnectionSettings &
  DestinationOptions &
  HealthSettings & {
    /** For endpoints and types without one of their own (C12). */
    readonly retrySchedule: RetrySchedule
    readonly maxInFlight: number
    readonly maxInFlightPerHost: number
    /** Requests at once to one endpoint, at most. */
    readonly laneWindow: number
    /** Payload bytes kept in memory with waiting deliveries, at most; the others are read at dispatch. */
    readonly payloadMemoryBytes: number
    /** From 0 up to, but not, 1: spreads retries (C12). */
    readonly random: () => number
    /** Default: attempts are part of no trace. */
    readonly beginTrace?: BeginTrace | undefined
  }
