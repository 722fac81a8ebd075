/** What endpoints refuse, and in which words. */
import { formatCount } from '../../base/counts.ts'
import { type FieldError, PosthornError } from '../../base/errors.ts'
import { type Endpoint, isOperational, MAX_LISTENERS } from '../../base/model.ts'
import { OPERATOR_TENANT } from '../../base/tenant.ts'
import { MAX_LIVE_SIGNING_SECRETS } from '../../secrets/credentials.ts'

export const HELD_WITHOUT_ENABLING: FieldError = {
  field: '/held',
  detail: 'It says what happens to held deliveries when the endpoint is enabled. Set state to enabled too, or omit it.',
}

/** The operator's tenant only gets operational events, and those go only to endpoints that name them. */
export function checkOperatorTypes(types: readonly string[] | null, faults: FieldError[]): void {
  if (Array.isArray(types) && types.every(type => typeof type === 'string' && isOperational(type))) return
  const detail = `Endpoints of ${OPERATOR_TENANT} must name operational types, such as "posthorn.endpoint.disabled".`
  faults.push({ field: '/types', detail, reason: 'not_operational' })
}

export function tooMany(maxEndpoints: number | undefined): PosthornError {
  const detail = `The tenant has ${maxEndpoints} endpoints, as many as maxEndpoints allows. Delete some first.`
  return new PosthornError('conflict', detail)
}

export function tooManyListeners(): PosthornError {
  const detail = `The tenant has ${MAX_LISTENERS} listeners, as many as a tenant can have. Delete some first.`
  return new PosthornError('conflict', detail)
}

export function tooLarge(maxCharacters: number | undefined): PosthornError {
  const detail = `The types and filters of all endpoints of a tenant can have ${formatCount(maxCharacters!)} characters as JSON (maxSelectionCharacters), and this tenant's would have more. Use fewer or shorter types and conditions, or delete endpoints first.`
  return new PosthornError('conflict', detail)
}

export function uidTaken({ tenant, uid }: Endpoint): PosthornError {
  const shown = `GET /v1/tenants/${tenant}/endpoints/${uid} shows it`
  const detail = `Another endpoint of the tenant has the uid "${uid}": ${shown}. Choose another uid, or change that endpoint.`
  return new PosthornError('conflict', detail, { fields: [{ field: '/uid', detail }] })
}

export function tooManySigningSecrets(): PosthornError {
  const detail = `An endpoint has at most ${MAX_LIVE_SIGNING_SECRETS} valid signing secrets. Wait, or set gracePeriodSeconds to 0.`
  return new PosthornError('conflict', detail)
}
