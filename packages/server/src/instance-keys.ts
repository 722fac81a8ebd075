import { randomBytes, timingSafeEqual } from 'node:crypto'
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { createKeyring, ENCRYPTION_KEY_BYTES, type Keyring } from './keys.ts'
import { hashOfKey, makeKey } from './manage/api-keys.ts'
import { StartRefused } from './start-refused.ts'
import type { Store } from './store/store.ts'

/**
 * The two keys of an installation: the encryption key, beside the store and never in it, and the API's root key, of
 * which the store has only a hash.
 */
export const KEY_FILE = 'encryption.key'
const HOW_TO_PASS_IT =
  'Put the key that this data was written with into POSTHORN_ENCRYPTION_KEY, or its file back into the data folder.'

/**
 * The keyring of the given key, or else of the one in the folder; undefined: there is none. Throws StartRefused if it is
 * another than the known one (null: none is known yet).
 */
export function findKeyring(known: string | null, folder: string, given: Uint8Array | undefined): Keyring | undefined {
  const keyFile = join(folder, KEY_FILE)
  const key = given ?? readKeyFile(keyFile)
  if (key === undefined) return undefined
  const keyring = createKeyring(key)
  if (known === null || known === keyring.fingerprint) return keyring
  const source = given === undefined ? keyFile : 'POSTHORN_ENCRYPTION_KEY'
  throw new StartRefused(`The encryption key in ${source} is not the one of this data. ${HOW_TO_PASS_IT}`)
}

/** The keyring, and whether its key was made just now. Throws StartRefused. */
export async function openKeyring(
  store: Store,
  folder: string,
  given: Uint8Array | undefined,
): Promise<{ keyring: Keyring; keyFile: string; isNew: boolean }> {
  const known = await store.read('readMeta', { key: 'encryption_key_fingerprint' })
  const keyFile = join(folder, KEY_FILE)
  const found = findKeyring(known, folder, given)
  if (found === undefined && known !== null) {
    throw new StartRefused(`The encryption key of this data is missing. ${HOW_TO_PASS_IT}`)
  }
  const keyring = found ?? createKeyring(makeKeyFile(keyFile, folder))
  if (known === null) {
    await store.write('writeMeta', { key: 'encryption_key_fingerprint', value: keyring.fingerprint })
  }
  return { keyring, keyFile, isNew: found === undefined }
}

function readKeyFile(file: string): Uint8Array | undefined {
  if (!existsSync(file)) return undefined
  const key = Buffer.from(readFileSync(file, 'utf8').trim(), 'base64')
  if (key.length === ENCRYPTION_KEY_BYTES) return key
  throw new StartRefused(`${file} does not hold 32 bytes in Base64. Put it back from your copy of it.`)
}

/** File and folder are on the disk before anything is encrypted with the key. */
function makeKeyFile(file: string, folder: string): Uint8Array {
  const key = randomBytes(ENCRYPTION_KEY_BYTES)
  const draft = `${file}.new`
  writeSynced(draft, `${key.toString('base64')}\n`)
  renameSync(draft, file)
  const handle = openSync(folder, 'r')
  fsyncSync(handle)
  closeSync(handle)
  return key
}

function writeSynced(file: string, text: string): void {
  const handle = openSync(file, 'w', 0o600)
  writeSync(handle, text)
  fsyncSync(handle)
  closeSync(handle)
}

/** Whether a hash is that of the installation's key, the root key, which may do everything. In constant time. */
export type RootKey = { readonly matches: (hash: Buffer) => boolean }

/**
 * @param given the configured key, which replaces the stored one; undefined: the stored one counts
 * @param show called with a key that is made now, before its hash is stored
 */
export async function openRootKey(
  store: Store,
  given: string | undefined,
  show: (made: string) => void,
): Promise<RootKey> {
  const stored = await store.read('readMeta', { key: 'api_key_hash' })
  const made = given === undefined && stored === null ? makeKey() : undefined
  if (made !== undefined) show(made)
  const key = given ?? made
  const hash = key === undefined ? Buffer.from(stored!, 'hex') : hashOfKey(key)
  if (hash.toString('hex') !== stored) {
    await store.write('writeMeta', { key: 'api_key_hash', value: hash.toString('hex') })
  }
  return { matches: offered => timingSafeEqual(offered, hash) }
}
