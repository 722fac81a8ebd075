/** A Redis of its own, where there is one on this machine: BullMQ needs it. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { findFreePort, isExecutable, spawnTethered, type Tethered } from '@posthorn/testkit'

export type Redis = { readonly url: string; readonly pid: number; end(): Promise<unknown> }

const READY = 'Ready to accept connections'
const START_TIMEOUT_MS = 20_000

/** Redis, or Valkey, which speaks the same. Undefined where neither is to be had. */
export function findRedis(path = process.env.PATH ?? ''): string | undefined {
  const names = ['redis-server', 'valkey-server']
  return names.flatMap(name => path.split(delimiter).map(folder => join(folder, name))).find(isExecutable)
}

/** As it says itself, in a few words; undefined where there is none. */
export function redisVersion(): string | undefined {
  const command = findRedis()
  if (command === undefined) return undefined
  const said = spawnSync(command, ['--version'], { encoding: 'utf8' }).stdout
  return `Redis ${/v=(\S+)/.exec(said)?.[1] ?? said.trim()}`
}

/** As BullMQ advises for production: an append-only file, synced every second, and nothing evicted. */
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
  const timer = setTimeout(() => reject(new Error(`Redis was not ready in time: ${said}`)), START_TIMEOUT_MS)
  server.stdout.on('data', (chunk: Buffer) => {
    said = (said + chunk).slice(-4_000)
    if (said.includes(READY)) resolve()
  })
  server.stderr.resume()
  server.exited.then(
    () => reject(new Error(`Redis ended: ${said}`)),
    error => reject(error),
  )
  return promise.finally(() => clearTimeout(timer))
}
