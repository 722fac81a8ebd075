/** Puts the parts of a process together, and lists the services in the order in which they start. */
import { Buffer } from 'node:buffer'
import { hostname } from 'node:os'
import { createApi } from '../api/api.ts'
import { Pages } from '../api/dashboard/pages.ts'
import type { DoorOptions } from '../api/http/doors.ts'
import type { ApiOptions } from '../api/options.ts'
import type { Services } from '../api/resource-list.ts'
import { Books } from '../background/books.ts'
import { Erasure } from '../background/erasure.ts'
import { HistoryKeeper } from '../background/history.ts'
import { IdempotentCallsCleaner } from '../background/idempotent-calls.ts'
import { ListenersCleaner } from '../background/listeners.ts'
import { Notices } from '../background/notices.ts'
import type { Notifications as NotificationsWork } from '../background/notifications/notifications.ts'
import { ReplayBatches as ReplayBatchesWork } from '../background/replay-batches.ts'
import { Retention } from '../background/retention.ts'
import { StatisticsCleaner } from '../background/statistics.ts'
import { BackgroundWorks } from '../background/works.ts'
import { type ApiKeyId, PARTITION_COUNT } from '../base/model.ts'
import { DASHBOARD_FOLDER, VERSION } from '../base/own-files.ts'
import { TypeSamples } from '../catalogue/type-samples.ts'
import type { Config } from '../config/config.ts'
import { settingsInEffect } from '../config/in-effect.ts'
import { SHARED_SETTINGS } from '../config/settings.ts'
import { Engine } from '../engine/engine.ts'
import { AllPartitions, LeasedPartitions, newNode, type Partitions } from '../engine/ownership/partitions.ts'
import { Names } from '../guard/names/names.ts'
import type { EngineState } from '../observe/metrics.ts'
import { NodeReporter } from '../observe/node-reporter.ts'
import { StoreReadiness } from '../observe/readiness.ts'
import { Watching } from '../observe/watching.ts'
import { Checker } from '../publish/checking/checker.ts'
import { Inbox } from '../publish/inbox.ts'
import { Publisher } from '../publish/publisher.ts'
import { Replayer } from '../replay/replayer.ts'
import { createReplayCounter, type ReplayCounter } from '../replay/selection.ts'
import { ApiKeyCache } from '../services/api-keys/api-key-cache.ts'
import { KeyRotation } from '../services/key-rotation.ts'
import { OwnPublishing } from '../services/own-publishing.ts'
import { PortalLinks } from '../services/portal/portal-links.ts'
import { SessionCache } from '../services/sessions/session-cache.ts'
import { Sessions } from '../services/sessions/sessions.ts'
import { SingleSignOn } from '../services/single-sign-on/single-sign-on.ts'
import type { NodeLoad, NodeReport } from '../store/operations/nodes.ts'
import { Relay } from '../store/relay.ts'
import { ApiServer } from './api-server.ts'
import { RunningChecks } from './checks/running-checks.ts'
import { DashboardLink } from './dashboard-link.ts'
import type { Foundation } from './foundation.ts'
import { createIdentify } from './identify.ts'
import { createIssuers } from './issuers.ts'
import type { Service } from './lifecycle.ts'
import { composeServices } from './services.ts'
import { composeTelling } from './telling.ts'

export type Composed = {
  /** In the order in which they start. */
  readonly services: readonly Service[]
  readonly api: ApiServer
  readonly engine: Engine
  readonly publishing: OwnPublishing
  /** What starts once the operator has been told the API's URL. */
  readonly whenAnnounced: readonly Service[]
}

/** How often the inbox is checked for events published from SQL or put there by another node. */
const INBOX_LOOK_MS = 50
/** The same if this process is the only one: it knows all events except those that a fault has left claimed. */
const LONE_INBOX_LOOK_MS = 1_000

