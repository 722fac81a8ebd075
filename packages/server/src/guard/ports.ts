/** The ports from `first` to `last`, inclusive. */
export type PortRange = { readonly first: number; readonly last: number }

/**
 * C3: the ports that a target can have: 443, and those that need no privileges to listen on. The other ports below 1024
 * are excluded because of old text protocols. An operator can narrow this list (`targetPorts`), but never widen it.
 */
export const CONTRACT_PORTS: readonly PortRange[] = [
  { first: 443, last: 443 },
  { first: 1024, last: 65_535 },
]

export function contains(ranges: readonly PortRange[], { first, last }: PortRange): boolean {
  return ranges.some(range => first >= range.first && last <= range.last)
}

/** As written in settings: `443`, `1024-65535`. Messages of the API say `1024 to 65535`. */
export function portRangeText({ first, last }: PortRange, dash: '-' | ' to ' = '-'): string {
  return first === last ? `${first}` : `${first}${dash}${last}`
}
