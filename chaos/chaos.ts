/**
 * `npm run chaos`: sends 50,000 events to 500 endpoints while killing nodes and PostgreSQL, and prints a line of JSON.
 */
import { parseArgs } from 'node:util'
import { runChaos } from './run.ts'
import { TROUBLES } from './trouble.ts'

const USAGE = `npm run chaos [-- --seed <number>] [--events <number>]

  --seed <number>    repeat the faults of an earlier run (default: a new seed, which is printed)
  --events <number>  number of events to publish (default: 50,000, about two minutes)
  --help             show this help`

const say = (line: string) => void process.stdout.write(`${line}\n`)
const startedAtMs = performance.now()

try {
  const { values } = parseArgs({
    options: { seed: { type: 'string' }, events: { type: 'string' }, help: { type: 'boolean' } },
  })
  if (values.help) say(USAGE)
  else await run(numberOf(values.seed) ?? Date.now() % 1_000_000, numberOf(values.events) ?? 50_000)
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`)
  process.exitCode = 2
}

async function run(seed: number, events: number): Promise<void> {
  const result = await runChaos(
    {
      seed,
      events,
      tenants: 125,
      endpointsPerTenant: 4,
      nodes: 3,
      leaseMs: 3_000,
      batchSize: 25,
      publishers: 8,
      eventsPerSecond: 500,
      troubles: TROUBLES,
      everyMs: 2_000,
      settleTimeoutMs: 60_000,
    },
    line => say(`${((performance.now() - startedAtMs) / 1_000).toFixed(1).padStart(6)} s  ${line}`),
  )
  say(JSON.stringify(result))
  const { lost, storedTwice, refusedCalls, pending } = result
  if (lost + storedTwice + refusedCalls + pending > 0) process.exitCode = 1
}

function numberOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  if (!/^\d{1,9}$/.test(text)) throw new Error(`Not a whole number of at most nine digits: ${text}`)
  return Number(text)
}
