import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { KEY_FILE, type KeySettings } from '../../src/secrets/key-file.ts'
import { createKeyring } from '../../src/secrets/keyring.ts'
import { openKeyring } from '../../src/server/instance-keys.ts'
import { useBench } from '../services/setup.ts'

const bench = useBench()
let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'posthorn-keys-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** Settings with a configured key, or none, and configured older keys. */
function settings(key: Uint8Array | null = null, older: readonly Uint8Array[] = []): KeySettings {
  const hidden = (bytes: Uint8Array) => ({ reveal: () => bytes })
  return { data: folder, encryptionKey: key && hidden(key), olderEncryptionKeys: older.map(hidden) }
}

describe('the key file', () => {
  it('C14: has the new key before the old one until the old one is removed', async () => {
    const { keyring, place, keyFile, isNew } = await openKeyring(bench.store, settings())
    expect(isNew).toBe(true)
    const old = readFileSync(keyFile, 'utf8')
    const key = place.addNew(keyring)!
    keyring.putFirst(key)
    expect(readFileSync(keyFile, 'utf8')).toBe(`${Buffer.from(key).toString('base64')}\n${old}`)
    // Opened again before the rotation is finished, it has both keys.
    const again = await openKeyring(bench.store, settings())
    expect(again.keyring.fingerprints).toEqual(keyring.fingerprints)
    expect(place.dropOlder(keyring)).toBe(true)
    expect(readFileSync(keyFile, 'utf8')).toBe(`${Buffer.from(key).toString('base64')}\n`)
  })

  it.each([
    ['is missing', (file: string) => rmSync(file)],
    ['is empty', (file: string) => writeFileSync(file, '')],
    ['contains no key', (file: string) => writeFileSync(file, 'garbage')],
    ['contains another key', (file: string) => writeFileSync(file, randomBytes(32).toString('base64'))],
  ])('C14: is not written if it %s, because its new content might be needed', async (_what, change) => {
    const { keyring, place, keyFile } = await openKeyring(bench.store, settings())
    change(join(folder, KEY_FILE))
    const before = textOf(keyFile)
    expect(() => place.addNew(keyring)).toThrow('put it back')
    expect(() => place.dropOlder(keyring)).toThrow('put it back')
    expect(textOf(keyFile)).toBe(before)
  })

  it('C14: is not combined with older keys from the configuration, which are refused', async () => {
    await expect(openKeyring(bench.store, settings(null, [randomBytes(32)]))).rejects.toThrow('needs POSTHORN_ENCR')
  })

  it('C14: configured keys are neither created nor removed', async () => {
    const { keyring, place } = await openKeyring(bench.store, settings(randomBytes(32)))
    expect([place.addNew(keyring), place.dropOlder(createKeyring(randomBytes(32)))]).toEqual([null, false])
  })
})

function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}