export async function compose(foundation: Foundation): Promise<Composed> {
  const { config, store, bus, clock, logger, io } = foundation
  const node = newNode()
  const startedAtMs = store.now()
  const report = () => reportOf(foundation, startedAtMs, watching.load())
  const partitions =
    bus === null
      ? new AllPartitions(store, node)
      : new LeasedPartitions(store, clock, logger, config.leaseMs, { id: node, report })
  const watching: Watching = await Watching.open({
    store,
    clock,
    logger,
    version: VERSION,
    forwardTrace: config.forwardTrace,
    telemetry: io.telemetry ?? null,
    isGuest: io.isGuest === true,
    parent: io.parent,
  })
  const apiKeys = new ApiKeyCache(store, clock)
  const callers = composeCallers(foundation, apiKeys)
  const names = new Names(clock, { environment: io.environment ?? {} })
  const checker = new Checker(clock, logger)
  const sending = composeSending(foundation, partitions, watching, { names, checker })
  const countReplay = createReplayCounter(store, clock)
  const telling = composeTelling(foundation, {
    resolver: names.resolve,
    userAgent: `Posthorn/${VERSION}`,
    apiUrl: () => config.publicUrl ?? api.portalUrl(),
    dashboardUrl: () => config.publicUrl ?? api.dashboardUrl(),
  })
  const { works, books } = composeWorks(foundation, countReplay, telling.work)
  const typeSamples = new TypeSamples(store, clock)
  const keyRotation = new KeyRotation(store, foundation.keys.keyring, foundation.keys.place, logger)
  const services = composeServices(foundation, {
    ...sending,
    checker,
    apiKeys,
    sessions: callers.sessions,
    singleSignOn: callers.singleSignOn,
    portalLinks: callers.portalLinks,
    names,
    typeSamples,
    keyRotation,
    countReplay,
    nodes: { id: idOfNode(node), report, pendingByPartition: () => watching.pendingByPartition() },
    onBackgroundWork: () => works.look(),
    flushStats: () => watching.flushStats(),
    countBacklog: () => watching.countBacklog(),
  })
  const readiness = new StoreReadiness(store, clock, logger)
  const checks = new RunningChecks({ store, config, clock, resolver: names.resolve })
  const pages = composePages(foundation)
  const api = composeApi(
    foundation,
    services,
    { callers, pages },
    {
      watching,
      readiness: () => readiness.check(),
      checks: () => checks.report(),
      nodeId: idOfNode(node),
    },
  )
  watching.attach({
    engine: () => engineState(sending.engine, partitions),
    failedAuthentications: () => api.failedAuthentications(),
    mismatches: () => books.mismatches(),
    connections: () => api.connections(),
    closedConnections: () => api.closedConnections(),
  })
  const history = new HistoryKeeper(store, clock, logger, config.retentionDays)
  const statistics = new StatisticsCleaner(store, clock, logger, () => partitions.epochOf(0) !== undefined)
  const publishing = new OwnPublishing({
    store,
    publisher: sending.publisher,
    maxBodyBytes: config.maxBodyBytes,
    beginTrace: watching.traces.beginPublishTrace,
  })
  return {
    api,
    engine: sending.engine,
    publishing,
    whenAnnounced: composeLink(foundation, pages, callers, () => config.publicUrl ?? api.dashboardUrl()),
    services: [
      { name: 'checking', close: () => checker.stop() },
      ...composeRelay(foundation, partitions),
      // After the relay, which reports changes from here on.
      { name: 'API keys', start: () => apiKeys.open(), close: () => apiKeys.close() },
      { name: 'sessions', start: () => callers.cache.open(), close: () => callers.cache.close() },
      { name: 'names', close: () => names.close() },
      { name: 'observation', start: () => watching.start(), stop: () => watching.stop() },
      { name: 'readiness', start: () => readiness.start(), stop: () => readiness.stop() },
      // Before the services that store events: it is stopped after them, so it sees every event they store.
      { name: 'samples of types', stop: () => typeSamples.stop() },
      ...(config.role === 'api' ? composeReporter(foundation, node, report) : sending.services),
      { name: 'key rotation', stop: () => keyRotation.stop() },
      {
        name: 'API',
        start: () => (io.listens === false ? api.open() : api.listen(listeningOf(config, pages))),
        refuse: () => api.refuse(),
        drain: timeoutMs => api.drain(timeoutMs),
      },
      { name: 'own publishing', refuse: () => publishing.refuse(), drain: () => publishing.drain() },
      // After the API, so that its streams end before it waits for its calls.
      {
        name: 'streams',
        start: () => services.streams.start(),
        refuse: () => services.streams.refuse(),
        stop: () => services.streams.stop(),
      },
      { name: 'history', start: () => history.start(), stop: () => history.stop() },
      { name: 'statistics', start: () => statistics.start(), stop: () => statistics.stop() },
      { name: 'background works', start: () => works.start(), stop: () => works.stop() },
      // After the works, so that it stops before them: they wait for the messages that are being sent.
      { name: 'notifications', stop: () => telling.stop(), close: () => telling.close() },
    ],
  }
}

