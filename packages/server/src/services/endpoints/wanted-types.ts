/** The event types that an endpoint receives: single names, or patterns with `*` for several (C2). */
import { formatCount } from '../../base/counts.ts'
import type { FieldError } from '../../base/errors.ts'
import { type EventType, OPERATIONAL_PREFIX } from '../../base/model.ts'
import { createWildcard } from '../../catalogue/filter/texts.ts'
import { createPattern, isPattern, isSoundPattern } from '../../catalogue/type-pattern.ts'
import { unknownType } from '../../catalogue/unknown-type.ts'
import type { Warning } from '../checks/warnings.ts'

const MAX_TYPES = 1_000
/** Each pattern is matched against every type in the catalogue. */
const MAX_PATTERNS = 50
/** Each suggestion compares a name with the whole catalogue. */
const MAX_SUGGESTIONS = 20

/**
 * Checks the types and removes duplicates.
 *
 * @param before the types that the endpoint names already; it can keep archived ones
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
    fault(
      'The types must be a list of at least one event type. To receive events of all types, omit types or set it to null.',
    )
    return null
  }
  if (types.length > MAX_TYPES) {
    fault(`There must not be more than ${formatCount(MAX_TYPES)} types. Omit types to receive events of all types.`)
    return null
  }
  const patterns = new Set(types.filter(type => typeof type === 'string' && isPattern(type)))
  if (patterns.size > MAX_PATTERNS) fault(`At most ${MAX_PATTERNS} of the types can contain a "*".`)
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
    const detail =
      'A pattern must start with a letter or "*", and have up to 128 letters, digits, "_", ".", "-" and "*".'
    faults.push({ field, detail })
    return
  }
  const type = typeof name === 'string' ? known.get(name) : undefined
  if (type === undefined) {
    faults.push({ field, ...unknownType(name, faults.length < MAX_SUGGESTIONS ? known.keys() : []) })
  } else if (type.archivedAtMs !== null && !before.includes(type.name)) {
    const detail = 'The event type is archived: its events can no longer be published.'
    faults.push({ field, detail, reason: 'event_type_archived' })
  }
}

/** Warnings about types that the endpoint names but will receive no events of. */
export function adviseOnTypes(types: readonly string[] | null, catalogue: readonly EventType[]): Warning[] {
  if (types === null) return []
  const archived = new Set(catalogue.filter(({ archivedAtMs }) => archivedAtMs !== null).map(({ name }) => name))
  return types.flatMap((name, index): Warning[] => {
    if (isPattern(name)) {
      const fits = createPattern(name)
      if (catalogue.some(type => fits(type.name) && !archived.has(type.name))) return []
      const detail = describeUnmatched(name, catalogue)
      return [{ code: 'types_fit_nothing', detail, field: `/types/${index}` }]
    }
    if (!archived.has(name)) return []
    return [
      {
        code: 'event_type_archived',
        detail: `The event type ${name} is archived: its events can no longer be published.`,
      },
    ]
  })
}

function describeUnmatched(pattern: string, catalogue: readonly EventType[]): string {
  const fits = createWildcard(pattern)
  const isOfOthers = catalogue.some(({ name, archivedAtMs }) => archivedAtMs === null && fits(name))
  if (isOfOthers) {
    return `${pattern} matches only operational events. An endpoint gets those only by a pattern that begins with \`${OPERATIONAL_PREFIX}\`.`
  }
  return `No event type matches ${pattern}. Check the spelling. An event type created later can match it.`
}
