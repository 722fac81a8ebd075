/** Says in a sentence why a condition holds for a value, without the value: it is the tenant's. */
import { isRange, type Operator, type Range, type TextOperator } from './language.ts'

const MAX_SHOWN = 128

/** A place in the payload, as a JSON Pointer. */
export function nameOf(payload: string, isStart = false): string {
  if (payload === '') return isStart ? 'The payload' : 'the payload'
  return payload.length > MAX_SHOWN ? `${payload.slice(0, MAX_SHOWN)}…` : payload
}

/** @param value undefined: the member is missing */
export function describeList(list: readonly unknown[], value: unknown, payload: string): string {
  const name = nameOf(payload, true)
  if (value === undefined) return `${name} is missing.`
  const listed = list.length === 1 ? 'the listed value' : 'one of the listed values'
  if (list.some(each => each === value)) return `${name} is ${listed}.`
  if (list.some(each => typeOf(each) === typeOf(value))) return `${name} is not ${listed}.`
  return `${name} is ${article(typeOf(value))}, which no listed value is.`
}

const VERBS: Readonly<Record<TextOperator, readonly [does: string, doesNot: string]>> = {
  prefix: ['begins with', 'does not begin with'],
  suffix: ['ends with', 'does not end with'],
  contains: ['contains', 'does not contain'],
  equalsIgnoreCase: ['equals, ignoring case,', 'does not equal, even ignoring case,'],
  wildcard: ['matches', 'does not match'],
}
const BOUNDS: Readonly<Record<Range, string>> = {
  gt: 'greater than',
  gte: 'at least',
  lt: 'less than',
  lte: 'at most',
}

/** @param value undefined: the member is missing; an array stands for itself, not for its elements */
export function describeOperator(
  operator: Exclude<Operator, 'anyOf' | 'not'>,
  condition: unknown,
  value: unknown,
  holds: boolean,
  payload: string,
): string {
  const name = nameOf(payload, true)
  if (value === undefined) return `${name} is missing.`
  if (operator === 'exists') return `${name} exists.`
  if (isRange(operator)) {
    if (typeof value !== 'number') return `${name} is ${article(typeOf(value))}, not a number.`
    return `${name} is ${holds ? '' : 'not '}${BOUNDS[operator]} ${condition}.`
  }
  if (typeof value !== 'string') return `${name} is ${article(typeOf(value))}, not a string.`
  const isOne = typeof condition === 'string' || (condition as readonly unknown[]).length === 1
  const texts = isOne ? 'the given string' : holds ? 'one of the given strings' : 'any of the given strings'
  return `${name} ${VERBS[operator][holds ? 0 : 1]} ${texts}.`
}

const typeOf = (value: unknown): string => (value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value)

const article = (type: string): string => (type === 'null' ? type : /^[ao]/.test(type) ? `an ${type}` : `a ${type}`)
