import { expect, it } from 'vitest'
import { createLogger } from '../../src/base/logger.ts'
import { createKeyring, nameOfKey } from '../../src/secrets/keyring.ts'
import { remindOfKey } from '../../src/server/announce.ts'

it('the log names the encryption key in effect, and where it is kept', () => {
  const lines: string[] = []
  const { logger } = createLogger({ level: 'info', stdout: { write: text => lines.push(text) } })
  const keyring = createKeyring(Buffer.alloc(32, 7))
  remindOfKey(logger, keyring, '/data/encryption.key')
  expect(JSON.parse(lines.join(''))).toMatchObject({
    keyName: nameOfKey(keyring.fingerprint),
    keptIn: '/data/encryption.key',
  })
})
