/**
 * The part of a page's URL after `?`. Every value is a text, with the names that the API gives its parameters; several
 * values are separated by commas, as the API takes them. So a filter can be read, typed and pasted into a call.
 */
export type Search = Readonly<Record<string, string | undefined>>

/** Reads a query, with or without its `?`. Repeated names are joined by commas; empty values are left out. */
export function parseSearch(query: string): Record<string, string> {
  const search: Record<string, string> = Object.create(null)
  for (const [name, value] of new URLSearchParams(query)) {
    if (value === '') continue
    search[name] = search[name] === undefined ? value : `${search[name]},${value}`
  }
  return { ...search }
}

/** Where one wanted to go, for the router. Only paths of these pages: an address elsewhere leads nowhere. */
export function goalOf(next: string) {
  const isOwn = /^\/(?![/\\])/.test(next) && !next.startsWith('/sign-in')
  const { pathname, search } = new URL(isOwn ? next : '/', 'https://posthorn.invalid')
  return { to: pathname as '/', search: parseSearch(search) as never }
}

/** Writes a query with its `?`, or nothing. Commas, colons and slashes stay readable. */
export function stringifySearch(search: Record<string, unknown>): string {
  const parts: string[] = []
  for (const [name, value] of Object.entries(search)) {
    const text = Array.isArray(value) ? value.join(',') : value
    if (text === undefined || text === null || text === '') continue
    parts.push(`${readable(name)}=${readable(String(text))}`)
  }
  return parts.length === 0 ? '' : `?${parts.join('&')}`
}

/** The values of a parameter that can have several. */
export function valuesOf(text: string | undefined): string[] {
  return text === undefined ? [] : text.split(',').filter(value => value !== '')
}

/** Keeps the named parameters of a query and drops the others. For a route's `validateSearch`. */
export function only<const Name extends string>(...names: readonly Name[]) {
  return (search: Record<string, unknown>): { [name in Name]?: string | undefined } => {
    const kept: { [name in Name]?: string } = {}
    for (const name of names) {
      const value = search[name]
      if (typeof value === 'string' && value !== '') kept[name] = value
    }
    return kept
  }
}

function readable(text: string): string {
  return encodeURIComponent(text).replace(/%(2C|3A|2F|40|2A)/g, decodeURIComponent)
}
