/**
 * What can be said of a `clientSecret` before it is sent to the server: whether it is allowed (C7), and advice on it
 * (C8). The server says the same after it; here it is said while one types. Nothing leaves the browser, and no text from
 * here contains the secret.
 */

/** The longest allowed secret, in characters (C7). */
export const MAX_SECRET_LENGTH = 4_096

const SHORT_SECRET_LENGTH = 16
const DAY_MS = 86_400_000
const EXPIRES_SOON_MS = 30 * DAY_MS
const TOKEN_LIFE_MONTHS = 6
/** The latest time that a Date can represent (ECMA-262 §21.4.1.1), in milliseconds since 1970. */
const LAST_DATE_MS = 8.64e15

/** Why a secret isn't allowed. `bearer`: it begins with the word that Posthorn adds itself. */
export type SecretFault = {
  readonly reason: 'empty' | 'bearer' | 'character' | 'too_long'
  /** Zero-based index of the first bad character, in UTF-16 code units. */
  readonly position: number
}

/** The codes of the server's warnings that depend on the secret and the types alone. */
export type SecretAdvice =
  | 'secret_for_several_types'
  | 'secret_short'
  | 'token_expired'
  | 'token_expires_soon'
  | 'token_expires_within_six_months_of_issue'
  | 'token_carries_access'

/** What a JWT says of itself. It is only read, never verified: the key is the tenant's. */
export type Token = {
  /** When it was issued, in milliseconds since 1970. Null if it doesn't say. */
  readonly issuedAt: number | null
  /** When it expires. Null if never. */
  readonly expiresAt: number | null
  /** The claims that grant more than the webhook: `scope`, `roles`, … */
  readonly access: readonly string[]
}

/** C7: why the secret is no `b64token` (RFC 6750 §2.1) of at most 4,096 characters. Null if it is one. */
export function faultOf(secret: string): SecretFault | null {
  if (secret === '') return { reason: 'empty', position: 0 }
  const position = /^[A-Za-z0-9\-._~+/]+=*/.exec(secret)?.[0].length ?? 0
  if (position < Math.min(secret.length, MAX_SECRET_LENGTH)) {
    return { reason: /^bearer /i.test(secret) ? 'bearer' : 'character', position }
  }
  return secret.length > MAX_SECRET_LENGTH ? { reason: 'too_long', position: MAX_SECRET_LENGTH } : null
}

/**
 * C8: advice on a secret, in the server's order. Whether another endpoint has it, only the server knows.
 *
 * @param types what the endpoint names, as names or patterns; null for all types, undefined if it isn't known
 * @param now in milliseconds since 1970
 */
export function adviseOn(secret: string, types: readonly string[] | null | undefined, now: number): SecretAdvice[] {
  const advice: SecretAdvice[] = []
  if (types === null || (types !== undefined && (types.length > 1 || types.some(type => type.includes('*'))))) {
    advice.push('secret_for_several_types')
  }
  if (secret.length < SHORT_SECRET_LENGTH) advice.push('secret_short')
  const token = readToken(secret)
  if (token === null) return advice
  const expiry = adviseOnExpiry(token, now)
  if (expiry !== null) advice.push(expiry)
  if (token.access.length > 0) advice.push('token_carries_access')
  return advice
}

/** Reads a JWT in compact form (RFC 7519 §3, RFC 7515 §7.1). Null for anything else. */
export function readToken(secret: string): Token | null {
  if (secret.length > MAX_SECRET_LENGTH) return null
  const parts = /^([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.[A-Za-z0-9_-]*$/.exec(secret)
  if (parts === null || jsonObject(parts[1]!) === null) return null
  const claims = jsonObject(parts[2]!)
  if (claims === null) return null
  const access = ['scope', 'scp', 'roles', 'permissions'].filter(name => isGrant(claims[name]))
  const loggedInAs = [claims.LoggedInAs].flat()
  if (loggedInAs.some(name => typeof name === 'string' && /admin/i.test(name))) access.push('LoggedInAs')
  return { issuedAt: dateOf(claims.iat), expiresAt: dateOf(claims.exp), access }
}

/** 32 random bytes in base64url. */
export function generateSecret(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(32))
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '')
}

/** The most urgent advice on a token's expiry: each asks for a new token. */
function adviseOnExpiry({ issuedAt, expiresAt }: Token, now: number): SecretAdvice | null {
  if (expiresAt === null) return null
  if (expiresAt <= now) return 'token_expired'
  if (expiresAt <= now + EXPIRES_SOON_MS) return 'token_expires_soon'
  const isBrief = expiresAt < addMonths(issuedAt ?? now, TOKEN_LIFE_MONTHS)
  return isBrief ? 'token_expires_within_six_months_of_issue' : null
}

/** Empty lists, strings and objects, null and false grant nothing. */
function isGrant(claim: unknown): boolean {
  if (typeof claim === 'string') return claim.trim() !== ''
  if (typeof claim === 'object' && claim !== null) return Object.keys(claim).length > 0
  return claim !== undefined && claim !== null && claim !== false
}

/** A NumericDate (RFC 7519 §2: seconds since 1970) in milliseconds. Null for what is none, or beyond the range of Date. */
function dateOf(claim: unknown): number | null {
  if (typeof claim !== 'number' || claim * 1_000 > LAST_DATE_MS) return null
  return Math.max(Math.floor(claim * 1_000), 0)
}

/** The same day and time some calendar months later (UTC), or that month's last day if it is shorter. */
function addMonths(time: number, months: number): number {
  const date = new Date(time)
  const day = date.getUTCDate()
  date.setUTCMonth(date.getUTCMonth() + months, 1)
  const lastDay = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate()
  return date.setUTCDate(Math.min(day, lastDay))
}

function jsonObject(base64url: string): Record<string, unknown> | null {
  try {
    // A lone character at the end carries no byte.
    const whole = base64url.length % 4 === 1 ? base64url.slice(0, -1) : base64url
    const binary = atob(whole.replaceAll('-', '+').replaceAll('_', '/'))
    const bytes = Uint8Array.from(binary, character => character.charCodeAt(0))
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null
  } catch {
    return null
  }
}
