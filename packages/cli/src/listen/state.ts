/** What this machine keeps of a listener, so that a later run resumes it: its secrets, and what it has forwarded. */
import { createHash, randomBytes } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { lock } from '../file-lock.ts'
import { KeptOutcomes } from './kept-outcomes.ts'
import type { OutcomeLog } from './outcomes.ts'

/** What a listener of a server is known by. */
export type ListenerName = { readonly url: string; readonly tenant: string; readonly uid: string }

export type Secrets = { readonly clientSecret: string; readonly signingSecret: string }

/** An endpoint, and the fingerprint that the server showed of its signing secret. */
export type Registration = { readonly endpoint: string; readonly signing: string }

type Kept = ListenerName & Secrets & { readonly registration: Registration | null }

/** What a listener resumes with. */
export type KeptState = {
  readonly uid: string
  readonly secrets: Secrets
  /** Where these secrets are in use. Null if nowhere. */
  registration: Registration | null
  readonly outcomes: OutcomeLog
  /** Whether it outlives this process. */
  readonly isKept: boolean
  close(): void
}

/** For a machine whose folders can't be written. */
export function unkeptState(uid: string): KeptState {
  const outcomes: OutcomeLog = { left: new Map(), add() {}, remove() {} }
  return { uid, secrets: newSecrets(), registration: null, outcomes, isKept: false, close() {} }
}

/** Files that were not used for this long are removed. */
const KEPT_MS = 90 * 86_400_000

/**
 * A listener's files, in a folder that only the user can read. The lock is the kernel's: it goes with the process, however
 * that ends.
 */
export class ListenerState implements KeptState {
  readonly isKept = true
  readonly outcomes: KeptOutcomes
  readonly #file: string
  readonly #unlock: () => void
  #kept: Kept

  private constructor(file: string, unlock: () => void, kept: Kept, outcomes: KeptOutcomes) {
    this.#file = file
    this.#unlock = unlock
    this.#kept = kept
    this.outcomes = outcomes
  }

  /** Throws FileInUse, and the system's error if the folder can't be written. */
  static open(folder: string, name: ListenerName): ListenerState {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    removeOld(folder)
    const hash = createHash('sha256')
      .update(JSON.stringify([name.url, name.tenant, name.uid]))
      .digest('hex')
    const base = join(folder, hash.slice(0, 24))
    const unlock = lock(`${base}.lock`)
    try {
      const kept = readKept(`${base}.json`, name)
      const outcomes = new KeptOutcomes(`${base}.outcomes`)
      const state = new ListenerState(`${base}.json`, unlock, kept, outcomes)
      state.#write()
      return state
    } catch (error) {
      unlock()
      throw error
    }
  }

  get uid(): string {
    return this.#kept.uid
  }

  get secrets(): Secrets {
    const { clientSecret, signingSecret } = this.#kept
    return { clientSecret, signingSecret }
  }

  get registration(): Registration | null {
    return this.#kept.registration
  }

  set registration(registration: Registration | null) {
    this.#kept = { ...this.#kept, registration }
    this.#write()
  }

  close(): void {
    this.outcomes.close()
    this.#unlock()
  }

  /** Replaced as a whole, so that a process that ends in the middle leaves the old one. */
  #write(): void {
    const next = `${this.#file}.new`
    writeFileSync(next, `${JSON.stringify(this.#kept, null, 2)}\n`, { mode: 0o600 })
    renameSync(next, this.#file)
  }
}

/** What is kept, or new secrets if nothing is, or nothing that can be read. */
function readKept(file: string, name: ListenerName): Kept {
  try {
    const kept = JSON.parse(readFileSync(file, 'utf8')) as Partial<Kept>
    const { clientSecret, signingSecret, registration } = kept
    if (typeof clientSecret === 'string' && typeof signingSecret === 'string') {
      return { ...name, clientSecret, signingSecret, registration: registration ?? null }
    }
  } catch {
    // It is written again.
  }
  return { ...name, ...newSecrets(), registration: null }
}

function newSecrets(): Secrets {
  return {
    clientSecret: randomBytes(24).toString('base64url'),
    signingSecret: `whsec_${randomBytes(32).toString('base64')}`,
  }
}

function removeOld(folder: string): void {
  const before = Date.now() - KEPT_MS
  for (const name of readdirSync(folder).filter(each =>
    /^[0-9a-f]{24}\.(?:json|outcomes|lock)(?:\.new)?$/.test(each),
  )) {
    const file = join(folder, name)
    try {
      if (statSync(file).mtimeMs < before) rmSync(file)
    } catch {
      // Another process has removed it.
    }
  }
}
