/** What the demo's command line says. */
export type DemoOptions = {
  /** End once nothing is pending, with one line of JSON. Default: stay up until Ctrl-C. */
  readonly exit: boolean
  /** Three nodes on a PostgreSQL, one of them killed, instead of one with a store of its own. */
  readonly cluster: boolean
  readonly help: boolean
}

export const USAGE = `npm run demo [-- --cluster] [--exit]

  --cluster  three nodes on one PostgreSQL and 5,000 events; one node is killed on the way, another added
  --exit     end by itself once nothing is pending, within 30 seconds (45 with --cluster), with a summary as JSON last
  --help     this text`

const KNOWN = ['--cluster', '--exit', '--help']

/** The options, or a sentence that says what is wrong with them. */
export function parseOptions(args: readonly string[]): DemoOptions | string {
  const unknown = args.filter(arg => !KNOWN.includes(arg))
  if (unknown.length > 0) {
    return `The demo does not know ${unknown.join(' ')}: it takes only --cluster, --exit and --help.`
  }
  return { exit: args.includes('--exit'), cluster: args.includes('--cluster'), help: args.includes('--help') }
}
