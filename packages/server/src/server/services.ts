/** Puts together what the API's resources call. */
import type { Services } from '../api/resource-list.ts'
import type { TypeSamples } from '../catalogue/type-samples.ts'
import type { Names } from '../guard/names/names.ts'
import type { Checker } from '../publish/checking/checker.ts'
import type { Publisher } from '../publish/publisher.ts'
import type { ReplayCounter } from '../replay/selection.ts'
import type { ApiKeyCache } from '../services/api-keys/api-key-cache.ts'
import { ApiKeys } from '../services/api-keys/api-keys.ts'
import { AuditLog } from '../services/audit-log.ts'
import { Deliveries } from '../services/deliveries/deliveries.ts'
import { EndpointLists } from '../services/endpoints/endpoint-lists.ts'
import { Endpoints } from '../services/endpoints/endpoints.ts'
import { EventTypes } from '../services/event-types/event-types.ts'
import { Events } from '../services/events/events.ts'
import { FilterTrials } from '../services/filter-trials.ts'
import { IdempotentCalls } from '../services/idempotent-calls.ts'
import type { KeyRotation } from '../services/key-rotation.ts'
import { ListenerAnswers } from '../services/listeners/answers.ts'
import { Nodes, type NodesOptions } from '../services/nodes.ts'
import { Notifications } from '../services/notifications/notifications.ts'
import { type CountBacklog, Overview } from '../services/overview.ts'
import type { PortalLinks } from '../services/portal/portal-links.ts'
import { PortalLooksService } from '../services/portal/portal-looks.ts'
import { ReplayBatches } from '../services/replay-batches.ts'
import { Replays } from '../services/replays.ts'
import { RetrySchedules } from '../services/retry-schedules.ts'
import { Search } from '../services/search.ts'
import type { Sessions } from '../services/sessions/sessions.ts'
import type { SingleSignOn } from '../services/single-sign-on/single-sign-on.ts'
import { Stats } from '../services/stats.ts'
import { Streams } from '../services/stream/streams.ts'
import { TenantRanks } from '../services/tenant-stats.ts'
import { Exports } from '../services/tenants/exports.ts'
import { Tenants } from '../services/tenants/tenants.ts'
import type { Foundation } from './foundation.ts'

/** What an attempt takes in addition to connecting and waiting for the status. */
const ATTEMPT_MARGIN_MS = 5_000

type ServiceParts = {
  readonly publisher: Publisher
  readonly checker: Checker
  readonly apiKeys: ApiKeyCache
  readonly sessions: Sessions
  readonly singleSignOn: SingleSignOn
  readonly portalLinks: PortalLinks
  readonly names: Names
  readonly typeSamples: TypeSamples
  readonly keyRotation: KeyRotation
  readonly countReplay: ReplayCounter
  readonly nodes: NodesOptions
  readonly onBackgroundWork: () => void
  readonly flushStats: () => Promise<void>
  readonly countBacklog: CountBacklog
}

/** The services behind the API. */
export function composeServices(foundation: Foundation, parts: ServiceParts): Services & { readonly streams: Streams } {
  const { config, store, clock, keys, logger } = foundation
  const { publisher, checker, apiKeys, sessions, singleSignOn, portalLinks, names } = parts
  const { typeSamples, keyRotation, countReplay, nodes } = parts
  const { onBackgroundWork, flushStats, countBacklog } = parts
  const types = () => publisher.types()
  const endpoints = new Endpoints(store, keys.keyring, config, types, { resolver: names.resolve })
  return {
    publisher,
    endpoints,
    streams: new Streams({ store, clock, logger, endpoints, keyring: keys.keyring }),
    listenerAnswers: new ListenerAnswers(store, keys.keyring),
    endpointLists: new EndpointLists(store, clock),
    retrySchedules: new RetrySchedules(store, config, types),
    tenants: new Tenants(store, {
      // Twice the connection timeout: a token might have to be requested first.
      attemptMs: 2 * config.connectTimeoutMs + config.responseTimeoutMs + ATTEMPT_MARGIN_MS,
      onErase: onBackgroundWork,
      untilRefused: () => Promise.all([apiKeys.untilFresh(), sessions.announce()]),
      clock,
    }),
    exports: new Exports(store),
    apiKeys: new ApiKeys(store, () => apiKeys.untilFresh()),
    auditLog: new AuditLog(store, clock),
    sessions,
    singleSignOn,
    portalLinks,
    portalLooks: new PortalLooksService(store, config, types),
    eventTypes: new EventTypes(store, typeSamples, config, checker),
    deliveries: new Deliveries(store, clock),
    events: new Events(store, clock),
    filterTrials: new FilterTrials(store, types),
    replays: new Replays(store, countReplay),
    replayBatches: new ReplayBatches(store, countReplay, { onChange: onBackgroundWork }),
    search: new Search(store, clock),
    keyRotation,
    notifications: new Notifications(
      store,
      keys.keyring,
      { ...config, hasMail: config.smtpUrl !== null && config.mailFrom !== null },
      onBackgroundWork,
    ),
    stats: new Stats(store, flushStats),
    nodes: new Nodes(store, nodes),
    overview: new Overview(store, countBacklog),
    tenantRanks: new TenantRanks(store, clock, flushStats),
    idempotentCalls: new IdempotentCalls(store, keys.keyring),
  }
}
