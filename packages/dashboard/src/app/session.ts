import { queryOptions, useQuery } from '@tanstack/react-query'
import { hasStatus } from '../lib/errors.ts'
import { IS_PORTAL } from '../lib/portal.ts'
import { call } from './client.ts'
import {
  leavePortal,
  type PortalPermission,
  type PortalSession,
  portalHasEnded,
  readPortalSession,
} from './portal-session.ts'
import type { SignOnResponse } from './sign-on-response.ts'

/** What the pages know of who looks at them. */
export type Session = {
  readonly id: string
  readonly apiKey: {
    readonly id: string | null
    readonly name: string | null
    readonly scope: 'all' | 'publish' | 'read'
    readonly tenant: string | null
    readonly payloads: boolean
  }
  readonly expiresAt: string | null
  /** Who signed in through single sign-on. Null for a session of an API key. */
  readonly person: { readonly issuer: string; readonly subject: string; readonly name: string | null } | null
  /** Whose portal it is, or null in the dashboard. `apiKey` is in a portal what the portal can see. */
  readonly portal: PortalSession | null
}

export function sessionOf(portal: PortalSession): Session {
  const { id, tenant, user, may, expiresAt } = portal
  const apiKey = { id: null, name: user, scope: 'read', tenant: tenant.id, payloads: may.includes('payloads') } as const
  return { id, apiKey, expiresAt, person: null, portal }
}

/** The session, or null if there is none. */
export const sessionQuery = queryOptions({
  queryKey: ['session'],
  queryFn: ({ signal }) => readSession(signal),
  staleTime: Number.POSITIVE_INFINITY,
})

type State = { readonly session: Session | null; readonly hasEnded: boolean }

let ended = false

/** Whether the browser had a session that has ended, when it was last read. */
export const hasEnded = (): boolean => (IS_PORTAL ? portalHasEnded() : ended)

/**
 * The session that the browser has. Null if there is none. Having none is no refusal here, which browsers would report
 * on their consoles.
 */
export async function readSession(signal?: AbortSignal): Promise<Session | null> {
  if (IS_PORTAL) {
    const portal = await readPortalSession(signal)
    return portal && sessionOf(portal)
  }
  const state = await call<State>('GET', '/v1/session-state', { signal })
  ended = state.hasEnded
  return state.session
}

export type SignIn =
  | { readonly apiKey: string }
  | { readonly signInToken: string }
  | { readonly singleSignOn: SignOnResponse }

/** Signs in. Null if the key or the link isn't valid. */
export function signIn(body: SignIn): Promise<Session | null> {
  return callSession('POST', body)
}

/** Ends the session, here only. */
export async function signOut(): Promise<void> {
  await (IS_PORTAL ? leavePortal() : callSession('DELETE'))
}

/** Ends the session. Returns the page that ends it at its issuer too. Null if it did not begin at one that has such a page. */
export async function signOutEverywhere(session: Session | null | undefined): Promise<string | null> {
  if (session?.person) return signOutThere()
  await signOut()
  return null
}

async function signOutThere(): Promise<string | null> {
  try {
    return (await call<{ url: string | null }>('POST', '/v1/single-sign-on/sign-out')).url
  } catch (error) {
    // It has ended already.
    if (hasStatus(error, 401)) return null
    throw error
  }
}

export type Issuer = { readonly id: string; readonly name: string; readonly isAvailable: boolean }

/** The issuers that one can sign in through. */
export const issuersQuery = queryOptions({
  queryKey: ['sign-in-options'],
  queryFn: ({ signal }) => call<{ issuers: readonly Issuer[] }>('GET', '/v1/sign-in-options', { signal }),
  select: ({ issuers }) => issuers,
  retry: false,
})

/** The page of the issuer to go to. */
export async function beginSignOn(issuer: string): Promise<string> {
  return (await call<{ url: string }>('POST', '/v1/single-sign-on', { body: { issuer } })).url
}

async function callSession(method: 'POST' | 'DELETE', body?: SignIn): Promise<Session | null> {
  try {
    return (await call<Session | undefined>(method, '/v1/session', { body })) ?? null
  } catch (error) {
    if (hasStatus(error, 401)) return null
    throw error
  }
}

/** What the session allows. The server decides; the pages only leave out what would be refused. */
export type Permissions = {
  /** The only tenant that can be seen. Null for all. */
  readonly tenant: string | null
  /** Everything that the API has, as far as it concerns what is seen. */
  readonly canWrite: boolean
  /** Keys for all tenants: tenants, event types, replays across tenants. */
  readonly isOperator: boolean
  readonly seesPayloads: boolean
  /** Retrying and cancelling deliveries, and replays. */
  readonly canRetry: boolean
  /** Sending an endpoint a test event. */
  readonly canTest: boolean
  /** Registering, changing, disabling and deleting endpoints. */
  readonly canManage: boolean
  /** Secrets, tokens, certificates and extra headers of endpoints. */
  readonly canManageSecrets: boolean
}

export function permissionsOf(session: Session | null | undefined): Permissions {
  const key = session?.apiKey
  const tenant = key?.tenant ?? null
  const canWrite = key?.scope === 'all'
  const may = (permission: PortalPermission) => canWrite || session?.portal?.may.includes(permission) === true
  return {
    tenant,
    canWrite,
    isOperator: key !== undefined && tenant === null,
    seesPayloads: key?.payloads ?? false,
    canRetry: may('retry'),
    canTest: may('test'),
    canManage: may('endpoints'),
    canManageSecrets: may('secrets'),
  }
}

export function usePermissions(): Permissions {
  return permissionsOf(useQuery(sessionQuery).data)
}

/** The portal's session. Null in the dashboard. */
export function usePortal(): PortalSession | null {
  return useQuery(sessionQuery).data?.portal ?? null
}
