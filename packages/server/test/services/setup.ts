import { randomBytes } from 'node:crypto'
import { pino } from 'pino'
import { afterEach, beforeEach, expect } from 'vitest'
import type { ApiKey } from '../../src/base/callers.ts'
import { type Clock, systemClock } from '../../src/base/clock.ts'
import { type ErrorCode, type FieldError, PosthornError } from '../../src/base/errors.ts'
import type { Delivery, DeliveryState, Endpoint, EndpointId } from '../../src/base/model.ts'
import { PORTAL_PERMISSIONS } from '../../src/base/portal.ts'
import { starterCatalogue } from '../../src/catalogue/starter-catalogue.ts'
import { TypeSamples } from '../../src/catalogue/type-samples.ts'
import type { Resolver } from '../../src/guard/lookup.ts'
import { CONTRACT_PORTS } from '../../src/guard/ports.ts'
import { Backlog } from '../../src/observe/backlog.ts'
import { Publisher } from '../../src/publish/publisher.ts'
import { createReplayCounter } from '../../src/replay/selection.ts'
import { hashOfKey } from '../../src/secrets/api-key.ts'
import { readCredentials } from '../../src/secrets/credentials.ts'
import { createKeyring, type Keyring } from '../../src/secrets/keyring.ts'
import { ApiKeyCache } from '../../src/services/api-keys/api-key-cache.ts'
import { ApiKeys } from '../../src/services/api-keys/api-keys.ts'
import { AuditLog } from '../../src/services/audit-log.ts'
import { Deliveries } from '../../src/services/deliveries/deliveries.ts'
import { EndpointLists } from '../../src/services/endpoints/endpoint-lists.ts'
import { type EndpointInput, Endpoints, type EndpointsSettings } from '../../src/services/endpoints/endpoints.ts'
import { EventTypes } from '../../src/services/event-types/event-types.ts'
import { Events } from '../../src/services/events/events.ts'
import { FilterTrials } from '../../src/services/filter-trials.ts'
import { IdempotentCalls } from '../../src/services/idempotent-calls.ts'
import { KeyRotation } from '../../src/services/key-rotation.ts'
import { ListenerAnswers } from '../../src/services/listeners/answers.ts'
import { Nodes } from '../../src/services/nodes.ts'
import { Notifications } from '../../src/services/notifications/notifications.ts'
import { Overview } from '../../src/services/overview.ts'
import { PortalLinks } from '../../src/services/portal/portal-links.ts'
import { PortalLooksService } from '../../src/services/portal/portal-looks.ts'
import { ReplayBatches } from '../../src/services/replay-batches.ts'
import { Replays } from '../../src/services/replays.ts'
import { RetrySchedules } from '../../src/services/retry-schedules.ts'
import { Search } from '../../src/services/search.ts'
import { SessionCache } from '../../src/services/sessions/session-cache.ts'
import { Sessions } from '../../src/services/sessions/sessions.ts'
import type { Issuer } from '../../src/services/single-sign-on/issuer.ts'
import { SingleSignOn } from '../../src/services/single-sign-on/single-sign-on.ts'
import { Stats } from '../../src/services/stats.ts'
import { Streams } from '../../src/services/stream/streams.ts'
import { TenantRanks } from '../../src/services/tenant-stats.ts'
import { Exports } from '../../src/services/tenants/exports.ts'
import { Tenants } from '../../src/services/tenants/tenants.ts'
import type { Change } from '../../src/store/changes.ts'
import type { NodeReport } from '../../src/store/operations/nodes.ts'
import type { Store } from '../../src/store/store.ts'
import { type Opened, sqliteEngine } from '../store/engines.ts'
import { listDeliveries } from '../store/list-deliveries.ts'

export const TYPE = 'COVER_REFERENCE'
export const PAYLOAD = '{"CoverId":"564200aa-7128-4a26-83a8-cf0201903fcc"}'
export const SECRET = 'c2VjcmV0LXRva2VuLXdpdGgtcGFkZGluZw=='

/** The root key of the tests. */
export const KEY = 'test-key-0123456789'

export const policy = (over: Partial<EndpointsSettings> = {}): EndpointsSettings => ({
  dev: false,
  targetPorts: CONTRACT_PORTS,
  allowTarget: [],
  ...over,
})

