/** Paths and queries of calls. */

/** A path below the client's `url`. It is written when the call is made, so that a wrong id rejects the call's promise. */
export type Path = { readonly parts: readonly string[]; readonly values: readonly unknown[] }

/** Template tag for a path with ids and names. */
export function path(parts: TemplateStringsArray, ...values: readonly string[]): Path {
  return { parts, values }
}

/**
 * The path with each value encoded as one segment. Throws TypeError for values that would lead to another path: an empty
 * one, `.` and `..`, which URLs resolve even if they are percent-encoded.
 */
export function toPath({ parts, values }: Path): string {
  return values.reduce<string>((text, value, index) => text + encodeSegment(value) + parts[index + 1], parts[0]!)
}

function encodeSegment(value: unknown): string {
  if (typeof value !== 'string') throw new TypeError(`An id or name must be a string, not ${describe(value)}.`)
  if (value === '' || value === '.' || value === '..') {
    throw new TypeError(`"${value}" can't be an id or a name: it would change the path of the call.`)
  }
  if (!value.isWellFormed()) throw new TypeError("An id or name can't contain an unpaired surrogate.")
  return encodeURIComponent(value)
}

const describe = (value: unknown) => (value === null ? 'null' : typeof value)

type Value = string | number | boolean | Date
export type Query = Readonly<Record<string, Value | readonly Value[] | null | undefined>>

/** The query with its `?`, or nothing. Leaves out what is undefined or null; a list repeats its parameter. */
export function toQuery(query: object | undefined): string {
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries((query ?? {}) as Query)) {
    if (value === undefined || value === null) continue
    for (const one of [value].flat() as Value[]) search.append(name, one instanceof Date ? one.toISOString() : `${one}`)
  }
  const text = search.toString()
  return text === '' ? '' : `?${text}`
}
