/** Checks that the keys exist, belong to this data, and are readable only by their owner. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type Finding, fail, ok, warn } from '../../base/findings.ts'
import { openMode } from '../../base/private-files.ts'
import { StartRefused } from '../../base/start-refused.ts'
import type { Config } from '../../config/config.ts'
import { hashOfKey } from '../../secrets/api-key.ts'
import { findKeyring, KEY_FILE, KEY_FINGERPRINT } from '../../secrets/key-file.ts'
import { nameOfKey } from '../../secrets/keyring.ts'
import { closeFile } from './commands.ts'
import type { CheckedStore, Installation } from './installation.ts'

export async function checkKeys({ store: { read, engine }, config }: Installation): Promise<Finding[]> {
  const known = await read('readMeta', { key: KEY_FINGERPRINT })
  const findings: Finding[] = []
  try {
    const keyring = findKeyring(known, config)
    if (keyring !== undefined) {
      const name = nameOfKey(keyring.fingerprint)
      const match = known === null ? 'nothing is encrypted yet' : 'matches this data'
      const from = config.encryptionKey === null ? join(config.data, KEY_FILE) : 'POSTHORN_ENCRYPTION_KEY'
      findings.push(ok('encryption key', `${name}, from ${from}: ${match}`))
    } else if (known === null && engine === 'sqlite') {
      findings.push(ok('encryption key', 'none yet: serve generates one'))
    } else {
      const remedy =
        'set POSTHORN_ENCRYPTION_KEY, or put the key file back: without the key, no secret can be read (docs/keys.md)'
      findings.push(fail('encryption key', 'missing', remedy))
    }
  } catch (error) {
    if (!(error instanceof StartRefused)) throw error
    findings.push(fail('encryption key', error.message, 'look for the right key among your copies (docs/keys.md)'))
  }
  findings.push(...checkKeyFile(config))
  findings.push(await checkApiKey(read, config))
  return findings
}

function checkKeyFile({ data, encryptionKey }: Config): Finding[] {
  const file = join(data, KEY_FILE)
  if (!existsSync(file)) return []
  if (encryptionKey !== null) {
    const remedy = 'remove it once you have a copy elsewhere: POSTHORN_ENCRYPTION_KEY is used instead'
    return [warn('key file', `${file} exists but is not used`, remedy)]
  }
  const mode = openMode(file)
  if (mode !== null) {
    return [fail('key file', `other users can open ${file} (mode ${mode})`, `chmod 600 ${file}`, closeFile(file))]
  }
  const says =
    'readable only by its owner; it is next to the data, so keep a copy elsewhere, but not in backups of the folder'
  return [ok('key file', says)]
}

async function checkApiKey(read: CheckedStore['read'], { apiKey }: Config): Promise<Finding> {
  const stored = await read('readMeta', { key: 'api_key_hash' })
  if (apiKey !== null) {
    const isStored = stored === hashOfKey(apiKey.reveal()).toString('hex')
    const says = isStored
      ? 'from POSTHORN_API_KEY: it is the one in effect'
      : 'from POSTHORN_API_KEY: takes effect when serve starts with it'
    return ok('API key', says)
  }
  if (stored !== null)
    return ok('API key', 'the one that serve was given (POSTHORN_API_KEY) or generated; only its hash is stored')
  const remedy = 'set POSTHORN_API_KEY, or start serve, which generates one and shows it once'
  return warn('API key', 'none yet', remedy, 'export POSTHORN_API_KEY="$(openssl rand -base64 32)"')
}
