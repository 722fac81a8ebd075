/**
 * The two keys of an installation, opened at startup: the encryption key, which is kept next to the store and never in
 * it, and the root API key, whose hash is all that the store has.
 */
import { randomBytes, timingSafeEqual } from 'node:crypto'
import { join } from 'node:path'
import { StartRefused } from '../base/start-refused.ts'
import { hashOfKey, makeKey } from '../secrets/api-key.ts'
import {
  configuredKeys,
  findKeyring,
  HOW_TO_PASS_IT,
  KEY_FILE,
  KEY_FINGERPRINT,
  type KeyPlace,
  type KeySettings,
  keysInFile,
  makeKeyFile,
} from '../secrets/key-file.ts'
import { createKeyring, type Keyring } from '../secrets/keyring.ts'
import type { Store } from '../store/store.ts'

export type OpenedKeyring = {
  readonly keyring: Keyring
  readonly place: KeyPlace
  readonly keyFile: string
  /** Whether the key was generated just now. */
  readonly isNew: boolean
}

/** Uses the configured key, or else the one in the folder, or else generates one. Throws StartRefused. */
export async function openKeyring(store: Store, settings: KeySettings): Promise<OpenedKeyring> {
  const isConfigured = settings.encryptionKey !== null
  if (!isConfigured && settings.olderEncryptionKeys.length > 0) {
    const remedy = 'set that too, or, if you use a key file, add the older keys to it as further lines'
    throw new StartRefused(`POSTHORN_OLDER_ENCRYPTION_KEYS needs POSTHORN_ENCRYPTION_KEY: ${remedy}.`)
  }
  const known = await store.read('readMeta', { key: KEY_FINGERPRINT })
  const keyFile = join(settings.data, KEY_FILE)
  const found = findKeyring(known, settings)
  if (found === undefined && known !== null) {
    throw new StartRefused(`The encryption key of this data is missing. ${HOW_TO_PASS_IT}`)
  }
  const keyring = found ?? createKeyring(makeKeyFile(keyFile, []))
  if (known === null) {
    await store.write('writeMeta', { key: KEY_FINGERPRINT, value: keyring.fingerprint })
  }
  const place = isConfigured ? configuredKeys : keysInFile(keyFile)
  return { keyring, place, keyFile, isNew: found === undefined }
}

/** Of SHA-256. */
const HASH_BYTES = 32

/** The root key, which can do everything. */
export type RootKey = {
  readonly hash: Buffer
  /** Whether a hash is that of the root key. Compares in constant time. */
  readonly matches: (hash: Buffer) => boolean
}

/**
 * @param given the configured key, which replaces the stored one. Undefined to use the stored one
 * @param show called with a newly generated key, before its hash is stored. Null: none is generated, and without a given
 *   or stored one, nothing matches
 */
export async function openRootKey(
  store: Store,
  given: string | undefined,
  show: ((made: string) => void) | null,
): Promise<RootKey> {
  const stored = await store.read('readMeta', { key: 'api_key_hash' })
  if (given === undefined && stored === null && show === null) {
    return { hash: randomBytes(HASH_BYTES), matches: () => false }
  }
  const made = given === undefined && stored === null ? makeKey() : undefined
  if (made !== undefined) show?.(made)
  const key = given ?? made
  const hash = key === undefined ? Buffer.from(stored!, 'hex') : hashOfKey(key)
  if (hash.toString('hex') !== stored) {
    await store.write('writeMeta', { key: 'api_key_hash', value: hash.toString('hex') })
    if (stored !== null) {
      await store.write('recordKeyChange', { target: 'root_key', targetId: 'root', nowMs: store.now() })
    }
  }
  return { hash, matches: offered => timingSafeEqual(offered, hash) }
}
