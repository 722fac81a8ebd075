/**
 * Endpoints as callers name them: by the id that Posthorn gave them, or by the uid that the caller did. Every call that
 * takes either asks here.
 */
import type { FieldError } from '../../base/errors.ts'
import { looksLikeId, parseId } from '../../base/ids.ts'
import type { Endpoint, EndpointId, EndpointReference, TenantId } from '../../base/model.ts'
import type { Store } from '../../store/store.ts'
import { invalid, notFound } from '../checks/refusals.ts'

/** A letter or digit, then up to 127 of these. Safe in a path, and in a list with commas. */
const UID = /^[A-Za-z0-9][A-Za-z0-9._:@-]{0,127}$/

/** Longer references are not repeated in a refusal. */
const MAX_NAMED = 128

const isUid = (text: string): boolean => UID.test(text) && !looksLikeId(text)

/** For a uid that filters a list: an unknown one is fine there, but an impossible one is a mistake. */
export function checkUidParameter(uid: string, faults: FieldError[]): void {
  if (isUid(uid)) return
  const detail = looksLikeId(uid)
    ? 'This is an id, not a uid. No endpoint can have it as its uid.'
    : 'No endpoint can have this uid: uids have 1 to 128 letters, digits and "._:@-" characters, and begin with a letter or digit. Name one.'
  faults.push({ field: 'uid', detail })
}

export function checkUid(uid: unknown, faults: FieldError[]): string | null {
  if (uid === null || (typeof uid === 'string' && isUid(uid))) return uid
  const detail =
    typeof uid === 'string' && looksLikeId(uid)
      ? 'The uid must not look like an id of Posthorn. Choose another.'
      : 'The uid must have 1 to 128 letters, digits and "._:@-" characters, and begin with a letter or digit.'
  faults.push({ field: '/uid', detail })
  return null
}

/** The endpoint that a path names. Throws not_found. */
export async function requireEndpoint(
  store: Pick<Store, 'read'>,
  tenant: TenantId,
  reference: EndpointReference,
): Promise<Endpoint> {
  const id = await requireEndpointId(store, tenant, reference)
  const endpoint = await store.read('getEndpoint', { tenant, id })
  if (endpoint === null) throw notFound('endpoint')
  return endpoint
}

/** The id of the endpoint that a path names. Throws not_found if it can't be one; it might still not exist. */
export async function requireEndpointId(
  store: Pick<Store, 'read'>,
  tenant: TenantId,
  reference: EndpointReference,
): Promise<EndpointId> {
  const id = await find(store, tenant, reference, false)
  if (id === null) throw notFound('endpoint')
  return id
}

/**
 * The id of the endpoint that a query parameter or a member of the body names, which can be a deleted one: its
 * deliveries are still there. An id is taken as it is. Adds to `faults`, and returns null, if no endpoint of the tenant
 * has the uid.
 */
export async function endpointIdOf(
  store: Pick<Store, 'read'>,
  tenant: TenantId,
  { reference, field }: { readonly reference: EndpointReference; readonly field: string },
  faults: FieldError[],
): Promise<EndpointId | null> {
  const id = await find(store, tenant, reference, true)
  if (id === null) faults.push(noEndpoint(field, reference))
  return id
}

export function noEndpoint(field: string, reference: EndpointReference): FieldError {
  const named = reference.length > MAX_NAMED ? 'this id or uid' : `the id or uid \`${reference}\``
  return { field, detail: `The tenant has no endpoint with ${named}.` }
}

/** The same for the parameter `endpoint` of a list; null stays null. Throws `invalid`. */
export async function endpointIdOfParameter(
  store: Pick<Store, 'read'>,
  tenant: TenantId,
  reference: EndpointReference | null,
): Promise<EndpointId | null> {
  if (reference === null) return null
  const faults: FieldError[] = []
  const id = await endpointIdOf(store, tenant, { reference, field: 'endpoint' }, faults)
  if (faults.length > 0) throw invalid(faults)
  return id
}

async function find(
  store: Pick<Store, 'read'>,
  tenant: TenantId,
  reference: EndpointReference,
  isDeletedFound: boolean,
): Promise<EndpointId | null> {
  if (parseId('ep', reference) !== undefined) return reference
  return isUid(reference) ? store.read('findEndpoint', { tenant, uid: reference, isDeletedFound }) : null
}
