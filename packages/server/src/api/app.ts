import type { IncomingMessage, ServerResponse } from 'node:http'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyBaseLogger, FastifyInstance, RawServerDefault } from 'fastify'
import type { Publisher } from '../ingest/publisher.ts'
import type { Logger } from '../logger.ts'
import type { Deliveries } from '../manage/deliveries.ts'
import type { Endpoints } from '../manage/endpoints.ts'
import type { EventTypes } from '../manage/event-types.ts'
import type { Tenants } from '../manage/tenants.ts'

export type App = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Needs no API key. */
    isPublic?: boolean
    /** The handler gets the body's bytes as they came. */
    isRawBody?: boolean
  }
}

export type ApiServices = {
  readonly publisher: Publisher
  readonly endpoints: Endpoints
  readonly tenants: Tenants
  readonly eventTypes: EventTypes
  readonly deliveries: Deliveries
}

export type ApiOptions = {
  /** In constant time. */
  readonly apiKeyMatches: (key: string) => boolean
  readonly egressAddresses: readonly string[]
  readonly version: string
  readonly maxBodyBytes: number
  readonly isReady: () => boolean
  readonly isDraining: () => boolean
  readonly logger: Logger
}