const idOfNode = (node: Uint8Array): string => Buffer.from(node).toString('hex')

/** What this process reports about itself to the other nodes. */
function reportOf({ config, lifecycle }: Foundation, startedAtMs: number, load: NodeLoad): NodeReport {
  return {
    version: VERSION,
    role: config.role,
    host: hostname(),
    pid: process.pid,
    startedAtMs,
    isDraining: lifecycle.isDraining,
    load,
    sharedSettings: Object.fromEntries(SHARED_SETTINGS.map(name => [name, config[name]])),
  }
}

/** A node that only takes calls has no leases to report with. */
function composeReporter({ store, clock, config }: Foundation, node: Uint8Array, report: () => NodeReport): Service[] {
  const reporter = new NodeReporter(store, clock, { node, aliveMs: config.leaseMs, report })
  return [{ name: 'node report', start: () => reporter.start(), stop: () => reporter.stop() }]
}

type Callers = ReturnType<typeof composeCallers>

/** Who can call the API: keys, and the sessions that stand for them. */
function composeCallers(foundation: Foundation, apiKeys: ApiKeyCache) {
  const { config, store, clock, rootKey, keys } = foundation
  const keyOf = (id: ApiKeyId) => apiKeys.get(id)
  const { sessionIdleHours } = config
  const gate = createIdentify(config, rootKey, apiKeys)
  const issuers = createIssuers(config, foundation)
  const issuerMarks = new Set(issuers.map(({ mark }) => mark))
  const cache = new SessionCache(store, clock, { sessionIdleHours, isRoot: rootKey.matches, keyOf, issuerMarks })
  const parts = { cache, identify: gate.identify, keyOf, rootHash: rootKey.hash, issuerMarks, clock }
  const sessions = new Sessions(store, config, parts)
  const singleSignOn = new SingleSignOn(store, { issuers, sessions, keyring: keys.keyring })
  return { gate, cache, sessions, singleSignOn, portalLinks: new PortalLinks(store, sessions, config) }
}

function composePages({ config, clock, io }: Foundation): Pages | null {
  if ((config.dashboard === 'off' && config.portal === 'off') || config.role === 'delivery') return null
  const { portalFrames } = config
  return new Pages({
    folder: io.dashboardFolder ?? DASHBOARD_FOLDER,
    basePath: basePathOf(config),
    portalFrames,
    clock,
  })
}

/** In development mode, and for one of the processes that share the output, a link to the dashboard is shown. */
function composeLink(
  { config, clock, io }: Foundation,
  pages: Pages | null,
  { sessions }: Callers,
  url: () => string,
): Service[] {
  const isReachable = io.listens !== false || config.publicUrl !== null
  if (!config.dev || pages === null || config.dashboard === 'off' || io.sharing === 'another' || !isReachable) return []
  const link = new DashboardLink({ url, pages, sessions }, clock, io)
  return [{ name: 'dashboard link', start: () => link.start(), stop: () => link.stop() }]
}

/** A node without a dashboard doesn't listen for one. */
const listeningOf = ({ host, port, dashboard, dashboardListen }: Config, pages: Pages | null) => ({
  host,
  port,
  dashboardListen: pages === null || dashboard === 'off' ? null : dashboardListen,
})

/** Where the dashboard and the portal are. */
function placesOf({ dashboard, dashboardListen, portal }: Config, pages: Pages | null): Omit<DoorOptions, 'basePath'> {
  const isThere = pages !== null && dashboard === 'on'
  return {
    dashboard: !isThere ? 'none' : dashboardListen === null ? 'shared' : 'apart',
    portal: pages !== null && portal === 'on',
  }
}

const basePathOf = ({ publicUrl }: Config): string => (publicUrl === null ? '/' : new URL(publicUrl).pathname)

/** What one node does for all. */
function composeWorks(
  { config, store, clock, logger }: Foundation,
  countReplay: ReplayCounter,
  telling: NotificationsWork,
) {
  const books = new Books(store, logger, config)
  const works = new BackgroundWorks(store, clock, logger, [
    new Erasure(store, logger),
    new Retention(store, logger, config),
    new ReplayBatchesWork(store, countReplay, logger),
    books,
    new IdempotentCallsCleaner(store),
    telling,
    new ListenersCleaner(store, logger),
  ])
  return { works, books }
}

