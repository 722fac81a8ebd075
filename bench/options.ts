/** What the bench's command line says. */
import { parseArgs } from 'node:util'
import { BENCHES, findBench } from './benches.ts'
import type { Bench, RunOptions } from './definition.ts'

export const BENCH_IDS: readonly string[] = BENCHES.map(({ id }) => id)

export type BenchOptions = RunOptions & {
  readonly ids: readonly string[]
  /** Keep the results in docs/benchmarks, and make the page anew. */
  readonly write: boolean
  /** Fail where the first measure is above it, twice over. Default: nothing fails. */
  readonly atMost?: number
  readonly help: boolean
}

/** Of the first column. */
const WIDTH = 33
const helpOf = ({ id, name, summary }: Bench) => `  ${`${id.padEnd(9)} ${name}`.padEnd(WIDTH - 2)}${summary}`

export const USAGE = `npm run bench [-- ${BENCH_IDS.join(' ')}] [--short] [--write] [--at-most <ratio>] [--profile <folder>]

${BENCHES.map(helpOf).join('\n')}

  A bench goes by its number or its name.

  --short                        fewer and shorter runs; so it is anyhow where none is named, since all of them take an hour
  --write                        keep the results in docs/benchmarks, and make docs/benchmarks.md of them
  --at-most <ratio>              fail if the first measure is above it in two runs: for a look at every change
  --profile <folder>             write .cpuprofile files of the server's threads there; the numbers don't count then
  --help                         this text`

const FLAGS = {
  short: { type: 'boolean', default: false },
  write: { type: 'boolean', default: false },
  'at-most': { type: 'string' },
  profile: { type: 'string' },
  help: { type: 'boolean', default: false },
} as const

/** The options, or a sentence that says what is wrong with them. */
export function parseOptions(args: readonly string[]): BenchOptions | string {
  try {
    const { values, positionals } = parseArgs({ args: [...args], options: FLAGS, allowPositionals: true })
    const unknown = positionals.find(word => findBench(word) === undefined)
    if (unknown !== undefined) {
      return `The bench does not know ${unknown}: it takes ${BENCH_IDS.join(', ')}, or their names (--help).`
    }
    const atMost = values['at-most'] === undefined ? undefined : Number(values['at-most'])
    if (atMost !== undefined && !(atMost > 0)) return '--at-most needs a number above 0 after it.'
    if (values.write && values.profile !== undefined) {
      return '--write keeps numbers that count, and with --profile they do not: run it twice.'
    }
    const benches = positionals.length > 0 ? positionals.map(word => findBench(word)!) : BENCHES
    const unbounded = atMost === undefined ? [] : benches.filter(({ isLargerBetter }) => isLargerBetter)
    if (unbounded.length > 0) {
      const ids = unbounded.map(({ id }) => id).join(', ')
      return `--at-most is for what is to be small, and ${ids} measure what is to be large: name others.`
    }
    return {
      ids: benches.map(({ id }) => id),
      short: values.short || positionals.length === 0,
      write: values.write,
      help: values.help,
      ...(atMost === undefined ? {} : { atMost }),
      ...(values.profile === undefined ? {} : { profileFolder: values.profile }),
    }
  } catch (error) {
    return `${(error as Error).message}\n\n${USAGE}`
  }
}
