/** What the bench's command line says. */
export const BENCH_IDS = ['B1', 'B2', 'B7', 'B8', 'B10', 'B11'] as const
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
  readonly help: boolean
}

export const USAGE = `npm run bench [-- ${BENCH_IDS.join(' ')}] [--short] [--profile <folder>]

  B1                  processor time per delivered event, divided by that of a bare POST
  B2                  the same on PostgreSQL, its own time included
  B7                  rate with 5,000,000 deliveries pending, divided by that with none; memory
  B8                  time to the first delivery after a start with 5,000,000 pending
  B10                 bytes on disk per delivered event, on SQLite and on PostgreSQL
  B11                 what two and four nodes on one PostgreSQL carry, divided by what one does
  --short             fewer and shorter runs
  --profile <folder>  write .cpuprofile files of the server's threads there; the numbers don't count then
  --help              this text`

/** The options, or a sentence that says what is wrong with them. */
export function parseOptions(args: readonly string[]): BenchOptions | string {
  const ids: BenchId[] = []
  const options: { short: boolean; help: boolean; profileFolder?: string } = { short: false, help: false }
  for (let at = 0; at < args.length; at++) {
    const arg = args[at]!
    const id = BENCH_IDS.find(known => known === arg)
    if (id !== undefined) ids.push(id)
    else if (arg === '--short') options.short = true
    else if (arg === '--help') options.help = true
    else if (arg === '--profile') {
      const folder = args[++at]
      if (folder === undefined) return '--profile needs a folder after it.'
      options.profileFolder = folder
    } else return `The bench does not know ${arg}: it takes ${BENCH_IDS.join(', ')}, --short, --profile and --help.`
  }
  return { ids: ids.length > 0 ? ids : BENCH_IDS, ...options }
}
