/** What the document names and refers to. */
import type { TSchema } from 'typebox'
import { ApiKeySchema, AuditEntrySchema, EncryptionKeysSchema, NewApiKeySchema } from './access.ts'
import { EgressSchema, ErasureSchema, EventTypeSchema, SchedulePreviewSchema, TenantSchema } from './configuration.ts'
import { AttemptSchema, DeliveryDetailSchema, DeliverySchema, SetAsideDeliverySchema } from './deliveries.ts'
import { EndpointSchema, EndpointWithSecretSchema } from './endpoints.ts'
import {
  EventDetailSchema,
  EventEndpointSchema,
  EventSchema,
  NotSentSchema,
  PublishedSchema,
  RejectedEventSchema,
} from './events.ts'
import { ProblemSchema } from './problems.ts'
import { CreatedReplaySchema, ReplaySchema } from './replays.ts'
import { StatsPointSchema, StatsSchema } from './stats.ts'

export const COMPONENTS: readonly TSchema[] = [
  ProblemSchema,
  EventTypeSchema,
  TenantSchema,
  EndpointSchema,
  EndpointWithSecretSchema,
  DeliverySchema,
  SetAsideDeliverySchema,
  AttemptSchema,
  DeliveryDetailSchema,
  NotSentSchema,
  EventSchema,
  EventEndpointSchema,
  EventDetailSchema,
  RejectedEventSchema,
  PublishedSchema,
  EgressSchema,
  SchedulePreviewSchema,
  ApiKeySchema,
  NewApiKeySchema,
  AuditEntrySchema,
  ErasureSchema,
  ReplaySchema,
  CreatedReplaySchema,
  EncryptionKeysSchema,
  StatsPointSchema,
  StatsSchema,
]
