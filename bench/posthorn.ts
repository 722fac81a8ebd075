/** The real server, as `posthorn serve` starts it, with its defaults, in a process and a folder of its own. */
import { randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { spawnTethered, type Tethered } from '@posthorn/testkit'

export type Posthorn = {
  readonly url: string
  readonly apiKey: string
  readonly pid: number
  /** A call of the API; `path` from `/v1/` on. Throws unless it is answered with success within `timeoutMs` (10,000). */
  call<T>(method: string, path: string, body?: unknown, timeoutMs?: number): Promise<T>
  end(): Promise<unknown>
}

const CLI = fileURLToPath(new URL('../packages/server/src/cli.ts', import.meta.url))
const START_TIMEOUT_MS = 15_000
const CALL_TIMEOUT_MS = 10_000

export type PosthornOptions = {
  readonly profileFolder?: string | undefined
  /** Settings beside those of the bench, as environment variables. */
  readonly env?: Readonly<Record<string, string>>
}

export async function startPosthorn(caPem: string, options: PosthornOptions = {}): Promise<Posthorn> {
  const { profileFolder, env = {} } = options
  const folder = mkdtempSync(join(tmpdir(), 'posthorn-bench-'))
  const [caFile, data] = [join(folder, 'receiver-ca.pem'), join(folder, 'data')]
  mkdirSync(data)
  writeFileSync(caFile, caPem)
  const apiKey = env.POSTHORN_API_KEY ?? randomBytes(24).toString('base64url')
  const args = [CLI, 'serve', '--data', data, '--host', '127.0.0.1', '--port', '0', '--dev', '--extra-ca', caFile]
  const profile = profileFolder === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profileFolder}`]
  const child = spawnTethered(process.execPath, [...profile, ...args], {
    signal: 'SIGTERM',
    folder,
    env: {
      ...ownEnvironment(),
      POSTHORN_API_KEY: apiKey,
      POSTHORN_ENCRYPTION_KEY: randomBytes(32).toString('base64'),
      ...env,
    },
  })
  try {
    const [pid, url] = await Promise.all([child.pid, listening(child)])
    return { url, apiKey, pid, call: createCall(url, apiKey), end: () => child.end() }
  } catch (error) {
    await child.end()
    throw error
  }
}

/** Settings meant for another server (a database, a data folder) must not reach the bench's. */
function ownEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('POSTHORN_')))
}

/** Where the server listens. The log is read to its end, so that it never waits, but parsed only until then. */
async function listening(child: Tethered): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const timer = setTimeout(() => reject(new Error('The server did not listen in time.')), START_TIMEOUT_MS)
  let head = ''
  const onHead = (chunk: Buffer) => {
    head += chunk.toString()
    const url = /"url":"([^"]+)"[^\n]*"listening"/.exec(head)?.[1]
    if (url !== undefined) resolve(url.replace(/\/$/, ''))
  }
  child.stdout.on('data', onHead)
  child.stderr.on('data', onHead)
  void child.exited.then(code => reject(new Error(`The server ended (exit code ${code}).\n${head}`)), reject)
  try {
    return await promise
  } finally {
    clearTimeout(timer)
    for (const stream of [child.stdout, child.stderr]) stream.off('data', onHead).resume()
  }
}

function createCall(url: string, apiKey: string): Posthorn['call'] {
  return async <T>(method: string, path: string, body?: unknown, timeoutMs = CALL_TIMEOUT_MS): Promise<T> => {
    const response = await fetch(`${url}/v1/${path}`, {
      method,
      headers: { authorization: `Bearer ${apiKey}`, ...(body ? { 'content-type': 'application/json' } : {}) },
      signal: AbortSignal.timeout(timeoutMs),
      ...(body ? { body: JSON.stringify(body) } : {}),
    })
    const text = await response.text()
    if (!response.ok) throw new Error(`${method} /v1/${path} answered ${response.status}: ${text}`)
    return JSON.parse(text) as T
  }
}
