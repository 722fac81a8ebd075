/** Registers the listener at the server, or resumes it. */
import { isDeepStrictEqual } from 'node:util'
import { ApiError, type CreateEndpointBody, type Endpoint, type Posthorn } from '@posthorn/client'
import type { Registration, Secrets } from './state.ts'

/** Told from the listeners of pages, which answer by themselves (the dashboard's "Listen here"). */
const MARK = { listens: 'command' }

export type ListenerSettings = {
  readonly tenant: string
  readonly uid: string
  /** A name for people. */
  readonly name: string
  /** Event types or patterns. Null for all. */
  readonly types: readonly string[] | null
  /** How long the receiver can take, in milliseconds. Null for the server's default. */
  readonly timeoutMs: number | null
}

/** What is kept of it between runs. */
export type KeptListener = {
  readonly secrets: Secrets
  /** Where these secrets are in use. Null if nowhere. */
  registration: Registration | null
}

export type Registered = {
  readonly endpoint: Endpoint
  /** Whether it was there already. What was published since then is sent. */
  readonly isResumed: boolean
  /** Whether it had other secrets: another machine has listened to it, and perhaps still does. */
  readonly isTakenOver: boolean
}

/** An endpoint with the listener's uid is no listener. */
export class NoListener extends Error {}

/** Throws what the client throws, and NoListener. */
export async function register(
  posthorn: Posthorn,
  settings: ListenerSettings,
  kept: KeptListener,
  signal: AbortSignal,
): Promise<Registered> {
  const { tenant, uid } = settings
  const found = await find(posthorn, tenant, uid, signal)
  if (found !== null) return resume(posthorn, settings, found, kept, signal)
  const { name, types, timeoutMs } = settings
  const body: CreateEndpointBody = { kind: 'listener', uid, name, types, timeoutMs, metadata: MARK, ...kept.secrets }
  const { id } = await posthorn.endpoints.create(tenant, body, { signal })
  const endpoint = await posthorn.endpoints.get(tenant, id, { signal })
  kept.registration = registrationOf(endpoint)
  return { endpoint, isResumed: false, isTakenOver: false }
}

async function resume(
  posthorn: Posthorn,
  { tenant, types, timeoutMs }: ListenerSettings,
  found: Endpoint,
  kept: KeptListener,
  signal: AbortSignal,
): Promise<Registered> {
  const { id, kind, state } = found
  if (kind !== 'listener') throw new NoListener()
  const { clientSecret, signingSecret } = kept.secrets
  const wants = { types, timeoutMs }
  const isOurs = hasOurSecrets(found, kept)
  if (isOurs && !isDeepStrictEqual(wants, { types: found.types, timeoutMs: found.timeoutMs })) {
    await posthorn.endpoints.update(tenant, id, wants, { signal })
  }
  if (!isOurs) {
    // Listened to on another machine, or its secrets were lost: this one's are shown, so they have to be those in use.
    await posthorn.endpoints.update(tenant, id, { ...wants, clientSecret }, { signal })
    await posthorn.endpoints.rotateSigningSecret(tenant, id, { signingSecret, gracePeriodSeconds: 0 }, { signal })
  }
  // A response with 410 disables a listener, as any endpoint: to start again is to want it again.
  if (state === 'disabled') await posthorn.endpoints.enable(tenant, id, undefined, { signal })
  const endpoint = await posthorn.endpoints.get(tenant, id, { signal })
  if (!isOurs) kept.registration = registrationOf(endpoint)
  return { endpoint, isResumed: true, isTakenOver: !isOurs }
}

const registrationOf = ({ id, signing }: Endpoint): Registration => ({ endpoint: id, signing: signing[0]!.fingerprint })

/**
 * Whether requests of the listener still carry a signature under the secret of this machine. Not if another machine has
 * resumed it since.
 */
export const hasOurSecrets = ({ id, signing }: Endpoint, { registration }: KeptListener): boolean =>
  registration?.endpoint === id && signing.some(({ fingerprint }) => fingerprint === registration.signing)

/** The endpoint with this id or uid. Null if there is none. */
export async function find(
  posthorn: Posthorn,
  tenant: string,
  reference: string,
  signal: AbortSignal,
): Promise<Endpoint | null> {
  try {
    return await posthorn.endpoints.get(tenant, reference, { signal })
  } catch (error) {
    // The tenant itself could be what is unknown: making the listener says so.
    if (error instanceof ApiError && error.status === 404) return null
    throw error
  }
}
