/** Which `clientSecret` a tenant can use (C7), and advice on it (C8). No text from here contains the secret. */
import { formatCount } from '../base/counts.ts'
import { DAY_MS } from '../base/durations.ts'

/** The longest allowed secret, in characters (C7). */
export const MAX_SECRET_LENGTH = 4_096

/** Secrets shorter than this, in characters, get a warning (C8). */
const SHORT_SECRET_LENGTH = 16

const EXPIRES_SOON_MS = 30 * DAY_MS

/** How long a token should be valid after it was issued, in calendar months (C8). */
const TOKEN_LIFE_MONTHS = 6

/** The latest time that a Date can represent (ECMA-262 §21.4.1.1), in milliseconds since 1970. */
const LAST_DATE_MS = 8.64e15

export type SecretCheck =
  | { readonly ok: true }
  | {
      readonly ok: false
      /** Zero-based index of the first bad character, in UTF-16 code units. */
      readonly position: number
      readonly detail: string
    }

export type WarningCode =
  | 'secret_shared_between_endpoints'
  | 'secret_for_several_types'
  | 'secret_short'
  | 'token_expired'
  | 'token_expires_soon'
  | 'token_expires_within_six_months_of_issue'
  | 'token_carries_access'

export type Warning = { readonly code: WarningCode; readonly detail: string }

export type SecretUse = {
  readonly secret: string
  /** How many event types the endpoint names. */
  readonly typeCount: number
  /** The endpoint names none, or a pattern. Counts as several types, however many there are now. */
  readonly allTypes?: boolean
  /** Another endpoint of the same tenant has the same secret. */
  readonly otherEndpointHasIt: boolean
  /** Wall-clock time, in milliseconds since 1970. */
  readonly nowMs: number
}

/** C7: whether the secret is a `b64token` (RFC 6750 §2.1) of at most 4,096 characters. Nothing is trimmed. */
export function checkClientSecret(secret: string): SecretCheck {
  if (secret === '') return { ok: false, position: 0, detail: 'The secret is empty; use at least one character.' }
  const length = Math.min(secret.length, MAX_SECRET_LENGTH)
  let isPadding = false
  for (let position = 0; position < length; position++) {
    const character = secret[position]!
    if (character === '=' && position > 0) {
      isPadding = true
    } else if (isPadding || !/[A-Za-z0-9\-._~+/]/.test(character)) {
      return { ok: false, position, detail: badCharacterDetail(secret, position) }
    }
  }
  if (secret.length > MAX_SECRET_LENGTH) {
    const detail = `The secret is longer than ${formatCount(MAX_SECRET_LENGTH)} characters; use a shorter one.`
    return { ok: false, position: MAX_SECRET_LENGTH, detail }
  }
  return { ok: true }
}

function badCharacterDetail(secret: string, position: number): string {
  if (/^bearer /i.test(secret)) {
    return `Remove the word "Bearer" and the space after it: Posthorn adds them itself (position ${position}).`
  }
  return (
    `The character at position ${position} is not allowed: ` +
    'use only letters, digits and - . _ ~ + /, and = only at the end.'
  )
}

/** C8: advice on a secret that C7 accepts. A JWT is read but never verified: only the tenant has its key. */
export function adviseOnSecret(use: SecretUse): Warning[] {
  const warnings: Warning[] = []
  if (use.otherEndpointHasIt) {
    warnings.push({
      code: 'secret_shared_between_endpoints',
      detail: 'Another endpoint has the same secret; give each endpoint a secret of its own.',
    })
  }
  if (use.allTypes || use.typeCount > 1) {
    warnings.push({
      code: 'secret_for_several_types',
      detail: 'The secret is used for several event types; register one endpoint, with its own secret, for each type.',
    })
  }
  if (use.secret.length < SHORT_SECRET_LENGTH) {
    warnings.push({
      code: 'secret_short',
      detail: `The secret has fewer than ${SHORT_SECRET_LENGTH} characters; use a longer, random one.`,
    })
  }
  const claims = jwtClaims(use.secret)
  if (claims) {
    const expiry = expiryWarning(claims, use.nowMs)
    if (expiry) warnings.push(expiry)
    if (carriesAccess(claims)) {
      warnings.push({
        code: 'token_carries_access',
        detail: 'The token grants access to more than the webhook; issue one that grants the least access possible.',
      })
    }
  }
  return warnings
}

