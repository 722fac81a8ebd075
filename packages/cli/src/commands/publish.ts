/** `posthorn publish`: one event, or all events of a file or of standard input (publish/). */
import { type Command, InvalidArgumentError, Option } from 'commander'
import { addCommand, type ServerRun, wholeNumber, withServer } from '../command.ts'
import { EXIT } from '../exit.ts'
import { Problem } from '../problem.ts'
import type { Terminal } from '../terminal/terminal.ts'

const ON_ERROR = ['stop', 'skip'] as const

export type PublishFlags = {
  readonly tenant?: string
  readonly key?: string
  readonly file?: string
  readonly rate?: number
  readonly onError?: (typeof ON_ERROR)[number]
  readonly run?: string
  readonly resume?: string
  readonly fromLine?: number
  readonly url?: string
  readonly profile?: string
}

export function addPublish(root: Command, terminal: Terminal): void {
  const command = addCommand(
    root,
    'publish [type] [payload]',
    'Publish an event, or all events of a file or of standard input.',
    [
      ['posthorn publish order.shipped \'{"id":7}\' --tenant acme --key order-7-shipped', 'One event.'],
      ['posthorn publish order.shipped @payload.json --tenant acme', 'Its payload from a file; - is standard input.'],
      ['posthorn publish --file events.ndjson --tenant acme --rate 500', 'Many, 500 a second.'],
      ['posthorn publish --file - --on-error skip', 'From standard input, where each line has its own "tenant".'],
    ],
  )
    .option(
      '--tenant <tenant>',
      'The tenant of events that do not have their own. Default: POSTHORN_TENANT, or the profile’s.',
    )
    .option('--key <key>', 'The event’s key: publishing it again with this key adds no event.')
    .option('--file <file>', 'NDJSON: a line for each event, like {"type":"…","payload":…,"key":"…","tenant":"…"}.')
    .option('--rate <n>', 'How many events to publish a second. Default: as many as the server takes.', parseRate)
    .addOption(
      new Option(
        '--on-error <what>',
        'What to do at a line that is no event, or that is refused. Default: stop.',
      ).choices(ON_ERROR),
    )
    .option('--run <run>', 'A name for this run. Keys of lines without one are made of it. Default: a new one.')
    .option('--resume <run>', 'Continue a run where it stopped, with the same input.')
    .option('--from-line <n>', 'Leave out the lines before this one.', wholeNumber)
  withServer(command, terminal, async (run, flags: PublishFlags, type?: string, payload?: string) => {
    requireOneForm(type, flags, terminal)
    if (type !== undefined) return publishOne(run, flags, type, payload)
    const { publishMany } = await import('../publish/many.ts')
    await publishMany(run, flags)
  })
}

function requireOneForm(type: string | undefined, flags: PublishFlags, { stdin }: Terminal): void {
  const many = (['file', 'rate', 'onError', 'run', 'resume', 'fromLine'] as const).filter(
    flag => flags[flag] !== undefined,
  )
  const [first] = many.map(flag => `--${flag.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)}`)
  if (type !== undefined && first !== undefined) {
    throw new Problem(
      `${first} is for many events, which have their types in the file. Leave out ${first}, or ${type}.`,
      EXIT.usage,
    )
  }
  if (type === undefined && flags.key !== undefined) {
    throw new Problem('--key is for one event. Many events have their keys in the file.', EXIT.usage)
  }
  if (flags.resume !== undefined && (flags.run ?? flags.fromLine) !== undefined) {
    throw new Problem('--resume continues a run where it stopped: leave out --run and --from-line.', EXIT.usage)
  }
  if (type === undefined && many.length === 0 && stdin.isTTY === true) {
    throw new Problem(
      'Say what to publish: a type and a payload, or --file with events. See posthorn publish --help.',
      EXIT.usage,
    )
  }
}

async function publishOne(run: ServerRun, flags: PublishFlags, type: string, given?: string): Promise<void> {
  const { posthorn, out, tenant, terminal } = run
  if (tenant === null) throw new Problem('No tenant is chosen. Use --tenant, or set POSTHORN_TENANT.', EXIT.usage)
  if (given === undefined) {
    throw new Problem(
      `The payload is missing: posthorn publish ${type} '{…}', or @file, or - for standard input.`,
      EXIT.usage,
    )
  }
  const payload = await readPayload(given, terminal)
  const { publishRaw } = await import('../publish/one.ts')
  const published = await publishRaw(posthorn, tenant, { type, payload, key: flags.key ?? null })
  const { id, duplicate, deliveries } = published
  // A proxy can respond with other JSON. That an event is published must not be said then.
  if (typeof id !== 'string') {
    throw new Problem(`${run.url}: The response is not that of Posthorn. Check the URL.`, EXIT.unreachable)
  }
  if (out.isJson) return out.json(published)
  if (duplicate === true) return out.say(`${id} was published before with this key. Nothing was added.`)
  const count = deliveries === 1 ? '1 delivery' : `${deliveries ?? 'its'} deliveries`
  await out.say(deliveries === null ? `${id}. Its deliveries are being created.` : `${id}, with ${count}.`)
}

async function readPayload(given: string, { stdin }: Terminal): Promise<string> {
  const { readFile } = await import('node:fs/promises')
  const { buffer } = await import('node:stream/consumers')
  const from = given === '-' ? 'Standard input' : given.startsWith('@') ? given.slice(1) : 'The payload'
  const bytes =
    given === '-' ? await buffer(stdin) : given.startsWith('@') ? await readFile(given.slice(1)) : Buffer.from(given)
  try {
    // The decoder leaves a byte order mark out. The text is published as it is: only whether it is JSON is looked at.
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    JSON.parse(text)
    return text.trim()
  } catch (error) {
    throw new Problem(`${from} is not JSON: ${(error as Error).message}`, EXIT.usage)
  }
}

function parseRate(text: string): number {
  const rate = /^\d{1,7}(?:\.\d{1,3})?$/.test(text) ? Number(text) : 0
  if (rate === 0) throw new InvalidArgumentError('It must be a number of events a second, more than 0.')
  return rate
}
