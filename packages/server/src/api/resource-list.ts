/** All resources of the API, in the order in which the OpenAPI document lists them. */
import type { IdempotentCalls } from '../services/idempotent-calls.ts'
import type { Public } from './resource.ts'
import { apiKeysResource } from './resources/api-keys.ts'
import { auditResource } from './resources/audit.ts'
import { checksResource } from './resources/checks.ts'
import { deliveriesResource } from './resources/deliveries/deliveries.ts'
import { egressResource } from './resources/egress.ts'
import { encryptionKeysResource } from './resources/encryption-keys.ts'
import { endpointsResource } from './resources/endpoints/endpoints.ts'
import { eventTypesResource } from './resources/event-types.ts'
import { eventsResource } from './resources/events/events.ts'
import { filterTrialsResource } from './resources/filter-trials.ts'
import { healthResource } from './resources/health.ts'
import { listenersResource } from './resources/listeners.ts'
import { metricsResource } from './resources/metrics.ts'
import { nodesResource } from './resources/nodes.ts'
import { notificationsResource } from './resources/notifications/notifications.ts'
import { openApiResource } from './resources/openapi.ts'
import { overviewResource } from './resources/overview.ts'
import { portalResource } from './resources/portal.ts'
import { portalLooksResource } from './resources/portal-looks.ts'
import { replaysResource } from './resources/replays/replays.ts'
import { retrySchedulesResource } from './resources/retry-schedules.ts'
import { searchResource } from './resources/search.ts'
import { sessionsResource } from './resources/sessions.ts'
import { settingsResource } from './resources/settings.ts'
import { singleSignOnResource } from './resources/single-sign-on.ts'
import { statsResource } from './resources/stats.ts'
import { streamResource } from './resources/stream.ts'
import { tenantDataResource } from './resources/tenant-data.ts'
import { tenantsResource } from './resources/tenants.ts'

export const RESOURCES = [
  eventTypesResource,
  tenantsResource,
  tenantDataResource,
  endpointsResource,
  filterTrialsResource,
  eventsResource,
  deliveriesResource,
  listenersResource,
  replaysResource,
  searchResource,
  statsResource,
  streamResource,
  overviewResource,
  retrySchedulesResource,
  apiKeysResource,
  sessionsResource,
  singleSignOnResource,
  portalResource,
  portalLooksResource,
  notificationsResource,
  auditResource,
  encryptionKeysResource,
  nodesResource,
  settingsResource,
  checksResource,
  egressResource,
  healthResource,
  metricsResource,
  openApiResource,
] as const

/** The services that the resources need, taken together, and those that all calls share. */
export type Services = ResourceServices & { readonly idempotentCalls: Public<IdempotentCalls> }

type ResourceServices = (typeof RESOURCES)[number]['add'] extends (
  routes: never,
  services: infer Needs,
  options: never,
) => void
  ? Needs
  : never
