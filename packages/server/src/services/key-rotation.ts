import { PosthornError } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'
import { type Actor, type EndpointId, SYSTEM } from '../base/model.ts'
import { readCredentials, writeCredentials } from '../secrets/credentials.ts'
import { KEY_FINGERPRINT, type KeyPlace } from '../secrets/key-file.ts'
import { type Keyring, nameOfKey, SecretUnreadable } from '../secrets/keyring.ts'
import type { Resealed, Sealed } from '../store/operations/endpoints/credentials.ts'
import type { Store } from '../store/store.ts'
import { digestOf } from './endpoints/sealed-credentials.ts'

const ENDPOINTS_A_COMMIT = 200

export type RotationState = {
  /** Names of the keys, the one that seals first. */
  readonly keys: readonly string[]
  /** Of the newest one, on whichever node. interrupted: its node ended, or was stopped, before it did. */
  readonly state: 'idle' | 'running' | 'done' | 'failed' | 'interrupted'
  /** Endpoints that it has sealed anew. */
  readonly resealed: number
  /** Endpoints that no key at hand opens: they stay as they are, and need a new clientSecret. */
  readonly unreadable: number
}

/** Kept in the store. */
type Progress = Omit<RotationState, 'keys'> & { readonly toldAtMs: number }
const PROGRESS = 'key_rotation'
/** A rotation tells how far it is with each commit: one that was silent for so long has ended. */
const SILENT_MS = 30_000

/**
 * Replaces the encryption key while everything goes on (docs/decisions/0021-credentials.md): what an older key has
 * sealed is opened with it and sealed with the first, some endpoints a commit, until nothing is left. How far it is stands
 * in the store, so that every node can say. Cut short by a crash it is begun again by hand; until then all keys are kept.
 */
export class KeyRotation {
  readonly #store: Store
  readonly #keyring: Keyring
  readonly #place: KeyPlace
  readonly #log: Logger
  #resealed = 0
  #unreadable = 0
  #running: Promise<void> | undefined
  #isStopping = false

  constructor(store: Store, keyring: Keyring, place: KeyPlace, log: Logger) {
    this.#store = store
    this.#keyring = keyring
    this.#place = place
    this.#log = log
  }

  async read(): Promise<RotationState> {
    const keys = this.#keyring.fingerprints.map(nameOfKey)
    const text = await this.#store.read('readMeta', { key: PROGRESS })
    if (text === null) return { keys, state: 'idle', resealed: 0, unreadable: 0 }
    const { state, resealed, unreadable, toldAtMs } = JSON.parse(text) as Progress
    const isSilent = state === 'running' && this.#store.now() - toldAtMs > SILENT_MS
    return { keys, state: isSilent ? 'interrupted' : state, resealed, unreadable }
  }

  /**
   * Begins, and answers at once. With a key file, a new key is made, unless a rotation was left unfinished; configured
   * keys are the operator's to make: then the first of them is what all is sealed with.
   */
  async start(by: Actor = SYSTEM): Promise<RotationState> {
    if ((await this.read()).state === 'running' || this.#running !== undefined) {
      throw new PosthornError('conflict', 'A rotation is under way: wait for its end.')
    }
    if (this.#keyring.fingerprints.length === 1) {
      const key = this.#place.addNew(this.#keyring)
      if (key === null) {
        const detail =
          'There is one encryption key only: put a new one before it in POSTHORN_ENCRYPTION_KEY and the old one into ' +
          'POSTHORN_OLDER_ENCRYPTION_KEYS, on every node, first.'
        throw new PosthornError('conflict', detail)
      }
      this.#keyring.putFirst(key)
    }
    this.#resealed = 0
    this.#unreadable = 0
    const targetId = nameOfKey(this.#keyring.fingerprint)
    await this.#store.write('recordKeyChange', { by, target: 'encryption_key', targetId, nowMs: this.#store.now() })
    this.#running = this.#run().finally(() => {
      this.#running = undefined
    })
    await this.#storeProgress('running')
    return this.read()
  }

  async stop(): Promise<void> {
    this.#isStopping = true
    await this.#running
  }

  async #run(): Promise<void> {
    try {
      // Until a whole pass finds nothing: what is changed meanwhile may have been read before, and written after.
      while ((await this.#pass()) > 0 && !this.#isStopping);
      if (this.#isStopping) return await this.#storeProgress('interrupted')
      const { fingerprint } = this.#keyring
      await this.#store.write('writeMeta', { key: KEY_FINGERPRINT, value: fingerprint })
      if (this.#unreadable === 0 && this.#place.dropOlder(this.#keyring)) this.#keyring.dropOlder()
      await this.#storeProgress('done')
      this.#log.info({ resealed: this.#resealed, unreadable: this.#unreadable }, 'the encryption key was replaced')
    } catch (error) {
      this.#log.error({ err: error }, 'the encryption key was not replaced everywhere; begin the rotation again')
      // Where not even that can be stored, its silence tells.
      await this.#storeProgress('failed').catch(() => {})
    }
  }

  async #storeProgress(state: RotationState['state']): Promise<void> {
    const [resealed, unreadable] = [this.#resealed, this.#unreadable]
    const progress: Progress = { state, resealed, unreadable, toldAtMs: this.#store.now() }
    await this.#store.write('writeMeta', { key: PROGRESS, value: JSON.stringify(progress) })
  }

  /** How many it found that an older key had sealed. */
  async #pass(): Promise<number> {
    let found = 0
    let after: EndpointId | null = null
    this.#unreadable = 0
    while (!this.#isStopping) {
      const rows: Sealed[] = await this.#store.read('readSealed', { after, limit: ENDPOINTS_A_COMMIT })
      if (rows.length === 0) return found
      const items = rows
        .filter(({ credentials }) => !this.#keyring.isCurrent(credentials))
        .flatMap(row => this.#reseal(row))
      found += items.length
      if (items.length > 0) this.#resealed += await this.#store.write('reseal', { items })
      await this.#storeProgress('running')
      after = rows.at(-1)!.endpoint
    }
    return found
  }

  #reseal({ endpoint, credentials: before }: Sealed): Resealed[] {
    try {
      const opened = readCredentials(this.#keyring.open(endpoint, before))
      const credentials = this.#keyring.seal(endpoint, writeCredentials(opened))
      return [{ endpoint, before, credentials, digest: digestOf(opened, this.#keyring) }]
    } catch (error) {
      if (!(error instanceof SecretUnreadable)) throw error
      this.#unreadable++
      return []
    }
  }
}
