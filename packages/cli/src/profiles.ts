/** The servers that `posthorn login` has been told of, with their keys, in a file that only its owner can open. */
import { randomBytes } from 'node:crypto'
import { chmodSync, mkdirSync, readFileSync, realpathSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { EXIT } from './exit.ts'
import { FileInUse, lock } from './file-lock.ts'
import { Problem } from './problem.ts'
import type { Environment } from './terminal/terminal.ts'

export type Profile = {
  readonly url: string
  readonly apiKey: string
  /** The tenant that commands use if none is given. Null if there is none. */
  readonly tenant: string | null
}

export type Profiles = {
  /** The name of the profile in use. Null if there are none. */
  readonly current: string | null
  readonly byName: Readonly<Record<string, Profile>>
}

const NO_PROFILES: Profiles = { current: null, byName: {} }
const OTHERS = 0o077
/** A change takes milliseconds. */
const LOCK_WAIT_MS = 10_000

/** `posthorn/profiles.json` in the folder for configuration: XDG_CONFIG_HOME, `~/.config`, or APPDATA on Windows. */
export function profilesFile(env: Environment): string {
  const folder = nonEmpty(env.XDG_CONFIG_HOME) ?? (process.platform === 'win32' ? nonEmpty(env.APPDATA) : undefined)
  return join(folder ?? join(nonEmpty(env.HOME) ?? homedir(), '.config'), 'posthorn', 'profiles.json')
}

/** Throws Problem if the file can't be read. Closes it if others can open it. */
export function readProfiles(env: Environment): Profiles {
  const file = profilesFile(env)
  let text: string
  try {
    text = readFileSync(file, 'utf8')
    if (process.platform !== 'win32' && (statSync(file).mode & OTHERS) !== 0) chmodSync(file, 0o600)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return NO_PROFILES
    // The only error of a file that doesn't say which file it was.
    if (code === 'EISDIR') throw new Problem(`${file} is a folder: remove it, then run: posthorn login`, EXIT.usage)
    throw error
  }
  const value = parse(text)
  if (value === undefined) {
    throw new Problem(`${file} is not a file of profiles: remove it, then run: posthorn login`, EXIT.usage)
  }
  return value
}

/**
 * Makes others of the profiles. Processes that do it at the same time do so one after the other, so that each keeps what
 * the others have added.
 */
export function changeProfiles(env: Environment, change: (profiles: Profiles) => Profiles): void {
  const file = resolved(profilesFile(env))
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  const unlock = lockProfiles(file)
  try {
    writeProfiles(file, change(readProfiles(env)))
  } finally {
    unlock()
  }
}

function lockProfiles(file: string): () => void {
  try {
    return lock(`${file}.lock`, LOCK_WAIT_MS)
  } catch (error) {
    if (!(error instanceof FileInUse)) throw error
    throw new Problem(`Another posthorn is changing ${file}. Try again.`, EXIT.refused, { cause: error })
  }
}

/** Replaces the file in one step, so that no one ever reads half of it. */
function writeProfiles(file: string, { current, byName }: Profiles): void {
  const draft = `${file}.${randomBytes(6).toString('hex')}`
  try {
    const text = `${JSON.stringify({ current, profiles: byName }, null, 2)}\n`
    writeFileSync(draft, text, { mode: 0o600, flag: 'wx', flush: true })
    renameSync(draft, file)
  } catch (error) {
    rmSync(draft, { force: true })
    throw error
  }
}

/** The file that a symbolic link leads to: someone keeps it elsewhere, and the link stays. */
function resolved(file: string): string {
  try {
    return realpathSync(file)
  } catch {
    return file
  }
}

function parse(text: string): Profiles | undefined {
  try {
    const { current, profiles } = JSON.parse(text) as { current: unknown; profiles: Record<string, Profile> }
    const isGood = Object.values(profiles).every(
      ({ url, apiKey, tenant }) =>
        typeof url === 'string' && typeof apiKey === 'string' && (tenant === null || typeof tenant === 'string'),
    )
    if (!isGood || !(current === null || typeof current === 'string')) return undefined
    // Names are the user's: `__proto__` is one like any other.
    const byName: Record<string, Profile> = Object.assign(Object.create(null), profiles)
    return { current: current !== null && current in byName ? current : null, byName }
  } catch {
    return undefined
  }
}

const nonEmpty = (value: string | undefined): string | undefined => (value === '' ? undefined : value)
