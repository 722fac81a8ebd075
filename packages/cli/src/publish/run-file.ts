/**
 * How far a run of `posthorn publish` has come, in a file of its own, so that it can continue after any end: Ctrl-C, a
 * crash, SIGKILL. It has no key and nothing of an event.
 */
import { randomBytes } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { EXIT } from '../exit.ts'
import { FileInUse, lock } from '../file-lock.ts'
import { Problem } from '../problem.ts'
import type { Environment } from '../terminal/terminal.ts'
import type { LineStart } from './lines.ts'

export type Counts = {
  /** Events that this run has published. */
  readonly accepted: number
  /** Events that had been published before, with a key of their own. */
  readonly duplicates: number
  /** Events that the server refused. */
  readonly refused: number
  /** Lines that are no events. */
  readonly broken: number
  /** Empty lines. */
  readonly blank: number
}

/** The last line that is done with. To continue, it is read again, to see that the input is the same. */
export type LastLine = LineStart & { readonly checksum: number }

export type RunState = {
  readonly run: string
  readonly url: string
  /** The tenant of lines that have none. */
  readonly tenant: string | null
  /** The whole path of the file. Null: standard input. */
  readonly file: string | null
  readonly rate: number | null
  /** The first line that counts: those before it were left out. */
  readonly fromLine: number
  /** Null: no line is done with. */
  readonly last: LastLine | null
  readonly counts: Counts
  readonly isFinished: boolean
  /** RFC 3339. */
  readonly updatedAt: string
}

export const NO_COUNTS: Counts = { accepted: 0, duplicates: 0, refused: 0, broken: 0, blank: 0 }

/** A name of one to 64 characters that is part of keys and of a file's name. */
const RUN_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/
/** The server has forgotten the keys of a run by then, unless it was told to remember them for longer. */
const KEPT_DAYS = 90
const DAY_MS = 86_400_000

/** `posthorn/publish` in the folder for state: XDG_STATE_HOME, `~/.local/state`, or LOCALAPPDATA on Windows. */
export function runsFolder(env: Environment): string {
  const folder = env.XDG_STATE_HOME || (process.platform === 'win32' ? env.LOCALAPPDATA : '')
  return join(folder || join(env.HOME || homedir(), '.local', 'state'), 'posthorn', 'publish')
}

/** A name that no other run has: keys are made of it. */
export function newRunName(file: string | null): string {
  const readable = (file === null ? 'stdin' : basename(file)).replace(/\.[^.]*$/, '').replace(/[^A-Za-z0-9._-]+/g, '-')
  const stem = readable.replace(/^[^A-Za-z0-9]+/, '').slice(0, 40) || 'run'
  return `${stem}-${randomBytes(5).toString('hex')}`
}

export function requireRunName(name: string): string {
  if (RUN_NAME.test(name)) return name
  const rule = 'letters, digits and ._- only, beginning with a letter or a digit, 64 at most'
  throw new Problem(`${JSON.stringify(name)} can't be the name of a run: ${rule}.`, EXIT.usage)
}

export class RunFile {
  readonly #path: string

  constructor(env: Environment, run: string) {
    this.#path = join(runsFolder(env), `${requireRunName(run)}.json`)
  }

  /** Undefined if there is no such run. Throws Problem if the file isn't ours. */
  read(): RunState | undefined {
    return readState(this.#path)
  }

  /** Keeps others from this run, until what is returned is called, or the process ends. Throws Problem. */
  lock(): () => void {
    mkdirSync(dirname(this.#path), { recursive: true, mode: 0o700 })
    try {
      return lock(lockOf(this.#path))
    } catch (error) {
      if (!(error instanceof FileInUse)) throw error
      const what = `Another posthorn publishes the run ${basename(this.#path, '.json')}`
      throw new Problem(`${what}. Wait until it ends, or stop it.`, EXIT.refused, { cause: error })
    }
  }

  /** Replaces the file in one step, so that no one ever reads half of it, and a power failure leaves one or the other. */
  write(state: RunState): void {
    mkdirSync(dirname(this.#path), { recursive: true, mode: 0o700 })
    const draft = `${this.#path}.${randomBytes(4).toString('hex')}`
    try {
      writeFileSync(draft, `${JSON.stringify(state)}\n`, { mode: 0o600, flag: 'wx', flush: true })
      renameSync(draft, this.#path)
    } catch (error) {
      rmSync(draft, { force: true })
      const why = `The progress of the run can't be kept in ${this.#path} (${(error as NodeJS.ErrnoException).code})`
      throw new Problem(`${why}: make room there, or choose another folder with XDG_STATE_HOME.`, EXIT.refused)
    }
  }
}

/** The runs of a file that have not finished, the latest first. Removes what is older than 90 days. */
export function unfinishedRunsOf(file: string, env: Environment, nowMs: number): RunState[] {
  const found = statesIn(runsFolder(env), nowMs).filter(state => state.file === file && !state.isFinished)
  return found.sort((a, b) => (a.updatedAt < b.updatedAt ? 1 : -1))
}

function statesIn(folder: string, nowMs: number): RunState[] {
  let names: string[]
  try {
    names = readdirSync(folder)
  } catch {
    return []
  }
  return names.flatMap(name => {
    const path = join(folder, name)
    try {
      const state = name.endsWith('.json') ? readState(path) : undefined
      if (state === undefined) return []
      if (nowMs - Date.parse(state.updatedAt) < KEPT_DAYS * DAY_MS) return [state]
      for (const each of [path, lockOf(path)]) rmSync(each, { force: true })
    } catch {
      // Of another run than the one that is asked for.
    }
    return []
  })
}

const lockOf = (path: string): string => path.replace(/\.json$/, '.lock')

function readState(path: string): RunState | undefined {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  try {
    const state = JSON.parse(text) as RunState
    if (typeof state.run === 'string' && typeof state.counts.accepted === 'number') return state
  } catch {
    // Said below.
  }
  throw new Problem(`${path} is not the progress of a run: remove it, and start the run again.`, EXIT.refused)
}
