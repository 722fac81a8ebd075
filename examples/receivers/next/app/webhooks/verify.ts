import { createHash, timingSafeEqual } from 'node:crypto'
import { Webhook } from 'standardwebhooks'

/**
 * Read at each request: Next runs this module when it builds, too, where there are no secrets. While you replace a
 * secret, set both, separated by a comma: new,old
 */
function secretsIn(name: string): string[] {
  const secrets = (process.env[name] ?? '').split(',').filter(one => one !== '')
  if (secrets.length === 0) throw new Error(`Set ${name}.`)
  return secrets
}

export function hasToken(authorization: string): boolean {
  const token = /^bearer +(\S+)$/i.exec(authorization)?.[1]
  return token !== undefined && isOneOf(token, secretsIn('CLIENT_SECRET'))
}

/** The library also refuses a timestamp that is more than five minutes away. */
export function isSigned(body: string, headers: Headers): boolean {
  return secretsIn('SIGNING_SECRET').some(secret => {
    try {
      new Webhook(secret).verify(body, Object.fromEntries(headers), { jsonParse: false })
      return true
    } catch {
      // Perhaps signed with the other secret, while one is being replaced.
      return false
    }
  })
}

/** Compares digests, and all of them: the time it takes says nothing about a secret. */
function isOneOf(text: string, expected: readonly string[]): boolean {
  let isFound = false
  for (const one of expected) if (timingSafeEqual(sha256(text), sha256(one))) isFound = true
  return isFound
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
