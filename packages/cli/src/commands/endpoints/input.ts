/** What `endpoints create`, `check` and `update` take: the members of an endpoint, as flags or as a file of JSON. */
import type { CreateEndpointBody, UpdateEndpointBody } from '@posthorn/client'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { wholeNumber } from '../../command.ts'
import { EXIT } from '../../exit.ts'
import { readJsonObject, readJsonValue, readSecret } from '../../input.ts'
import { Problem } from '../../problem.ts'
import type { Terminal } from '../../terminal/index.ts'
import { label, rateLimit, several } from '../values.ts'

export type EndpointFlags = {
  readonly body?: string
  readonly newUrl?: string
  readonly clientSecretFile?: string
  readonly signingSecretFile?: string
  readonly uid?: string
  readonly name?: string
  readonly description?: string
  readonly types?: readonly string[]
  readonly filter?: string
  readonly headers?: string
  readonly metadata?: Readonly<Record<string, string>>
  readonly schedule?: readonly number[]
  readonly timeoutMs?: number
  readonly rateLimit?: { readonly requests: number; readonly perSeconds: number }
  readonly ordered?: boolean
  readonly clear?: readonly string[]
}

/** Members that null resets (`--clear`). */
const RESETTABLE = [
  'uid',
  'name',
  'description',
  'types',
  'filter',
  'metadata',
  'headers',
  'signatureHeaders',
  'schedule',
  'timeoutMs',
  'rateLimit',
  'clientCertificate',
  'oauth',
] as const

export function addMembers(command: Command): Command {
  return command
    .option('--body <file>', 'A file with the endpoint as JSON, with the members of the API; - is standard input.')
    .option(
      '--client-secret-file <file>',
      'A file with its clientSecret; - is standard input. Never an argument: others see those.',
    )
    .option('--uid <uid>', 'Your own id of it.')
    .option('--name <name>', 'A name for people.')
    .option('--description <text>', 'What it is for.')
    .option('--types <type>', 'The event types that it receives, or patterns such as ORDER_*. Default: all.', several)
    .option('--filter <json>', 'Conditions on the payload, as JSON or @file.')
    .option('--headers <file>', 'A file with extra request headers as JSON, as their values can be secrets.')
    .option('--metadata <label=value>', 'A label of your own. Can be repeated.', label)
    .option('--schedule <seconds>', 'Seconds before each retry: 30,60,120.', numbers)
    .option('--timeout-ms <milliseconds>', 'How long it can take to respond.', wholeNumber)
    .option('--rate-limit <requests/seconds>', 'At most this many requests in this many seconds: 100/60.', rateLimit)
    .option('--ordered', 'Send one delivery at a time, in the order of publishing.')
    .addOption(new Option('--no-ordered').hideHelp())
}

export function addClearing(command: Command): Command {
  return command.option('--clear <member>', `Reset these members: ${RESETTABLE.join(', ')}.`, several)
}

/**
 * The body of the call. Flags come before what the file says. Reads standard input, so call it once.
 *
 * @param url of the endpoint. It is no flag called `--url`, which chooses the server that gets the API key.
 */
export async function readMembers(
  flags: EndpointFlags,
  terminal: Terminal,
  url: string | undefined,
): Promise<CreateEndpointBody & UpdateEndpointBody> {
  const { clientSecretFile, signingSecretFile } = flags
  const fromInput = [
    flags.body,
    clientSecretFile,
    signingSecretFile,
    flags.headers,
    flags.filter?.replace(/^@/, ''),
  ].filter(each => each === '-')
  if (fromInput.length > 1) {
    throw new Problem('Standard input can be read once: give all but one of them as files.', EXIT.usage)
  }
  const body = flags.body === undefined ? {} : await readJsonObject(flags.body, terminal)
  const { uid, name, description, types, schedule, ordered } = flags
  const members: Record<string, unknown> = {
    url,
    clientSecret:
      flags.clientSecretFile === undefined
        ? undefined
        : await readSecret(flags.clientSecretFile, 'clientSecret', terminal),
    signingSecret:
      flags.signingSecretFile === undefined
        ? undefined
        : await readSecret(flags.signingSecretFile, 'signingSecret', terminal),
    uid,
    name,
    description,
    types,
    filter: flags.filter === undefined ? undefined : await readJsonValue(flags.filter, '--filter', terminal),
    headers: flags.headers === undefined ? undefined : await readJsonObject(flags.headers, terminal),
    metadata: flags.metadata,
    schedule,
    timeoutMs: flags.timeoutMs,
    rateLimit: flags.rateLimit,
    ordered,
    ...Object.fromEntries((flags.clear ?? []).map(member => [checkResettable(member), null])),
  }
  return { ...body, ...Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) }
}

function checkResettable(member: string): string {
  if ((RESETTABLE as readonly string[]).includes(member)) return member
  throw new Problem(`--clear ${member}: it must be one of ${RESETTABLE.join(', ')}.`, EXIT.usage)
}

function numbers(text: string): number[] {
  const values = text.split(',').map(each => each.trim())
  if (values.every(each => /^\d+(\.\d+)?$/.test(each))) return values.map(Number)
  throw new InvalidArgumentError('It must be seconds, separated by commas, as in 30,60,120.')
}
