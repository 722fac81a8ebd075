/** Are the keys there, the right ones, and nobody else's to read? */
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
      const match = known === null ? 'nothing was encrypted yet' : 'it is the one of this data'
      findings.push(ok('encryption key', `${name}: ${match}`))
    } else if (known === null && engine === 'sqlite') {
      findings.push(ok('encryption key', 'none yet: serve makes one'))
    } else {
      const remedy =
        'set POSTHORN_ENCRYPTION_KEY, or put its file back: without it no secret can be read (docs/keys.md)'
      findings.push(fail('encryption key', 'it is missing', remedy))
    }
  } catch (error) {
    if (!(error instanceof StartRefused)) throw error
    findings.push(fail('encryption key', error.message, 'look for the right one in your copies of it (docs/keys.md)'))
  }
  findings.push(...checkKeyFile(config))
  findings.push(await checkApiKey(read, config))
  return findings
}

function checkKeyFile({ data, encryptionKey }: Config): Finding[] {
  const file = join(data, KEY_FILE)
  if (!existsSync(file)) return []
  if (encryptionKey !== null) {
    const remedy = 'remove it once a copy is kept elsewhere: POSTHORN_ENCRYPTION_KEY is used instead'
    return [warn('key file', `${file} is there, and not used`, remedy)]
  }
  if ((statSync(file).mode & OTHERS) !== 0) return [fail('key file', `others can read ${file}`, `chmod 600 ${file}`)]
  const says =
    'only its owner can read it; it lies beside the data, so keep a copy apart and out of backups of the folder'
  return [ok('key file', says)]
}

async function checkApiKey(read: LookedAt['read'], { apiKey }: Config): Promise<Finding> {
  if (apiKey !== null) return ok('API key', 'POSTHORN_API_KEY is set')
  if ((await read('readMeta', { key: 'api_key_hash' })) !== null)
    return ok('API key', 'the one that was made and shown')
  return warn('API key', 'there is none yet', 'set POSTHORN_API_KEY, or start serve: it makes one and shows it once')
}
