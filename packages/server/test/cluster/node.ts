import { type Authority, startReceiver } from '@posthorn/testkit'
import { type Clock, systemClock } from '../../src/base/clock.ts'
import { TypeSamples } from '../../src/catalogue/type-samples.ts'
import type { EngineOptions } from '../../src/engine/engine.ts'
import { LeasedPartitions } from '../../src/engine/ownership/partitions.ts'
import { EventTypes } from '../../src/services/event-types/event-types.ts'
import type { Bus } from '../../src/store/bus.ts'
import { PostgresBus } from '../../src/store/postgres/bus.ts'
import { openPostgres } from '../../src/store/postgres/driver.ts'
import { Relay } from '../../src/store/relay.ts'
import { startOn } from '../engine/harness.ts'

export const SECRET = 'c2VjcmV0LXRva2VuLXdpdGgtcGFkZGluZw=='

/** Loses every message, as a pooler in transaction mode does. */
const lossyBus: Bus = { open: async (_handler, onLine) => onLine(false), send: async () => true, close: async () => {} }

export type NodeOptions = {
  readonly leaseMs?: number
  readonly hasBus?: boolean
  readonly clock?: Clock
  readonly engine?: Partial<EngineOptions>
}

/** Starts a node inside this process, on a shared PostgreSQL. */
export async function startNode(
  url: string,
  authority: Authority,
  { leaseMs = 2_000, hasBus = true, clock = systemClock, engine = {} }: NodeOptions = {},
) {
  const driver = await openPostgres(url, clock)
  const bus = hasBus ? new PostgresBus(url, clock) : lossyBus
  let relay: Relay | undefined
  const node = await startOn(
    driver,
    (store, log) => {
      const leased = new LeasedPartitions(store, clock, log, leaseMs)
      relay = new Relay(store, bus, clock, partition => leased.epochOf(partition) !== undefined)
      return leased
    },
    authority,
    engine,
    false,
    clock,
  )
  const samples = new TypeSamples(node.store, clock)
  await relay!.start()
  await node.engine.start()
  node.inbox.start()
  node.replayer.start()
  const owns = (partition: number) => node.partitions.epochOf(partition) !== undefined
  return {
    ...node,
    eventTypes: new EventTypes(node.store, samples),
    owns,
    shareOf: () => Array.from({ length: 256 }, (_, partition) => partition).filter(owns).length,
    attempts: () => node.lines.filter(({ msg }) => msg === 'attempt'),
    /** Drains. The last messages are sent before the store is closed, as in the server. */
    async stop() {
      await node.engine.drain(5_000)
      await node.inbox.stop()
      await node.replayer.stop()
      await samples.stop()
      await relay!.stop()
      await node.store.close()
    },
  }
}

export type ClusterNode = Awaited<ReturnType<typeof startNode>>

export const startQuietReceiver = (authority: Authority) =>
  startReceiver({ authority, names: ['localhost'], record: false })
