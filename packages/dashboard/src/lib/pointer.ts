/**
 * A JSON pointer (RFC 6901) as a path that people read: `/payload/lines/0/sku` below `/payload` is `lines[0].sku`. Null
 * if the pointer doesn't begin with `below`; an empty text for what it leads to itself.
 */
export function readablePath(pointer: string, below: string): string | null {
  if (pointer !== below && !pointer.startsWith(`${below}/`)) return null
  let path = ''
  for (const raw of pointer.slice(below.length).split('/').slice(1)) {
    const part = raw.replaceAll('~1', '/').replaceAll('~0', '~')
    if (/^\d+$/.test(part)) path += `[${part}]`
    else if (/^[\p{L}_$][\p{L}\p{N}_$-]*$/u.test(part)) path += path === '' ? part : `.${part}`
    else path += `[${JSON.stringify(part)}]`
  }
  return path
}

/** The value that a JSON pointer leads to; undefined if there is none. */
export function valueAt(value: unknown, pointer: string, below: string): unknown {
  if (readablePath(pointer, below) === null) return undefined
  let found = value
  for (const raw of pointer.slice(below.length).split('/').slice(1)) {
    const part = raw.replaceAll('~1', '/').replaceAll('~0', '~')
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, part)) return undefined
    found = (found as Record<string, unknown>)[part]
  }
  return found
}
