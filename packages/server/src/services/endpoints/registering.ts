/** What registering an endpoint checks, and a trial of it that stores nothing. */
import { type FieldError, PosthornError } from '../../base/errors.ts'
import type { Endpoint, EventType, TenantId } from '../../base/model.ts'
import { OPERATOR_TENANT } from '../../base/tenant.ts'
import type { TargetPolicy } from '../../guard/target.ts'
import type { Store } from '../../store/store.ts'
import type { Warning } from '../checks/warnings.ts'
import type { Described } from './authentication.ts'
import { draftEndpoint } from './draft.ts'
import { adviseOnEncoding } from './encoded-urls.ts'
import { adviseOnHosts, checkResolutions, type LookupOptions, resolveHosts } from './host.ts'
import { type CheckedInput, checkEndpointInput, checkRequired, type EndpointInput, type KnownNames } from './input.ts'
import { checkOperatorTypes, tooLarge, tooMany, tooManyListeners, uidTaken } from './refusals.ts'
import type { SealedCredentials } from './sealed-credentials.ts'
import { refuseClash } from './signature-headers.ts'

type Means = { readonly policy: TargetPolicy; readonly lookup: LookupOptions; readonly nowMs: number }

/** Checks what was given, and what its hosts resolve to now. Adds to `faults`, and returns warnings about it. */
export async function checkWithHosts(
  tenant: TenantId,
  input: Partial<EndpointInput>,
  known: KnownNames,
  { policy, lookup, nowMs }: Means,
  faults: FieldError[],
): Promise<{ readonly checked: CheckedInput; readonly advice: readonly Warning[] }> {
  const checked = checkEndpointInput(input, known, policy, nowMs, faults)
  const targets = [
    { field: '/url', target: checked.target },
    { field: '/oauth/tokenUrl', target: checked.credentials.tokenTarget },
  ].flatMap(({ field, target }) => (target === undefined ? [] : [{ field, target }]))
  const lookedUp = await resolveHosts(targets, tenant, policy, lookup)
  checkResolutions(lookedUp, faults)
  return { checked, advice: [...adviseOnEncoding(targets), ...adviseOnHosts(lookedUp)] }
}

export type RegistrationTrial = {
  /** Why registering would be refused, as far as what is given goes. */
  readonly errors: readonly FieldError[]
  /** What must still be given. */
  readonly missing: readonly FieldError[]
  readonly warnings: readonly Warning[]
}

type Parts = {
  readonly store: Store
  readonly credentials: SealedCredentials
  readonly catalogue: readonly EventType[]
  readonly settings: TargetPolicy & { readonly maxEndpoints?: number; readonly maxSelectionCharacters?: number }
  readonly lookup: LookupOptions
  readonly describe: (endpoint: Endpoint) => Promise<Described>
}

/**
 * Says what registering would say, of everything that is given, and warns as a registered endpoint would. It tells no more
 * than a refused registration does, and looks up the same names in the same turns.
 */
export async function tryRegistering(
  tenant: TenantId,
  input: Partial<EndpointInput>,
  parts: Parts,
): Promise<RegistrationTrial> {
  const { store, settings, lookup } = parts
  const missing: FieldError[] = []
  checkRequired(input, missing)
  const errors: FieldError[] = []
  if (tenant === OPERATOR_TENANT && input.types !== undefined) checkOperatorTypes(input.types, errors)
  const known = { catalogue: parts.catalogue, before: null }
  const means = { policy: settings, lookup, nowMs: store.now() }
  const { advice } = await checkWithHosts(tenant, input, known, means, errors)
  // Warnings about everything that is right: what is wrong has to change anyway.
  const right = withoutFaulty(input, errors)
  const checked = checkEndpointInput(right, known, settings, store.now(), [])
  const { endpoint } = draftEndpoint(tenant, right, checked, parts.credentials, store.now())
  errors.push(...faultsOf(() => refuseClash(endpoint, true)), ...(await storeFaults(endpoint, parts)))
  const { warnings } = await parts.describe(endpoint)
  return { errors, missing, warnings: [...advice, ...warnings] }
}

/** What the store would refuse. */
async function storeFaults(endpoint: Endpoint, { store, settings }: Parts): Promise<FieldError[]> {
  const { tenant, uid, url, types, filter } = endpoint
  const { maxEndpoints, maxSelectionCharacters } = settings
  const faults: FieldError[] = []
  if (uid !== null && (await store.read('findEndpoint', { tenant, uid, isDeletedFound: false })) !== null) {
    faults.push(...uidTaken(endpoint).fields)
  }
  const wanted = { endpoint: { tenant, url, types, filter }, maxEndpoints, maxSelectionCharacters }
  const room = await store.read('findRoomForEndpoint', wanted)
  if (room === 'too_many') faults.push({ field: '', detail: tooMany(maxEndpoints).message })
  if (room === 'too_many_listeners') faults.push({ field: '', detail: tooManyListeners().message })
  if (room === 'too_large') faults.push({ field: '', detail: tooLarge(maxSelectionCharacters).message })
  return faults
}

function faultsOf(check: () => void): readonly FieldError[] {
  try {
    check()
    return []
  } catch (error) {
    if (error instanceof PosthornError) return error.fields
    throw error
  }
}

/** The input without the members that have faults. */
function withoutFaulty(input: Partial<EndpointInput>, faults: readonly FieldError[]): Partial<EndpointInput> {
  const faulty = new Set(faults.map(({ field }) => field.split('/')[1]))
  return Object.fromEntries(Object.entries(input).filter(([name]) => !faulty.has(name))) as Partial<EndpointInput>
}