/** What a JWT says, without being verified: only the tenant has its key. It contains nothing of the signature. */
export type ReadToken = {
  /** Such as `HS256`. Null if it names none. */
  readonly algorithm: string | null
  readonly claims: Readonly<Record<string, unknown>>
  /** When it was issued, from when on it is valid, and until when, in milliseconds since 1970. Null if it doesn't say. */
  readonly issuedAtMs: number | null
  readonly notBeforeMs: number | null
  readonly expiresAtMs: number | null
}

/** Undefined if the secret is no JWT in compact form. */
export function readToken(secret: string): ReadToken | undefined {
  const claims = jwtClaims(secret)
  if (claims === undefined) return undefined
  const { alg } = jsonObject(secret.slice(0, secret.indexOf('.')))!
  return {
    algorithm: typeof alg === 'string' ? alg : null,
    claims,
    issuedAtMs: numericDateMs(claims.iat) ?? null,
    notBeforeMs: numericDateMs(claims.nbf) ?? null,
    expiresAtMs: numericDateMs(claims.exp) ?? null,
  }
}

/** When a JWT expires, in milliseconds since 1970. Undefined if it is no JWT, or never expires within Date's range. */
export function jwtExpiryMs(secret: string): number | undefined {
  const claims = jwtClaims(secret)
  return claims && numericDateMs(claims.exp)
}

/** The most urgent warning about a token's expiry. At most one, since each of them asks for a new token. */
function expiryWarning(claims: Record<string, unknown>, nowMs: number): Warning | undefined {
  const expiryMs = numericDateMs(claims.exp)
  if (expiryMs === undefined) return undefined
  if (expiryMs <= nowMs) {
    return { code: 'token_expired', detail: 'The token has expired. Set a new one, or the receiver will reject it.' }
  }
  const when = new Date(expiryMs).toISOString()
  if (expiryMs <= nowMs + EXPIRES_SOON_MS) {
    return { code: 'token_expires_soon', detail: `The token expires at ${when}; replace it before then.` }
  }
  if (expiryMs < addMonthsMs(numericDateMs(claims.iat) ?? nowMs, TOKEN_LIFE_MONTHS)) {
    return {
      code: 'token_expires_within_six_months_of_issue',
      detail: `The token expires at ${when}, within six months of being issued; give the next one a longer lifetime.`,
    }
  }
  return undefined
}

/** Whether a token grants more than access to the webhook. */
function carriesAccess(claims: Record<string, unknown>): boolean {
  if ([claims.scope, claims.scp, claims.roles, claims.permissions].some(isGrant)) return true
  const loggedInAs = Array.isArray(claims.LoggedInAs) ? claims.LoggedInAs : [claims.LoggedInAs]
  return loggedInAs.some(name => typeof name === 'string' && /admin/i.test(name))
}

/** Empty lists, strings and objects, null and false grant nothing. */
function isGrant(claim: unknown): boolean {
  if (typeof claim === 'string') return claim.trim() !== ''
  if (typeof claim === 'object' && claim !== null) return Object.keys(claim).length > 0
  return claim !== undefined && claim !== null && claim !== false
}

/**
 * A NumericDate (RFC 7519 §2: seconds since 1970, fractions allowed) in whole milliseconds. Times before 1970 become
 * 1970. Undefined for anything that isn't a number, and for times beyond the range of Date, which never come.
 */
function numericDateMs(claim: unknown): number | undefined {
  if (typeof claim !== 'number' || claim * 1_000 > LAST_DATE_MS) return undefined
  return Math.max(Math.floor(claim * 1_000), 0)
}

/** The same day and time `months` calendar months later (UTC), or that month's last day if it is shorter. */
function addMonthsMs(timeMs: number, months: number): number {
  const date = new Date(timeMs)
  const day = date.getUTCDate()
  date.setUTCMonth(date.getUTCMonth() + months, 1)
  const lastDay = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate()
  return date.setUTCDate(Math.min(day, lastDay))
}

/** The payload of a JWT in compact form (RFC 7519 §3, RFC 7515 §7.1). Undefined for anything else. Never throws. */
function jwtClaims(secret: string): Record<string, unknown> | undefined {
  if (secret.length > MAX_SECRET_LENGTH) return undefined
  const parts = /^([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.[A-Za-z0-9_-]*$/.exec(secret)
  if (!parts || !jsonObject(parts[1]!)) return undefined
  return jsonObject(parts[2]!)
}

/** Decodes a JSON object from base64url. `JSON.parse` treats `__proto__` as an ordinary property. */
function jsonObject(base64url: string): Record<string, unknown> | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(base64url, 'base64url'))
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined
  } catch {
    return undefined
  }
}
