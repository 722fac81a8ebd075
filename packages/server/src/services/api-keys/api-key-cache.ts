import type { Clock } from '../../base/clock.ts'
import { Loop } from '../../base/loop.ts'
import type { ApiKey, ApiKeyId } from '../../base/model.ts'
import type { Store } from '../../store/store.ts'

/** A pause before the store is asked again after it failed. */
const RETRY_MS = 500

/**
 * The live API keys of the store, by their hashes, in memory. Every node has all of them and reads what has changed as
 * soon as it is told, or has looked (store/relay.ts): a revoked key is refused everywhere within a second.
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
      // At once, also in the pause after a fault: a key that was revoked counts no longer than a second.
      if (kind === 'api_keys' || kind === 'doubt') void this.#loop.fresh()
    })
  }

  /** Reads all keys. Throws StoreUnavailable. */
  async open(): Promise<void> {
    await this.#read()
    this.#loop.start(null)
  }

  /**
   * The key of a hash, if it is neither revoked nor expired. A look-up tells nothing by the time it takes: whoever tries
   * keys can't choose what they hash to.
   */
  find(hash: Buffer): ApiKey | undefined {
    const key = this.#byHash.get(hash.toString('base64'))
    return key === undefined || (key.expiresAtMs ?? Number.POSITIVE_INFINITY) <= this.#store.now() ? undefined : key
  }

  /** Resolves when everything is known that was committed before the call, or the store can't be read. */
  untilFresh(): Promise<void> {
    return this.#loop.fresh()
  }

  /** Asks the store no more. */
  close(): Promise<void> {
    return this.#loop.stop()
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
