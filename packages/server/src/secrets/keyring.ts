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
 * Secrets at rest: AES-256-GCM under a key that is not in the store, bound to its endpoint by the additional data, so
 * that a ciphertext copied to another row doesn't open.
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
/** What stands for a key where people read: enough to tell two apart. */
export const nameOfKey = (fingerprint: string): string => fingerprint.slice(0, NAME_CHARACTERS)

/** A sealed secret that no key at hand opens: another key's, another endpoint's, or damaged. */
export class SecretUnreadable extends Error {
  constructor() {
    super('A stored secret cannot be decrypted with this encryption key')
    this.name = 'SecretUnreadable'
  }
}

export type Keyring = {
  /** Of the key that seals: names it without giving it away; stored beside the data, so that a wrong key is noticed. */
  readonly fingerprint: string
  /** From here on this key seals; the others still open. */
  putFirst(key: Uint8Array): void
  /** The one that seals is the only one from here on. */
  dropOlder(): void
  /** Of every key that opens, the one that seals first. */
  readonly fingerprints: readonly string[]
  seal(endpoint: string, secret: string): Uint8Array
  /** Throws SecretUnreadable. */
  open(endpoint: string, sealed: Uint8Array): string
  /** Whether it was sealed with the key that seals now. */
  isCurrent(sealed: Uint8Array): boolean
  /** HMAC-SHA256 under the key that seals, 32 bytes: to tell whether two secrets are the same without keeping either. */
  digest(secret: string): Uint8Array
}

/** A key, as what it is used for; the key itself isn't kept. */
type Derived = {
  readonly id: Buffer
  readonly fingerprint: string
  readonly sealing: KeyObject
  readonly digesting: KeyObject
}

/**
 * @param key seals and opens; 32 bytes
 * @param older only open what was sealed with them before they were replaced
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
      // Own memory, not a slice of a pool: it goes to another thread.
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
    // Made once: from raw bytes, each use would cost five times as much.
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
