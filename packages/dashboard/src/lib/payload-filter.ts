/**
 * Conditions on one member of a payload, as people write them (`cover.status` is `Quoted`), and the filter of the API
 * that they stand for. Filters of another form are kept as they are written.
 */

export type FieldCondition = { readonly path: string; readonly value: string }

/** The filter for a member with this value, as JSON. What reads as a number, true, false or null is also that. */
export function filterFor({ path, value }: FieldCondition): string {
  const parts = path
    .split('.')
    .map(part => part.trim().replace(/\[\d*\]$/, ''))
    .filter(part => part !== '')
  const values = value.trim() === '' ? [''] : value.split(',').map(one => one.trim())
  const accepted = values.flatMap(one => [one, ...literal(one)])
  // A name that begins with `$` is written with one more: else it is an operator.
  const nested = parts.reduceRight<unknown>(
    (inner, part) => ({ [part.startsWith('$') ? `$${part}` : part]: inner }),
    accepted,
  )
  return JSON.stringify(nested)
}

/** The condition that a filter stands for, or null if it is of another form. */
export function conditionOf(filter: string): FieldCondition | null {
  let found: unknown
  try {
    found = JSON.parse(filter)
  } catch {
    return null
  }
  const path: string[] = []
  while (typeof found === 'object' && found !== null && !Array.isArray(found)) {
    const [entry, another] = Object.entries(found)
    if (entry === undefined || another !== undefined) return null
    const [name, inner] = entry
    if (name.includes('.') || (name.startsWith('$') && !name.startsWith('$$')) || name === 'anyOf') return null
    path.push(name.startsWith('$$') ? name.slice(1) : name)
    found = inner
  }
  if (!Array.isArray(found) || path.length === 0) return null
  if (!found.every(value => value === null || typeof value !== 'object')) return null
  const value = [...new Set(found.map(String))].join(', ')
  const condition = { path: path.join('.'), value }
  return filterFor(condition) === JSON.stringify(JSON.parse(filter)) ? condition : null
}

/** `status = Quoted`, or the filter itself. */
export function readable(filter: string): string {
  const condition = conditionOf(filter)
  return condition === null ? filter : `${condition.path} = ${condition.value === '' ? '""' : condition.value}`
}

function literal(text: string): (number | boolean | null)[] {
  if (text === 'true') return [true]
  if (text === 'false') return [false]
  if (text === 'null') return [null]
  const number = Number(text)
  const isExact = /^-?(?:0|[1-9]\d*)(?:\.\d+)?$/.test(text) && Math.abs(number) <= Number.MAX_SAFE_INTEGER
  return isExact ? [number] : []
}
