/** Puts it together: store, keys, engine, API; and takes it apart again in the order that loses nothing. */
import type { AddressInfo } from 'node:net'
import { promisify } from 'node:util'
import pkg from '../../package.json' with { type: 'json' }
import { createApi } from '../api/api.ts'
import type { Caller } from '../api/http/gate.ts'
import { Books } from '../background/books.ts'
import { Erasure } from '../background/erasure.ts'
import { HistoryKeeper } from '../background/history.ts'
import { Notices } from '../background/notices.ts'
import { Retention } from '../background/retention.ts'
import { BackgroundWorks } from '../background/works.ts'
import { type Clock, systemClock } from '../base/clock.ts'
import { DAY_MS } from '../base/durations.ts'
import { createLogger, type Log } from '../base/logger.ts'
import { PARTITION_COUNT } from '../base/model.ts'
import type { Output } from '../base/output.ts'
import { StartRefused } from '../base/start-refused.ts'
import { starterCatalogue } from '../catalogue/starter-catalogue.ts'
import { TypeSamples } from '../catalogue/type-samples.ts'
import type { Config } from '../config/config.ts'
import type { TelemetrySettings } from '../config/telemetry-settings.ts'
import { parseProxy } from '../engine/attempt/tunnel.ts'
import { Engine } from '../engine/engine.ts'
import { AllPartitions, LeasedPartitions, type Partitions } from '../engine/ownership/partitions.ts'
import { type Network, parseNetwork } from '../guard/address.ts'
import type { TargetPolicy } from '../guard/target.ts'
import type { Channel } from '../observe/gathering.ts'
import type { EngineState } from '../observe/metrics.ts'
import { Watching } from '../observe/watching.ts'
import { Inbox } from '../publish/inbox.ts'
import { Publisher } from '../publish/publisher.ts'
import { Replayer } from '../replay/replayer.ts'
import { createReplayCounter } from '../replay/selection.ts'
import { hashOfKey } from '../secrets/api-key.ts'
import { type Keyring, nameOfKey } from '../secrets/keyring.ts'
import { ApiKeyCache } from '../services/api-keys/api-key-cache.ts'
import { ApiKeys } from '../services/api-keys/api-keys.ts'
import { Deliveries } from '../services/deliveries.ts'
import { Endpoints } from '../services/endpoints/endpoints.ts'
import { EventTypes } from '../services/event-types/event-types.ts'
import { Events } from '../services/events/events.ts'
import { KeyRotation } from '../services/key-rotation.ts'
import { Replays } from '../services/replays.ts'
import { RetrySchedules } from '../services/retry-schedules.ts'
import { Stats } from '../services/stats.ts'
import { Exports } from '../services/tenants/exports.ts'
import { Tenants } from '../services/tenants/tenants.ts'
import type { Bus } from '../store/bus.ts'
import { takeSteps } from '../store/migrate.ts'
import { MOVE_MARK } from '../store/operations/move.ts'
import { PostgresBus } from '../store/postgres/bus.ts'
import { KEY_LIFE_META } from '../store/postgres/publish-function.ts'
import { Relay } from '../store/relay.ts'
import type { Store } from '../store/store.ts'
import { openKeyring, openRootKey, type RootKey } from './instance-keys.ts'
import { openStore, storeRefusal } from './store-opening.ts'

export type ServerIo = {
  readonly stdout: Output
  readonly stderr: Output
  readonly clock?: Clock
  /**
   * Whether other processes share the port and the output: no; yes, and this one tells people where the API is; yes, and
   * another does. Default: `alone`.
   */
  readonly sharing?: 'alone' | 'first' | 'another'
  /** To the process that started this one, where several share the port. Default: there is none. */
  readonly parent?: Channel
  /** What the environment says of OpenTelemetry. Default: nothing, and nothing of it is loaded. */
  readonly telemetry?: TelemetrySettings | null
}

export type RunningServer = {
  /** Where the API is. */
  readonly url: string
  /** Takes nothing new, ends what is in flight (at most `drainTimeoutMs`), settles, closes. */
  stop(): Promise<void>
}

/** What listening can fail with for want of another address: taken, forbidden, not ours, or no address at all. */
const LISTEN_FAULTS = new Set(['EADDRINUSE', 'EACCES', 'EADDRNOTAVAIL', 'ENOTFOUND', 'EAI_AGAIN', 'EINVAL'])

