/** Publishers that never give up: a call without a 202 is repeated with the same keys, to any node. */
import type { Cluster } from './cluster.ts'

export type PublishingOptions = {
  readonly tenants: readonly string[]
  readonly events: number
  readonly batchSize: number
  readonly publishers: number
  /** Rate of all publishers together. Time lost to faults is not made up for. */
  readonly eventsPerSecond: number
  readonly random: () => number
}

export type Published = {
  /** Number of events accepted with 202, counted once each. */
  events: number
  /** Number of calls that were repeated. */
  repeated: number
  /** Responses to calls that were refused with a 4xx; none is expected. */
  refused: unknown[]
}

const PAUSE_AFTER_FAILURE_MS = 100

export const EVENT_TYPES = ['COVER_REFERENCE', 'COVER_ASSESSMENT_COMPLETED'] as const

export async function publishAll(cluster: Cluster, options: PublishingOptions): Promise<Published> {
  const published: Published = { events: 0, repeated: 0, refused: [] }
  const batches = Math.ceil(options.events / options.batchSize)
  const batchMs = (options.batchSize / options.eventsPerSecond) * 1_000
  const startedAtMs = performance.now()
  let next = 0
  const keepPublishing = async () => {
    for (let batch = next++; batch < batches; batch = next++) {
      await waitUntil(startedAtMs + batch * batchMs)
      await publishBatch(cluster, options, batch, published)
    }
  }
  await Promise.all(Array.from({ length: options.publishers }, keepPublishing))
  return published
}

async function publishBatch(cluster: Cluster, options: PublishingOptions, batch: number, published: Published) {
  const { tenants, batchSize, events, random } = options
  const first = batch * batchSize
  const list = Array.from({ length: Math.min(batchSize, events - first) }, (_, index) => makeEvent(first + index))
  const path = `/tenants/${tenants[batch % tenants.length]}/events`
  for (;;) {
    const slot = cluster.slots[Math.floor(random() * cluster.slots.length)]!
    const { status, body } = await cluster.call(slot, 'POST', path, JSON.stringify(list))
    if (status === 202) {
      published.events += list.length
      return
    }
    if (status >= 400 && status < 500) {
      published.refused.push(body)
      return
    }
    published.repeated++
    await waitUntil(performance.now() + PAUSE_AFTER_FAILURE_MS)
  }
}

function makeEvent(serial: number) {
  const type = EVENT_TYPES[serial % EVENT_TYPES.length]!
  const id = `564200aa-7128-4a26-83a8-${serial.toString(16).padStart(12, '0')}`
  const payload = type === 'COVER_REFERENCE' ? { CoverId: id } : { coverId: id, status: 'Quoted' }
  return { type, key: `chaos-${serial}`, payload }
}

function waitUntil(atMs: number): Promise<void> {
  const delayMs = atMs - performance.now()
  return delayMs <= 0 ? Promise.resolve() : new Promise(resolve => setTimeout(resolve, delayMs))
}
