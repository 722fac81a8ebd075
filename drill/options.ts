/** What the drill's command line says. */
export type DrillOptions = {
  readonly failovers: number
  readonly poolMode: 'session' | 'transaction'
  readonly help: boolean
}

export const USAGE = `npm run drill [-- --failovers <n>] [--pool-mode session|transaction]

  --failovers <n>     how many times to fail over, 1 to 1000; 10 unless told
  --pool-mode <mode>  of the pooler between the nodes and PostgreSQL; session unless told
  --help              this text`

/** The options, or a sentence that says what is wrong with them. */
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
        return '--failovers needs a whole number from 1 to 1000 after it.'
      }
    } else if (arg === '--pool-mode') {
      const mode = args[++at]
      if (mode !== 'session' && mode !== 'transaction') return '--pool-mode needs session or transaction after it.'
      poolMode = mode
    } else return `The drill does not know ${arg}: it takes --failovers, --pool-mode and --help.`
  }
  return { failovers, poolMode, help }
}
