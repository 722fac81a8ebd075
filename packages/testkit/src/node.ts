/** Runs a node with `posthorn serve`, as an operator does, in a child that ends with this process in any case. */
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { spawnTethered, type Tethered } from './tethered.ts'

export type NodeOptions = {
  readonly apiKey: string
  /** 32 bytes in Base64. */
  readonly encryptionKey: string
  /** A PostgreSQL that it shares with other nodes. Default: none; then `flags` contain the data folder. */
  readonly databaseUrl?: string
  /** Flags of `posthorn serve`. The node always listens on 127.0.0.1, in development mode. */
  readonly flags: readonly string[]
  /** The file of the command line, for a server of another version. Default: this repository's. */
  readonly cli?: string
  /** The port to listen on, for a node that takes the place of another. Default: any free port. */
  readonly port?: number
  /** Flags of Node.js. Default: none. */
  readonly nodeFlags?: readonly string[]
  /** A file that the node finds as `/etc/resolv.conf`, in a mount namespace of its own; only for root, on Linux. */
  readonly resolvConf?: string | undefined
  /** A folder to remove after the node has ended. Default: none. */
  readonly folder?: string
  /** Called for each log line after `listening`. Default: later lines are read but not parsed. */
  readonly onLog?: (line: Readonly<Record<string, unknown>>) => void
}

export type RunningNode = {
  /** Without a slash at the end. */
  readonly url: string
  readonly pid: number
  /** Resolves once the node has ended, with a message that contains its exit code and last log lines. */
  readonly ended: Promise<string>
  /** Sends a signal to the node itself. */
  kill(signal: 'SIGKILL' | 'SIGTERM' | 'SIGSTOP' | 'SIGCONT'): void
  /** Shuts it down as an operator would, waits, and returns the exit code. */
  end(): Promise<number>
}

const CLI = fileURLToPath(new URL('../../server/src/cli.ts', import.meta.url))
/** Repeats the first line of the `posthorn` command, which has no effect when Node runs the file directly. */
const OWN_NODE_FLAGS = ['--max-semi-space-size=16']
const OWN_ENVIRONMENT = { MALLOC_ARENA_MAX: '2' }
const LAST_LINES = 12
const START_TIMEOUT_MS = 60_000

/** Resolves when the node listens; rejects with its last log lines if it ends before that. */
export async function startNode(options: NodeOptions): Promise<RunningNode> {
  const port = String(options.port ?? 0)
  const args = [options.cli ?? CLI, 'serve', '--host', '127.0.0.1', '--port', port, '--dev', ...options.flags]
  const node = [process.execPath, ...OWN_NODE_FLAGS, ...(options.nodeFlags ?? []), ...args]
  const [command, ...rest] = options.resolvConf === undefined ? node : withResolvConf(options.resolvConf, node)
  const child = spawnTethered(command!, rest, {
    signal: 'SIGTERM',
    ...(options.folder === undefined ? {} : { folder: options.folder }),
    env: {
      ...OWN_ENVIRONMENT,
      ...ownEnvironment(),
      POSTHORN_API_KEY: options.apiKey,
      POSTHORN_ENCRYPTION_KEY: options.encryptionKey,
      ...(options.databaseUrl === undefined ? {} : { POSTHORN_DATABASE_URL: options.databaseUrl }),
    },
  })
  const lastLines: string[] = []
  const ended = child.exited.then(
    code => `The node exited with code ${code}.\n${lastLines.join('\n')}`,
    (error: Error) => `The node could not be started: ${error.message}`,
  )
  try {
    const url = await listening(child, ended, lastLines, options.onLog)
    const pid = await child.pid
    return { url, pid, ended, kill: signal => void process.kill(pid, signal), end: () => child.end() }
  } catch (error) {
    await child.end()
    throw error
  }
}

/** Both programs are replaced by the next, so the process id stays the node's. */
function withResolvConf(file: string, command: readonly string[]): string[] {
  return ['unshare', '-m', 'sh', '-c', `mount --bind '${file}' /etc/resolv.conf && exec "$0" "$@"`, ...command]
}

function listening(
  child: Tethered,
  ended: Promise<string>,
  lastLines: string[],
  onLog: NodeOptions['onLog'],
): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const timer = setTimeout(() => reject(new Error('The node did not start listening in time.')), START_TIMEOUT_MS)
  let isListening = false
  const hear = (line: string) => {
    lastLines.push(line)
    if (lastLines.length > LAST_LINES) lastLines.shift()
    if (isListening && onLog === undefined) return
    const entry = parseLine(line)
    if (entry === undefined) return
    if (isListening) return onLog?.(entry)
    if (entry.msg !== 'listening') return
    isListening = true
    resolve(String(entry.url).replace(/\/$/, ''))
  }
  for (const stream of [child.stdout, child.stderr]) createInterface({ input: stream }).on('line', hear)
  void ended.then(words => reject(new Error(words)))
  return promise.finally(() => clearTimeout(timer))
}

/** Removes settings meant for another server (a database, a data folder), so that they don't reach this one. */
function ownEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('POSTHORN_')))
}

function parseLine(line: string): Record<string, unknown> | undefined {
  if (!line.startsWith('{')) return undefined
  try {
    return JSON.parse(line) as Record<string, unknown>
  } catch {
    return undefined // text for people, not a log line
  }
}
