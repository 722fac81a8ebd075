/** Puts the parts of a process together, and lists the services in the order in which they start. */
import pkg from '../../package.json' with { type: 'json' }
import { createApi } from '../api/api.ts'
import type { Services } from '../api/resource-list.ts'
import { Books } from '../background/books.ts'
import { Erasure } from '../background/erasure.ts'
import { HistoryKeeper } from '../background/history.ts'
import { IdempotentCallsCleaner } from '../background/idempotent-calls.ts'
import { Notices } from '../background/notices.ts'
import { ReplayBatches as ReplayBatchesWork } from '../background/replay-batches.ts'
import { Retention } from '../background/retention.ts'
import { StatisticsCleaner } from '../background/statistics.ts'
import { BackgroundWorks } from '../background/works.ts'
import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import { PARTITION_COUNT } from '../base/model.ts'
import { TypeSamples } from '../catalogue/type-samples.ts'
import { type Config, readEnvironment } from '../config/config.ts'
import { Engine } from '../engine/engine.ts'
import { AllPartitions, LeasedPartitions, type Partitions } from '../engine/ownership/partitions.ts'
import { Names } from '../guard/names/names.ts'
import type { EngineState } from '../observe/metrics.ts'
import { StoreReadiness } from '../observe/readiness.ts'
import { Watching } from '../observe/watching.ts'
import { Checker } from '../publish/checking/checker.ts'
import { Inbox } from '../publish/inbox.ts'
import { Publisher } from '../publish/publisher.ts'
import { Replayer } from '../replay/replayer.ts'
import { createReplayCounter, type ReplayCounter } from '../replay/selection.ts'
import { ApiKeyCache } from '../services/api-keys/api-key-cache.ts'
import { ApiKeys } from '../services/api-keys/api-keys.ts'
import { Deliveries } from '../services/deliveries/deliveries.ts'
import { EndpointLists } from '../services/endpoints/endpoint-lists.ts'
import { Endpoints } from '../services/endpoints/endpoints.ts'
import { EventTypes } from '../services/event-types/event-types.ts'
import { Events } from '../services/events/events.ts'
import { FilterTrials } from '../services/filter-trials.ts'
import { IdempotentCalls } from '../services/idempotent-calls.ts'
import { KeyRotation } from '../services/key-rotation.ts'
import { ReplayBatches } from '../services/replay-batches.ts'
import { Replays } from '../services/replays.ts'
import { RetrySchedules } from '../services/retry-schedules.ts'
import { Search } from '../services/search.ts'
import { Stats } from '../services/stats.ts'
import { Streams } from '../services/stream/streams.ts'
import { Exports } from '../services/tenants/exports.ts'
import { Tenants } from '../services/tenants/tenants.ts'
import type { Bus } from '../store/bus.ts'
import { Relay } from '../store/relay.ts'
import type { Store } from '../store/store.ts'
import { ApiServer } from './api-server.ts'
import { createIdentify } from './identify.ts'
import type { OpenedKeyring, RootKey } from './instance-keys.ts'
import type { Lifecycle, Service } from './lifecycle.ts'
import type { ServerIo } from './server-io.ts'

/** What every part can use. */
export type Foundation = {
  readonly config: Config
  readonly store: Store
  /** Null if this process is the only one. */
  readonly bus: Bus | null
  readonly clock: Clock
  readonly logger: Logger
  readonly io: ServerIo
  readonly keys: OpenedKeyring
  readonly rootKey: RootKey
  readonly lifecycle: Pick<Lifecycle, 'isReady' | 'isDraining'>
}

export type Composed = {
  /** In the order in which they start. */
  readonly services: readonly Service[]
  readonly api: ApiServer
  readonly engine: Engine
}

/** How often the inbox is checked for events published from SQL or put there by another node. */
const INBOX_LOOK_MS = 50
/** The same if this process is the only one: it knows all events except those that a fault has left claimed. */
const LONE_INBOX_LOOK_MS = 1_000
/** What an attempt takes in addition to connecting and waiting for the status. */
const ATTEMPT_MARGIN_MS = 5_000

