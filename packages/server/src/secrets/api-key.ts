/** Keys of the API: how one is made, and what the store keeps of it. */
import { hash, randomBytes } from 'node:crypto'

const KEY_BYTES = 32

/**
 * What the store keeps of a key. One round of SHA-256 is enough: a key of 256 random bits can't be found by trying,
 * however fast that goes.
 */
export const hashOfKey = (key: string): Buffer => hash('sha256', key, 'buffer')

/** A new key: its beginning is for those who search for secrets that got lost. */
export const makeKey = (): string => `phk_${randomBytes(KEY_BYTES).toString('base64url')}`
