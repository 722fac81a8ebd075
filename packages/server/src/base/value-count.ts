/**
 * Whether a value parsed from JSON has at most `most` values in it, itself included. Looks at no more of them, except
 * that the names of an object's members are listed as a whole.
 */
export function hasAtMost(most: number, value: unknown): boolean {
  let left = most
  const visit = (inner: unknown): boolean => {
    if (--left < 0) return false
    if (typeof inner !== 'object' || inner === null) return true
    if (Array.isArray(inner)) return inner.length <= left && inner.every(visit)
    for (const name in inner) {
      if (!visit((inner as Readonly<Record<string, unknown>>)[name])) return false
    }
    return true
  }
  return visit(value)
}