/** Exchanges messages with other nodes. Empty if this process is the only one. */
function composeRelay({ store, bus, clock }: Foundation, partitions: Partitions): Service[] {
  if (bus === null) return []
  const relay = new Relay(store, bus, clock, partition => partitions.epochOf(partition) !== undefined)
  return [{ name: 'relay', start: () => relay.start(), stop: () => relay.stop() }]
}

type Sending = {
  readonly publisher: Publisher
  readonly engine: Engine
  /** Not started on a node whose role is `api`. */
  readonly services: readonly Service[]
}

/** The parts between an event and its HTTP requests. */
function composeSending(
  foundation: Foundation,
  partitions: Partitions,
  { traces }: Watching,
  { names, checker }: { readonly names: Names; readonly checker: Checker },
): Sending {
  const { config, store, bus, clock, logger, keys } = foundation
  const engine = new Engine(store, keys.keyring, partitions, clock, logger, {
    ...config,
    userAgent: `Posthorn/${VERSION}`,
    random: Math.random,
    resolver: names.resolve,
    beginTrace: traces.beginTrace,
  })
  const publisher = new Publisher(store, config, checker)
  const { configuration } = publisher
  const lookMs = bus === null ? LONE_INBOX_LOOK_MS : INBOX_LOOK_MS
  const inbox = new Inbox(store, configuration, clock, logger, { ...config, ...publisher.means }, { lookMs })
  const replayer = new Replayer(store, configuration, clock, logger, config)
  const notices = new Notices(store, publisher, clock, logger)
  return {
    publisher,
    engine,
    services: [
      { name: 'engine', start: () => engine.start(), drain: timeoutMs => engine.drain(timeoutMs) },
      { name: 'inbox', start: () => inbox.start(), stop: () => inbox.stop() },
      { name: 'replays', start: () => replayer.start(), drain: () => replayer.stop() },
      { name: 'notices', start: () => notices.start(), stop: () => notices.stop() },
    ],
  }
}

type Looks = Pick<ApiOptions, 'readiness' | 'checks' | 'nodeId'> & { readonly watching: Watching }

function composeApi(
  foundation: Foundation,
  services: Services,
  { callers, pages }: { readonly callers: Callers; readonly pages: Pages | null },
  { watching, ...looks }: Looks,
): ApiServer {
  const { config, clock, logger, lifecycle, io, store } = foundation
  const settings = settingsInEffect(config, io.origins ?? {})
  const created = createApi(services, {
    ...callers.gate,
    basePath: basePathOf(config),
    ...placesOf(config, pages),
    publicUrl: () => config.publicUrl ?? api.dashboardUrl(),
    portalUrl: () => config.publicUrl ?? api.portalUrl(),
    givenUrl: config.publicUrl,
    sessions: callers.cache,
    pages,
    clock,
    egressAddresses: config.egressAddresses,
    version: VERSION,
    takesCalls: config.role !== 'delivery',
    maxBodyBytes: config.maxBodyBytes,
    bodyMemoryBytes: config.bodyMemoryBytes,
    maxConnections: config.maxConnections,
    maxConnectionsPerAddress: config.maxConnectionsPerAddress,
    isShared: () => store.isShared,
    isReady: () => lifecycle.isReady,
    isDraining: () => lifecycle.isDraining,
    ...looks,
    settings: () => settings,
    logger,
    metrics: () => watching.metrics(),
    metricsOpen: config.metricsOpen,
    ...watching.traces,
  })
  const api = new ApiServer(created, clock)
  return api
}

function engineState(engine: Engine, partitions: Partitions): EngineState {
  const lanes = { ordinary: 0, ordered: 0, cautious: 0 }
  for (const { isInCrashMode, isOrdered } of engine.lanes) {
    lanes[isInCrashMode ? 'cautious' : isOrdered ? 'ordered' : 'ordinary']++
  }
  let held = 0
  for (let at = 0; at < PARTITION_COUNT; at++) if (partitions.epochOf(at) !== undefined) held++
  return { inFlight: engine.inFlight, partitions: held, lanes }
}
