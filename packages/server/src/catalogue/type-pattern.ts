/**
 * Event types that an endpoint names by a pattern: `*` stands for any characters, also none, anywhere in it. What a
 * type is called decides, so a type that is made later is wanted as well.
 */
import { isOperational, OPERATIONAL_PREFIX } from '../base/model.ts'

const PATTERN = /^[A-Za-z*][A-Za-z0-9_.*-]{0,127}$/

export const isPattern = (name: string): boolean => name.includes('*')

/** Whether a name with a `*` in it is one that types could fit. */
export const isSoundPattern = (name: string): boolean => PATTERN.test(name)

/** Which types a pattern stands for: operational ones only if it says so itself. */
export function createPattern(pattern: string): (type: string) => boolean {
  const parts = pattern.split('*')
  const first = parts[0]!
  const last = parts.at(-1)!
  const middle = parts.slice(1, -1).filter(part => part !== '')
  const shortest = parts.reduce((sum, part) => sum + part.length, 0)
  const isForOperational = pattern.startsWith(OPERATIONAL_PREFIX)
  return type => {
    if (type.length < shortest || !type.startsWith(first) || !type.endsWith(last)) return false
    if (!isForOperational && isOperational(type)) return false
    let at = first.length
    // Each part at the first place that it fits: no later place leaves more room for what is behind it.
    for (const part of middle) {
      const found = type.indexOf(part, at)
      if (found < 0) return false
      at = found + part.length
    }
    return at <= type.length - last.length
  }
}

/** Whether an endpoint that names these wants a type; null: all of the catalogue's. */
export function isTypeWanted(types: readonly string[] | null, type: string): boolean {
  if (types === null) return !isOperational(type)
  return types.includes(type) || types.some(name => isPattern(name) && createPattern(name)(type))
}
