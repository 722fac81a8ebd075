// Generated from the OpenAPI document by `npm run generate:client`. Do not edit.
import { Connection } from '../http/connection.ts'
import type { ClientOptions } from '../http/options.ts'
import { ApiKeysResource } from './api-keys.ts'
import { AuditResource } from './audit.ts'
import { DeliveriesResource } from './deliveries.ts'
import { EgressResource } from './egress.ts'
import { EndpointsResource } from './endpoints.ts'
import { EventTypesResource } from './event-types.ts'
import { EventsResource } from './events.ts'
import { HealthResource } from './health.ts'
import { ListenersResource } from './listeners.ts'
import { NotificationsResource } from './notifications.ts'
import { OperationsResource } from './operations.ts'
import { OverviewResource } from './overview.ts'
import { PortalResource } from './portal.ts'
import { PortalLooksResource } from './portal-looks.ts'
import { ReplaysResource } from './replays.ts'
import { RetriesResource } from './retries.ts'
import { SearchResource } from './search.ts'
import { SessionsResource } from './sessions.ts'
import { StreamResource } from './stream.ts'
import { TenantsResource } from './tenants.ts'

/**
 * A client of the API of Posthorn, with one member for each resource.
 *
 * To load less code, create a resource's class yourself: `new DeliveriesResource(new Connection(options))`.
 */
export class Posthorn {
  readonly eventTypes: EventTypesResource
  readonly tenants: TenantsResource
  readonly endpoints: EndpointsResource
  readonly events: EventsResource
  readonly deliveries: DeliveriesResource
  readonly listeners: ListenersResource
  readonly replays: ReplaysResource
  readonly search: SearchResource
  readonly stream: StreamResource
  readonly overview: OverviewResource
  readonly retries: RetriesResource
  readonly apiKeys: ApiKeysResource
  readonly sessions: SessionsResource
  readonly portal: PortalResource
  readonly portalLooks: PortalLooksResource
  readonly notifications: NotificationsResource
  readonly audit: AuditResource
  readonly operations: OperationsResource
  readonly egress: EgressResource
  readonly health: HealthResource

  /** Sends nothing. Throws TypeError for options that can't be used. */
  constructor(options: ClientOptions) {
    const connection = new Connection(options)
    this.eventTypes = new EventTypesResource(connection)
    this.tenants = new TenantsResource(connection)
    this.endpoints = new EndpointsResource(connection)
    this.events = new EventsResource(connection)
    this.deliveries = new DeliveriesResource(connection)
    this.listeners = new ListenersResource(connection)
    this.replays = new ReplaysResource(connection)
    this.search = new SearchResource(connection)
    this.stream = new StreamResource(connection)
    this.overview = new OverviewResource(connection)
    this.retries = new RetriesResource(connection)
    this.apiKeys = new ApiKeysResource(connection)
    this.sessions = new SessionsResource(connection)
    this.portal = new PortalResource(connection)
    this.portalLooks = new PortalLooksResource(connection)
    this.notifications = new NotificationsResource(connection)
    this.audit = new AuditResource(connection)
    this.operations = new OperationsResource(connection)
    this.egress = new EgressResource(connection)
    this.health = new HealthResource(connection)
  }
}
