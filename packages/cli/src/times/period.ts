/** `--since` and `--until`: the period that a command is about. */
import { type Command, Option } from 'commander'
import { EXIT } from '../exit.ts'
import { Problem } from '../problem.ts'
import type { Terminal } from '../terminal/index.ts'
import { type Now, readMoment } from './moments.ts'
import { formatMoment, localZone } from './zones.ts'

export type PeriodFlags = {
  readonly since?: string
  readonly until?: string
  readonly from?: string
  readonly to?: string
  readonly utc?: boolean
}

export type Period = {
  /** Included. Undefined: from the beginning. */
  readonly from: Date | undefined
  /** Not included. Undefined: up to now. */
  readonly to: Date | undefined
  /** Such as `since 2026-11-30 06:00 +01:00 (Europe/Berlin)`. Null if nothing was given. */
  readonly words: string | null
}

const FORMS =
  'Local time (UTC with --utc): 06:00, yesterday 18:30, 2h (ago), 2026-11-28, or with a zone: 2026-11-28T06:00:00Z.'

/** @param what is in the period, such as "created" */
export function addPeriod(command: Command, what: string): Command {
  return command
    .option('--since <time>', `Only what was ${what} then or later. ${FORMS}`)
    .option('--until <time>', `Only what was ${what} before then.`)
    .addOption(new Option('--from <time>', "The API's word for --since.").conflicts('since').hideHelp())
    .addOption(new Option('--to <time>', "The API's word for --until.").conflicts('until').hideHelp())
}

/** Reads the period. Throws Problem for anything that is no time, and for a period without a moment in it. */
export function readPeriod(flags: PeriodFlags, { clock }: Pick<Terminal, 'clock'>): Period {
  const now: Now = { nowMs: clock.now(), zone: flags.utc === true ? 'UTC' : localZone() }
  const [since, until] = [flags.since ?? flags.from, flags.until ?? flags.to]
  const fromMs = since === undefined ? undefined : readMoment(since, now)
  const toMs = until === undefined ? undefined : readMoment(until, now)
  if (fromMs !== undefined && fromMs >= (toMs ?? now.nowMs)) {
    const end = toMs === undefined ? 'now' : `--until ${until} (${formatMoment(toMs, now.zone)})`
    throw new Problem(
      `--since ${since} (${formatMoment(fromMs, now.zone)}) is not before ${end}, so nothing is in between.`,
      EXIT.usage,
    )
  }
  const words = [
    ...(fromMs === undefined ? [] : [`since ${formatMoment(fromMs, now.zone)}`]),
    ...(toMs === undefined ? [] : [`until ${formatMoment(toMs, now.zone)}`]),
  ]
  return {
    from: fromMs === undefined ? undefined : new Date(fromMs),
    to: toMs === undefined ? undefined : new Date(toMs),
    words: words.length === 0 ? null : words.join(' '),
  }
}
