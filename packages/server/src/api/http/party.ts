import type { ApiKey } from '../../base/callers.ts'

/**
 * Who is behind a key, as far as limits are concerned: all keys of one tenant count as one, because one party holds
 * them. Null: the root key.
 */
export function partyOf(key: ApiKey | null): string {
  return key === null ? 'root' : key.tenant === null ? key.id : `tenant ${key.tenant}`
}
