import { type Command, InvalidArgumentError } from 'commander'
import { addCommand, withTenant } from '../command.ts'
import type { ListenFlags } from '../listen/command.ts'
import { parseTarget } from '../listen/target.ts'
import type { Terminal } from '../terminal/index.ts'

const MAX_TIMEOUT_SECONDS = 60

export function addListen(root: Command, terminal: Terminal): void {
  const command = addCommand(
    root,
    'listen',
    'Bring the events of a tenant to this machine, which needs no public address.',
    [
      ['posthorn listen --forward http://localhost:3000/hooks', 'Forward each event, with its headers and signature.'],
      ['posthorn listen --print', 'Show the events without a receiver.'],
      ["posthorn listen --forward 3000 --types 'COVER_*,GRADE_CHANGED'", 'Only these event types.'],
      ['posthorn listen --forward https://localhost:3443/hooks --skip-verify', 'To a certificate of your own making.'],
      ['posthorn listen --forward 3000 --name laptop', 'Keep the listener at the end, to resume it under this name.'],
      ['posthorn listen --print --json | jq \'select(.kind == "request")\'', 'For a script.'],
    ],
    { isEndless: true },
  )
    .option(
      '--forward <target>',
      'The URL of your receiver; a port alone is one on localhost. Default: events are shown.',
      toTarget,
    )
    .option('--types <type,...>', 'Event types or patterns, separated by commas. Default: all.', toTypes)
    .option('--print', 'Show each event with its headers and body. Without --forward, it is answered with 200.')
    .option('--skip-verify', 'Do not verify the certificate of your receiver.')
    .option('--name <name>', 'The name to listen under. The same name resumes what it left. Default: user@machine.')
    .option('--keep', 'Keep the listener when you quit (q, Ctrl-C), for a day. Default: only with --name.')
    .option('--no-keep', 'Delete the listener when you quit.')
    .option(
      '--timeout <seconds>',
      `How long your receiver can take, up to ${MAX_TIMEOUT_SECONDS}. Default: as any endpoint.`,
      toTimeout,
    )
    .addHelpText('after', HOW)
  // Commander would make a flag that can be negated true by default.
  command.setOptionValue('keep', undefined)
  withTenant(command, terminal, async (run, flags: ListenFlags) => {
    const { listen } = await import('../listen/command.ts')
    await listen(run, flags)
  })
}

const HOW = `
The listener is an endpoint of the tenant, with retries and a record of each attempt. Other endpoints notice nothing.
It needs an API key with the scope "all" that can see payloads; one for this tenant alone is enough.
Keys on a terminal: r replays the last request, f all that failed, a number and Enter that one, h lists the others.
`

function toTarget(text: string): URL {
  try {
    return parseTarget(text)
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message)
  }
}

function toTypes(text: string): string[] {
  const types = text.split(',').map(type => type.trim())
  if (types.includes(''))
    throw new InvalidArgumentError('Separate event types by commas, such as ORDER_PAID,ORDER_SENT.')
  return types
}

function toTimeout(text: string): number {
  const seconds = /^\d{1,2}$/.test(text) ? Number(text) : 0
  if (seconds >= 1 && seconds <= MAX_TIMEOUT_SECONDS) return seconds
  throw new InvalidArgumentError(`It must be a whole number of seconds, from 1 to ${MAX_TIMEOUT_SECONDS}.`)
}
