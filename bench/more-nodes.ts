/**
 * B11: throughput of two and four delivery nodes on one PostgreSQL, divided by that of one, with `maxInFlight` as the
 * limit: receivers take 100 ms, so a node with 32 requests in flight makes at most 320 a second, however fast its
 * processor is.
 */
import { randomBytes } from 'node:crypto'
import { createAuthority, type Postgres, startPostgres, startReceiver } from '@posthorn/testkit'
import type { Bench, RunOptions, Say } from './definition.ts'
import { EVENT_TYPE, makePayload } from './events.ts'
import { makeKeys, type Posthorn, type SharedStore, startPosthorn } from './posthorn.ts'
import type { BenchResult } from './result.ts'
import { type Summary, summarise } from './statistics.ts'

const GOAL = [1.9, 3.7]
const NODES = [1, 2, 4]
const MAX_IN_FLIGHT = 32
const RECEIVER_MS = 100
const TENANTS = 16
/** 512 in total, two per partition. */
const ENDPOINTS_PER_TENANT = 32
/** The endpoints are spread over this many hosts, because caps per host are not what is measured. */
const RECEIVERS = 8
const FULL = { runs: 5, secondsPerRun: 12 }
const SHORT = { runs: 1, secondsPerRun: 6 }
/** Time for windows to grow and connections to open before the clock starts. */
const WARM_UP_MS = 3_000
const LOOK_EVERY_MS = 50
const LEASE_MS = 3_000
const TIMEOUT_MS = 60_000

type Setting = {
  readonly postgres: Postgres
  readonly caPem: string
  readonly urls: readonly string[]
  readonly received: () => number
}

export const moreNodes: Bench = {
  id: 'B11',
  name: 'more-nodes',
  summary: 'throughput of two and four nodes on one PostgreSQL, divided by that of one',
  isLargerBetter: true,
  run: runBench,
}

async function runBench({ short }: RunOptions, say: Say): Promise<BenchResult> {
  const { runs, secondsPerRun } = short ? SHORT : FULL
  const authority = await createAuthority('Posthorn bench authority')
  const postgres = await startPostgres()
  const script = () => ({ delayMs: RECEIVER_MS })
  const receivers = await Promise.all(
    Array.from({ length: RECEIVERS }, () => startReceiver({ authority, record: false, script })),
  )
  const setting: Setting = {
    postgres,
    caPem: authority.caPem,
    urls: receivers.map(({ url }) => url),
    received: () => receivers.reduce((sum, { total }) => sum + total, 0),
  }
  const endpoints = TENANTS * ENDPOINTS_PER_TENANT
  say(
    `${moreNodes.id}: maxInFlight ${MAX_IN_FLIGHT} per node, receivers take ${RECEIVER_MS} ms, ${endpoints} endpoints`,
  )
  try {
    const rates: number[][] = NODES.map(() => [])
    for (let run = 1; run <= runs; run++) {
      for (const [index, nodes] of NODES.entries()) {
        const rate = await measure(setting, nodes, secondsPerRun * 1_000)
        rates[index]!.push(rate)
        const ceiling = ceilingOf(nodes)
        say(`run ${run}  nodes ${nodes}  ${rate.toFixed(0)} deliveries/s of at most ${ceiling}`)
      }
    }
    return conclude(rates.map(summarise), { runs, secondsPerRun, endpoints })
  } finally {
    await Promise.all(receivers.map(receiver => receiver.close()))
    await postgres.stop()
  }
}