/** Resolves every host name to the same addresses. */
export const resolvesTo =
  (...addresses: string[]): Resolver =>
  (_host, _options, callback) =>
    callback(
      null,
      addresses.map(address => ({ address, family: address.includes(':') ? 6 : 4 })),
    )

/** The id of the node that the services run on. */
export const NODE = '1f'.repeat(16)

/** What a node reports that does little. */
export const aReport = (over: Partial<NodeReport> = {}): NodeReport => ({
  version: '0.0.0-test',
  role: 'all',
  host: 'hooks-1',
  pid: 4711,
  startedAtMs: Date.UTC(2026, 4, 3, 7),
  isDraining: false,
  load: {
    inFlight: 12,
    lanes: 340,
    unsettled: 3,
    connections: 27,
    eventLoopDelay: { meanMs: 0.4, p99Ms: 3.1, maxMs: 18.6 },
    memory: { residentBytes: 188_743_680, heapBytes: 73_400_320, heapLimitBytes: 2_197_815_296 },
  },
  sharedSettings: { leaseMs: 10_000, retentionDays: 30 },
  ...over,
})

/** A fresh SQLite store for each test, with all the services. */
export class Bench {
  store!: Store
  keyring!: Keyring
  publisher!: Publisher
  endpoints!: Endpoints
  endpointLists!: EndpointLists
  tenants!: Tenants
  types!: EventTypes
  samples!: TypeSamples
  deliveries!: Deliveries
  events!: Events
  auditLog!: AuditLog
  filterTrials!: FilterTrials
  replays!: Replays
  replayBatches!: ReplayBatches
  apiKeyCache!: ApiKeyCache
  apiKeys!: ApiKeys
  sessionCache!: SessionCache
  sessions!: Sessions
  singleSignOn!: SingleSignOn
  portalLinks!: PortalLinks
  portalLooks!: PortalLooksService
  exports!: Exports
  keyRotation!: KeyRotation
  notifications!: Notifications
  search!: Search
  stats!: Stats
  streams!: Streams
  listenerAnswers!: ListenerAnswers
  nodes!: Nodes
  overview!: Overview
  tenantRanks!: TenantRanks
  idempotentCalls!: IdempotentCalls
  retrySchedules!: RetrySchedules
  /** All changes emitted since the test began, including those of new deliveries. */
  changes: Change[] = []
  run!: Opened['run']
  #close!: () => Promise<void>

  async open(): Promise<void> {
    const { store, run, close } = await sqliteEngine().open()
    this.store = store
    this.run = run
    this.#close = close
    this.keyring = createKeyring(randomBytes(32))
    this.publisher = new Publisher(store, {
      maxBatch: 1_000,
      maxDepth: 64,
      idempotencyDays: 1,
    })
    this.endpoints = this.endpointsWith(policy(), resolvesTo('93.184.215.14'))
    this.notifications = new Notifications(store, this.keyring, { ...policy(), hasMail: true })
    this.endpointLists = new EndpointLists(store, systemClock)
    this.tenants = new Tenants(store)
    this.samples = new TypeSamples(store, systemClock)
    this.types = new EventTypes(store, this.samples)
    this.apiKeyCache = new ApiKeyCache(store, systemClock)
    this.apiKeys = new ApiKeys(store, () => this.apiKeyCache.untilFresh())
    this.auditLog = new AuditLog(store, systemClock)
    this.useSessions()
    this.deliveries = new Deliveries(store, systemClock)
    this.events = new Events(store, systemClock)
    this.exports = new Exports(store)
    const types = () => this.publisher.types()
    this.filterTrials = new FilterTrials(store, types)
    this.retrySchedules = new RetrySchedules(store, { retrySchedule: [30, 60, 120], dev: false }, types)
    const place = { addNew: () => randomBytes(32), dropOlder: () => true }
    this.replays = new Replays(store, createReplayCounter(store, systemClock))
    this.replayBatches = new ReplayBatches(store, createReplayCounter(store, systemClock))
    this.search = new Search(store, systemClock)
    this.streams = new Streams({
      store,
      clock: systemClock,
      logger: pino({ level: 'silent' }),
      endpoints: this.endpoints,
      keyring: this.keyring,
    })
    this.streams.start()
    this.listenerAnswers = new ListenerAnswers(store, this.keyring)
    this.stats = new Stats(store, async () => {})
    this.nodes = new Nodes(store, { id: NODE, report: aReport, pendingByPartition: async () => new Map() })
    const backlog = new Backlog(store, systemClock)
    this.overview = new Overview(store, () => backlog.count())
    this.tenantRanks = new TenantRanks(store, systemClock)
    this.idempotentCalls = new IdempotentCalls(store, this.keyring)
    this.keyRotation = new KeyRotation(store, this.keyring, place, pino({ level: 'silent' }))
    await store.write('seedCatalogue', { types: starterCatalogue, nowMs: store.now() })
    await this.tenants.put('acme', {})
    this.changes = []
    store.changes.on(change => this.changes.push(change))
  }

