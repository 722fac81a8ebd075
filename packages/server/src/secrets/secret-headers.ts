/** Extra request headers whose values are secrets: stored sealed with the credentials, and never shown. */
import type { ExtraHeaders } from '../base/model.ts'

/** Parts of a name that say so wherever they stand. */
const SECRET_PARTS = [
  'apikey',
  'accesskey',
  'auth',
  'bearer',
  'credential',
  'hmac',
  'jwt',
  'passcode',
  'passphrase',
  'passwd',
  'password',
  'secret',
  'session',
  'signature',
  'token',
]

/** Words of a name, between hyphens, that say so: inside another word, such as in `pinned`, they mean nothing. */
const SECRET_WORDS = new Set([
  'cred',
  'creds',
  'csrf',
  'key',
  'keys',
  'otp',
  'pass',
  'pin',
  'private',
  'psk',
  'pwd',
  'sig',
  'sign',
  'ticket',
  'totp',
  'xsrf',
])

/** Keys that find something rather than open it. */
const OPEN_KEY = /(?:^|-)(?:cache|idempotency|partition|public|routing|sort)-keys?(?:-|$)/

/** Whether a header is a secret by its name, unless its owner says otherwise. */
export function isSecretName(name: string): boolean {
  const spelled = name.toLowerCase().replace(/[^a-z0-9]/g, '-')
  if (SECRET_PARTS.some(part => spelled.includes(part))) return true
  const words = spelled.replace(OPEN_KEY, '-').split('-')
  return words.some(word => SECRET_WORDS.has(word))
}

/** A header as it is shown, and accepted in return: its value, or that it is secret, or is not in spite of its name. */
export type ShownHeader = string | { readonly secret: true } | { readonly value: string; readonly secret: false }

export function showHeaders(headers: ExtraHeaders): Record<string, ShownHeader> {
  const shown = Object.entries(headers).map(([name, { secret, value }]): [string, ShownHeader] => {
    if (secret || value === null) return [name, { secret: true }]
    return [name, isSecretName(name) ? { value, secret: false } : value]
  })
  // Assigning the members one by one would drop a header named __proto__.
  return Object.fromEntries(shown)
}
