/** `posthorn token inspect`: what a token says, and what Posthorn would say to it as a clientSecret (C7, C8). */
import { existsSync } from 'node:fs'
import {
  addCommand,
  addNoun,
  EXIT,
  formatRelative,
  formatUtc,
  Problem,
  plain,
  type Run,
  readSecret,
  type Terminal,
  withNothing,
} from '@posthorn/cli'
import type { Command } from 'commander'
import { adviseOnSecret, checkClientSecret, type ReadToken, readToken } from '../secrets/client-secret.ts'

export function addToken(root: Command, terminal: Terminal): void {
  const noun = addNoun(root, 'token', 'Look at tokens. Needs no server.')
  const inspect = addCommand(noun, 'inspect [file]', 'Show what a JWT says, and advise on it as a clientSecret.', [
    ['posthorn token inspect token.txt', 'From a file.'],
    ['posthorn token inspect', 'Asks for it, and does not show it.'],
    ['posthorn token inspect --json < token.txt', 'From standard input, for a script.'],
  ]).addHelpText(
    'after',
    '\nThe token is never shown, sent or logged, and not verified: only its owner has the key. The exit code is 1 if it' +
      '\ncannot be a clientSecret, otherwise 0, whatever there is to advise.\n',
  )
  withNothing(inspect, terminal, async (run, _flags: object, given?: string) => {
    const file = given ?? '-'
    requireFile(file)
    await report(run, await readSecret(file, 'token', terminal))
  })
}

/** An argument is in the process list and the shell's history. If it is the token itself, no error may show it again. */
function requireFile(file: string): void {
  if (file === '-' || existsSync(file)) return
  throw new Problem(
    'There is no such file. If the argument is the token itself, others can see it: write it to standard input ' +
      'instead, and replace it if others use this machine.',
    EXIT.usage,
  )
}

async function report(run: Run, secret: string): Promise<void> {
  const { out, terminal } = run
  const nowMs = terminal.clock.now()
  const check = checkClientSecret(secret)
  const token = readToken(secret)
  if (!check.ok) run.exitCode = EXIT.refused
  const use = { secret, typeCount: 1, otherEndpointHasIt: false, nowMs }
  const warnings = check.ok ? adviseOnSecret(use) : []
  const kind = token === undefined ? 'secret' : 'jwt'
  if (out.isJson) return out.json(toJson({ kind, length: secret.length, token, check, warnings }))
  const say = (name: string, text: string) => out.say(`${out.paint('quiet', name.padEnd(12))}${text}`)
  await say(
    'kind',
    token === undefined
      ? 'a secret that is no JWT'
      : `JWT${token.algorithm === null ? '' : ` (${token.algorithm})`}, not verified`,
  )
  await say('length', `${secret.length} characters`)
  if (token !== undefined) {
    await say('issued', timeOf(token.issuedAtMs, nowMs))
    if (token.notBeforeMs !== null) await say('valid from', timeOf(token.notBeforeMs, nowMs))
    await say('expires', expiryOf(token, nowMs))
    for (const [name, value] of Object.entries(token.claims)) {
      if (!TIMES.includes(name)) await say(plain(name), plain(JSON.stringify(value)))
    }
  }
  await out.say('')
  if (!check.ok) await out.say(out.paint('bad', `It cannot be a clientSecret. ${check.detail}`))
  else if (warnings.length === 0)
    await out.say(out.paint('good', 'It can be a clientSecret, and there is nothing to warn of.'))
  else await out.say('It can be a clientSecret. Registering it would warn:')
  for (const { code, detail } of warnings) await out.say(`  ${out.paint('doubtful', code)}: ${detail}`)
  if (check.ok)
    await out.say(
      'Whether another endpoint has it too, and for how many types it is used, shows when it is registered.',
    )
}

const TIMES: readonly string[] = ['iat', 'nbf', 'exp']

const timeOf = (atMs: number | null, nowMs: number): string =>
  atMs === null ? 'not said' : `${formatRelative(atMs, nowMs)} (${formatUtc(atMs)})`

/** A receiver would refuse a token whose `exp` is no time: that it never expires would be the wrong thing to say. */
function expiryOf({ expiresAtMs, claims }: ReadToken, nowMs: number): string {
  if (expiresAtMs !== null) return timeOf(expiresAtMs, nowMs)
  return 'exp' in claims ? `not readable: exp is no time in seconds (${plain(JSON.stringify(claims.exp))})` : 'never'
}

type Found = {
  readonly kind: 'jwt' | 'secret'
  readonly length: number
  readonly token: ReadToken | undefined
  readonly check: ReturnType<typeof checkClientSecret>
  readonly warnings: ReturnType<typeof adviseOnSecret>
}

function toJson({ kind, length, token, check, warnings }: Found): object {
  const time = (atMs: number | null | undefined) =>
    atMs === null || atMs === undefined ? null : new Date(atMs).toISOString()
  return {
    kind,
    length,
    algorithm: token?.algorithm ?? null,
    claims: token?.claims ?? null,
    issuedAt: time(token?.issuedAtMs),
    notBefore: time(token?.notBeforeMs),
    expiresAt: time(token?.expiresAtMs),
    allowed: check.ok,
    position: check.ok ? null : check.position,
    detail: check.ok ? null : check.detail,
    warnings,
  }
}