/** How soon what was published from SQL, or another node has put into the inbox, is seen. */
const INBOX_LOOK_MS = 50
/** The same where this process is the only one: it knows of all but what a fault has left claimed. */
const LONE_INBOX_LOOK_MS = 1_000

/** How soon a replay that another node has made, or has left when it died, is gone on with. */
const REPLAY_LOOK_MS = 1_000

/** A commit of more would keep the others waiting for more than some 50 ms. */
const MAX_DELIVERIES_AT_ONCE = 5_000

/** What an attempt takes beside connecting and waiting for the status. */
const ATTEMPT_MARGIN_MS = 5_000

/** Throws StartRefused where the operator has to do something first. */
export async function startServer(config: Config, io: ServerIo): Promise<RunningServer> {
  const clock = io.clock ?? systemClock
  const isShared = io.sharing !== undefined && io.sharing !== 'alone'
  const log = createLogger({ level: config.logLevel, stdout: io.stdout, clock, isShared })
  const { store, bus } = await openShared(config, clock, io)
  try {
    return await startOn(store, bus, config, clock, log, io)
  } catch (error) {
    await store.close()
    throw refusal(error, store)
  }
}

/** A store, and how the nodes on it tell each other; null where it can have one process only. */
type Opened = { readonly store: Store; readonly bus: Bus | null }

const HOW_TO_MAKE = {
  POSTHORN_ENCRYPTION_KEY: 'make one with `openssl rand -base64 32`, keep a copy of it apart from the database',
  POSTHORN_API_KEY: 'make one with `openssl rand -hex 32`',
} as const

async function openShared(config: Config, clock: Clock, io: ServerIo): Promise<Opened> {
  const url = config.databaseUrl?.reveal()
  if (url === undefined) {
    if (config.role !== 'all') {
      throw new StartRefused('The embedded store has one process only: leave role out, or set POSTHORN_DATABASE_URL.')
    }
    return { store: await openStore(config, clock), bus: null }
  }
  for (const [key, name] of [
    [config.encryptionKey, 'POSTHORN_ENCRYPTION_KEY'],
    [config.apiKey, 'POSTHORN_API_KEY'],
  ] as const) {
    if (key !== null) continue
    throw new StartRefused(`${name} is not set: ${HOW_TO_MAKE[name]}, and set it to the same on every node.`)
  }
  const store = await openStore(config, clock, text => io.stderr.write(text))
  return { store, bus: new PostgresBus(config.listenUrl?.reveal() ?? url, clock) }
}

function refusal(error: unknown, store: Store): unknown {
  const { code } = error as NodeJS.ErrnoException
  if (code !== undefined && LISTEN_FAULTS.has(code)) {
    return new StartRefused(`The API cannot listen there (${code}): choose another --host or --port.`, { cause: error })
  }
  return storeRefusal(error, store)
}

/** Half of an installation would send half of what is owed. */
async function requireWhole(store: Store): Promise<void> {
  if ((await store.read('readMeta', { key: MOVE_MARK })) === null) return
  throw new StartRefused('A move into this database is not finished: run the same `posthorn move` again.')
}

