import { randomBytes, timingSafeEqual } from 'node:crypto'
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { PosthornError } from './errors.ts'
import { createKeyring, ENCRYPTION_KEY_BYTES, type Keyring } from './keys.ts'
import { hashOfKey, makeKey } from './manage/api-keys.ts'
import { StartRefused } from './start-refused.ts'
import type { Store } from './store/store.ts'

/**
 * The two keys of an installation: the encryption key, beside the store and never in it, and the API's root key, of
 * which the store has only a hash.
 */
export const KEY_FILE = 'encryption.key'
/** In the store: of the key that everything is sealed with, or was before a replacement that is not finished. */
export const KEY_FINGERPRINT = 'encryption_key_fingerprint'
const HOW_TO_PASS_IT =
  'Put the key that this data was written with into POSTHORN_ENCRYPTION_KEY, or its file back into the data folder.'

/**
 * The keyring of the given keys, or else of those in the folder; undefined: there is none. Throws StartRefused if none of
 * them is the known one (null: none is known yet).
 *
 * @param older configured keys that only open
 */
export function findKeyring(
  known: string | null,
  folder: string,
  given: Uint8Array | undefined,
  older: readonly Uint8Array[],
): Keyring | undefined {
  const keyFile = join(folder, KEY_FILE)
  const [key, ...others] = given === undefined ? readKeyFile(keyFile) : [given, ...older]
  if (key === undefined) return undefined
  const keyring = createKeyring(key, others)
  if (known === null || keyring.fingerprints.includes(known)) return keyring
  const source = given === undefined ? keyFile : 'POSTHORN_ENCRYPTION_KEY'
  throw new StartRefused(`The encryption key in ${source} is not the one of this data. ${HOW_TO_PASS_IT}`)
}

/** Where the encryption key is kept, so that it can be replaced while the process runs (manage/key-rotation.ts). */
export type KeyPlace = {
  /**
   * Keeps a new key before the ones that are there, and answers it; null: keys are configured, and none is made. Throws
   * PosthornError `conflict` if what is there isn't what this process has.
   */
  addNew(keyring: Keyring): Uint8Array | null
  /** Keeps the first alone, and says whether it could: the same conditions hold. False: keys are configured. */
  dropOlder(keyring: Keyring): boolean
}

export type OpenedKeyring = {
  readonly keyring: Keyring
  readonly place: KeyPlace
  readonly keyFile: string
  /** The key was made just now. */
  readonly isNew: boolean
}

/**
 * @param given the configured key; undefined: the one in the folder counts, and if there is none, one is made
 * @param older configured keys that only open
 */
export async function openKeyring(
  store: Store,
  folder: string,
  given: Uint8Array | undefined,
  older: readonly Uint8Array[],
): Promise<OpenedKeyring> {
  if (given === undefined && older.length > 0) {
    const remedy = 'set that too, or, with a key file, put them into it as further lines'
    throw new StartRefused(`POSTHORN_OLDER_ENCRYPTION_KEYS counts only beside POSTHORN_ENCRYPTION_KEY: ${remedy}.`)
  }
  const known = await store.read('readMeta', { key: KEY_FINGERPRINT })
  const keyFile = join(folder, KEY_FILE)
  const found = findKeyring(known, folder, given, older)
  if (found === undefined && known !== null) {
    throw new StartRefused(`The encryption key of this data is missing. ${HOW_TO_PASS_IT}`)
  }
  const keyring = found ?? createKeyring(makeKeyFile(keyFile, []))
  if (known === null) {
    await store.write('writeMeta', { key: KEY_FINGERPRINT, value: keyring.fingerprint })
  }
  return { keyring, place: given === undefined ? inFile(keyFile) : configured, keyFile, isNew: found === undefined }
}

const configured: KeyPlace = { addNew: () => null, dropOlder: () => false }

const inFile = (keyFile: string): KeyPlace => ({
  addNew: keyring => makeKeyFile(keyFile, keysInUse(keyFile, keyring)),
  dropOlder(keyring) {
    writeKeyFile(keyFile, keysInUse(keyFile, keyring).slice(0, 1))
    return true
  },
})

/** What is in the file, which somebody may have moved or changed while this process runs: nothing is lost over that. */
function keysInUse(keyFile: string, { fingerprints }: Keyring): Uint8Array[] {
  const keys = readOrNone(keyFile)
  const [first, ...others] = keys
  const isOurs = first !== undefined && createKeyring(first, others).fingerprints.join() === fingerprints.join()
  if (isOurs) return keys
  const detail = `${keyFile} doesn't hold the keys that this process has: put it back as it was, then try again.`
  throw new PosthornError('conflict', detail)
}

function readOrNone(keyFile: string): Uint8Array[] {
  try {
    return readKeyFile(keyFile)
  } catch (error) {
    if (error instanceof StartRefused) return []
    throw error
  }
}

/** A key a line, the one that seals first; more than one while a replacement is under way. */
function readKeyFile(file: string): Uint8Array[] {
  if (!existsSync(file)) return []
  const lines = readFileSync(file, 'utf8').trim().split('\n')
  const keys = lines.map(line => Buffer.from(line.trim(), 'base64'))
  if (keys.every(({ length }) => length === ENCRYPTION_KEY_BYTES)) return keys
  throw new StartRefused(`${file} does not hold 32 bytes in Base64. Put it back from your copy of it.`)
}

/** A new key, put before the others. File and folder are on the disk before anything is encrypted with it. */
function makeKeyFile(file: string, others: readonly Uint8Array[]): Uint8Array {
  const key = randomBytes(ENCRYPTION_KEY_BYTES)
  writeKeyFile(file, [key, ...others])
  return key
}

function writeKeyFile(file: string, keys: readonly Uint8Array[]): void {
  const draft = `${file}.new`
  writeSynced(draft, keys.map(key => `${Buffer.from(key).toString('base64')}\n`).join(''))
  renameSync(draft, file)
  const handle = openSync(dirname(file), 'r')
  fsyncSync(handle)
  closeSync(handle)
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
    if (stored !== null) {
      await store.write('recordKeyChange', { target: 'root_key', targetId: 'root', nowMs: store.now() })
    }
  }
  return { matches: offered => timingSafeEqual(offered, hash) }
}