  /** The caller of a key. */
  identify = (key: string): { readonly key: ApiKey | null } | undefined => {
    if (key === KEY) return { key: null }
    const found = this.apiKeyCache.find(hashOfKey(key))
    return found === undefined ? undefined : { key: found }
  }

  /** @param rootKey another than that of the tests, as after it was replaced */
  useSessions({
    rootKey = KEY,
    clock = systemClock,
    issuers = [],
  }: {
    readonly rootKey?: string
    readonly clock?: Clock
    readonly issuers?: readonly Issuer[]
  } = {}): void {
    const rootHash = hashOfKey(rootKey)
    const keyOf = (id: string) => this.apiKeyCache.get(id)
    const isRoot = (hash: Buffer) => hash.equals(rootHash)
    const settings = { sessionIdleHours: 12, sessionDays: 7 }
    const issuerMarks = new Set(issuers.map(({ mark }) => mark))
    this.sessionCache = new SessionCache(this.store, clock, { ...settings, isRoot, keyOf, issuerMarks })
    const parts = { cache: this.sessionCache, identify: this.identify, keyOf, rootHash, issuerMarks, clock }
    this.sessions = new Sessions(this.store, settings, parts)
    this.singleSignOn = new SingleSignOn(this.store, { issuers, sessions: this.sessions, keyring: this.keyring })
    this.portalLinks = new PortalLinks(this.store, this.sessions, {
      ...settings,
      portalMay: PORTAL_PERMISSIONS,
      dev: false,
    })
    this.portalLooks = new PortalLooksService(this.store, { dev: false }, () => this.publisher.types())
  }

  endpointsWith(targets: EndpointsSettings, resolver: Resolver): Endpoints {
    return new Endpoints(this.store, this.keyring, targets, () => this.publisher.types(), { resolver })
  }

  tenantRanksWith(clock: Pick<Clock, 'monotonicMs'>): TenantRanks {
    return new TenantRanks(this.store, clock)
  }

  async close(): Promise<void> {
    this.apiKeyCache.close()
    await this.streams.stop()
    this.sessionCache.close()
    await this.samples.stop()
    await this.#close()
  }

  async endpoint(over: Partial<EndpointInput> = {}, tenant = 'acme'): Promise<EndpointId> {
    const input = { url: 'https://hooks.example.com/a', clientSecret: SECRET, ...over }
    return (await this.endpoints.create(tenant, input)).endpoint.id
  }

  /** The endpoint's stored clientSecret, decrypted. */
  secretOf({ id, sealedCredentials }: Endpoint): string | null {
    return readCredentials(this.keyring.open(id, sealedCredentials)).clientSecret
  }

  publish(body: unknown, tenant = 'acme') {
    return this.publisher.publish(tenant, Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)))
  }

  publishOne(tenant = 'acme') {
    return this.publish(`{"type":"${TYPE}","payload":${PAYLOAD}}`, tenant)
  }

  list(state: DeliveryState | null = null, endpoint: EndpointId | null = null, tenant = 'acme'): Promise<Delivery[]> {
    return listDeliveries(this.store, tenant, { state, endpoint })
  }

  kinds(): string[] {
    return this.changes.map(({ kind }) => kind)
  }
}

export function useBench(): Bench {
  const bench = new Bench()
  beforeEach(() => bench.open())
  afterEach(() => bench.close())
  return bench
}

/** The error that the call is refused with. */
export async function refusal(call: Promise<unknown>): Promise<PosthornError> {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(PosthornError)
  return error as PosthornError
}

export const code = async (call: Promise<unknown>): Promise<ErrorCode> => (await refusal(call)).code

export async function fields(call: Promise<unknown>): Promise<string[]> {
  return (await faults(call)).map(({ field }) => field)
}

export async function faults(call: Promise<unknown>): Promise<readonly FieldError[]> {
  const error = await refusal(call)
  expect(error.code).toBe('invalid')
  return error.fields
}