function conclude(rates: readonly Summary[], counts: BenchResult['setup']): BenchResult {
  const [one, ...more] = rates
  return {
    id: moreNodes.id,
    title: `Deliveries a second of several nodes on one PostgreSQL, receivers that take ${RECEIVER_MS} ms, maxInFlight ${MAX_IN_FLIGHT} per node`,
    measures: more.map(({ median }, index) => ({
      name: `${NODES[index + 1]} nodes ÷ one`,
      unit: '',
      value: median / one!.median,
      goal: GOAL[index]!,
      bound: 'atLeast',
    })),
    bars: [
      {
        name: 'Rate',
        unit: 'deliveries/s',
        bars: rates.map((summary, index) => ({ name: `${NODES[index]} of ${ceilingOf(NODES[index]!)}`, summary })),
      },
    ],
    setup: { ...counts, maxInFlight: MAX_IN_FLIGHT, receiverMs: RECEIVER_MS },
  }
}

const ceilingOf = (nodes: number) => (nodes * MAX_IN_FLIGHT * 1_000) / RECEIVER_MS

/** Measures deliveries a second while more is pending than can be sent; each measurement has its own database. */
async function measure(setting: Setting, count: number, measureMs: number): Promise<number> {
  const { postgres, caPem } = setting
  const databaseUrl = await postgres.createDatabase(`bench_${randomBytes(6).toString('hex')}`)
  const shared = { databaseUrl, ...makeKeys() }
  const nodes: Posthorn[] = []
  try {
    nodes.push(await startPosthorn({ caPem, shared, flags: ['--role', 'api'] }))
    await prepare(setting, nodes[0]!)
    await publish(nodes[0]!, Math.ceil((ceilingOf(count) * (measureMs + WARM_UP_MS) * 1.3) / 1_000))
    await Promise.all(Array.from({ length: count }, async () => nodes.push(await startSender(caPem, shared))))
    const before = setting.received()
    await until(() => setting.received() - before > ceilingOf(count) / 4, TIMEOUT_MS)
    await until(atMs(WARM_UP_MS), TIMEOUT_MS)
    const [startedAtMs, startedAt] = [performance.now(), setting.received()]
    await until(atMs(measureMs), TIMEOUT_MS)
    return ((setting.received() - startedAt) / (performance.now() - startedAtMs)) * 1_000
  } finally {
    await Promise.all(nodes.map(node => node.end()))
  }
}

function startSender(caPem: string, shared: SharedStore): Promise<Posthorn> {
  const flags = ['--role', 'delivery', '--lease-ms', String(LEASE_MS), '--max-in-flight', String(MAX_IN_FLIGHT)]
  return startPosthorn({ caPem, shared, flags })
}

async function prepare({ urls }: Setting, api: Posthorn): Promise<void> {
  const tenants = Array.from({ length: TENANTS }, (_, index) => `tenant-${index}`)
  await Promise.all(
    tenants.map(async tenant => {
      await api.call('PUT', `tenants/${tenant}`, {})
      for (let at = 0; at < ENDPOINTS_PER_TENANT; at++) {
        const endpoint = {
          url: `${urls[at % urls.length]}/${tenant}/${at}`,
          clientSecret: randomBytes(24).toString('hex'),
        }
        await api.call('POST', `tenants/${tenant}/endpoints`, endpoint)
      }
    }),
  )
}

/** Publishes enough events for this many deliveries, the same number to each tenant. */
async function publish(api: Posthorn, deliveries: number): Promise<void> {
  const perTenant = Math.ceil(deliveries / TENANTS / ENDPOINTS_PER_TENANT)
  for (let tenant = 0; tenant < TENANTS; tenant++) {
    const events = Array.from({ length: perTenant }, (_, serial) => ({
      type: EVENT_TYPE,
      payload: JSON.parse(makePayload(tenant * perTenant + serial)),
    }))
    await api.call('POST', `tenants/tenant-${tenant}/events`, events)
  }
}

const atMs = (delayMs: number) => {
  const thenMs = performance.now() + delayMs
  return () => performance.now() >= thenMs
}

async function until(holds: () => boolean, timeoutMs: number): Promise<void> {
  const isLate = atMs(timeoutMs)
  while (!holds()) {
    if (isLate()) throw new Error('The nodes did not start sending in time.')
    await new Promise(resolve => setTimeout(resolve, LOOK_EVERY_MS))
  }
}
