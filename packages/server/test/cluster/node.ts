import type { Authority } from '@posthorn/testkit'
import type { Logger } from 'pino'
import { systemClock } from '../../src/clock.ts'
import { LeasedPartitions } from '../../src/engine/partitions.ts'
import type { Bus } from '../../src/store/bus.ts'
import { PostgresBus } from '../../src/store/postgres/bus.ts'
import { openPostgres } from '../../src/store/postgres/driver.ts'
import { Relay } from '../../src/store/relay.ts'
import type { Store } from '../../src/store/store.ts'
import { startOn } from '../engine/harness.ts'

/** A pooler in transaction mode, for one: every message is lost. */
const lossyBus: Bus = { open: async (_handler, onLine) => onLine(false), send: async () => true, close: async () => {} }

export type NodeOptions = {
  readonly leaseMs?: number
  readonly hasBus?: boolean
  readonly responseTimeoutMs?: number
}

/** A node inside the test's process, everything but the HTTP API. */
export async function startNode(url: string, authority: Authority, options: NodeOptions = {}) {
  const { leaseMs = 2_000, hasBus = true, responseTimeoutMs = 2_000 } = options
  const driver = await openPostgres(url, systemClock)
  const partitionsOf = (store: Store, log: Logger) => new LeasedPartitions(store, systemClock, log, leaseMs)
  const node = await startOn(driver, partitionsOf, authority, { responseTimeoutMs })
  const isOurs = (partition: number) => node.partitions.epochOf(partition) !== undefined
  const bus = hasBus ? new PostgresBus(url, systemClock) : lossyBus
  const relay = new Relay(node.store, bus, systemClock, isOurs)
  await relay.start()
  const shareOf = () => Array.from({ length: 256 }, (_, partition) => partition).filter(isOurs).length
  return {
    ...node,
    shareOf,
    async stop() {
      await relay.stop()
      await node.stop()
    },
  }
}
