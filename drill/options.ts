/** Parses the drill's command line. */
export type DrillOptions = {
  readonly failovers: number
  readonly poolMode: 'session' | 'transaction'
  readonly help: boolean
}

export const USAGE = `npm run drill [-- --failovers <n>] [--pool-mode session|transaction]

  --failovers <n>     number of failovers, 1 to 1000 (default: 10)
  --pool-mode <mode>  mode of the pooler between the nodes and PostgreSQL (default: session)
  --help              show this help`

/** Returns the options, or a message that says what is wrong with them. */
export function parseOptions(args: readonly string[]): DrillOptions | string {
  let failovers = 10
  let poolMode: DrillOptions['poolMode'] = 'session'
  let help = false
  for (let at = 0; at < args.length; at++) {
    const arg = args[at]
    if (arg === '--help') help = true
    else if (arg === '--failovers') {
      failovers = Number(args[++at])
      if (!Number.isInteger(failovers) || failovers < 1 || failovers > 1_000) {
        return '--failovers needs a whole number from 1 to 1000.'
      }
    } else if (arg === '--pool-mode') {
      const mode = args[++at]
      if (mode !== 'session' && mode !== 'transaction') return '--pool-mode must be session or transaction.'
      poolMode = mode
    } else return `Unknown option "${arg}". The options are --failovers, --pool-mode and --help.`
  }
  return { failovers, poolMode, help }
}
