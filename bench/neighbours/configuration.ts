/**
 * N1: three tenants with 20,000 endpoints, each with 50 patterns and a filter of 8 KB, stored before there were limits.
 * Before, their events are published for tenants without endpoints.
 */
import type { PayloadFilter } from '../../packages/server/src/base/model.ts'
import type { Say } from '../definition.ts'
import { EVENT_TYPE } from '../events.ts'
import type { Posthorn } from '../posthorn.ts'
import { neighbourBench } from './neighbour.ts'
import { eventWith, publishUntil, storeEndpoints } from './stored-attackers.ts'

const TENANTS = ['large-1', 'large-2', 'large-3']
const ENDPOINTS = 20_000
const PATTERNS = 50
const PER_SECOND = 1
/** One of this number of endpoints wants the events. */
const WANTING = 1_000
const PATIENCE_MS = 300_000

const patternsOf = (nth: number): string[] => [
  `${EVENT_TYPE.slice(0, 5)}*${EVENT_TYPE.slice(-5)}`,
  ...Array.from({ length: PATTERNS - 1 }, (_, at) => `NONE_${nth}_${at}_*${'X'.repeat(60)}*${'Y'.repeat(40)}`),
]

/** 8 KB of conditions; all but one can't hold. */
const filterOf = (nth: number): PayloadFilter => ({
  anyOf: [
    ...Array.from({ length: 70 }, (_, at) => ({ case: [`none-${nth}-${at}-${'x'.repeat(85)}`] })),
    { lot: [nth % WANTING] },
  ],
})

let published: { tenant: string; id: string }[] = []

export const configuration = neighbourBench({
  id: 'N1',
  name: 'neighbour-of-configuration',
  summary: "a neighbour's p99 while tenants with 20,000 endpoints of 14 KB publish",
  title: 'Latency of a tenant while events of others with 20,000 large endpoints each are matched',
  factor: 1.2,
  async fill(store) {
    const make = (nth: number) => ({ types: patternsOf(nth), filter: filterOf(nth) })
    for (const tenant of TENANTS) await storeEndpoints(store, tenant, ENDPOINTS, make)
    for (const tenant of TENANTS) await storeEndpoints(store, `small-${tenant}`, 0, make)
  },
  async harmless({ posthorn }, signal) {
    const make = (nth: number) => ({ tenant: `small-${TENANTS[nth % 3]}`, body: eventWith(nth, { lot: 7 }) })
    await publishUntil(posthorn, signal, { perSecond: PER_SECOND, make })
  },
  async attack({ posthorn }, signal) {
    const make = (nth: number) => ({ tenant: TENANTS[nth % 3]!, body: eventWith(nth, { lot: 7 }) })
    published = await publishUntil(posthorn, signal, { perSecond: PER_SECOND, make })
  },
  check: ({ posthorn }, say) => checkMatched(posthorn, say),
  setup: { tenants: TENANTS.length, endpoints: ENDPOINTS, patterns: PATTERNS, attackPerSecond: PER_SECOND },
})

/** The first event of each tenant must have exactly the deliveries of the endpoints that want it. */
async function checkMatched(posthorn: Posthorn, say: Say): Promise<void> {
  const untilMs = performance.now() + PATIENCE_MS
  for (const wanted of TENANTS) {
    const first = published.find(({ tenant }) => tenant === wanted)
    if (first === undefined) throw new Error(`No event of ${wanted} was published.`)
    for (;;) {
      const path = `tenants/${first.tenant}/events/${first.id}`
      const event = await posthorn.call<{ notSent: Record<string, number> | null; deliveries: unknown[] }>('GET', path)
      if (event.notSent !== null) {
        const expected = ENDPOINTS / WANTING
        const isExact = event.deliveries.length === expected && event.notSent.filter === ENDPOINTS - expected
        say(`${wanted}: ${event.deliveries.length} deliveries, not sent: ${JSON.stringify(event.notSent)}`)
        if (!isExact) throw new Error(`The event of ${wanted} was not matched exactly.`)
        break
      }
      if (performance.now() > untilMs) throw new Error(`The event of ${wanted} was not matched in time.`)
      await new Promise(resolve => setTimeout(resolve, 500))
    }
  }
}
