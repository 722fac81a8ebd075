/** Starts a Redis for BullMQ, if one is installed on this machine. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { findFreePort, isExecutable, spawnTethered, type Tethered } from '@posthorn/testkit'

export type Redis = { readonly url: string; readonly pid: number; end(): Promise<unknown> }

const READY = 'Ready to accept connections'
const START_TIMEOUT_MS = 20_000

/** Finds Redis, or Valkey, which speaks the same protocol. Returns undefined if neither is in `path`. */
export function findRedis(path = process.env.PATH ?? ''): string | undefined {
  const names = ['redis-server', 'valkey-server']
  return names.flatMap(name => path.split(delimiter).map(folder => join(folder, name))).find(isExecutable)
}

/** Returns the installed version, such as `Redis 7.0.15`, or undefined if there is none. */
export function redisVersion(): string | undefined {
  const command = findRedis()
  if (command === undefined) return undefined
  const said = spawnSync(command, ['--version'], { encoding: 'utf8' }).stdout
  return `Redis ${/v=(\S+)/.exec(said)?.[1] ?? said.trim()}`
}

/** Starts Redis as BullMQ advises for production: an append-only file, synced every second, and no eviction. */
export async function startRedis(command: string): Promise<Redis> {
  const [port, folder] = [await findFreePort(), mkdtempSync(join(tmpdir(), 'posthorn-bench-redis-'))]
  const settings = { port, bind: '127.0.0.1', dir: folder, save: '', appendonly: 'yes', appendfsync: 'everysec' }
  const args = Object.entries({ ...settings, 'maxmemory-policy': 'noeviction' })
  const server = spawnTethered(
    command,
    args.flatMap(([name, value]) => [`--${name}`, String(value)]),
    { signal: 'SIGTERM', folder },
  )
  try {
    await waitUntilReady(server)
    return { url: `redis://127.0.0.1:${port}`, pid: await server.pid, end: () => server.end() }
  } catch (error) {
    await server.end()
    throw error
  }
}

function waitUntilReady(server: Tethered): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  let said = ''
  const timer = setTimeout(() => reject(new Error(`Redis did not become ready in time: ${said}`)), START_TIMEOUT_MS)
  server.stdout.on('data', (chunk: Buffer) => {
    said = (said + chunk).slice(-4_000)
    if (said.includes(READY)) resolve()
  })
  server.stderr.resume()
  server.exited.then(
    () => reject(new Error(`Redis exited: ${said}`)),
    error => reject(error),
  )
  return promise.finally(() => clearTimeout(timer))
}
