/** What the API is told when it is made, beside the services. */
import type { TenantId } from '../base/model.ts'
import type { GateOptions } from './http/gate.ts'

/** A call that publishes, as part of a trace. */
export type PublishTrace = {
  /** What is kept with the events; null: nothing. */
  readonly traceparent: string | null
  /** @param events how many were published; null: the call was refused */
  end(events: number | null): void
}

/** @param traceparent the caller's own, if it is sound */
export type BeginPublishTrace = (tenant: TenantId, traceparent: string | null) => PublishTrace

export type ApiOptions = GateOptions & {
  /** IP addresses and networks that deliveries come from (C4). */
  readonly egressAddresses: readonly string[]
  readonly version: string
  /** False: this node sends only, and answers nothing but whether it is well. */
  readonly takesCalls: boolean
  /** The largest body of a call, bytes. */
  readonly maxBodyBytes: number
  /** Of all bodies that are being read or worked on, bytes; more is refused. */
  readonly bodyMemoryBytes: number
  /** Connections at once; more are closed. */
  readonly maxConnections: number
  /** False until everything runs. */
  readonly isReady: () => boolean
  /** True from the signal to stop on: calls are still answered, connections no longer kept. */
  readonly isDraining: () => boolean
  /** What Prometheus is answered with. */
  readonly metrics: () => Promise<{ readonly type: string; readonly text: string }>
  /** Whether that needs no key. */
  readonly metricsOpen: boolean
  /** Default: calls are part of no trace. */
  readonly beginPublishTrace?: BeginPublishTrace
}
