/** Refusals that the services share. */
import { codeOfFaults, type FieldError, PosthornError } from '../../base/errors.ts'
import { type IdPrefix, parseId } from '../../base/ids.ts'
import type { TenantId } from '../../base/model.ts'
import type { Tenant } from '../../base/tenant.ts'
import { isTenantId } from '../../base/tenant-id.ts'
import type { Store } from '../../store/store.ts'
import type { Place } from '../../store/where.ts'

export type Thing =
  | 'tenant'
  | 'endpoint'
  | 'event'
  | 'event type'
  | 'delivery'
  | 'replay'
  | 'API key'
  | 'session'
  | 'portal link'
  | 'portal'
  | 'logo'
  | 'notification'
  | 'erasure'

export function notFound(thing: Thing): PosthornError {
  return new PosthornError('not_found', `The ${thing} was not found.`)
}

/** One refusal with all faults, so that the caller doesn't have to find them one by one. */
export function invalid(fields: readonly FieldError[]): PosthornError {
  const detail = fields.length === 1 ? fields[0]!.detail : `${fields.length} values are invalid.`
  return new PosthornError(codeOfFaults(fields), detail, { fields })
}

/** For an id in a path: a malformed id is reported as not found, like an unknown one. */
export function checkId(prefix: IdPrefix, id: string, thing: Thing): void {
  if (parseId(prefix, id) === undefined) throw notFound(thing)
}

/** For an id in a query parameter: an unknown id is fine there, but a malformed one is a mistake. */
export function checkIdParameter(prefix: IdPrefix, id: string | null, parameter: string): void {
  if (id === null || parseId(prefix, id) !== undefined) return
  throw invalid([{ field: parameter, detail: `The value must be an id that starts with "${prefix}_".` }])
}

/** For the place in a list: the API takes it from a cursor, which callers must pass on as it is. */
export function checkPlace(prefix: IdPrefix, { before, after }: Place): void {
  checkIdParameter(prefix, before ?? after ?? null, 'cursor')
}

/** Looser than the catalogue's rule, but safe to pass to the store: PostgreSQL accepts no NUL in text. */
export function isTypeName(text: string): boolean {
  return /^[!-~]{1,128}$/.test(text)
}

/** Throws not_found for an unknown tenant, and for a deleted one whose history is still stored. */
export async function requireTenant(store: Store, id: TenantId): Promise<Tenant> {
  const tenant = isTenantId(id) ? await store.read('getTenant', { id }) : null
  if (tenant === null) throw notFound('tenant')
  return tenant
}
