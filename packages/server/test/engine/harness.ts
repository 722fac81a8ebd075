import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Authority, createAuthority } from '@posthorn/testkit'
import { type Logger, pino } from 'pino'
import { type Clock, systemClock } from '../../src/base/clock.ts'
import { starterCatalogue } from '../../src/catalogue/starter-catalogue.ts'
import { Engine, type EngineOptions } from '../../src/engine/engine.ts'
import { AllPartitions, type Partitions } from '../../src/engine/ownership/partitions.ts'
import type { TargetPolicy } from '../../src/guard/target.ts'
import { Inbox } from '../../src/publish/inbox.ts'
import { Publisher } from '../../src/publish/publisher.ts'
import { Replayer } from '../../src/replay/replayer.ts'
import { createReplayCounter } from '../../src/replay/selection.ts'
import { createKeyring } from '../../src/secrets/keyring.ts'
import { Deliveries } from '../../src/services/deliveries/deliveries.ts'
import { Endpoints } from '../../src/services/endpoints/endpoints.ts'
import { Events } from '../../src/services/events/events.ts'
import { Replays } from '../../src/services/replays.ts'
import { Tenants } from '../../src/services/tenants/tenants.ts'
import type { Driver } from '../../src/store/driver.ts'
import { openSqlite } from '../../src/store/sqlite/driver.ts'
import { Store } from '../../src/store/store.ts'
import { addTables } from '../store/sqlite-template.ts'
import { reusedWorkers } from '../store/workers.ts'

const keyring = createKeyring(new Uint8Array(32).fill(7))
export const policy: TargetPolicy = { dev: true, targetPorts: [{ first: 443, last: 65_535 }], allowTarget: [] }

/** Starts everything except the HTTP API, on a SQLite store in a folder that can be opened again. */
export async function startPosthorn(
  folder: string,
  authority: Authority,
  over: Partial<EngineOptions> = {},
  isSending = true,
  clock: Clock = systemClock,
) {
  await addTables(folder)
  const driver = await openSqlite(folder, clock, reusedWorkers)
  return startOn(driver, store => new AllPartitions(store), authority, over, isSending, clock)
}

/** Starts the same on any store. */
export async function startOn(
  driver: Driver,
  partitionsOf: (store: Store, log: Logger) => Partitions,
  authority: Authority,
  over: Partial<EngineOptions> = {},
  isSending = true,
  clock: Clock = systemClock,
) {
  const store = new Store(driver, clock)
  await store.write('migrate', {})
  await store.write('seedCatalogue', { types: starterCatalogue, nowMs: store.now() })
  const lines: Record<string, unknown>[] = []
  const log = pino({ level: 'info' }, { write: (line: string) => void lines.push(JSON.parse(line)) })
  const partitions = partitionsOf(store, log)
  const engine = new Engine(store, keyring, partitions, clock, log, {
    ...policy,
    proxy: null,
    connectTimeoutMs: 5_000,
    extraCa: [{ pem: authority.caPem }],
    apiVersion: '3.0',
    userAgent: 'Posthorn/test',
    retrySchedule: [0.05, 0.05, 0.05],
    disableAfterDays: 5,
    responseTimeoutMs: 2_000,
    maxInFlight: 1_024,
    maxInFlightPerHost: 128,
    laneWindow: 32,
    payloadMemoryBytes: 1 << 26,
    random: () => 0,
    ...over,
  })
  const publisher = new Publisher(store, {
    maxBatch: 1_000,
    maxDepth: 64,
    idempotencyDays: 12,
    maxDeliveriesAtOnce: 250,
  })
  const limits = { maxDepth: 64, maxBodyBytes: 1_048_576, ...publisher.means }
  const inbox = new Inbox(store, publisher.configuration, clock, log, limits, { lookMs: 50, maxDeliveriesAtOnce: 250 })
  const pace = { replayPerSecond: 1_000, retentionDays: 30 }
  const replayer = new Replayer(store, publisher.configuration, clock, log, pace, 200)
  if (isSending) {
    await engine.start()
    inbox.start()
    replayer.start()
  }
  return {
    /** The store's driver, for tests that make the store unavailable. */
    driver,
    store,
    engine,
    inbox,
    replayer,
    partitions,
    lines,
    publisher,
    endpoints: new Endpoints(store, keyring, policy, () => publisher.types()),
    deliveries: new Deliveries(store, clock),
    events: new Events(store, clock),
    replays: new Replays(store, createReplayCounter(store, clock)),
    tenants: new Tenants(store),
    publish: (tenant: string, events: object[] | object) =>
      publisher.publish(tenant, Buffer.from(JSON.stringify(events))),
    /** Acts as if the process were killed: nothing more is stored or read, and the folder is free. */
    async crash() {
      const never = () => new Promise<never>(() => {})
      driver.write = never
      driver.read = never
      await driver.close()
    },
    async stop(drainMs = 5_000) {
      await engine.drain(drainMs)
      await inbox.stop()
      await replayer.stop()
      await store.close()
    },
  }
}

export async function inFolder<T>(use: (folder: string, authority: Authority) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'posthorn-engine-'))
  try {
    return await use(folder, await createAuthority())
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

export const cover = (index: number) => ({
  type: 'COVER_REFERENCE',
  payload: { CoverId: `564200aa-7128-4a26-83a8-${index.toString(16).padStart(12, '0')}` },
})
