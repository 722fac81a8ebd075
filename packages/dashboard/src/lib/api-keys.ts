import type { ApiKey } from '@posthorn/client'

export type KeyState = 'active' | 'expiring' | 'expired' | 'revoked'

/** How long before a key expires it is said to expire soon, in milliseconds. */
const SOON_MS = 14 * 86_400_000

export function stateOf({ expiresAt, revokedAt }: Pick<ApiKey, 'expiresAt' | 'revokedAt'>, now: number): KeyState {
  if (revokedAt !== null) return 'revoked'
  if (expiresAt === null) return 'active'
  const left = Date.parse(expiresAt) - now
  if (left <= 0) return 'expired'
  return left <= SOON_MS ? 'expiring' : 'active'
}

/** Whether calls with the key are accepted. */
export const isUsable = (state: KeyState): boolean => state === 'active' || state === 'expiring'

type Sought = {
  readonly q: string
  readonly states: readonly string[]
  readonly scopes: readonly string[]
  readonly tenant: string | null
}

/** Those that match: a part of the name or the id, in any case; one of the states and scopes, if there are any. */
export function findKeys(
  keys: readonly ApiKey[],
  { q, states, scopes, tenant }: Sought,
  now: number,
): readonly ApiKey[] {
  const text = q.trim().toLowerCase()
  return keys.filter(
    key =>
      (tenant === null || key.tenant === tenant) &&
      (states.length === 0 || states.includes(stateOf(key, now))) &&
      (scopes.length === 0 || scopes.includes(key.scope)) &&
      `${key.name}\n${key.id}`.toLowerCase().includes(text),
  )
}

export type Expiry = 'never' | '30' | '90' | '365' | 'date'

/**
 * When a key expires that was given this expiry: RFC 3339, or null for never. A date is the last day on which the key
 * works, in the browser's zone. Undefined for a date that isn't one, or is over.
 */
export function expiresAtOf(expiry: Expiry, date: string, now: number): string | null | undefined {
  if (expiry === 'never') return null
  if (expiry !== 'date') return new Date(now + Number(expiry) * 86_400_000).toISOString()
  const parts = /^(\d{4})-(\d\d)-(\d\d)$/.exec(date)
  if (parts === null) return undefined
  const [, year, month, day] = parts.map(Number) as [number, number, number, number]
  const end = new Date(year, month - 1, day + 1).getTime()
  return end > now ? new Date(end).toISOString() : undefined
}