async function startOn(
  store: Store,
  bus: Bus | null,
  config: Config,
  clock: Clock,
  log: Log,
  io: ServerIo,
): Promise<RunningServer> {
  await takeSteps(store, clock)
  await requireWhole(store)
  await requireDurability(store)
  const { keyring, place, keyFile, isNew } = await openKeyring(store, config)
  if (isNew) announceKeyFile(io, keyFile)
  remindOfKey(log, keyring, config.encryptionKey === null ? keyFile : 'POSTHORN_ENCRYPTION_KEY')
  // Shown before it is stored: a start that fails in between must not leave a key behind that nobody has seen.
  const rootKey = await openRootKey(store, config.apiKey?.reveal(), made =>
    io.stderr.write(`The API key, shown this once: ${made}\n`),
  )
  await store.write('seedCatalogue', { types: starterCatalogue, nowMs: store.now() })
  const idempotencyMs = config.idempotencyDays * DAY_MS
  // For what is published from SQL.
  await store.write('writeMeta', { key: KEY_LIFE_META, value: String(idempotencyMs) })

  const policy: TargetPolicy = config
  const apiKeys = new ApiKeyCache(store, clock)
  const partitions =
    bus === null ? new AllPartitions(store) : new LeasedPartitions(store, clock, log.logger, config.leaseMs)
  const books = new Books(store, log.logger, config)
  const watching = await Watching.open({
    store,
    clock,
    logger: log.logger,
    version: pkg.version,
    forwardTrace: config.forwardTrace,
    telemetry: io.telemetry ?? null,
    parent: io.parent,
    isTidying: () => partitions.epochOf(0) !== undefined,
    sources: {
      engine: () => engineState(engine, partitions),
      failedAuthentications: () => created.failedAuthentications(),
      mismatches: () => books.mismatches(),
      connections: () => promisify(api.server.getConnections.bind(api.server))(),
    },
  })
  const engine = createEngine(store, keyring, partitions, config, policy, clock, log, watching.traces)
  const relay =
    bus === null ? undefined : new Relay(store, bus, clock, partition => partitions.epochOf(partition) !== undefined)
  const isSending = config.role !== 'api'
  const state = { isReady: false, isDraining: false }
  const publisher = new Publisher(store, {
    maxBatch: config.maxBatch,
    maxDepth: config.maxDepth,
    idempotencyMs,
    maxDeliveriesAtOnce: MAX_DELIVERIES_AT_ONCE,
  })
  const inbox = new Inbox(store, publisher.configuration, clock, log.logger, {
    lookMs: bus === null ? LONE_INBOX_LOOK_MS : INBOX_LOOK_MS,
    maxDepth: config.maxDepth,
    maxPayloadBytes: config.maxBodyBytes,
    maxDeliveriesAtOnce: MAX_DELIVERIES_AT_ONCE,
  })
  const replayer = new Replayer(store, publisher.configuration, clock, log.logger, {
    perSecond: config.replayPerSecond,
    lookMs: REPLAY_LOOK_MS,
    retentionDays: config.retentionDays,
  })
  const upkeep = new BackgroundWorks(store, clock, log.logger, [
    new Erasure(store, log.logger),
    new Retention(store, log.logger, config),
    books,
  ])
  const notices = new Notices(store, publisher, clock, log.logger)
  const types = () => publisher.types()
  const typeSamples = new TypeSamples(store, clock)
  const keyRotation = new KeyRotation(store, keyring, place, log.logger)
  const created = createApi(
    {
      publisher,
      endpoints: new Endpoints(store, keyring, {
        policy,
        maxEndpoints: config.maxEndpoints,
        types,
        disableAfterMs: config.disableAfterDays * DAY_MS,
      }),
      retrySchedules: new RetrySchedules(store, { setting: config.retrySchedule, dev: config.dev, types }),
      tenants: new Tenants(store, {
        // A token may be asked for before.
        attemptMs: 2 * config.connectTimeoutMs + config.responseTimeoutMs + ATTEMPT_MARGIN_MS,
        onErase: () => upkeep.look(),
      }),
      exports: new Exports(store),
      apiKeys: new ApiKeys(store, () => apiKeys.untilFresh()),
      eventTypes: new EventTypes(store, typeSamples, { dev: config.dev }),
      deliveries: new Deliveries(store),
      events: new Events(store),
      replays: new Replays(store, createReplayCounter(store, clock)),
      keyRotation,
      stats: new Stats(store, () => watching.flushStats()),
    },
    {
      identify: key => identify(hashOfKey(key), rootKey, apiKeys),
      trustedProxies: networksOf(config.trustedProxies),
      clock,
      egressAddresses: config.egressAddresses,
      version: pkg.version,
      takesCalls: config.role !== 'delivery',
      maxBodyBytes: config.maxBodyBytes,
      bodyMemoryBytes: config.bodyMemoryBytes,
      maxConnections: config.maxConnections,
      isReady: () => state.isReady,
      isDraining: () => state.isDraining,
      logger: log.logger,
      metrics: () => watching.metrics(),
      metricsOpen: config.metricsOpen,
      ...watching.traces,
    },
  )
  const { api, untilIdle } = created
  const history = new HistoryKeeper(store, clock, log.logger, config.retentionDays)
  await relay?.start()
  // After the relay: of what is changed from here on it tells.
  await apiKeys.open()
  if (isSending) {
    await engine.start()
    inbox.start()
    replayer.start()
    notices.start()
  }
  try {
    await api.listen({ host: config.host, port: config.port })
  } catch (error) {
    // A start that is refused is no crash: what it began to send must not be held against the deliveries.
    await Promise.all([replayer.stop(), engine.drain(0)])
    throw error
  }
  history.start()
  watching.start()
  upkeep.start()
  state.isReady = true
  const url = urlOf(api.server.address() as AddressInfo)
  announce(io, log, config, url)

  return {
    url,
    async stop() {
      log.logger.info({ drainTimeoutMs: config.drainTimeoutMs }, 'stopping')
      state.isDraining = true
      const closed = api.close()
      // Calls are answered to their end; one that never ends its request, or never begins one, can't hold up the stop.
      const cut = () => api.server.closeAllConnections()
      const late = clock.after(config.drainTimeoutMs, cut)
      void untilIdle().then(cut)
      await Promise.all([closed, replayer.stop(), engine.drain(config.drainTimeoutMs)])
      late.cancel()
      await inbox.stop()
      await notices.stop()
      await typeSamples.stop()
      await keyRotation.stop()
      await relay?.stop()
      await history.stop()
      await watching.stop()
      await upkeep.stop()
      apiKeys.close()
      await store.close()
      log.logger.info({ leftInFlight: engine.inFlight }, 'stopped')
      await log.flush()
    },
  }
}

