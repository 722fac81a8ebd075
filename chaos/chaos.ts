/** `npm run chaos`: 50,000 events to 500 endpoints while nodes, and PostgreSQL, are killed; ends with a line of JSON. */
import { parseArgs } from 'node:util'
import { runChaos } from './run.ts'
import { TROUBLES } from './trouble.ts'

const USAGE = `npm run chaos [-- --seed <number>] [--events <number>]

  --seed <number>    repeats the troubles of another run; default: a new one, printed
  --events <number>  how many events are published; default: 50,000, some two minutes
  --help             this text`

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
  if (!/^\d{1,9}$/.test(text)) throw new Error(`${text} is not a number of at most nine digits.`)
  return Number(text)
}
