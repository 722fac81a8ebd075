/**
 * The kinds of access. Each route names the one it needs (routes.ts); a route that names none can't be added.
 *
 * open: no key. publish: scope all or publish. read: scope all or read. write: scope all. For these three, a key of one
 * tenant can call the paths of its own tenant. shared: like read, for things that belong to no tenant and that every
 * tenant can see. operator: scope all, and not a key of one tenant. sign-in, session and visitor exist for sessions only
 * (decision 48): signing in needs neither, a call about the session itself needs any session, and a visitor has one or
 * has none. portal-sign-in, portal and portal-visitor are the same for sessions of a portal, which can also make those
 * calls of the other kinds that say so (`portal`, in routes.ts). portal-open is there too, for anyone.
 */

import type { ApiKey, ApiKeyScope } from '../../base/callers.ts'
import { PosthornError } from '../../base/errors.ts'
import type { PortalPermission } from '../../base/portal.ts'
import { PREFIXES, type SessionKind } from './doors.ts'

export type Access =
  | 'open'
  | 'publish'
  | 'read'
  | 'write'
  | 'shared'
  | 'operator'
  | 'session'
  | 'sign-in'
  | 'visitor'
  | 'portal'
  | 'portal-sign-in'
  | 'portal-open'
  | 'portal-visitor'

/** The calls that exist at one of the doors for sessions only. */
const DOORS: Partial<Record<Access, SessionKind>> = {
  session: 'session',
  'sign-in': 'session',
  visitor: 'session',
  portal: 'portal',
  'portal-sign-in': 'portal',
  'portal-open': 'portal',
  'portal-visitor': 'portal',
}

/** The door that a call exists at only. Undefined: it is not about sessions. */
export const doorOf = (access: Access): SessionKind | undefined => DOORS[access]

export const isSigningIn = (access: Access): boolean => access === 'sign-in' || access === 'portal-sign-in'

/** Whether a caller can have a session or none. */
export const isVisiting = (access: Access): boolean => access === 'visitor' || access === 'portal-visitor'

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
  portal: ['all'],
  'portal-sign-in': ['all'],
  'portal-open': ['all'],
  'portal-visitor': ['all'],
}

/** The caller, as far as it matters here. Null: the call needs no key. `key` is null for the root key. */
type Caller = { readonly key: Pick<ApiKey, 'payloads'> | null } | null

type ListeningCaller = {
  readonly key: Pick<ApiKey, 'payloads' | 'scope'> | null
  readonly portal?: { readonly may: readonly PortalPermission[] }
} | null

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

/** Whether a call needs neither a key nor a session, and signs in no one. */
export const isOpen = (access: Access): boolean => access === 'open' || access === 'portal-open'
/**
 * Throws `forbidden` for a person, who has no key: what the call makes would end with nothing.
 *
 * @param what what they can't do, as the end of "cannot"
 */
export function requireKey(caller: { readonly person?: object } | null, what: string): void {
  if (caller?.person === undefined) return
  throw new PosthornError('forbidden', `A person who signed in through single sign-on cannot ${what}. Use an API key.`)
}

/**
 * Throws `forbidden` for a caller that can't listen (decision 54): it makes Posthorn send, and gets what is sent.
 */
export function requireListening(caller: ListeningCaller): void {
  requirePayloads(caller, 'listen')
  requirePortal(caller, 'endpoints')
  const scope = caller?.key?.scope ?? 'all'
  if (scope !== 'all') throw new PosthornError('forbidden', `A key with the scope ${scope} cannot listen.`)
}

/** Whether requests that are handed over show a caller their bearer token and secret headers. */
export const maySeeSecrets = (caller: ListeningCaller): boolean => caller?.portal?.may.includes('secrets') ?? true

/** The refusal of a call that exists at another door only. */
export const elsewhere = (door: SessionKind): PosthornError =>
  new PosthornError('not_found', `This path exists only for sessions: put ${PREFIXES[door]} before it.`)

/** A permission, or several of which one is needed. */
export type PortalNeeds = PortalPermission | readonly [PortalPermission, ...PortalPermission[]]

/**
 * Undefined if a portal's visitor can make a call as far as the portal decides that, or if the caller is no visitor.
 *
 * @param needs the permission that the call needs, or several of which it needs one; undefined: it doesn't exist in portals
 */
export function portalRefusal(
  { portal }: { readonly portal?: { readonly may: readonly PortalPermission[] } },
  access: Access,
  needs: PortalNeeds | undefined,
): PosthornError | undefined {
  if (portal === undefined || doorOf(access) === 'portal') return undefined
  if (needs === undefined) return new PosthornError('forbidden', 'The portal does not have this call.')
  const any = [needs].flat()
  return any.some(each => portal.may.includes(each)) ? undefined : portalForbids(any[0]!)
}

/** Throws `forbidden` for a portal's visitor without a permission. Other callers have it. */
export function requirePortal(
  caller: { readonly portal?: { readonly may: readonly PortalPermission[] } } | null,
  needs: PortalPermission,
): void {
  if (caller?.portal !== undefined && !caller.portal.may.includes(needs)) throw portalForbids(needs)
}

const portalForbids = (needs: PortalPermission): PosthornError =>
  new PosthornError(
    'forbidden',
    `This portal does not have the permission \`${needs}\`. Ask your provider for a link that has it.`,
  )

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
  const door = doorOf(access)
  if (door !== undefined && session === undefined) return elsewhere(door)
  if (key === null) return undefined
  if (!SCOPES[access].includes(key.scope)) {
    return new PosthornError('forbidden', `A key with the scope ${key.scope} cannot make this call.`)
  }
  if (key.tenant === null || access === 'shared' || access === 'open' || door !== undefined) return undefined
  if (access !== 'operator' && tenant === key.tenant) return undefined
  return new PosthornError('forbidden', 'This API key is limited to one tenant and cannot make this call.')
}
