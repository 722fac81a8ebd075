/** Ports from `first` up to and including `last`. */
export type PortRange = { readonly first: number; readonly last: number }

/**
 * C3: the ports that a target may have: 443, and what needs no privilege to listen on; none of the ports below that old
 * text protocols listen on. An operator can narrow it (`targetPorts`), never widen it.
 */
export const CONTRACT_PORTS: readonly PortRange[] = [
  { first: 443, last: 443 },
  { first: 1024, last: 65_535 },
]

export function contains(ranges: readonly PortRange[], { first, last }: PortRange): boolean {
  return ranges.some(range => first >= range.first && last <= range.last)
}

/** As settings have it: `443`, `1024-65535`; with another dash as people read it. */
export function portRangeText({ first, last }: PortRange, dash: '-' | '–' = '-'): string {
  return first === last ? `${first}` : `${first}${dash}${last}`
}
