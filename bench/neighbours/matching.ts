/**
 * N2: a tenant whose 1,500 filters of 1 KB take thousands of steps each on an array of 200 elements. Before, its filters
 * are of the same size and decide in one step.
 */
import type { PayloadFilter } from '../../packages/server/src/base/model.ts'
import { EVENT_TYPE } from '../events.ts'
import { neighbourBench } from './neighbour.ts'
import { eventWith, publishUntil, storeEndpoints } from './stored-attackers.ts'

const ENDPOINTS = 1_500
const PER_SECOND = 20
const ITEMS = Array.from({ length: 200 }, (_, at) => ({ at, name: `item-${at}` }))

/** Alternatives that none of the items satisfies: each visits all of them. */
const slow = (nth: number): PayloadFilter => ({
  anyOf: Array.from({ length: 20 }, (_, at) => ({ items: { name: [`none-${nth}-${at}-xxxxxxxx`] } })),
})

const fast = (nth: number): PayloadFilter => ({
  status: [`none-${nth}`],
  anyOf: Array.from({ length: 20 }, (_, at) => ({ items: { name: [`none-${nth}-${at}-xxxxxx`] } })),
})

export const matching = neighbourBench({
  id: 'N2',
  name: 'neighbour-of-matching',
  summary: "a neighbour's p99 while a tenant's events take its filters thousands of steps each",
  title: "Latency of a tenant while another's filters take long",
  factor: 1.2,
  async fill(store) {
    await storeEndpoints(store, 'fast', ENDPOINTS, nth => ({ types: [EVENT_TYPE], filter: fast(nth) }))
    await storeEndpoints(store, 'slow', ENDPOINTS, nth => ({ types: [EVENT_TYPE], filter: slow(nth) }))
  },
  async harmless({ posthorn }, signal) {
    const make = (nth: number) => ({ tenant: 'fast', body: eventWith(nth, { items: ITEMS }) })
    await publishUntil(posthorn, signal, { perSecond: PER_SECOND, make })
  },
  async attack({ posthorn }, signal) {
    const make = (nth: number) => ({ tenant: 'slow', body: eventWith(nth, { items: ITEMS }) })
    await publishUntil(posthorn, signal, { perSecond: PER_SECOND, make })
  },
  setup: { endpoints: ENDPOINTS, attackPerSecond: PER_SECOND, items: ITEMS.length },
})
