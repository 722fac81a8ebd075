import type { ApiKey } from '../../base/callers.ts'
import type { Clock } from '../../base/clock.ts'
import { Loop } from '../../base/loop.ts'
import type { ApiKeyId } from '../../base/model.ts'
import type { Store } from '../../store/store.ts'

/** How long to wait before reading again after a failed read. */
const RETRY_MS = 500

/**
 * The store's valid API keys in memory, by hash. Every node has all of them and reads changes as soon as it is notified
 * of them or polls them (store/relay.ts), so a revoked key is refused everywhere within a second.
 */
export class ApiKeyCache {
  readonly #store: Store
  readonly #loop: Loop
  readonly #byHash = new Map<string, ApiKey>()
  readonly #hashes = new Map<ApiKeyId, string>()
  #seen = 0

  constructor(store: Store, clock: Clock) {
    this.#store = store
    this.#loop = new Loop({ clock, everyMs: null, retryMs: RETRY_MS, run: () => this.#read() })
    store.changes.on(({ kind }) => {
      // Immediately, even during the wait after a fault: a revoked key must not stay valid for more than a second.
      if (kind === 'api_keys' || kind === 'doubt') void this.#loop.fresh()
    })
  }

  /** Reads all keys. Throws StoreUnavailable. */
  async open(): Promise<void> {
    await this.#read()
    this.#loop.start(null)
  }

  /**
   * The key with this hash, if it is neither revoked nor expired. The lookup needs no constant time: someone guessing
   * keys can't choose what they hash to.
   */
  find(hash: Buffer): ApiKey | undefined {
    return this.#valid(this.#byHash.get(hash.toString('base64')))
  }

  /** The key with this id, if it is neither revoked nor expired. */
  get(id: ApiKeyId): ApiKey | undefined {
    const hash = this.#hashes.get(id)
    return hash === undefined ? undefined : this.#valid(this.#byHash.get(hash))
  }

  /** Resolves when all changes committed before the call are known, or when the store can't be read. */
  untilFresh(): Promise<void> {
    return this.#loop.fresh()
  }

  /** Stops reading from the store. */
  close(): Promise<void> {
    return this.#loop.stop()
  }

  #valid(key: ApiKey | undefined): ApiKey | undefined {
    return key === undefined || (key.expiresAtMs ?? Number.POSITIVE_INFINITY) <= this.#store.now() ? undefined : key
  }

  async #read(): Promise<void> {
    const { seq, keys } = await this.#store.read('readApiKeyChanges', { after: this.#seen })
    for (const { key, hash } of keys) this.#take(key, Buffer.from(hash).toString('base64'))
    this.#seen = seq
  }

  #take(key: ApiKey, hash: string): void {
    const known = this.#hashes.get(key.id)
    if (known !== undefined) this.#byHash.delete(known)
    if (key.revokedAtMs !== null) this.#hashes.delete(key.id)
    else {
      this.#hashes.set(key.id, hash)
      this.#byHash.set(hash, key)
    }
  }
}
