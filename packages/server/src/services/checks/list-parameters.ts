/** Checks of the parameters that lists have in common. */
import type { FieldError } from '../../base/errors.ts'
import { isOperational, type TenantId } from '../../base/model.ts'
import { nearest } from '../../base/nearest.ts'
import { isTenantId } from '../../base/tenant-id.ts'
import { operationalType } from '../../catalogue/operational-types.ts'
import { isPattern } from '../../catalogue/type-pattern.ts'
import type { Store } from '../../store/store.ts'
import { invalid, isTypeName } from './refusals.ts'
import { isEventKey } from './values.ts'
import type { Warning } from './warnings.ts'

/** Values that a parameter can have, at most. */
export const MAX_VALUES = 20

export function fault(faults: FieldError[], field: string, detail: string): void {
  faults.push({ field, detail })
}

export function checkCount(field: string, values: readonly unknown[] | null, faults: FieldError[]): void {
  if (values !== null && values.length > MAX_VALUES) fault(faults, field, `Name at most ${MAX_VALUES} values.`)
}

export function checkWords(
  field: string,
  values: readonly string[] | undefined,
  words: readonly string[],
  faults: FieldError[],
): string[] | null {
  if (values === undefined) return null
  checkCount(field, values, faults)
  const wrong = values.find(value => !words.includes(value))
  if (wrong === undefined) return [...new Set(values)]
  const meant = nearest(wrong, words)
  const hint = meant === undefined ? '' : ` Did you mean \`${meant}\`?`
  fault(faults, field, `Each value must be one of ${words.join(', ')}.${hint}`)
  return null
}

/** For types that filter a list: one that was deleted is fine, but an impossible name is a mistake. */
export function checkTypes(types: readonly string[] | null, faults: FieldError[]): void {
  checkCount('type', types, faults)
  if (types?.some(isPattern)) {
    fault(faults, 'type', 'The value must be the name of an event type. A pattern with `*` cannot be used here.')
  } else if (types?.some(type => !isTypeName(type)))
    fault(faults, 'type', 'The value must be the name of an event type.')
}

/** For a key in a query parameter: an unknown key is fine there, but an impossible one is a mistake. */
export function checkKey(key: string, faults: FieldError[]): void {
  if (isEventKey(key)) return
  fault(
    faults,
    'key',
    'The value must be the key of an event: 1 to 255 printable ASCII characters, without a space at either end.',
  )
}

/** Warns of types that are not in the catalogue and that no recent event has. */
export async function adviseOnTypes(store: Pick<Store, 'read' | 'now'>, types: readonly string[]): Promise<Warning[]> {
  const { types: catalogue } = await store.read('readCatalogue', {})
  const names = catalogue.map(({ name }) => name)
  const warnings: Warning[] = []
  for (const type of new Set(types)) {
    if (names.includes(type) || (isOperational(type) && operationalType(type) !== undefined)) continue
    const seen = await store.read('findEventsOfType', { type, limit: 1, nowMs: store.now() })
    if (seen.length > 0) continue
    const meant = nearest(type, names)
    const hint = meant === undefined ? '' : ` Did you mean \`${meant}\`?`
    const detail = `The catalogue has no event type \`${type}\`, and no recent event is of it.${hint}`
    warnings.push({ code: 'type_unknown', field: 'type', detail: `${detail} GET /v1/event-types lists the types.` })
  }
  return warnings
}

/** For the tenant that narrows a list of all tenants' things. Throws `invalid` if it doesn't exist. */
export async function checkTenantParameter(store: Pick<Store, 'read'>, tenant: TenantId): Promise<void> {
  if (isTenantId(tenant) && (await store.read('getTenant', { id: tenant })) !== null) return
  throw invalid([{ field: 'tenant', detail: 'There is no tenant with this id.' }])
}
