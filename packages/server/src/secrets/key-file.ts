/** Finds, creates and replaces the encryption key in its file, which is kept next to the store and never in it. */
import { randomBytes } from 'node:crypto'
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { PosthornError } from '../base/errors.ts'
import { StartRefused } from '../base/start-refused.ts'
import { createKeyring, ENCRYPTION_KEY_BYTES, type Keyring } from './keyring.ts'

export const KEY_FILE = 'encryption.key'
/** The key in the store's `meta` for the fingerprint of the key that seals everything (or did before a rotation). */
export const KEY_FINGERPRINT = 'encryption_key_fingerprint'
export const HOW_TO_PASS_IT =
  'Set POSTHORN_ENCRYPTION_KEY to the key that this data was encrypted with, or put its file back into the data folder.'

type Hidden<T> = { readonly reveal: () => T }

/** The settings that say where the encryption key is. */
export type KeySettings = {
  /** The data folder. Its key file is used if no key is configured. */
  readonly data: string
  readonly encryptionKey: Hidden<Uint8Array> | null
  /** Configured keys that are used only to decrypt. */
  readonly olderEncryptionKeys: readonly Hidden<Uint8Array>[]
}

/**
 * Returns a keyring of the configured keys, or else of those in the folder; undefined if there are none. Throws
 * StartRefused if none of them has the fingerprint `known` (null if none is known yet).
 */
export function findKeyring(known: string | null, settings: KeySettings): Keyring | undefined {
  const { data, encryptionKey, olderEncryptionKeys } = settings
  const keyFile = join(data, KEY_FILE)
  const [key, ...others] =
    encryptionKey === null ? readKeyFile(keyFile) : [encryptionKey, ...olderEncryptionKeys].map(each => each.reveal())
  if (key === undefined) return undefined
  const keyring = createKeyring(key, others)
  if (known === null || keyring.fingerprints.includes(known)) return keyring
  const source = encryptionKey === null ? keyFile : 'POSTHORN_ENCRYPTION_KEY'
  throw new StartRefused(`The encryption key in ${source} does not match this data. ${HOW_TO_PASS_IT}`)
}

/** Where the encryption key is kept, so that it can be replaced while the process runs (services/key-rotation.ts). */
export type KeyPlace = {
  /**
   * Generates a key, stores it before the existing ones and returns it. Returns null if keys are configured: then none
   * is generated. Throws PosthornError `conflict` if the stored keys aren't the ones that this process uses.
   */
  addNew(keyring: Keyring): Uint8Array | null
  /** Keeps only the first key. Returns false if keys are configured. Throws as `addNew` does. */
  dropOlder(keyring: Keyring): boolean
}

/** Configured keys are created and removed by the operator. */
export const configuredKeys: KeyPlace = { addNew: () => null, dropOlder: () => false }

export const keysInFile = (keyFile: string): KeyPlace => ({
  addNew: keyring => makeKeyFile(keyFile, keysInUse(keyFile, keyring)),
  dropOlder(keyring) {
    writeKeyFile(keyFile, keysInUse(keyFile, keyring).slice(0, 1))
    return true
  },
})

/** The keys in the file. Throws if someone has moved or changed the file since startup, so that nothing is lost. */
function keysInUse(keyFile: string, { fingerprints }: Keyring): Uint8Array[] {
  const keys = readOrNone(keyFile)
  const [first, ...others] = keys
  const isOurs = first !== undefined && createKeyring(first, others).fingerprints.join() === fingerprints.join()
  if (isOurs) return keys
  const detail = `${keyFile} does not contain the keys that this process uses: put it back as it was, then try again.`
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

/** One key per line, first the one that seals. There is more than one only during a rotation. */
function readKeyFile(file: string): Uint8Array[] {
  if (!existsSync(file)) return []
  const lines = readFileSync(file, 'utf8').trim().split('\n')
  const keys = lines.map(line => Buffer.from(line.trim(), 'base64'))
  if (keys.every(({ length }) => length === ENCRYPTION_KEY_BYTES)) return keys
  throw new StartRefused(`${file} does not contain 32 bytes in Base64. Restore it from your copy.`)
}

/** Writes a new key before the others. File and folder are synced before anything is encrypted with it. */
export function makeKeyFile(file: string, others: readonly Uint8Array[]): Uint8Array {
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

/** The file must be new: an existing one would keep its mode. */
function writeSynced(file: string, text: string): void {
  rmSync(file, { force: true })
  const handle = openSync(file, 'wx', 0o600)
  writeSync(handle, text)
  fsyncSync(handle)
  closeSync(handle)
}
