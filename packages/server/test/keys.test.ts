import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { createKeyring, SecretUnreadable } from '../src/keys.ts'

describe('C14 keyring', () => {
  const ring = createKeyring(randomBytes(32))

  it('C14: opens what it sealed, for the same endpoint, untouched, under the same key only', () => {
    const sealed = ring.seal('ep_1', 'the secret')
    expect(Buffer.from(sealed).includes('the secret')).toBe(false)
    expect(ring.open('ep_1', sealed)).toBe('the secret')
    expect(ring.seal('ep_1', 'the secret')).not.toEqual(sealed)
    expect(() => ring.open('ep_2', sealed)).toThrow(SecretUnreadable)
    expect(() => createKeyring(randomBytes(32)).open('ep_1', sealed)).toThrow(SecretUnreadable)
    for (const at of [0, 6, 18, sealed.length - 1]) {
      const touched = Uint8Array.from(sealed)
      touched[at]! ^= 1
      expect(() => ring.open('ep_1', touched), String(at)).toThrow(SecretUnreadable)
    }
    expect(() => ring.open('ep_1', sealed.subarray(0, 20))).toThrow(SecretUnreadable)
  })

  it('C14: puts nothing of the key into what is stored', () => {
    const key = randomBytes(32)
    const { seal, fingerprint } = createKeyring(key)
    expect(key.includes(Buffer.from(seal('ep_1', 'the secret').subarray(1, 5)))).toBe(false)
    expect(key.includes(Buffer.from(fingerprint, 'hex').subarray(0, 4))).toBe(false)
  })

  it('C8: gives equal secrets equal digests, and other keys other ones', () => {
    expect(ring.digest('a')).toEqual(ring.digest('a'))
    expect(ring.digest('a')).not.toEqual(ring.digest('b'))
    expect(createKeyring(randomBytes(32)).digest('a')).not.toEqual(ring.digest('a'))
  })
})
