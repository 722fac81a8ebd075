import { createCipheriv, createDecipheriv, createHash, createHmac, hkdfSync, randomBytes } from 'node:crypto'

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

/** A sealed secret that this key doesn't open: another key's, another endpoint's, or damaged. */
export class SecretUnreadable extends Error {
  constructor() {
    super('A stored secret cannot be decrypted with this encryption key')
    this.name = 'SecretUnreadable'
  }
}

export type Keyring = {
  /** Names the key without giving it away; stored beside the data, so that a wrong key is noticed at start. */
  readonly fingerprint: string
  seal(endpoint: string, secret: string): Uint8Array
  /** Throws SecretUnreadable. */
  open(endpoint: string, sealed: Uint8Array): string
  /** HMAC-SHA256, 32 bytes: to tell whether two secrets are the same without keeping either. */
  digest(secret: string): Uint8Array
}

const derive = (key: Uint8Array, use: string): Buffer =>
  Buffer.from(hkdfSync('sha256', key, new Uint8Array(0), `posthorn ${use}`, 32))

/** @param key 32 bytes. */
export function createKeyring(key: Uint8Array): Keyring {
  if (key.length !== ENCRYPTION_KEY_BYTES) throw new Error(`An encryption key has ${ENCRYPTION_KEY_BYTES} bytes`)
  const sealing = derive(key, 'seal')
  const digesting = derive(key, 'digest')
  const fingerprint = createHash('sha256').update(derive(key, 'fingerprint')).digest()
  const keyId = fingerprint.subarray(0, KEY_ID_BYTES)

  return {
    fingerprint: fingerprint.toString('hex').slice(0, 32),
    seal(endpoint, secret) {
      const nonce = randomBytes(NONCE_BYTES)
      const cipher = createCipheriv('aes-256-gcm', sealing, nonce).setAAD(Buffer.from(endpoint))
      const text = Buffer.concat([cipher.update(secret, 'utf8'), cipher.final()])
      // Own memory, not a slice of a pool: it goes to another thread.
      return Uint8Array.from(Buffer.concat([Buffer.of(VERSION), keyId, nonce, text, cipher.getAuthTag()]))
    },
    open(endpoint, sealed) {
      const bytes = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength)
      if (bytes.length < HEADER_BYTES + TAG_BYTES || bytes[0] !== VERSION) throw new SecretUnreadable()
      const nonce = bytes.subarray(1 + KEY_ID_BYTES, HEADER_BYTES)
      const tag = bytes.subarray(bytes.length - TAG_BYTES)
      try {
        const decipher = createDecipheriv('aes-256-gcm', sealing, nonce, { authTagLength: TAG_BYTES })
          .setAAD(Buffer.from(endpoint))
          .setAuthTag(tag)
        const text = decipher.update(bytes.subarray(HEADER_BYTES, bytes.length - TAG_BYTES))
        return Buffer.concat([text, decipher.final()]).toString('utf8')
      } catch {
        throw new SecretUnreadable()
      }
    },
    digest: secret => Uint8Array.from(createHmac('sha256', digesting).update(secret).digest()),
  }
}
