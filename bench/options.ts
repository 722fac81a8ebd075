/** Parses the bench's command line. */
import { parseArgs } from 'node:util'
import { BENCHES, findBench } from './benches.ts'
import type { Bench, RunOptions } from './definition.ts'

export const BENCH_IDS: readonly string[] = BENCHES.map(({ id }) => id)

export type BenchOptions = RunOptions & {
  readonly ids: readonly string[]
  /** Save the results in docs/benchmarks and regenerate docs/benchmarks.md. */
  readonly write: boolean
  /** Fail if the first measure exceeds this in two runs in a row. Default: no bound. */
  readonly atMost?: number
  readonly help: boolean
}

const widest = (words: readonly string[]): number => Math.max(...words.map(({ length }) => length))
const [ID_WIDTH, NAME_WIDTH] = [widest(BENCH_IDS), widest(BENCHES.map(({ name }) => name))]
const helpOf = ({ id, name, summary }: Bench) => `  ${id.padEnd(ID_WIDTH)} ${name.padEnd(NAME_WIDTH)} ${summary}`

export const USAGE = `npm run bench [-- ${BENCH_IDS.join(' ')}] [--short] [--write] [--at-most <ratio>] [--profile <folder>]

${BENCHES.map(helpOf).join('\n')}

  Specify a bench by its id or its name.

  --short                        fewer and shorter runs; implied if no bench is named, since all of them take an hour
  --write                        save the results in docs/benchmarks and regenerate docs/benchmarks.md
  --at-most <ratio>              fail if the first measure exceeds this in two runs in a row: a check for every change
  --profile <folder>             write .cpuprofile files of the server's threads there; this distorts the figures
  --help                         show this help`

const FLAGS = {
  short: { type: 'boolean', default: false },
  write: { type: 'boolean', default: false },
  'at-most': { type: 'string' },
  profile: { type: 'string' },
  help: { type: 'boolean', default: false },
} as const

/** Returns the options, or a message that says what is wrong with them. */
export function parseOptions(args: readonly string[]): BenchOptions | string {
  try {
    const { values, positionals } = parseArgs({ args: [...args], options: FLAGS, allowPositionals: true })
    const unknown = positionals.find(word => findBench(word) === undefined)
    if (unknown !== undefined) {
      return `Unknown bench "${unknown}". The benches are ${BENCH_IDS.join(', ')}; --help shows their names.`
    }
    const atMost = values['at-most'] === undefined ? undefined : Number(values['at-most'])
    if (atMost !== undefined && !(atMost > 0)) return '--at-most needs a number above 0.'
    if (values.write && values.profile !== undefined) {
      return '--write saves figures, and profiling falsifies them: leave out --profile, or run the bench twice.'
    }
    const benches = positionals.length > 0 ? positionals.map(word => findBench(word)!) : BENCHES
    const unbounded = atMost === undefined ? [] : benches.filter(({ isLargerBetter }) => isLargerBetter)
    if (unbounded.length > 0) {
      const ids = unbounded.map(({ id }) => id).join(', ')
      return `--at-most is an upper bound: leave out ${ids}, for which larger is better.`
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
