import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { createKeyring, SecretUnreadable } from '../../src/secrets/keyring.ts'

describe('C14: keyring', () => {
  const ring = createKeyring(randomBytes(32))

  it('C14: opens a sealed secret only with the same key, for the same endpoint, and if it is unchanged', () => {
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

  it('C14: opens secrets that an older key sealed, and seals with the new one', () => {
    const [older, newer, stranger] = [randomBytes(32), randomBytes(32), randomBytes(32)]
    const before = createKeyring(older)
    const both = createKeyring(newer, [older])
    const sealed = before.seal('ep_1', 'the secret')
    expect(both.open('ep_1', sealed)).toBe('the secret')
    expect(() => both.open('ep_2', sealed)).toThrow(SecretUnreadable)
    expect([both.isCurrent(sealed), both.isCurrent(both.seal('ep_1', 'x'))]).toEqual([false, true])
    expect(createKeyring(newer).open('ep_1', both.seal('ep_1', 'the secret'))).toBe('the secret')
    expect(() => createKeyring(newer, [stranger]).open('ep_1', sealed)).toThrow(SecretUnreadable)
    // A forged key id doesn't make another key fit.
    const forged = Uint8Array.from(sealed)
    forged.set(both.seal('ep_1', 'x').subarray(1, 5), 1)
    expect(() => both.open('ep_1', forged)).toThrow(SecretUnreadable)
    expect(both.fingerprints).toEqual([createKeyring(newer).fingerprint, before.fingerprint])
  })

  it('C14: stores no part of the key', () => {
    const key = randomBytes(32)
    const { seal, fingerprint } = createKeyring(key)
    expect(key.includes(Buffer.from(seal('ep_1', 'the secret').subarray(1, 5)))).toBe(false)
    expect(key.includes(Buffer.from(fingerprint, 'hex').subarray(0, 4))).toBe(false)
  })

  it('C8: gives equal secrets equal digests, and different ones with a different key', () => {
    expect(ring.digest('a')).toEqual(ring.digest('a'))
    expect(ring.digest('a')).not.toEqual(ring.digest('b'))
    expect(createKeyring(randomBytes(32)).digest('a')).not.toEqual(ring.digest('a'))
  })
})
