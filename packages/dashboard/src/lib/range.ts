import type { Search } from './search.ts'

/** The ranges that can be chosen by name, with their length in milliseconds. */
export const RANGES = {
  '15m': 15 * 60_000,
  '1h': 3_600_000,
  '6h': 6 * 3_600_000,
  '24h': 86_400_000,
  '7d': 7 * 86_400_000,
  '30d': 30 * 86_400_000,
  '90d': 90 * 86_400_000,
} as const

export type RangeName = keyof typeof RANGES

/** A period: a named one that ends now, or one between two fixed times (RFC 3339). */
export type Range =
  | { readonly name: RangeName }
  | { readonly name: null; readonly from: string; readonly to: string | null }

export const DEFAULT_RANGE: RangeName = '24h'

/** The range in a page's URL: `range=24h`, or `from` and `to`. What can't be read is the default. */
export function rangeOf({ range, from, to }: Search, standard: RangeName = DEFAULT_RANGE): Range {
  if (from !== undefined && isTime(from)) return { name: null, from, to: to !== undefined && isTime(to) ? to : null }
  return { name: range !== undefined && Object.hasOwn(RANGES, range) ? (range as RangeName) : standard }
}

/** The parameters `from` and `to` of a call. A named range begins that long before `now`, and has no end. */
export function boundsOf(range: Range, now: number): { from: string; to: string | undefined } {
  if (range.name === null) return { from: range.from, to: range.to ?? undefined }
  return { from: new Date(now - RANGES[range.name]).toISOString(), to: undefined }
}

/** The parameters of a URL. Undefined removes what was there. */
export function searchOf(range: Range): {
  range?: string | undefined
  from?: string | undefined
  to?: string | undefined
} {
  if (range.name !== null) return { range: range.name, from: undefined, to: undefined }
  return { range: undefined, from: range.from, to: range.to ?? undefined }
}

/** The shortest named range that has a time in it. The longest if none has. */
export function rangeBackTo(time: number, now: number): RangeName {
  const names = Object.keys(RANGES) as RangeName[]
  // A little more than the range: it goes on moving.
  return names.find(name => now - time < RANGES[name] * 0.98) ?? '90d'
}

/** How long a range is, in milliseconds. */
export function lengthOf(range: Range, now: number): number {
  if (range.name !== null) return RANGES[range.name]
  return (range.to === null ? now : Date.parse(range.to)) - Date.parse(range.from)
}

function isTime(text: string): boolean {
  return /^\d{4}-\d\d-\d\d/.test(text) && !Number.isNaN(Date.parse(text))
}
