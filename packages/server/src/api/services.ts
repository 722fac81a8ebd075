import type { IncomingMessage, ServerResponse } from 'node:http'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyBaseLogger, FastifyInstance, RawServerDefault } from 'fastify'
import type { TenantId } from '../base/model.ts'
import type { Publisher } from '../publish/publisher.ts'
import type { ApiKeys } from '../services/api-keys.ts'
import type { Deliveries } from '../services/deliveries.ts'
import type { Endpoints } from '../services/endpoints.ts'
import type { EventTypes } from '../services/event-types.ts'
import type { Exports } from '../services/exports.ts'
import type { KeyRotation } from '../services/key-rotation.ts'
import type { Replays } from '../services/replays.ts'
import type { RetrySchedules } from '../services/retry-schedules.ts'
import type { Stats } from '../services/stats.ts'
import type { Tenants } from '../services/tenants.ts'
import type { GateOptions } from './gate.ts'

/** A call that publishes, as part of a trace. */
export type PublishTrace = {
  /** What is kept with the events; null: nothing. */
  readonly traceparent: string | null
  /** @param events how many were published; null: the call was refused */
  end(events: number | null): void
}

/** @param traceparent the caller's own, if it is sound */
export type BeginPublishTrace = (tenant: TenantId, traceparent: string | null) => PublishTrace

/** What the API is a face of. */
export type Services = {
  readonly publisher: Pick<Publisher, 'publish' | 'publishTest'>
  readonly endpoints: Pick<
    Endpoints,
    'create' | 'update' | 'get' | 'list' | 'describe' | 'rotateSigning' | 'remove' | 'disable' | 'enable'
  >
  readonly tenants: Pick<Tenants, 'list' | 'get' | 'put' | 'remove' | 'erase' | 'erasure'>
  readonly exports: Pick<Exports, 'open'>
  readonly eventTypes: Pick<EventTypes, 'list' | 'get' | 'put' | 'archive' | 'unarchive' | 'remove'>
  readonly apiKeys: Pick<ApiKeys, 'create' | 'get' | 'list' | 'revoke' | 'audit'>
  readonly keyRotation: Pick<KeyRotation, 'read' | 'start'>
  readonly replays: Pick<Replays, 'count' | 'create' | 'get' | 'list' | 'pause' | 'resume' | 'cancel'>
  readonly stats: Pick<Stats, 'read'>
  readonly retrySchedules: Pick<RetrySchedules, 'preview' | 'ofEndpoint'>
  readonly deliveries: Pick<
    Deliveries,
    | 'list'
    | 'listSetAside'
    | 'get'
    | 'retry'
    | 'cancel'
    | 'listEvents'
    | 'listRejectedEvents'
    | 'getEvent'
    | 'listOutcomes'
  >
}

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

/** The framework's instance, with types out of schemas. */
export type Api = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>
