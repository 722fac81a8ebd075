/**
 * A short statement of the server's own, such as `1.4 GiB free`, as a sentence: with a capital letter, unless it begins
 * with a name or a path, and, by default, a full stop.
 */
export function sentence(text: string, hasStop = true): string {
  const [first = ''] = text.split(/\s/, 1)
  // A word of lower-case letters only: `postgres://…`, `maxBodyBytes` and `/var/lib` stay as they are.
  const begun = /^[a-z][a-z-]*[,:;]?$/.test(first) ? first.charAt(0).toUpperCase() + text.slice(1) : text
  return hasStop && !/[.!?]$/.test(begun) ? `${begun}.` : begun
}
