/** What a tenant's `clientSecret` may be (C7), and what to say about it (C8). No text made here contains the secret. */
import { DAY_MS } from '../base/durations.ts'

/** Longest secret, in characters (C7). */
export const MAX_SECRET_LENGTH = 4_096

/** Shorter secrets than this draw a warning, in characters (C8). */
const SHORT_SECRET_LENGTH = 16

const EXPIRES_SOON_MS = 30 * DAY_MS

/** A token should need re-issuing at most this often, in calendar months (C8). */
const TOKEN_LIFE_MONTHS = 6

/** The last moment that a Date can hold (ECMA-262 §21.4.1.1), in milliseconds since 1970. */
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
  /** The endpoint named none, or a pattern: counts as several, however many there are now. */
  readonly allTypes?: boolean
  /** Another endpoint of the same tenant has the same secret. */
  readonly otherEndpointHasIt: boolean
  /** Wall-clock time, milliseconds since 1970. */
  readonly nowMs: number
}

/** C7: whether the secret is a `b64token` (RFC 6750 §2.1) of at most 4,096 characters. Nothing is trimmed. */
export function checkClientSecret(secret: string): SecretCheck {
  if (secret === '') return { ok: false, position: 0, detail: 'The secret is empty; give at least one character.' }
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
    const detail = `The secret is longer than ${MAX_SECRET_LENGTH} characters; use a shorter one.`
    return { ok: false, position: MAX_SECRET_LENGTH, detail }
  }
  return { ok: true }
}

function badCharacterDetail(secret: string, position: number): string {
  if (/^bearer /i.test(secret)) {
    return `Leave out the word "Bearer" and the space after it: Posthorn adds them itself (position ${position}).`
  }
  return (
    `The character at position ${position} is not allowed: ` +
    'use letters, digits and - . _ ~ + / only, with = at the end only.'
  )
}

/** C8: what is worth changing about a secret that C7 accepts. A JWT is read, never verified: the key is the tenant's. */
export function adviseOnSecret(use: SecretUse): Warning[] {
  const warnings: Warning[] = []
  if (use.otherEndpointHasIt) {
    warnings.push({
      code: 'secret_shared_between_endpoints',
      detail: 'Another endpoint has the same secret; give each endpoint its own.',
    })
  }
  if (use.allTypes || use.typeCount > 1) {
    warnings.push({
      code: 'secret_for_several_types',
      detail: 'The secret serves several event types; register one endpoint, with its own secret, for each type.',
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
        detail: 'The token grants access to more than the webhook; issue one that grants the lowest access.',
      })
    }
  }
  return warnings
}

/** When a JWT expires, milliseconds since 1970. Undefined: no JWT, it never expires, or not before the end of Date. */
export function jwtExpiryMs(secret: string): number | undefined {
  const claims = jwtClaims(secret)
  return claims && numericDateMs(claims.exp)
}

/** The most urgent thing to say about a token's expiry: one warning at most, since each asks for a new token. */
function expiryWarning(claims: Record<string, unknown>, nowMs: number): Warning | undefined {
  const expiryMs = numericDateMs(claims.exp)
  if (expiryMs === undefined) return undefined
  if (expiryMs <= nowMs) {
    return { code: 'token_expired', detail: 'The token has expired; issue a new one before its receiver refuses it.' }
  }
  const when = new Date(expiryMs).toISOString()
  if (expiryMs <= nowMs + EXPIRES_SOON_MS) {
    return { code: 'token_expires_soon', detail: `The token expires at ${when}; replace it before then.` }
  }
  if (expiryMs < addMonthsMs(numericDateMs(claims.iat) ?? nowMs, TOKEN_LIFE_MONTHS)) {
    return {
      code: 'token_expires_within_six_months_of_issue',
      detail: `The token expires at ${when}, within six months of its issue; let the next one live longer.`,
    }
  }
  return undefined
}

/** Whether a token opens more than the door it is for. */
function carriesAccess(claims: Record<string, unknown>): boolean {
  if ([claims.scope, claims.scp, claims.roles, claims.permissions].some(isGrant)) return true
  const loggedInAs = Array.isArray(claims.LoggedInAs) ? claims.LoggedInAs : [claims.LoggedInAs]
  return loggedInAs.some(name => typeof name === 'string' && /admin/i.test(name))
}

/** An empty list, text or object, null and false grant nothing. */
function isGrant(claim: unknown): boolean {
  if (typeof claim === 'string') return claim.trim() !== ''
  if (typeof claim === 'object' && claim !== null) return Object.keys(claim).length > 0
  return claim !== undefined && claim !== null && claim !== false
}

/**
 * A NumericDate (RFC 7519 §2: seconds since 1970, fractions allowed) in whole milliseconds. What is before 1970 counts
 * as 1970. Undefined for what is no number, and for what no Date can hold: that is not going to happen.
 */
function numericDateMs(claim: unknown): number | undefined {
  if (typeof claim !== 'number' || claim * 1_000 > LAST_DATE_MS) return undefined
  return Math.max(Math.floor(claim * 1_000), 0)
}

/** The same day and time of day so many calendar months later (UTC); the month's last day where it has no such day. */
function addMonthsMs(timeMs: number, months: number): number {
  const date = new Date(timeMs)
  const day = date.getUTCDate()
  date.setUTCMonth(date.getUTCMonth() + months, 1)
  const lastDay = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate()
  return date.setUTCDate(Math.min(day, lastDay))
}

/** The payload of a JWT in compact form (RFC 7519 §3, RFC 7515 §7.1); undefined for what isn't one. Never throws. */
function jwtClaims(secret: string): Record<string, unknown> | undefined {
  if (secret.length > MAX_SECRET_LENGTH) return undefined
  const parts = /^([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.[A-Za-z0-9_-]*$/.exec(secret)
  if (!parts || !jsonObject(parts[1]!)) return undefined
  return jsonObject(parts[2]!)
}

/** The JSON object that base64url text holds. `JSON.parse` makes `__proto__` a property like any other. */
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
