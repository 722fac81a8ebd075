/**
 * Patterns by which endpoints name event types: `*` stands for any number of characters, including none, anywhere in
 * the pattern. Only a type's name matters, so types that are created later match as well.
 */
import { isOperational, OPERATIONAL_PREFIX } from '../base/model.ts'
import { createWildcard } from './filter/texts.ts'

const PATTERN = /^[A-Za-z*][A-Za-z0-9_.*-]{0,127}$/

export const isPattern = (name: string): boolean => name.includes('*')

/** Whether a name with a `*` in it is a valid pattern. */
export const isSoundPattern = (name: string): boolean => PATTERN.test(name)

/** Compiles a pattern. Operational types match only if the pattern itself begins with their prefix. */
export function createPattern(pattern: string): (type: string) => boolean {
  const matches = createWildcard(pattern)
  const isForOperational = pattern.startsWith(OPERATIONAL_PREFIX)
  return type => matches(type) && (isForOperational || !isOperational(type))
}

/** Whether an endpoint with these `types` wants a type. Null stands for all types of the catalogue. */
export function isTypeWanted(types: readonly string[] | null, type: string): boolean {
  if (types === null) return !isOperational(type)
  return types.includes(type) || types.some(name => isPattern(name) && createPattern(name)(type))
}

/** As isTypeWanted, for many types. */
export function createSelection(types: readonly string[] | null): (type: string) => boolean {
  if (types === null) return type => !isOperational(type)
  const names = new Set(types)
  const patterns = types.filter(isPattern).map(createPattern)
  return type => names.has(type) || patterns.some(fits => fits(type))
}
