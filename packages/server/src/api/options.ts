/** The API's options, besides its services. */
import type { Finding } from '../base/findings.ts'
import type { Logger } from '../base/logger.ts'
import type { TenantId } from '../base/model.ts'
import type { SettingInEffect } from '../config/in-effect.ts'
import type { Pages } from './dashboard/pages.ts'
import type { DoorOptions } from './http/doors.ts'
import type { GateOptions } from './http/gate.ts'
import type { SessionSource } from './http/session-door.ts'

/** The trace span of a publishing call. */
export type PublishTrace = {
  /** Stored with the events; null: nothing is stored. */
  readonly traceparent: string | null
  /** @param events number of events published; null: the call was refused */
  end(events: number | null): void
}

/** @param traceparent the caller's, if it sent a valid one */
export type BeginPublishTrace = (tenant: TenantId, traceparent: string | null) => PublishTrace

/** See observe/readiness.ts. */
export type StoreReadiness = {
  readonly publishing: boolean
  readonly reading: boolean
  /** Whether a load balancer should send requests of all kinds to this node. */
  readonly isReady: boolean
}

/** See server/checks/running-checks.ts. */
export type ChecksReport = {
  readonly findings: readonly Finding[]
  /** When the checks were complete, in milliseconds since 1970. */
  readonly checkedAtMs: number
  readonly durationMs: number
}

export type ApiOptions = GateOptions &
  DoorOptions & {
    /** The URL that browsers reach the dashboard by, with a slash at its end. Known once the server listens. */
    readonly publicUrl: () => string
    /** The same for the portal, which can be at another address. */
    readonly portalUrl: () => string
    /** The same, as far as it is a setting; null if it is none. */
    readonly givenUrl: string | null
    readonly sessions: SessionSource
    /** The dashboard's pages. Null: this node has none. */
    readonly pages: Pick<Pages, keyof Pages> | null
    readonly logger: Logger
    /** IP addresses and networks that deliveries are sent from (C4). */
    readonly egressAddresses: readonly string[]
    readonly version: string
    /** False: this node only sends deliveries; its API has the health routes alone. */
    readonly takesCalls: boolean
    /** Maximum size of a request body, in bytes. */
    readonly maxBodyBytes: number
    /** Maximum total size of all request bodies being processed, in bytes. Further calls are refused. */
    readonly bodyMemoryBytes: number
    /** Maximum number of open connections. */
    readonly maxConnections: number
    /** Maximum number of open connections from one address or of one key. */
    readonly maxConnectionsPerAddress: number
    /** Whether several tenants have something to store, so that each leaves time to the others. */
    readonly isShared: () => boolean
    /** False until startup has finished. */
    readonly isReady: () => boolean
    /** True once shutdown has been requested: calls are still served, but connections are no longer kept alive. */
    readonly isDraining: () => boolean
    /** What the store can do for this node now. Never rejects. */
    readonly readiness: () => Promise<StoreReadiness>
    /** The response to Prometheus. */
    readonly metrics: () => Promise<{ readonly type: string; readonly text: string }>
    /** Whether metrics can be read without a key. */
    readonly metricsOpen: boolean
    /** This node's id, 32 hexadecimal digits. */
    readonly nodeId: string
    /** The settings in effect on this node. */
    readonly settings: () => readonly SettingInEffect[]
    /** What is wrong with the installation, as far as the checks find. Never rejects. */
    readonly checks: () => Promise<ChecksReport>
    /** Default: calls are not traced. */
    readonly beginPublishTrace?: BeginPublishTrace
  }
