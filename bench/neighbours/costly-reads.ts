/** N9: a tenant with a history pipelines the reads that cost most: lists, exports, statistics, trials, counts. */
import { deliverBatches, TENANT } from '../setting.ts'
import { neighbourBench } from './neighbour.ts'
import { pipeline, sayStatuses, toRequest } from './raw-connections.ts'
import { keyOf } from './refused-calls.ts'

const EVENTS = 60_000
const PLAN = { from: '127.0.0.2', connections: 16, count: 8, waiting: 32, perSecond: 400 }

const FILTER = { CoverId: { $prefix: 'no event has this' } }

const reads = (key: string): string[] => {
  const of = (path: string, body?: object) =>
    toRequest({ path: `/v1/tenants/${TENANT}/${path}`, key, ...(body === undefined ? {} : { body }) })
  return [
    of('events?limit=100'),
    of('deliveries?limit=100'),
    of('deliveries?state=cancelled&limit=100'),
    of('stats?step=minute'),
    of('export'),
    of('filter-trials', { filter: FILTER, recent: 100 }),
    of('replays', { dryRun: true, states: ['delivered'] }),
    of('replays', { dryRun: true, missing: true }),
  ]
}

let statuses: ReadonlyMap<number, number> = new Map()

export const costlyReads = neighbourBench({
  id: 'N9',
  name: 'costly-reads',
  summary: 'latency of a neighbour while a tenant pipelines the most expensive reads',
  title: `A tenant with ${EVENTS} events pipelines ${PLAN.perSecond} lists, exports, statistics, trials and counts a second`,
  factor: 3,
  prepare: async (setting, say) => {
    await deliverBatches(setting, EVENTS)
    say(`${EVENTS} events delivered`)
  },
  harmless: async (setting, signal) => {
    const requests = [toRequest({ path: `/v1/tenants/${TENANT}`, key: await keyOf(setting) })]
    await pipeline(setting.posthorn.url, { ...PLAN, requests }, signal)
  },
  attack: async (setting, signal) => {
    statuses = await pipeline(setting.posthorn.url, { ...PLAN, requests: reads(await keyOf(setting)) }, signal)
  },
  check: async (_setting, say) => {
    say(`attack: ${sayStatuses(statuses)}`)
    if ((statuses.get(200) ?? 0) < 10) throw new Error('Hardly any call was carried out: this was no attack.')
  },
  setup: { events: EVENTS, callsPerSecond: PLAN.perSecond, connections: PLAN.connections, pipelined: PLAN.count },
  notes: ['*Before*, the tenant reads its own name as often.'],
})
