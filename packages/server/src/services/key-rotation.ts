import { type Actor, SYSTEM } from '../base/callers.ts'
import { PosthornError } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'
import type { EndpointId, NotificationId } from '../base/model.ts'
import { readCredentials, writeCredentials } from '../secrets/credentials.ts'
import { KEY_FINGERPRINT, type KeyPlace } from '../secrets/key-file.ts'
import { type Keyring, nameOfKey, SecretUnreadable } from '../secrets/keyring.ts'
import type { Resealed, Sealed } from '../store/operations/endpoints/credentials.ts'
import { parseHeaders, writeHeaders } from '../store/operations/endpoints/headers.ts'
import { CallRepeated, type Keep } from '../store/operations/idempotent-calls.ts'
import type { SealedNotification } from '../store/operations/notifications/notifications.ts'
import type { Store } from '../store/store.ts'
import { digestOf } from './endpoints/sealed-credentials.ts'
import { keepAll, splitHeaders } from './endpoints/sealed-headers.ts'

const ENDPOINTS_A_COMMIT = 200

export type RotationState = {
  /** Names of the keys. The first one encrypts. */
  readonly keys: readonly string[]
  /** State of the latest rotation, on any node. interrupted: its node crashed or was shut down before it finished. */
  readonly state: 'idle' | 'running' | 'done' | 'failed' | 'interrupted'
  /** Number of endpoints whose credentials were re-encrypted. */
  readonly resealed: number
  /** Number of endpoints that no available key can decrypt. They are left as they are and need a new clientSecret. */
  readonly unreadable: number
}

/** Stored progress. */
type Progress = Omit<RotationState, 'keys'> & { readonly toldAtMs: number }
const PROGRESS = 'key_rotation'
/** A rotation stores its progress with each commit. One that hasn't done so for this long is considered interrupted. */
const SILENT_MS = 30_000

/**
 * Replaces the encryption key while Posthorn keeps working (docs/decisions/0021-credentials.md): decrypts credentials
 * with older keys and encrypts them with the first one, a number of endpoints per commit, until none are left. Progress
 * is stored, so that every node can report it. After a crash the rotation has to be started again manually; until then
 * all keys are kept.
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
    const keys = this.#keys
    const text = await this.#store.read('readMeta', { key: PROGRESS })
    if (text === null) return { keys, state: 'idle', resealed: 0, unreadable: 0 }
    const { state, resealed, unreadable, toldAtMs } = JSON.parse(text) as Progress
    const isSilent = state === 'running' && this.#store.now() - toldAtMs > SILENT_MS
    return { keys, state: isSilent ? 'interrupted' : state, resealed, unreadable }
  }

  /**
   * Starts a rotation and returns immediately. With a key file, generates a new key, unless a rotation was left
   * unfinished. Configured keys come from the operator, and everything is encrypted with the first of them.
   */
  async start(by: Actor = SYSTEM, keep?: Keep<RotationState>): Promise<RotationState> {
    if ((await this.read()).state === 'running' || this.#running !== undefined) {
      throw new PosthornError('conflict', 'A rotation is already running. Wait until it has finished.')
    }
    if (this.#keyring.fingerprints.length === 1) {
      const key = this.#place.addNew(this.#keyring)
      if (key === null) {
        const detail =
          'There is only one encryption key. First set POSTHORN_ENCRYPTION_KEY to a new key and ' +
          'POSTHORN_OLDER_ENCRYPTION_KEYS to the old one, on every node.'
        throw new PosthornError('conflict', detail)
      }
      this.#keyring.putFirst(key)
    }
    this.#resealed = 0
    this.#unreadable = 0
    const targetId = nameOfKey(this.#keyring.fingerprint)
    const started = { keys: this.#keys, state: 'running', resealed: 0, unreadable: 0 } as const
    const change = { by, target: 'encryption_key', targetId, nowMs: this.#store.now() } as const
    const recorded = await this.#store.write('recordKeyChange', { ...change, once: keep?.(started) })
    if (recorded === 'repeated') throw new CallRepeated()
    this.#running = this.#run().finally(() => {
      this.#running = undefined
    })
    await this.#storeProgress('running')
    return started
  }

  get #keys(): string[] {
    return this.#keyring.fingerprints.map(nameOfKey)
  }

  async stop(): Promise<void> {
    this.#isStopping = true
    await this.#running
  }

  async #run(): Promise<void> {
    try {
      // Repeat until a pass finds nothing: a concurrent change can read before a pass and write after it.
      while ((await this.#pass()) + (await this.#passNotifications()) > 0 && !this.#isStopping);
      if (this.#isStopping) return await this.#storeProgress('interrupted')
      const { fingerprint } = this.#keyring
      await this.#store.write('writeMeta', { key: KEY_FINGERPRINT, value: fingerprint })
      if (this.#unreadable === 0 && this.#place.dropOlder(this.#keyring)) this.#keyring.dropOlder()
      await this.#storeProgress('done')
      this.#log.info({ resealed: this.#resealed, unreadable: this.#unreadable }, 'encryption key replaced')
    } catch (error) {
      this.#log.error({ err: error }, 'key rotation failed; start it again')
      // If even this can't be stored, the missing progress shows that the rotation has ended.
      await this.#storeProgress('failed').catch(() => {})
    }
  }

  async #storeProgress(state: RotationState['state']): Promise<void> {
    const [resealed, unreadable] = [this.#resealed, this.#unreadable]
    const progress: Progress = { state, resealed, unreadable, toldAtMs: this.#store.now() }
    await this.#store.write('writeMeta', { key: PROGRESS, value: JSON.stringify(progress) })
  }

  /** Returns how many endpoints it found that were encrypted with an older key. */
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

  /** The same for the addresses of notifications. One that can't be decrypted is left as it is. */
  async #passNotifications(): Promise<number> {
    let found = 0
    let after: NotificationId | null = null
    while (!this.#isStopping) {
      const args: { after: NotificationId | null; limit: number } = { after, limit: ENDPOINTS_A_COMMIT }
      const rows: SealedNotification[] = await this.#store.read('readSealedNotifications', args)
      if (rows.length === 0) return found
      const items = rows
        .filter(({ sealed }) => !this.#keyring.isCurrent(sealed))
        .flatMap(row => this.#resealAddress(row))
      found += items.length
      await this.#store.write('resealNotifications', { items })
      after = rows.at(-1)!.id
    }
    return found
  }

  #resealAddress({ id, sealed }: SealedNotification): SealedNotification[] {
    try {
      return [{ id, sealed: this.#keyring.seal(id, this.#keyring.open(id, sealed)) }]
    } catch (error) {
      if (!(error instanceof SecretUnreadable)) throw error
      return []
    }
  }

  #reseal(before: Sealed): Resealed[] {
    const { endpoint } = before
    try {
      const opened = readCredentials(this.#keyring.open(endpoint, before.credentials))
      // Secret headers that an earlier version stored in clear are sealed on this occasion.
      const headers = parseHeaders(before.headers)
      const { stored, sealed } = splitHeaders(keepAll(headers), headers, opened.headers)
      const credentials = this.#keyring.seal(endpoint, writeCredentials({ ...opened, headers: sealed }))
      return [{ endpoint, before, credentials, headers: writeHeaders(stored), digest: digestOf(opened, this.#keyring) }]
    } catch (error) {
      if (!(error instanceof SecretUnreadable)) throw error
      this.#unreadable++
      return []
    }
  }
}
