/** The commands that call the API of a running server: `posthorn keys rotate`. */
import { isIPv6 } from 'node:net'
import { StartRefused } from '../base/start-refused.ts'
import type { Config } from '../config/config.ts'
import type { RotationState } from '../services/key-rotation.ts'
import type { CommandIo } from './command-io.ts'

const ASK_EVERY_MS = 500
const ANSWER_TIMEOUT_MS = 30_000
const EVERYWHERE: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' }

/** The URL at which the configured server is reached from the same machine. */
export function urlOfServer({ host, port }: Pick<Config, 'host' | 'port'>): string {
  const name = EVERYWHERE[host] ?? host
  return `http://${isIPv6(name) ? `[${name}]` : name}:${port}`
}

/**
 * Starts replacing the encryption key (docs/keys.md) and waits until that is done. Throws StartRefused if it can't be
 * started or didn't succeed.
 *
 * @param url the server's URL. Default: the configured host and port
 */
export async function rotateKeys(
  config: Config,
  url: string | undefined,
  { stdout, clock }: Omit<CommandIo, 'stderr'>,
): Promise<void> {
  const base = url ?? urlOfServer(config)
  const call = (method: 'GET' | 'POST', path: string) => callServer(base, config.apiKey?.reveal(), method, path)
  let now = await call('POST', '/v1/encryption-keys/rotate')
  stdout.write(`Replacing the encryption key. Keys in use: ${now.keys.join(', ')} (the first one encrypts).\n`)
  while (now.state === 'running') {
    await new Promise<void>(resolve => void clock.after(ASK_EVERY_MS, resolve))
    now = await call('GET', '/v1/encryption-keys')
  }
  const { state, resealed, unreadable } = now
  if (state !== 'done') {
    throw new StartRefused(
      `The rotation did not finish (${state}): see the server's log, then run this command again. No key was removed.`,
    )
  }
  stdout.write(`Done: the secrets of ${resealed} endpoints are now encrypted with the new key.\n`)
  if (unreadable > 0) {
    const what = `No key can decrypt the secrets of ${unreadable} endpoints`
    throw new StartRefused(
      `${what}: give each a new clientSecret, or put back the key that encrypted them. All keys are kept.`,
    )
  }
  stdout.write(
    'Store a copy of the new key separately from your backups. Keep the old key for as long as you keep backups made ' +
      'before now.\n',
  )
}

async function callServer(base: string, key: string | undefined, method: string, path: string): Promise<RotationState> {
  if (key === undefined) {
    throw new StartRefused('The API key is missing: set POSTHORN_API_KEY to the root API key.')
  }
  const answer = await reach(base, key, method, path)
  const body = (await answer.json().catch(() => null)) as (RotationState & { detail?: string }) | null
  if (answer.ok && body !== null) return body
  throw new StartRefused(
    body?.detail ?? `${base} responded with ${answer.status}, unlike a Posthorn server: specify the server with --url.`,
  )
}

async function reach(base: string, key: string, method: string, path: string): Promise<Response> {
  try {
    const signal = AbortSignal.timeout(ANSWER_TIMEOUT_MS)
    return await fetch(new URL(path, base), { method, headers: { authorization: `Bearer ${key}` }, signal })
  } catch (error) {
    const hint = 'start the server, or specify another one with --url'
    throw new StartRefused(`No server responds at ${base}: ${hint}.`, { cause: error })
  }
}
