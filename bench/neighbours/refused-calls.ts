/** N6: a tenant pipelines more reads than it can have in progress, so that most of them are refused. */
import type { Setting } from '../setting.ts'
import { TENANT } from '../setting.ts'
import { neighbourBench } from './neighbour.ts'
import { pipeline, sayStatuses, toRequest } from './raw-connections.ts'

const PLAN = { from: '127.0.0.2', connections: 8, count: 250, waiting: 1_000_000, perSecond: 4_000 }

let statuses: ReadonlyMap<number, number> = new Map()

export const refusedCalls = neighbourBench({
  id: 'N6',
  name: 'refused-calls',
  summary: 'latency of a neighbour while a tenant pipelines reads that are refused',
  title: `A tenant pipelines ${PLAN.perSecond} reads a second, and most of them are refused`,
  factor: 3,
  harmless: async ({ posthorn }, signal) => {
    await pipeline(posthorn.url, { ...PLAN, requests: [toRequest({ path: '/healthz' })] }, signal)
  },
  attack: async (setting, signal) => {
    const path = `/v1/tenants/${TENANT}/events`
    const requests = [toRequest({ path, key: await keyOf(setting) })]
    statuses = await pipeline(setting.posthorn.url, { ...PLAN, requests }, signal)
  },
  check: async (_setting, say) => {
    say(`attack: ${sayStatuses(statuses)}`)
    if ((statuses.get(503) ?? 0) < 1_000) throw new Error('Too few calls were refused: this was no attack.')
  },
  setup: { callsPerSecond: PLAN.perSecond, connections: PLAN.connections, pipelined: PLAN.count },
  notes: ['*Before*, the tenant pipelines as many calls of `/healthz` and reads their responses.'],
})

/** A key of the attacking tenant. */
export async function keyOf({ posthorn }: Setting): Promise<string> {
  const made = await posthorn.call<{ key: string }>('POST', 'api-keys', {
    name: 'attack',
    scope: 'all',
    tenant: TENANT,
  })
  return made.key
}
