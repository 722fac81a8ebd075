import { type CallOptions, ConnectionError, ResponseError } from '@posthorn/client'
import { queryOptions, useQuery } from '@tanstack/react-query'
import { BASE, SESSION_HEADERS } from './client.ts'

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
}

/** The session can't be asked for with the client's methods: null says that there is none. */
export const sessionQuery = queryOptions({
  queryKey: ['session'],
  queryFn: ({ signal }) => callSession('GET', undefined, { signal }),
  staleTime: Number.POSITIVE_INFINITY,
})

export type SignIn = { readonly apiKey: string } | { readonly signInToken: string }

/** Signs in. Null if the key or the link isn't valid. */
export function signIn(body: SignIn): Promise<Session | null> {
  return callSession('POST', body)
}

export async function signOut(): Promise<void> {
  await callSession('DELETE')
}

async function callSession(
  method: 'GET' | 'POST' | 'DELETE',
  body?: SignIn,
  { signal }: CallOptions = {},
): Promise<Session | null> {
  const call = { method, path: '/v1/session' }
  let response: Response
  try {
    response = await fetch(new URL('session/v1/session', BASE), {
      method,
      headers: { ...SESSION_HEADERS, ...(body !== undefined && { 'content-type': 'application/json' }) },
      body: body === undefined ? null : JSON.stringify(body),
      ...(signal !== undefined && { signal }),
    })
  } catch (cause) {
    if (signal?.aborted) throw signal.reason
    throw new ConnectionError(call, 'The connection failed.', { code: 'connection_failed', cause })
  }
  if (response.status === 401) return null
  if (response.status === 204) return null
  const read: unknown = await response.json().catch(() => null)
  if (response.ok) return read as Session
  const detail = (read as { detail?: string } | null)?.detail
  throw new ResponseError(call, detail ?? 'The server failed.', { status: response.status, body: read })
}

/** What the key of the session allows. The server decides; the pages only leave out what would be refused. */
export type Permissions = {
  /** The only tenant that can be seen. Null for all. */
  readonly tenant: string | null
  readonly canWrite: boolean
  /** Keys for all tenants: tenants, event types, replays across tenants. */
  readonly isOperator: boolean
  readonly seesPayloads: boolean
}

export function permissionsOf(session: Session | null | undefined): Permissions {
  const key = session?.apiKey
  const tenant = key?.tenant ?? null
  return {
    tenant,
    canWrite: key?.scope === 'all',
    isOperator: key !== undefined && tenant === null,
    seesPayloads: key?.payloads ?? false,
  }
}

export function usePermissions(): Permissions {
  return permissionsOf(useQuery(sessionQuery).data)
}
