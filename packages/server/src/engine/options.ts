import type { RetrySchedule } from '../base/model.ts'
import type { Resolver } from '../guard/lookup.ts'
import type { ConnectionSettings } from './attempt/connections.ts'
import type { DestinationOptions } from './attempt/destinations.ts'
import type { BeginTrace } from './attempt/trace.ts'
import type { HealthSettings } from './receiver-health.ts'

/** Settings, named as in the configuration, and a few options that are not settings. */
export type EngineOptions = ConnectionSettings &
  DestinationOptions &
  HealthSettings & {
    /** For endpoints and event types without a schedule of their own (C12). */
    readonly retrySchedule: RetrySchedule
    readonly maxInFlight: number
    readonly maxInFlightPerHost: number
    /** Maximum number of requests in flight to one endpoint. */
    readonly laneWindow: number
    /** Maximum payload bytes kept in memory with waiting deliveries. Other payloads are read at dispatch. */
    readonly payloadMemoryBytes: number
    /** Returns a number from 0 (inclusive) to 1 (exclusive), which spreads retries (C12). */
    readonly random: () => number
    /** Resolves the names of receivers. Default: the system's resolver. */
    readonly resolver?: Resolver | undefined
    /** Default: attempts are not traced. */
    readonly beginTrace?: BeginTrace | undefined
  }
