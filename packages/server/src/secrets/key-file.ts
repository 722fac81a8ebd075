/** The encryption key in its file, beside the store and never in it: found, made, replaced. */
import { randomBytes } from 'node:crypto'
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { PosthornError } from '../base/errors.ts'
import { StartRefused } from '../base/start-refused.ts'
import { createKeyring, ENCRYPTION_KEY_BYTES, type Keyring } from './keyring.ts'

export const KEY_FILE = 'encryption.key'
/** In the store's `meta`: of the key that everything is sealed with, or was before a replacement that is not finished. */
export const KEY_FINGERPRINT = 'encryption_key_fingerprint'
export const HOW_TO_PASS_IT =
  'Put the key that this data was written with into POSTHORN_ENCRYPTION_KEY, or its file back into the data folder.'

type Hidden<T> = { readonly reveal: () => T }

/** The settings that say where the encryption key is. */
export type KeySettings = {
  /** The data folder: its key file counts where no key is configured. */
  readonly data: string
  readonly encryptionKey: Hidden<Uint8Array> | null
  /** Configured keys that only open. */
  readonly olderEncryptionKeys: readonly Hidden<Uint8Array>[]
}

/**
 * The keyring of the configured keys, or else of those in the folder; undefined: there is none. Throws StartRefused if
 * none of them is the known one (null: none is known yet).
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
  throw new StartRefused(`The encryption key in ${source} is not the one of this data. ${HOW_TO_PASS_IT}`)
}

/** Where the encryption key is kept, so that it can be replaced while the process runs (services/key-rotation.ts). */
export type KeyPlace = {
  /**
   * Keeps a new key before the ones that are there, and answers it; null: keys are configured, and none is made. Throws
   * PosthornError `conflict` if what is there isn't what this process has.
   */
  addNew(keyring: Keyring): Uint8Array | null
  /** Keeps the first alone, and says whether it could: the same conditions hold. False: keys are configured. */
  dropOlder(keyring: Keyring): boolean
}

/** Configured keys are the operator's to make and drop. */
export const configuredKeys: KeyPlace = { addNew: () => null, dropOlder: () => false }

export const keysInFile = (keyFile: string): KeyPlace => ({
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

function writeSynced(file: string, text: string): void {
  const handle = openSync(file, 'w', 0o600)
  writeSync(handle, text)
  fsyncSync(handle)
  closeSync(handle)
}
