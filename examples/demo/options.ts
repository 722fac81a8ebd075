/** What the demo's command line says. */
export type DemoOptions = {
  /** End once nothing is pending, with one line of JSON. Default: stay up until Ctrl-C. */
  readonly exit: boolean
  readonly help: boolean
}

export const USAGE = `npm run demo [-- --exit]

  --exit   end by itself once nothing is pending, within 30 seconds, and print a summary as JSON last
  --help   this text`

/** The options, or a sentence that says what is wrong with them. */
export function parseOptions(args: readonly string[]): DemoOptions | string {
  const unknown = args.filter(arg => arg !== '--exit' && arg !== '--help')
  if (unknown.length > 0) return `The demo does not know ${unknown.join(' ')}: it takes only --exit and --help.`
  return { exit: args.includes('--exit'), help: args.includes('--help') }
}
