/**
 * `npx node bench/match.ts`: what matching costs compared with parsing the payload, which is unavoidable. Prints
 * ratios, so that machines can be compared. Both are measured alternately, in the same process.
 */

import type { PayloadFilter } from '../packages/server/src/base/model.ts'
import { Contents } from '../packages/server/src/catalogue/contents.ts'
import { TenantIndex } from '../packages/server/src/catalogue/match.ts'
import type { MatchEndpoint } from '../packages/server/src/store/operations/endpoints/matching.ts'

const ROUNDS = 15
const ROUND_MS = 40

const payload = JSON.stringify({
  coverId: '564200aa-7128-4a26-83a8-cf0201903fcc',
  status: 'Quoted',
  cover: { insured: { country: 'NL', name: 'Example' }, amount: 125_000, currency: 'EUR', tags: ['new', 'online'] },
  notificationTimestamp: '2026-01-31T12:00:00Z',
})

const FILTER: PayloadFilter = {
  status: ['Quoted', 'Refused'],
  cover: { insured: { country: { prefix: 'N' } }, amount: { gte: 100_000, lt: 1_000_000 } },
  anyOf: [{ cover: { tags: ['online'] } }, { retracted: { exists: false } }],
}

const endpoint = (id: number, types: string[] | null, filter: PayloadFilter | null = null): MatchEndpoint => ({
  id: String(id),
  partition: 1,
  types,
  state: 'enabled',
  ordered: false,
  createdVersion: 1,
  selectionVersion: 1,
  filterText: filter === null ? null : JSON.stringify(filter),
})

const many = (count: number, make: (index: number) => MatchEndpoint) =>
  Array.from({ length: count }, (_, at) => make(at))

/** Returns the nanoseconds per call, in the fastest of several rounds. */
function measure(calls: readonly (() => unknown)[]): number[] {
  const best = calls.map(() => Number.POSITIVE_INFINITY)
  for (let round = 0; round < ROUNDS; round++) {
    for (const [index, call] of calls.entries()) {
      let count = 0
      const start = performance.now()
      let end = start
      while (end - start < ROUND_MS) {
        for (let i = 0; i < 64; i++) call()
        count += 64
        end = performance.now()
      }
      best[index] = Math.min(best[index]!, ((end - start) / count) * 1e6)
    }
  }
  return best
}

const value: unknown = JSON.parse(payload)
const contents = new Contents()
const createMatcher = ({ endpoints }: { readonly endpoints: readonly MatchEndpoint[] }) =>
  new TenantIndex(endpoints.map(each => contents.retain(each)))
const matchers = {
  'one filter of 8 conditions': createMatcher({ endpoints: [endpoint(0, null, FILTER)] }),
  '1,000 endpoints with that filter': createMatcher({
    endpoints: many(1_000, at => endpoint(at, null, FILTER)),
  }),
  '1,000 endpoints, each with another filter': createMatcher({
    endpoints: many(1_000, at => endpoint(at, null, { ...FILTER, coverId: { anyOf: [{ exists: true }, [at]] } })),
  }),
  '20,000 endpoints by name, 10 of them with this type': createMatcher({
    endpoints: many(20_000, at => endpoint(at, [at < 10 ? 'COVER_REFERENCE' : `T${at % 500}`])),
  }),
  '20,000 endpoints by pattern': createMatcher({
    endpoints: many(20_000, at => endpoint(at, [at % 2 === 0 ? 'COVER_*' : 'GRADE_*'])),
  }),
}

const names = Object.keys(matchers)
const [parse, ...costs] = measure([
  () => JSON.parse(payload),
  ...Object.values(matchers).map(index => () => index.match('COVER_REFERENCE', value, { left: 10_000_000 })),
])
process.stdout.write(
  `cost relative to JSON.parse of a payload of ${payload.length} bytes (${Math.round(parse!)} ns here):\n`,
)
for (const [index, name] of names.entries()) {
  process.stdout.write(`${(costs[index]! / parse!).toFixed(3).padStart(9)}  ${name}\n`)
}
