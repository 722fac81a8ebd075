/** `npm run upgrade`: goes from the last release to this version under load, and prints a line of JSON for each store. */
import { parseArgs } from 'node:util'
import { findLastRelease } from './last-release.ts'
import { runUpgrade, STORES, type StoreKind } from './run.ts'

const USAGE = `npm run upgrade [-- --store sqlite|postgres] [--rate <events per second>]

  --store <store>  only this store (default: both)
  --rate <number>  events published in a second, 1 to 1000 (default: 60)
  --help           show this help`

const say = (line: string) => void process.stdout.write(`${line}\n`)

try {
  const options = { store: { type: 'string' }, rate: { type: 'string' }, help: { type: 'boolean' } } as const
  const { values } = parseArgs({ options })
  if (values.help) say(USAGE)
  else await run(storesOf(values.store), rateOf(values.rate))
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`)
  process.exitCode = 2
}

async function run(stores: readonly StoreKind[], eventsPerSecond: number): Promise<void> {
  say(`from ${findLastRelease()} to this version, with ${eventsPerSecond} events a second`)
  for (const store of stores) {
    const result = await runUpgrade({ store, eventsPerSecond, calmMs: 3_000 }, say)
    say(JSON.stringify(result))
    const { lost, unknown, differences, faults } = result
    if (lost + unknown + differences.length + faults.length > 0) process.exitCode = 1
  }
}

function storesOf(text: string | undefined): readonly StoreKind[] {
  if (text === undefined) return STORES
  const store = STORES.find(each => each === text)
  if (store === undefined) throw new Error(`--store must be one of: ${STORES.join(', ')}.`)
  return [store]
}

function rateOf(text = '60'): number {
  const rate = Number(text)
  if (!Number.isInteger(rate) || rate < 1 || rate > 1_000)
    throw new Error('--rate needs a whole number from 1 to 1000.')
  return rate
}
