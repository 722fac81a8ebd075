import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  createSecretKey,
  hkdfSync,
  type KeyObject,
  randomBytes,
} from 'node:crypto'

/**
 * Encrypts secrets at rest: AES-256-GCM with a key that is not in the store. The additional data bind each ciphertext
 * to its endpoint, so that it can't be decrypted if it is copied to another row.
 *
 * Layout: 1 byte version, 4 bytes key id, 12 bytes nonce, ciphertext, 16 bytes tag.
 */
const VERSION = 1
const KEY_ID_BYTES = 4
const NONCE_BYTES = 12
const TAG_BYTES = 16
const HEADER_BYTES = 1 + KEY_ID_BYTES + NONCE_BYTES

export const ENCRYPTION_KEY_BYTES = 32

const NAME_CHARACTERS = 8
/** The name of a key in messages and logs: enough to tell two keys apart. */
export const nameOfKey = (fingerprint: string): string => fingerprint.slice(0, NAME_CHARACTERS)

/** No available key opens the sealed secret: it was sealed with another key or for another endpoint, or is damaged. */
export class SecretUnreadable extends Error {
  constructor() {
    super('A stored secret cannot be decrypted with this encryption key')
    this.name = 'SecretUnreadable'
  }
}

export type Keyring = {
  /** Of the key that seals. Identifies it without revealing it, and is stored with the data to detect a wrong key. */
  readonly fingerprint: string
  /** Makes this key the one that seals. The others can still open. */
  putFirst(key: Uint8Array): void
  /** Removes all keys except the one that seals. */
  dropOlder(): void
  /** Of all keys that can open, first the one that seals. */
  readonly fingerprints: readonly string[]
  seal(endpoint: string, secret: string): Uint8Array
  /** Throws SecretUnreadable. */
  open(endpoint: string, sealed: Uint8Array): string
  /** Whether the secret was sealed with the key that seals now. */
  isCurrent(sealed: Uint8Array): boolean
  /** HMAC-SHA256 with the key that seals, 32 bytes. Shows whether two secrets are equal without storing either. */
  digest(secret: string): Uint8Array
}

/** The keys derived from a key. The key itself isn't kept. */
type Derived = {
  readonly id: Buffer
  readonly fingerprint: string
  readonly sealing: KeyObject
  readonly digesting: KeyObject
}

/**
 * @param key seals and opens; 32 bytes
 * @param older can only open secrets that were sealed before these keys were replaced
 */
export function createKeyring(key: Uint8Array, older: readonly Uint8Array[] = []): Keyring {
  let current = derive(key)
  const all = [current, ...older.map(derive)]
  return {
    get fingerprint() {
      return current.fingerprint
    },
    get fingerprints() {
      return all.map(({ fingerprint }) => fingerprint)
    },
    putFirst(next) {
      current = derive(next)
      all.unshift(current)
    },
    dropOlder() {
      all.splice(1)
    },
    seal(endpoint, secret) {
      const nonce = randomBytes(NONCE_BYTES)
      const cipher = createCipheriv('aes-256-gcm', current.sealing, nonce).setAAD(Buffer.from(endpoint))
      const text = Buffer.concat([cipher.update(secret, 'utf8'), cipher.final()])
      // A copy with memory of its own, not a slice of a pool: it is passed to another thread.
      return Uint8Array.from(Buffer.concat([Buffer.of(VERSION), current.id, nonce, text, cipher.getAuthTag()]))
    },
    open(endpoint, sealed) {
      const bytes = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength)
      if (bytes.length < HEADER_BYTES + TAG_BYTES || bytes[0] !== VERSION) throw new SecretUnreadable()
      const used = all.find(({ id }) => id.equals(keyIdOf(bytes)))
      if (used === undefined) throw new SecretUnreadable()
      return decrypt(used.sealing, endpoint, bytes)
    },
    isCurrent: sealed => current.id.equals(keyIdOf(sealed)),
    digest: secret => Uint8Array.from(createHmac('sha256', current.digesting).update(secret).digest()),
  }
}

function derive(key: Uint8Array): Derived {
  if (key.length !== ENCRYPTION_KEY_BYTES) throw new Error(`An encryption key has ${ENCRYPTION_KEY_BYTES} bytes`)
  const keyFor = (use: string) => Buffer.from(hkdfSync('sha256', key, new Uint8Array(0), `posthorn ${use}`, 32))
  const fingerprint = createHash('sha256').update(keyFor('fingerprint')).digest()
  return {
    id: fingerprint.subarray(0, KEY_ID_BYTES),
    fingerprint: fingerprint.toString('hex').slice(0, 32),
    // Created once: with raw bytes, each use would cost five times as much.
    sealing: createSecretKey(keyFor('seal')),
    digesting: createSecretKey(keyFor('digest')),
  }
}

const keyIdOf = (sealed: Uint8Array): Uint8Array => sealed.subarray(1, 1 + KEY_ID_BYTES)

function decrypt(key: KeyObject, endpoint: string, bytes: Buffer): string {
  const nonce = bytes.subarray(1 + KEY_ID_BYTES, HEADER_BYTES)
  const tag = bytes.subarray(bytes.length - TAG_BYTES)
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES })
      .setAAD(Buffer.from(endpoint))
      .setAuthTag(tag)
    const text = decipher.update(bytes.subarray(HEADER_BYTES, bytes.length - TAG_BYTES))
    return Buffer.concat([text, decipher.final()]).toString('utf8')
  } catch {
    throw new SecretUnreadable()
  }
}
