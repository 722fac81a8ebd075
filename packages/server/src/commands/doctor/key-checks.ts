/** Checks that the keys exist, belong to this data, and are readable only by their owner. */
import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { StartRefused } from '../../base/start-refused.ts'
import type { Config } from '../../config/config.ts'
import { findKeyring, KEY_FILE, KEY_FINGERPRINT } from '../../secrets/key-file.ts'
import { type Finding, fail, ok, warn } from './findings.ts'
import type { LookedAt } from './looked-at.ts'

const OTHERS = 0o077
const NAME_CHARACTERS = 8

export async function checkKeys({ read, engine }: LookedAt, config: Config): Promise<Finding[]> {
  const known = await read('readMeta', { key: KEY_FINGERPRINT })
  const findings: Finding[] = []
  try {
    const keyring = findKeyring(known, config)
    if (keyring !== undefined) {
      const name = keyring.fingerprint.slice(0, NAME_CHARACTERS)
      const match = known === null ? 'nothing is encrypted yet' : 'matches this data'
      findings.push(ok('encryption key', `${name}: ${match}`))
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
  if ((statSync(file).mode & OTHERS) !== 0)
    return [fail('key file', `other users can read ${file}`, `chmod 600 ${file}`)]
  const says =
    'readable only by its owner; it is next to the data, so keep a copy elsewhere, but not in backups of the folder'
  return [ok('key file', says)]
}

async function checkApiKey(read: LookedAt['read'], { apiKey }: Config): Promise<Finding> {
  if (apiKey !== null) return ok('API key', 'configured')
  if ((await read('readMeta', { key: 'api_key_hash' })) !== null)
    return ok('API key', 'the stored one, set or generated at an earlier startup')
  return warn('API key', 'none yet', 'set POSTHORN_API_KEY, or start serve, which generates one and shows it once')
}
