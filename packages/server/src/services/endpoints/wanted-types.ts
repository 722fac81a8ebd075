/** The event types that an endpoint names: each by its name, or several by a pattern with `*` (C2). */
import type { FieldError } from '../../base/errors.ts'
import type { EventType } from '../../base/model.ts'
import { createPattern, isPattern, isSoundPattern } from '../../catalogue/type-pattern.ts'
import type { Warning } from './authentication.ts'

const MAX_TYPES = 1_000
/** Each is held against every type of the catalogue. */
const MAX_PATTERNS = 50

/**
 * A type named twice is wanted once.
 *
 * @param before what the endpoint names already: of an archived type it keeps that
 */
export function checkTypes(
  types: unknown,
  catalogue: readonly EventType[],
  before: readonly string[] | null,
  faults: FieldError[],
): readonly string[] | null {
  if (types === null) return null
  const fault = (detail: string) => faults.push({ field: '/types', detail })
  if (!Array.isArray(types) || types.length === 0) {
    fault('The types must be a list of one event type or more; leave it out to get all of them.')
    return null
  }
  if (types.length > MAX_TYPES) {
    fault(`There may be at most ${MAX_TYPES} types; leave it out to get all of them.`)
    return null
  }
  const patterns = new Set(types.filter(type => typeof type === 'string' && isPattern(type)))
  if (patterns.size > MAX_PATTERNS) fault(`At most ${MAX_PATTERNS} of the types may have a "*" in them.`)
  const known = new Map(catalogue.map(type => [type.name, type]))
  for (const [index, type] of types.entries()) checkType(type, `/types/${index}`, known, before ?? [], faults)
  return [...new Set(types as string[])]
}

function checkType(
  name: unknown,
  field: string,
  known: ReadonlyMap<string, EventType>,
  before: readonly string[],
  faults: FieldError[],
): void {
  if (typeof name === 'string' && isPattern(name)) {
    if (isSoundPattern(name)) return
    const detail = 'A pattern has up to 128 letters, digits, "_", ".", "-" and "*", and begins with a letter or "*".'
    faults.push({ field, detail })
    return
  }
  const type = typeof name === 'string' ? known.get(name) : undefined
  if (type === undefined) {
    faults.push({ field, detail: 'The catalogue has no event type of this name.', reason: 'unknown_type' })
  } else if (type.archivedAtMs !== null && !before.includes(type.name)) {
    const detail = 'The event type is archived: nothing of it is published any more.'
    faults.push({ field, detail, reason: 'event_type_archived' })
  }
}

/** What is worth looking at about the types that an endpoint names: it would wait for some in vain. */
export function adviseOnTypes(types: readonly string[] | null, catalogue: readonly EventType[]): Warning[] {
  if (types === null) return []
  const archived = new Set(catalogue.filter(({ archivedAtMs }) => archivedAtMs !== null).map(({ name }) => name))
  return types.flatMap((name): Warning[] => {
    if (isPattern(name)) {
      const fits = createPattern(name)
      if (catalogue.some(type => fits(type.name) && !archived.has(type.name))) return []
      const detail = `No event type fits ${name} now: check its spelling. A type that is made later can fit it.`
      return [{ code: 'types_fit_nothing', detail }]
    }
    if (!archived.has(name)) return []
    return [{ code: 'event_type_archived', detail: `The event type ${name} is archived: nothing of it is published.` }]
  })
}
