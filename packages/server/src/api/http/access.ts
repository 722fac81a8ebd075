/**
 * Which key a call can need. Each route says which it needs (routes.ts); a route that does not can't be added.
 *
 * open: no key. publish: scope all or publish. read: scope all or read. write: scope all. A key of one tenant may make
 * these where the path is its tenant's. shared: as read, for what is of no tenant and every tenant may see. operator:
 * scope all, and no tenant.
 */
import { PosthornError } from '../../base/errors.ts'
import type { ApiKey, ApiKeyScope } from '../../base/model.ts'

export type Access = 'open' | 'publish' | 'read' | 'write' | 'shared' | 'operator'

const SCOPES: Readonly<Record<Access, readonly ApiKeyScope[]>> = {
  open: ['all', 'publish', 'read'],
  publish: ['all', 'publish'],
  read: ['all', 'read'],
  shared: ['all', 'read'],
  write: ['all'],
  operator: ['all'],
}

/**
 * Undefined if the key may, else the refusal. It is decided before anything is looked up, so that a key of one tenant
 * can't tell whether another exists.
 * @param key null: the root key
 * @param tenant the one in the path, decoded; undefined: there is none
 */
export function accessRefusal(
  key: ApiKey | null,
  access: Access,
  tenant: string | undefined,
): PosthornError | undefined {
  if (key === null) return undefined
  if (!SCOPES[access].includes(key.scope)) {
    return new PosthornError('forbidden', `A key with the scope ${key.scope} may not make this call.`)
  }
  if (key.tenant === null || access === 'shared' || access === 'open') return undefined
  if (access !== 'operator' && tenant === key.tenant) return undefined
  return new PosthornError('forbidden', 'A key of one tenant may call what is under the path of its tenant only.')
}
