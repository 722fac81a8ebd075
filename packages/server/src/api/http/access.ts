/**
 * The kinds of access. Each route names the one it needs (routes.ts); a route that names none can't be added.
 *
 * open: no key. publish: scope all or publish. read: scope all or read. write: scope all. For these three, a key of one
 * tenant can call the paths of its own tenant. shared: like read, for things that belong to no tenant and that every
 * tenant can see. operator: scope all, and not a key of one tenant. sign-in, session and visitor exist for sessions only
 * (decision 48): signing in needs neither, a call about the session itself needs any session, and a visitor has one or
 * has none.
 */
import { PosthornError } from '../../base/errors.ts'
import type { ApiKey, ApiKeyScope } from '../../base/model.ts'

export type Access = 'open' | 'publish' | 'read' | 'write' | 'shared' | 'operator' | 'session' | 'sign-in' | 'visitor'

const SCOPES: Readonly<Record<Access, readonly ApiKeyScope[]>> = {
  open: ['all', 'publish', 'read'],
  publish: ['all', 'publish'],
  read: ['all', 'read'],
  shared: ['all', 'read'],
  write: ['all'],
  operator: ['all'],
  session: ['all', 'publish', 'read'],
  'sign-in': ['all', 'publish', 'read'],
  visitor: ['all', 'publish', 'read'],
}

/** The caller, as far as it matters here. Null: the call needs no key. `key` is null for the root key. */
type Caller = { readonly key: Pick<ApiKey, 'payloads'> | null } | null

/**
 * Whether a caller can see payloads and what receivers responded. No other place decides this: a route says that it
 * shows them (`payloads`, in routes.ts), and its handler asks `request.seesPayloads`. Handlers whose response only tells
 * something about payloads ask here.
 */
export function maySeePayloads(caller: Caller): boolean {
  return caller !== null && (caller.key === null || caller.key.payloads)
}

/**
 * Throws `forbidden` for a caller that can't see payloads.
 *
 * @param what what it can't do, as the end of "A key without the permission `payloads` cannot"
 */
export function requirePayloads(caller: Caller, what: string): void {
  if (maySeePayloads(caller)) return
  throw new PosthornError('forbidden', `A key without the permission \`payloads\` cannot ${what}.`)
}

/**
 * Undefined if the key allows the call, otherwise the refusal. Decided before anything is looked up, so that a key of
 * one tenant can't find out whether another tenant exists.
 * @param tenant the tenant in the path, decoded; undefined: the path has none
 */
export function accessRefusal(
  { key, session }: { readonly key: ApiKey | null; readonly session?: object },
  access: Access,
  tenant: string | undefined,
): PosthornError | undefined {
  if (isOfSessions(access) && session === undefined) {
    return new PosthornError('not_found', 'This path exists only for sessions: put /session before it.')
  }
  if (key === null) return undefined
  if (!SCOPES[access].includes(key.scope)) {
    return new PosthornError('forbidden', `A key with the scope ${key.scope} cannot make this call.`)
  }
  if (key.tenant === null || access === 'shared' || access === 'open' || isOfSessions(access)) return undefined
  if (access !== 'operator' && tenant === key.tenant) return undefined
  return new PosthornError('forbidden', 'This API key is limited to one tenant and cannot make this call.')
}

const OF_SESSIONS: readonly Access[] = ['session', 'sign-in', 'visitor']

const isOfSessions = (access: Access): boolean => OF_SESSIONS.includes(access)
