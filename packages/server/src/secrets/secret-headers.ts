/** Extra request headers whose values are secrets: stored sealed with the credentials, and never shown. */
import type { ExtraHeaders } from '../base/model.ts'

const SECRET_WORDS = [
  'api-key',
  'apikey',
  'access-key',
  'accesskey',
  'account-key',
  'auth',
  'bearer',
  'credential',
  'functions-key',
  'hmac',
  'jwt',
  'license-key',
  'passphrase',
  'passwd',
  'password',
  'private-key',
  'secret',
  'session',
  'shared-key',
  'signature',
  'signing-key',
  'subscription-key',
  'token',
]

/** Whether a header is a secret by its name, unless its owner says otherwise. */
export function isSecretName(name: string): boolean {
  const spelled = name.toLowerCase().replaceAll('_', '-')
  return SECRET_WORDS.some(word => spelled.includes(word))
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
