/** Refusals that all services share. */
import { codeOfFaults, type FieldError, PosthornError } from '../../base/errors.ts'
import { type IdPrefix, parseId } from '../../base/ids.ts'
import type { Tenant, TenantId } from '../../base/model.ts'
import { isTenantId } from '../../base/tenant-id.ts'
import type { Store } from '../../store/store.ts'

export type Thing = 'tenant' | 'endpoint' | 'event' | 'event type' | 'delivery' | 'replay' | 'API key' | 'erasure'

export function notFound(thing: Thing): PosthornError {
  return new PosthornError('not_found', `There is no such ${thing}.`)
}

/** One refusal with everything that is wrong, so that nobody has to find out fault by fault. */
export function invalid(fields: readonly FieldError[]): PosthornError {
  const detail = fields.length === 1 ? fields[0]!.detail : `${fields.length} values are not acceptable.`
  return new PosthornError(codeOfFaults(fields), detail, { fields })
}

/** A text that is no id at all names nothing, like an id that nobody has. */
export function checkId(prefix: IdPrefix, id: string, thing: Thing): void {
  if (parseId(prefix, id) === undefined) throw notFound(thing)
}

/** For an id in a parameter: there, an id that nobody has is fine, but a text that is none is a slip. */
export function checkIdParameter(prefix: IdPrefix, id: string | null, parameter: string): void {
  if (id === null || parseId(prefix, id) !== undefined) return
  throw invalid([{ field: parameter, detail: `It must be an id that begins with "${prefix}_".` }])
}

/** For a type that a list is filtered by: one that the catalogue lost is fine, what can't be a name is a slip. */
export function checkTypeParameter(type: string | null): void {
  if (type === null || isTypeName(type)) return
  throw invalid([{ field: 'type', detail: 'It must be the name of an event type.' }])
}

/** Coarser than the catalogue's own rule, and enough to ask the store about: PostgreSQL takes no NUL in any text. */
export function isTypeName(text: string): boolean {
  return /^[!-~]{1,128}$/.test(text)
}

/** Throws not_found for a tenant that is not there, also if it was and left a history. */
export async function requireTenant(store: Store, id: TenantId): Promise<Tenant> {
  const tenant = isTenantId(id) ? await store.read('getTenant', { id }) : null
  if (tenant === null) throw notFound('tenant')
  return tenant
}
