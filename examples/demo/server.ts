/** The real server, as `posthorn serve` starts it, as a child that ends with the demo, however the demo ends. */
import { randomBytes } from 'node:crypto'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { spawnTethered } from '@posthorn/testkit'

export type ServerOptions = {
  /** A folder of the demo's own; it is removed after the server has ended. */
  readonly folder: string
  readonly dataFolder: string
  /** PEM file of the authority that issued the receivers' certificates. */
  readonly caFile: string
  readonly scheduleSeconds: readonly number[]
  /** Called for each line of the log. */
  readonly onLog: (line: Readonly<Record<string, unknown>>) => void
}

export type DemoServer = {
  readonly url: string
  readonly apiKey: string
  /** Resolves once the server has ended, with its last words. */
  readonly ended: Promise<string>
  end(): Promise<unknown>
}

const CLI = fileURLToPath(new URL('../../packages/server/src/cli.ts', import.meta.url))
const LAST_LINES = 12
const START_TIMEOUT_MS = 15_000

export async function startServer(options: ServerOptions): Promise<DemoServer> {
  const apiKey = randomBytes(24).toString('base64url')
  const args = [CLI, 'serve', '--data', options.dataFolder, '--host', '127.0.0.1', '--port', '0', '--dev']
  args.push('--extra-ca', options.caFile, '--retry-schedule', options.scheduleSeconds.join(','))
  const child = spawnTethered(process.execPath, args, {
    signal: 'SIGTERM',
    folder: options.folder,
    env: { ...ownEnvironment(), POSTHORN_API_KEY: apiKey, POSTHORN_ENCRYPTION_KEY: randomBytes(32).toString('base64') },
  })
  const lastLines: string[] = []
  const ended = child.exited.then(
    code => `The server ended (exit code ${code}).\n${lastLines.join('\n')}`,
    (error: Error) => `The server could not be started: ${error.message}`,
  )
  const url = await new Promise<string>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('The server did not listen in time.')), START_TIMEOUT_MS)
    const hear = (line: string) => {
      lastLines.push(line)
      if (lastLines.length > LAST_LINES) lastLines.shift()
      const entry = parseLine(line)
      if (entry?.msg === 'listening' && typeof entry.url === 'string') {
        clearTimeout(timer)
        resolve(entry.url.replace(/\/$/, ''))
      } else if (entry) options.onLog(entry)
    }
    readLines(child.stdout, hear)
    readLines(child.stderr, hear)
    void ended.then(words => {
      clearTimeout(timer)
      reject(new Error(words))
    })
  }).catch(async (error: Error) => {
    await child.end()
    throw error
  })
  return { url, apiKey, ended, end: () => child.end() }
}

/** Settings meant for another server (a database, a data folder) must not reach the demo's. */
function ownEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('POSTHORN_')))
}

function readLines(stream: Readable, onLine: (line: string) => void): void {
  createInterface({ input: stream }).on('line', onLine)
}

function parseLine(line: string): Record<string, unknown> | undefined {
  if (!line.startsWith('{')) return undefined
  try {
    return JSON.parse(line) as Record<string, unknown>
  } catch {
    return undefined // words for people, not the log
  }
}