function createEngine(
  store: Store,
  keyring: Keyring,
  partitions: Partitions,
  config: Config,
  policy: TargetPolicy,
  clock: Clock,
  log: Log,
  { beginTrace }: Watching['traces'],
): Engine {
  return new Engine(store, keyring, partitions, clock, log.logger, {
    policy,
    proxy: config.proxy === null ? undefined : parseProxy(config.proxy.reveal()),
    connectTimeoutMs: config.connectTimeoutMs,
    extraCa: config.extraCa.map(({ pem }) => pem),
    apiVersion: config.apiVersion,
    userAgent: `Posthorn/${pkg.version}`,
    retrySchedule: config.retrySchedule,
    responseTimeoutMs: config.responseTimeoutMs,
    disableAfterMs: config.disableAfterDays * DAY_MS,
    maxInFlight: config.maxInFlight,
    maxInFlightPerHost: config.maxInFlightPerHost,
    laneWindow: config.laneWindow,
    payloadMemoryBytes: config.payloadMemoryBytes,
    random: Math.random,
    ...(beginTrace === undefined ? {} : { beginTrace }),
  })
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

/** Both are asked, so that a wrong key takes the same time whichever it is nearest to. */
function identify(hash: Buffer, rootKey: RootKey, apiKeys: ApiKeyCache): Caller | undefined {
  const key = apiKeys.find(hash)
  if (rootKey.matches(hash)) return ROOT
  return key === undefined ? undefined : { key }
}

const ROOT: Caller = { key: null }

function networksOf(texts: readonly string[]): Network[] {
  return texts.map(text => {
    const network = parseNetwork(text)
    if (network === undefined) throw new StartRefused(`trustedProxies: ${text} has bits set behind its prefix.`)
    return network
  })
}

/** What the store says itself. A 202 means nothing without it. PostgreSQL is asked in each transaction. */
async function requireDurability(store: Store): Promise<void> {
  if (store.engine === 'postgres') return
  // 2 is FULL.
  const { synchronous, journal_mode: journalMode } = await store.durability()
  if (synchronous !== '2' || journalMode !== 'wal') {
    throw new StartRefused(
      `The store would not be durable (synchronous ${synchronous}, journal ${journalMode}): ` +
        'put the data folder on a local disk that SQLite can use with a write-ahead log.',
    )
  }
}

function urlOf({ address, family, port }: AddressInfo): string {
  return family === 'IPv6' ? `http://[${address}]:${port}` : `http://${address}:${port}`
}

function announceKeyFile(io: ServerIo, file: string): void {
  io.stderr.write(
    `The encryption key was made: ${file}. Keep a copy of it apart from backups of the data: ` +
      'without it the secrets in them are lost, with it they can be read.\n',
  )
}

function remindOfKey({ logger }: Log, { fingerprint }: Keyring, keptIn: string): void {
  logger.info(
    { encryptionKey: nameOfKey(fingerprint), keptIn },
    'secrets are encrypted with this key: keep a copy of it apart from backups',
  )
}

function announce(io: ServerIo, { logger }: Log, config: Config, url: string): void {
  const tell = (line: string) => io.sharing !== 'another' && io.stderr.write(line)
  if (config.dev) {
    tell('DEVELOPMENT MODE: targets on loopback and http:// are allowed. Never run it like this in public.\n')
    logger.warn('development mode: targets on loopback and http:// are allowed')
  }
  if (config.extraCa.length > 0)
    logger.warn({ count: config.extraCa.length }, 'extra certificate authorities are trusted')
  tell(`Posthorn listens on ${url}; stop it with Ctrl-C or SIGTERM.\n`)
  logger.info({ url, pid: process.pid, data: config.data, version: pkg.version }, 'listening')
}
