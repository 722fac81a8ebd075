/** What `endpoints create`, `check` and `update` take: the members of an endpoint, as flags or as a file of JSON. */
import type { CreateEndpointBody, UpdateEndpointBody } from '@posthorn/client'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { EXIT } from '../../exit.ts'
import { readJsonObject, readJsonValue, readSecret } from '../../input.ts'
import { Problem } from '../../problem.ts'
import type { Terminal } from '../../terminal/index.ts'
import { repeated, several } from '../values.ts'

export type EndpointFlags = {
  readonly body?: string
  readonly newUrl?: string
  readonly secretFile?: string
  readonly signingSecretFile?: string
  readonly uid?: string
  readonly name?: string
  readonly description?: string
  readonly types?: readonly string[]
  readonly filter?: string
  readonly header?: readonly string[]
  readonly metadata?: readonly string[]
  readonly schedule?: readonly number[]
  readonly timeout?: number
  readonly rate?: { readonly requests: number; readonly perSeconds: number }
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
      '--secret-file <file>',
      'A file with its clientSecret; - is standard input. Never an argument: others see those.',
    )
    .option('--uid <uid>', 'Your own id of it.')
    .option('--name <name>', 'A name for people.')
    .option('--description <text>', 'What it is for.')
    .option('--types <type>', 'The event types that it receives, or patterns such as ORDER_*. Default: all.', several)
    .option('--filter <json>', 'Conditions on the payload, as JSON or @file.')
    .option('--header <header>', 'An extra request header, "Name: value". Secret ones go into --body.', repeated)
    .option('--metadata <label>', 'A label of your own, name=value.', repeated)
    .option('--schedule <seconds>', 'Seconds before each retry: 30,60,120.', numbers)
    .option('--timeout <time>', 'How long it can take to respond: 15s, 500ms.', milliseconds)
    .option('--rate <rate>', 'At most this many requests in this many seconds: 100/60.', rate)
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
  if (flags.body === '-' && (flags.secretFile === '-' || flags.signingSecretFile === '-')) {
    throw new Problem('Standard input can be read once: give --body or the secret as a file.', EXIT.usage)
  }
  const body = flags.body === undefined ? {} : await readJsonObject(flags.body, terminal)
  const { uid, name, description, types, schedule, ordered } = flags
  const members: Record<string, unknown> = {
    url,
    clientSecret:
      flags.secretFile === undefined ? undefined : await readSecret(flags.secretFile, 'clientSecret', terminal),
    signingSecret:
      flags.signingSecretFile === undefined
        ? undefined
        : await readSecret(flags.signingSecretFile, 'signingSecret', terminal),
    uid,
    name,
    description,
    types,
    filter: flags.filter === undefined ? undefined : await readJsonValue(flags.filter, '--filter', terminal),
    headers: flags.header?.length ? Object.fromEntries(flags.header.map(readHeader)) : undefined,
    metadata: flags.metadata?.length ? Object.fromEntries(flags.metadata.map(readLabel)) : undefined,
    schedule,
    timeoutMs: flags.timeout,
    rateLimit: flags.rate,
    ordered,
    ...Object.fromEntries((flags.clear ?? []).map(member => [checkResettable(member), null])),
  }
  return { ...body, ...Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) }
}

/** Headers whose value is a secret by their name: an argument would show it to others. */
const SECRET_NAME = /auth|token|secret|key|password|cookie|signature|credential/i

function readHeader(text: string): [name: string, value: string] {
  const [, name, value] = /^([^:\s]+):\s*(.*)$/.exec(text) ?? []
  if (name === undefined || value === undefined) {
    throw new Problem('--header must be a name and a value, such as "X-Team: orders".', EXIT.usage)
  }
  if (SECRET_NAME.test(name)) {
    throw new Problem(
      `The value of ${name} might be a secret, and arguments can be seen by others. Put it into the file of --body: ` +
        `{"headers": {"${name}": {"value": "…", "secret": true}}}.`,
      EXIT.usage,
    )
  }
  return [name, value]
}

function readLabel(text: string): [name: string, value: string] {
  const at = text.indexOf('=')
  if (at < 1) throw new Problem('--metadata must be a name and a value, such as team=orders.', EXIT.usage)
  return [text.slice(0, at), text.slice(at + 1)]
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

function milliseconds(text: string): number {
  const [, count, unit] = /^(\d+(?:\.\d+)?) ?(ms|s)$/.exec(text) ?? []
  if (count === undefined) throw new InvalidArgumentError('It must be a duration such as 15s or 500ms.')
  return Math.round(Number(count) * (unit === 's' ? 1_000 : 1))
}

function rate(text: string): { requests: number; perSeconds: number } {
  const [, requests, perSeconds] = /^(\d+)\/(\d+)$/.exec(text) ?? []
  if (requests === undefined) throw new InvalidArgumentError('It must be requests/seconds, as in 100/60.')
  return { requests: Number(requests), perSeconds: Number(perSeconds) }
}
