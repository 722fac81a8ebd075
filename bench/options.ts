/** What the bench's command line says. */
import { parseArgs } from 'node:util'

export const BENCH_IDS = ['B1', 'B2', 'B3', 'B4', 'B5', 'B6', 'B6-others', 'B7', 'B8', 'B9', 'B10', 'B11'] as const
export type BenchId = (typeof BENCH_IDS)[number]

/** What each bench is told. */
export type RunOptions = {
  /** Less of everything: about a minute. */
  readonly short: boolean
  /** Where to write processor profiles of the server (one a thread). They slow it down: its numbers don't count then. */
  readonly profileFolder?: string
}

export type BenchOptions = RunOptions & {
  readonly ids: readonly BenchId[]
  /** Keep the results in docs/benchmarks, and make the page anew. */
  readonly write: boolean
  /** Fail where the first measure is above it, twice over. Default: nothing fails. */
  readonly atMost?: number
  readonly help: boolean
}

export const USAGE = `npm run bench [-- ${BENCH_IDS.join(' ')}] [--short] [--write] [--at-most <ratio>] [--profile <folder>]

  B1                  processor time per delivered event, divided by that of a bare POST
  B2                  the same on PostgreSQL, its own time included
  B3                  the same with events published singly, divided by a bare POST and an empty call
  B4                  the same, divided by the best of what people otherwise write
  B5                  from an event being accepted to its first byte at the receiver, at a tenth of the peak rate
  B6                  p99 of healthy endpoints with others that hang and have much pending, divided by without them
  B6-others           what healthy events wait where others hang, beside what people otherwise write
  B7                  rate with 5,000,000 deliveries pending, divided by that with none; memory
  B8                  time to the first delivery after a start with 5,000,000 pending
  B9                  one event to 10,000 endpoints: its answer, and its time divided by that of bare POSTs
  B10                 bytes on disk per delivered event, on SQLite and on PostgreSQL
  B11                 what two and four nodes on one PostgreSQL carry, divided by what one does
  --short             fewer and shorter runs; so it is anyhow where none is named, since all of them take an hour
  --write             keep the results in docs/benchmarks, and make docs/benchmarks.md of them
  --at-most <ratio>   fail if the first measure is above it in two runs: for a look at every change
  --profile <folder>  write .cpuprofile files of the server's threads there; the numbers don't count then
  --help              this text`

/** Their first measure is the better the larger it is. */
const WITHOUT_BOUND: ReadonlySet<BenchId> = new Set(['B6-others', 'B7', 'B11'])

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
    const unknown = positionals.find(name => !isBenchId(name))
    if (unknown !== undefined) return `The bench does not know ${unknown}: it takes ${BENCH_IDS.join(', ')}.`
    const atMost = values['at-most'] === undefined ? undefined : Number(values['at-most'])
    if (atMost !== undefined && !(atMost > 0)) return '--at-most needs a number above 0 after it.'
    if (values.write && values.profile !== undefined) {
      return '--write keeps numbers that count, and with --profile they do not: run it twice.'
    }
    const ids = positionals.length > 0 ? positionals.filter(isBenchId) : BENCH_IDS
    const unbounded = atMost === undefined ? [] : ids.filter(id => WITHOUT_BOUND.has(id))
    if (unbounded.length > 0) {
      return `--at-most is for what is to be small, and ${unbounded.join(', ')} measure what is to be large: name others.`
    }
    return {
      ids,
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

const isBenchId = (name: string): name is BenchId => (BENCH_IDS as readonly string[]).includes(name)
