/** The options of the demo's command line. */
export type DemoOptions = {
  /** End once nothing is pending, with one line of JSON. Default: run until Ctrl-C. */
  readonly exit: boolean
  /** Run three nodes on one PostgreSQL database, and kill one of them, instead of one node with the embedded store. */
  readonly cluster: boolean
  readonly help: boolean
}

export const USAGE = `npm run demo [-- --cluster] [--exit]

  --cluster  Run three nodes on one PostgreSQL database and publish 5,000 events; kill a node while they run, and add one.
  --exit     End once nothing is pending, within 30 seconds (45 with --cluster); the last line is a summary as JSON.
  --help     Show this help.`

const KNOWN = ['--cluster', '--exit', '--help']

/** Returns the options, or a sentence that says what is wrong with them. */
export function parseOptions(args: readonly string[]): DemoOptions | string {
  const unknown = args.filter(arg => !KNOWN.includes(arg))
  if (unknown.length > 0) {
    return `Unknown option ${unknown.join(' ')}: the demo takes only --cluster, --exit and --help.`
  }
  return { exit: args.includes('--exit'), cluster: args.includes('--cluster'), help: args.includes('--help') }
}
