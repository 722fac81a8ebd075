import { type Postgres, startPostgres } from '@posthorn/testkit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createRandom } from './random.ts'
import { type ChaosOptions, runChaos } from './run.ts'

let postgres: Postgres
beforeAll(async () => {
  postgres = await startPostgres()
})
afterAll(() => postgres.stop())

/** A smaller version of `npm run chaos`, with the same code. */
async function run(over: Pick<ChaosOptions, 'seed' | 'troubles'>) {
  const size = { events: 1_000, tenants: 8, endpointsPerTenant: 4, nodes: 3, leaseMs: 1_500 }
  const pace = { batchSize: 15, publishers: 4, eventsPerSecond: 250, everyMs: 500, settleTimeoutMs: 40_000 }
  const log: string[] = []
  const result = await runChaos({ ...size, ...pace, ...over, postgres }, line => log.push(line))
  const troubles = Object.values(result.troubles).reduce((sum, count) => sum + count, 0)
  // Without any trouble the test proves nothing.
  expect(troubles, log.join('\n')).toBeGreaterThan(0)
  expect(result, log.join('\n')).toMatchObject({
    accepted: 1_000,
    owed: 2_000,
    delivered: 2_000,
    lost: 0,
    storedTwice: 0,
    refusedCalls: 0,
    pending: 0,
  })
  return { ...result, log }
}

describe('three nodes on one PostgreSQL, with frequent faults', () => {
  it('C13: nothing is lost or duplicated when nodes are drained', { timeout: 120_000 }, async () => {
    const { duplicates, log } = await run({ seed: 7, troubles: ['stop'] })
    expect(duplicates, log.join('\n')).toBe(0)
  })

  it('C13: nothing is lost or stored twice when nodes and PostgreSQL are killed', { timeout: 120_000 }, async () => {
    const { duplicatesOutside, log } = await run({ seed: 3, troubles: ['kill', 'database'] })
    expect(duplicatesOutside, log.join('\n')).toBe(0)
  })

  it('generates the same random numbers from the same seed', () => {
    const [one, same, other] = [createRandom(5), createRandom(5), createRandom(6)]
    const numbers = Array.from({ length: 100 }, one)
    expect(Array.from({ length: 100 }, same)).toEqual(numbers)
    expect(other()).not.toBe(numbers[0])
    expect(numbers.every(number => number >= 0 && number < 1)).toBe(true)
  })
})
