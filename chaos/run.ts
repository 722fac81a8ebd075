/**
 * One run: starts a cluster, creates tenants with endpoints, and publishes events while nodes (and PostgreSQL) are
 * killed, stopped and paused. At the end everything runs again, and the requests at the receivers are counted.
 */
import { randomBytes } from 'node:crypto'
import { type Postgres, type Receiver, startReceiver } from '@posthorn/testkit'
import { Cluster } from './cluster.ts'
import { EVENT_TYPES, type Published, publishAll } from './publishing.ts'
import { createRandom } from './random.ts'
import { type Trouble, Troubles } from './trouble.ts'

export type ChaosOptions = {
  readonly seed: number
  readonly events: number
  readonly tenants: number
  /** The endpoints alternate between the two event types. */
  readonly endpointsPerTenant: number
  readonly nodes: number
  readonly leaseMs: number
  readonly batchSize: number
  readonly publishers: number
  readonly eventsPerSecond: number
  readonly troubles: readonly Trouble[]
  /** Time between the end of one fault and the next. */
  readonly everyMs: number
  /** How long to wait for all deliveries after the last event. */
  readonly settleTimeoutMs: number
  /** Default: a new one. */
  readonly postgres?: Postgres
}

export type ChaosResult = {
  readonly seed: number
  readonly endpoints: number
  /** Events that were accepted with 202. */
  readonly accepted: number
  /** Calls that were repeated because they didn't return 202. */
  readonly repeatedCalls: number
  readonly refusedCalls: number
  /** Pairs of event and endpoint that must be delivered. */
  readonly owed: number
  readonly delivered: number
  readonly lost: number
  /** Pairs in excess of `owed`: events that were stored twice. */
  readonly storedTwice: number
  /** Requests in excess of one per pair. */
  readonly duplicates: number
  /** Duplicates that arrived while nothing had been killed or paused. */
  readonly duplicatesOutside: number
  readonly pending: number
  readonly troubles: Readonly<Record<Trouble, number>>
  readonly seconds: number
}

const SETTLE_LOOK_MS = 100

export async function runChaos(options: ChaosOptions, say: (line: string) => void): Promise<ChaosResult> {
  const startedAtMs = performance.now()
  const random = createRandom(options.seed)
  const { nodes, leaseMs, postgres } = options
  const cluster = await Cluster.start({ nodes, leaseMs, ...(postgres ? { postgres } : {}) })
  const repeatedAtMs: number[] = []
  const receiver = await startReceiver({
    authority: cluster.authority,
    record: false,
    script: (_request, nth) => void (nth > 1 && repeatedAtMs.push(performance.now())),
  })
  try {
    const tenants = await prepare(cluster, receiver, options)
    say(`${nodes} nodes, ${tenants.length * options.endpointsPerTenant} endpoints; seed ${options.seed}`)
    const troubles = new Troubles(cluster, { ...options, random }, say)
    troubles.start()
    // A separate generator: how publishing and faults interleave must not change what either does.
    const published = await publishAll(cluster, { ...options, tenants, random: createRandom(options.seed + 1) })
    await troubles.stop()
    const owed = published.events * (options.endpointsPerTenant / EVENT_TYPES.length)
    const pending = await settle(cluster, receiver, tenants, owed, options.settleTimeoutMs)
    return {
      seed: options.seed,
      endpoints: tenants.length * options.endpointsPerTenant,
      ...count(receiver, published, owed),
      duplicatesOutside: repeatedAtMs.filter(atMs => !troubles.isWithin(atMs)).length,
      pending,
      troubles: troubles.counts,
      seconds: Math.round((performance.now() - startedAtMs) / 1_000),
    }
  } finally {
    await cluster.end()
    await receiver.close()
  }
}

async function prepare(cluster: Cluster, { url }: Receiver, options: ChaosOptions): Promise<string[]> {
  const tenants = Array.from({ length: options.tenants }, (_, index) => `tenant-${index}`)
  const mustCall = async (method: string, path: string, body: object) => {
    const slot = cluster.slots[0]!
    const answer = await cluster.call(slot, method, path, JSON.stringify(body))
    if (answer.status < 200 || answer.status > 299) throw new Error(`${method} ${path} returned ${answer.status}`)
  }
  const create = async (tenant: string) => {
    await mustCall('PUT', `/tenants/${tenant}`, {})
    for (let index = 0; index < options.endpointsPerTenant; index++) {
      const clientSecret = randomBytes(24).toString('base64url')
      const types = [EVENT_TYPES[index % EVENT_TYPES.length]]
      await mustCall('POST', `/tenants/${tenant}/endpoints`, { url: `${url}/${tenant}/${index}`, clientSecret, types })
    }
  }
  const left = tenants.values()
  const keepCreating = async () => {
    for (const tenant of left) await create(tenant)
  }
  await Promise.all(Array.from({ length: 8 }, keepCreating))
  return tenants
}

/** Waits until everything has arrived and nothing is pending. Returns how many tenants still have something pending. */
async function settle(
  cluster: Cluster,
  receiver: Receiver,
  tenants: readonly string[],
  owed: number,
  timeoutMs: number,
): Promise<number> {
  const untilMs = performance.now() + timeoutMs
  await receiver.waitFor(({ distinct }) => distinct.size >= owed, { timeoutMs }).catch(() => {})
  let left = [...tenants]
  while (left.length > 0) {
    const found = await Promise.all(left.map(tenant => isPending(cluster, tenant)))
    left = left.filter((_, index) => found[index])
    if (performance.now() > untilMs) break
    if (left.length > 0) await new Promise(resolve => setTimeout(resolve, SETTLE_LOOK_MS))
  }
  return left.length
}

async function isPending(cluster: Cluster, tenant: string): Promise<boolean> {
  const path = `/tenants/${tenant}/deliveries?state=pending&limit=1`
  const { status, body } = await cluster.call(cluster.slots[0]!, 'GET', path)
  return status !== 200 || (body as { data: unknown[] }).data.length > 0
}

function count({ distinct, seen, total }: Receiver, published: Published, owed: number) {
  return {
    accepted: published.events,
    repeatedCalls: published.repeated,
    refusedCalls: published.refused.length,
    owed,
    delivered: distinct.size,
    lost: Math.max(owed - distinct.size, 0),
    storedTwice: Math.max(seen.size - owed, 0),
    duplicates: total - seen.size,
  }
}