export async function compose(foundation: Foundation): Promise<Composed> {
  const { config, store, bus, clock, logger, io } = foundation
  const partitions =
    bus === null ? new AllPartitions(store) : new LeasedPartitions(store, clock, logger, config.leaseMs)
  const watching = await Watching.open({
    store,
    clock,
    logger,
    version: pkg.version,
    forwardTrace: config.forwardTrace,
    telemetry: io.telemetry ?? null,
    parent: io.parent,
  })
  const apiKeys = new ApiKeyCache(store, clock)
  const names = new Names(clock, { environment: readEnvironment() })
  const checker = new Checker(clock, logger)
  const sending = composeSending(foundation, partitions, watching, { names, checker })
  const countReplay = createReplayCounter(store, clock)
  const { works, books } = composeWorks(foundation, countReplay)
  const typeSamples = new TypeSamples(store, clock)
  const keyRotation = new KeyRotation(store, foundation.keys.keyring, foundation.keys.place, logger)
  const services = composeServices(foundation, {
    ...sending,
    checker,
    apiKeys,
    names,
    typeSamples,
    keyRotation,
    countReplay,
    onBackgroundWork: () => works.look(),
    flushStats: () => watching.flushStats(),
  })
  const readiness = new StoreReadiness(store, clock, logger)
  const api = composeApi(foundation, services, apiKeys, watching, readiness)
  watching.attach({
    engine: () => engineState(sending.engine, partitions),
    failedAuthentications: () => api.failedAuthentications(),
    mismatches: () => books.mismatches(),
    connections: () => api.connections(),
    closedConnections: () => api.closedConnections(),
  })
  const history = new HistoryKeeper(store, clock, logger, config.retentionDays)
  const statistics = new StatisticsCleaner(store, clock, logger, () => partitions.epochOf(0) !== undefined)
  return {
    api,
    engine: sending.engine,
    services: [
      { name: 'checking', close: () => checker.stop() },
      ...composeRelay(foundation, partitions),
      // After the relay, which reports changes from here on.
      { name: 'API keys', start: () => apiKeys.open(), close: () => apiKeys.close() },
      { name: 'names', close: () => names.close() },
      { name: 'observation', start: () => watching.start(), stop: () => watching.stop() },
      { name: 'readiness', start: () => readiness.start(), stop: () => readiness.stop() },
      // Before the services that store events: it is stopped after them, so it sees every event they store.
      { name: 'samples of types', stop: () => typeSamples.stop() },
      ...(config.role === 'api' ? [] : sending.services),
      { name: 'key rotation', stop: () => keyRotation.stop() },
      {
        name: 'API',
        start: () => api.listen(config),
        refuse: () => api.refuse(),
        drain: timeoutMs => api.drain(timeoutMs),
      },
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
    ],
  }
}

/** What one node does for all. */
function composeWorks({ config, store, clock, logger }: Foundation, countReplay: ReplayCounter) {
  const books = new Books(store, logger, config)
  const works = new BackgroundWorks(store, clock, logger, [
    new Erasure(store, logger),
    new Retention(store, logger, config),
    new ReplayBatchesWork(store, countReplay, logger),
    books,
    new IdempotentCallsCleaner(store),
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
    userAgent: `Posthorn/${pkg.version}`,
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

type ServiceParts = Pick<Sending, 'publisher'> & {
  readonly checker: Checker
  readonly apiKeys: ApiKeyCache
  readonly names: Names
  readonly typeSamples: TypeSamples
  readonly keyRotation: KeyRotation
  readonly countReplay: ReplayCounter
  readonly onBackgroundWork: () => void
  readonly flushStats: () => Promise<void>
}

/** The services behind the API. */
function composeServices(foundation: Foundation, parts: ServiceParts): Services & { readonly streams: Streams } {
  const { config, store, clock, keys, logger } = foundation
  const { publisher, checker, apiKeys, names, typeSamples, keyRotation, countReplay, onBackgroundWork, flushStats } =
    parts
  const types = () => publisher.types()
  const endpoints = new Endpoints(store, keys.keyring, config, types, { resolver: names.resolve })
  return {
    publisher,
    endpoints,
    streams: new Streams({ store, clock, logger, endpoints }),
    endpointLists: new EndpointLists(store, clock),
    retrySchedules: new RetrySchedules(store, config, types),
    tenants: new Tenants(store, {
      // Twice the connection timeout: a token might have to be requested first.
      attemptMs: 2 * config.connectTimeoutMs + config.responseTimeoutMs + ATTEMPT_MARGIN_MS,
      onErase: onBackgroundWork,
    }),
    exports: new Exports(store),
    apiKeys: new ApiKeys(store, () => apiKeys.untilFresh()),
    eventTypes: new EventTypes(store, typeSamples, config, checker),
    deliveries: new Deliveries(store, clock),
    events: new Events(store, clock),
    filterTrials: new FilterTrials(store, types),
    replays: new Replays(store, countReplay),
    replayBatches: new ReplayBatches(store, countReplay, { onChange: onBackgroundWork }),
    search: new Search(store, clock),
    keyRotation,
    stats: new Stats(store, flushStats),
    idempotentCalls: new IdempotentCalls(store, keys.keyring),
  }
}

function composeApi(
  foundation: Foundation,
  services: Services,
  apiKeys: ApiKeyCache,
  watching: Watching,
  readiness: StoreReadiness,
): ApiServer {
  const { config, clock, logger, rootKey, lifecycle } = foundation
  const created = createApi(services, {
    ...createIdentify(config, rootKey, apiKeys),
    clock,
    egressAddresses: config.egressAddresses,
    version: pkg.version,
    takesCalls: config.role !== 'delivery',
    maxBodyBytes: config.maxBodyBytes,
    bodyMemoryBytes: config.bodyMemoryBytes,
    maxConnections: config.maxConnections,
    maxConnectionsPerAddress: config.maxConnectionsPerAddress,
    isReady: () => lifecycle.isReady,
    isDraining: () => lifecycle.isDraining,
    readiness: () => readiness.check(),
    logger,
    metrics: () => watching.metrics(),
    metricsOpen: config.metricsOpen,
    ...watching.traces,
  })
  return new ApiServer(created, clock)
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
