import type { IncomingMessage, ServerResponse } from 'node:http'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyBaseLogger, FastifyInstance, RawServerDefault } from 'fastify'
import type { Publisher } from '../ingest/publisher.ts'
import type { Logger } from '../logger.ts'
import type { Deliveries } from '../manage/deliveries.ts'
import type { Endpoints } from '../manage/endpoints.ts'
import type { EventTypes } from '../manage/event-types.ts'
import type { Tenants } from '../manage/tenants.ts'

/** What the API is a face of. */
export type Services = {
  readonly publisher: Pick<Publisher, 'publish' | 'publishTest'>
  readonly endpoints: Pick<
    Endpoints,
    'create' | 'update' | 'get' | 'list' | 'warnings' | 'remove' | 'disable' | 'enable'
  >
  readonly tenants: Pick<Tenants, 'list' | 'get' | 'put' | 'remove'>
  readonly eventTypes: Pick<EventTypes, 'list' | 'get' | 'put' | 'remove'>
  readonly deliveries: Pick<
    Deliveries,
    'list' | 'listSetAside' | 'get' | 'retry' | 'cancel' | 'listEvents' | 'listRejectedEvents' | 'getEvent'
  >
}

export type ApiOptions = {
  /** Whether the text is the API key. Takes the same time for each. */
  readonly apiKeyMatches: (key: string) => boolean
  /** IP addresses and networks that deliveries come from (C4). */
  readonly egressAddresses: readonly string[]
  readonly version: string
  /** False: this node sends only, and answers nothing but whether it is well. */
  readonly takesCalls: boolean
  /** The largest body of a call, bytes. */
  readonly maxBodyBytes: number
  /** False until everything runs. */
  readonly isReady: () => boolean
  /** True from the signal to stop on: calls are still answered, connections no longer kept. */
  readonly isDraining: () => boolean
  readonly logger: Logger
}

/** The framework's instance, with types out of schemas. */
export type Api = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Answered without an API key. */
    isPublic?: boolean
  }
}
