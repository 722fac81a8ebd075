/** The commands that ask a running server, over its API: `posthorn keys rotate`. */
import { isIPv6 } from 'node:net'
import { StartRefused } from '../base/start-refused.ts'
import type { Config } from '../config/config.ts'
import type { RotationState } from '../services/key-rotation.ts'
import type { CommandIo } from './command-io.ts'

const ASK_EVERY_MS = 500
const ANSWER_TIMEOUT_MS = 30_000
const EVERYWHERE: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' }

/** Where the server of this configuration answers, seen from the same machine. */
export function urlOfServer({ host, port }: Pick<Config, 'host' | 'port'>): string {
  const name = EVERYWHERE[host] ?? host
  return `http://${isIPv6(name) ? `[${name}]` : name}:${port}`
}

/**
 * Begins the replacement of the encryption key (docs/keys.md), and waits for its end.
 *
 * @param url of the server; undefined: where this configuration has it
 * Throws StartRefused if it can't be begun, or didn't come to a good end.
 */
export async function rotateKeys(
  config: Config,
  url: string | undefined,
  { stdout, clock }: Omit<CommandIo, 'stderr'>,
): Promise<void> {
  const base = url ?? urlOfServer(config)
  const call = (method: 'GET' | 'POST', path: string) => callServer(base, config.apiKey?.reveal(), method, path)
  let now = await call('POST', '/v1/encryption-keys/rotate')
  stdout.write(`The encryption key is being replaced: ${now.keys.join(', ')} are in use, the first one encrypts.\n`)
  while (now.state === 'running') {
    await new Promise<void>(resolve => void clock.after(ASK_EVERY_MS, resolve))
    now = await call('GET', '/v1/encryption-keys')
  }
  const { state, resealed, unreadable } = now
  if (state !== 'done') {
    throw new StartRefused(
      `It came to no end (${state}): see the server's log, then run this again. No key was dropped.`,
    )
  }
  stdout.write(`Done: the secrets of ${resealed} endpoints were encrypted anew.\n`)
  if (unreadable > 0) {
    const what = `No key opens the secrets of ${unreadable} endpoints`
    throw new StartRefused(
      `${what}: give each a new clientSecret, or put the key that they have back. All keys are kept.`,
    )
  }
  stdout.write(
    'Copy the key anew, to a place apart from backups of the data; keep the old one as long as older backups.\n',
  )
}

async function callServer(base: string, key: string | undefined, method: string, path: string): Promise<RotationState> {
  if (key === undefined) {
    throw new StartRefused('The API key is missing: put it into POSTHORN_API_KEY, so that the server can be asked.')
  }
  const answer = await reach(base, key, method, path)
  const body = (await answer.json().catch(() => null)) as (RotationState & { detail?: string }) | null
  if (answer.ok && body !== null) return body
  throw new StartRefused(body?.detail ?? `${base} answers ${answer.status}: name the Posthorn server with --url.`)
}

async function reach(base: string, key: string, method: string, path: string): Promise<Response> {
  try {
    const signal = AbortSignal.timeout(ANSWER_TIMEOUT_MS)
    return await fetch(new URL(path, base), { method, headers: { authorization: `Bearer ${key}` }, signal })
  } catch (error) {
    const hint = 'start it, or name it with --url'
    throw new StartRefused(`No server answers at ${base}: ${hint}.`, { cause: error })
  }
}
