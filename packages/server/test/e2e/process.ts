import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Authority, createAuthority } from '@posthorn/testkit'

export const API_KEY = 'test-api-key-0123456789'
export const SECRET = 'c2VjcmV0LXRva2VuLXdpdGgtcGFkZGluZw=='
const CLI = fileURLToPath(new URL('../../src/cli.ts', import.meta.url))
/** The part of the tests' environment that is passed to servers. */
const SURROUNDINGS = { PATH: process.env.PATH ?? '', NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? '' }

type Ended = { readonly code: number | null; readonly stdout: string; readonly stderr: string }

/** A real server process, and calls to its API. */
export type ServerProcess = {
  readonly url: string
  readonly output: () => string
  readonly ended: Promise<Ended>
  kill(signal: 'SIGKILL' | 'SIGTERM' | 'SIGSTOP' | 'SIGCONT' | 'SIGUSR2'): void
  call<T = unknown>(
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<{ status: number; body: T; headers: Headers }>
}

export type Place = {
  readonly folder: string
  readonly data: string
  readonly ca: string
  readonly authority: Authority
  /** The processes started here, so that a failed test leaves none behind. */
  readonly children: ChildProcess[]
}

export async function inPlace<T>(use: (place: Place) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'posthorn-e2e-'))
  const authority = await createAuthority()
  const ca = join(folder, 'ca.pem')
  await writeFile(ca, authority.caPem)
  const children: ChildProcess[] = []
  try {
    return await use({ folder, data: join(folder, 'data'), ca, authority, children })
  } finally {
    for (const child of children) child.kill('SIGKILL')
    await rm(folder, { recursive: true, force: true })
  }
}

export type ServeOptions = {
  readonly flags?: readonly string[]
  readonly env?: Record<string, string>
  /** Whether development mode is on. Default: true. */
  readonly dev?: boolean
  /** The maximum size of the process's files, in the shell's blocks of 512 or 1,024 bytes. Simulates a full disk. */
  readonly fileLimit?: number | undefined
}

/** Starts `posthorn serve`, and doesn't wait. */
export function spawnServe(
  { data, ca, children }: Place,
  flags: readonly string[],
  { env = {}, dev = false, fileLimit }: Omit<ServeOptions, 'flags'> = {},
): ChildProcess {
  const port = flags.includes('--port') ? [] : ['--port', '0']
  const mode = dev ? ['--dev'] : []
  const args = [CLI, 'serve', '--data', data, ...port, ...mode, '--extra-ca', ca, ...flags]
  const command = fileLimit === undefined ? [] : ['sh', '-c', `ulimit -f ${fileLimit}; exec "$@"`, 'sh']
  const [program, ...rest] = [...command, process.execPath, ...args]
  const child = spawn(program!, rest, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...SURROUNDINGS, POSTHORN_API_KEY: API_KEY, ...env },
  })
  children.push(child)
  return child
}

/** Starts `posthorn serve`. Resolves once it listens, or has ended without listening. */
export async function serve(
  place: Place,
  { flags = [], env = {}, dev = true, fileLimit }: ServeOptions = {},
): Promise<ServerProcess | Ended> {
  const child = spawnServe(place, flags, { env, dev, fileLimit })
  let stdout = ''
  let stderr = ''
  const listening = Promise.withResolvers<string>()
  child.stdout!.on('data', (chunk: Buffer) => {
    stdout += chunk
    const url = /"url":"([^"]+)".*"msg":"listening"/.exec(stdout)?.[1]
    if (url !== undefined) listening.resolve(url)
  })
  child.stderr!.on('data', (chunk: Buffer) => {
    stderr += chunk
  })
  const ended = new Promise<Ended>(resolve => child.once('close', code => resolve({ code, stdout, stderr })))
  const first = await Promise.race([listening.promise, ended])
  if (typeof first !== 'string') return first
  return {
    url: first,
    output: () => stdout + stderr,
    ended,
    kill: signal => void child.kill(signal),
    async call<T>(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
      const response = await fetch(`${first}/v1${path}`, {
        method,
        headers: {
          authorization: `Bearer ${API_KEY}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      })
      const text = await response.text()
      return { status: response.status, headers: response.headers, body: (text === '' ? null : JSON.parse(text)) as T }
    },
  }
}

/** Starts any command. */
export function start(place: Place, args: readonly string[], env: Record<string, string> = {}) {
  const child = spawn(process.execPath, [CLI, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...SURROUNDINGS, ...env },
  })
  place.children.push(child)
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk
  })
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk
  })
  const ended = new Promise<Ended>(resolve => child.once('close', code => resolve({ code, stdout, stderr })))
  return { ended, kill: () => void child.kill('SIGKILL') }
}

export function running(server: ServerProcess | Ended): ServerProcess {
  if ('url' in server) return server
  throw new Error(`the server ended with ${server.code}: ${server.stderr}`)
}

export function refused(server: ServerProcess | Ended): Ended {
  if ('url' in server) throw new Error('the server started')
  return server
}
