/** Retry schedules as they are written, and as they are drawn. */

/** How many retries a schedule can have. */
export const MAX_RETRIES = 30

const UNITS: Readonly<Record<string, number>> = { s: 1, sec: 1, min: 60, m: 60, h: 3_600, d: 86_400 }

export type ParsedSchedule =
  | { readonly seconds: number[]; readonly bad: null }
  | { readonly seconds: null; readonly bad: string }

/**
 * Reads waits such as `30 s, 5 min, 2 h 30 min, 1 d`, separated by commas. A number without a unit is in seconds. `bad`
 * is the first part that is none.
 */
export function parseSchedule(text: string): ParsedSchedule {
  if (text.trim() === '') return { seconds: [], bad: null }
  const seconds: number[] = []
  for (const part of text.split(',')) {
    const one = parseWait(part.trim())
    if (one === null) return { seconds: null, bad: part.trim() }
    seconds.push(one)
  }
  return { seconds, bad: null }
}

function parseWait(text: string): number | null {
  if (!/^(?:\d+(?:\.\d+)?\s*[a-z]*\s*)+$/i.test(text)) return null
  let total = 0
  for (const [, amount = '', unit = ''] of text.matchAll(/(\d+(?:\.\d+)?)\s*([a-z]*)/gi)) {
    const size = unit === '' ? 1 : UNITS[unit.toLowerCase()]
    if (size === undefined) return null
    total += Number(amount) * size
  }
  // Sums of decimals such as 0.1 have digits that were not written.
  return Number.isFinite(total) ? Math.round(total * 1_000) / 1_000 : null
}

/** Writes waits so that `parseSchedule` reads the same: `30 s, 5 min, 2 h 30 min`. */
export function writeSchedule(seconds: readonly number[]): string {
  return seconds.map(writeWait).join(', ')
}

function writeWait(seconds: number): string {
  const parts: string[] = []
  let rest = seconds
  for (const [size, unit] of [
    [86_400, 'd'],
    [3_600, 'h'],
    [60, 'min'],
  ] as const) {
    const count = Math.floor(rest / size)
    if (count > 0) parts.push(`${count} ${unit}`)
    rest -= count * size
  }
  rest = Math.round(rest * 1_000) / 1_000
  if (rest > 0 || parts.length === 0) parts.push(`${rest} s`)
  return parts.join(' ')
}

/**
 * Where times stand on an axis from 0 to 1. Waits mostly double, so the axis is logarithmic: each attempt is then about
 * as far from the one before. The first attempt, at 0, stands at 0.
 */
export function placesOf(seconds: readonly number[]): number[] {
  const last = seconds.at(-1) ?? 0
  const first = seconds.find(one => one > 0) ?? 0
  if (last <= 0) return seconds.map(() => 0)
  // The first wait takes as much room as a doubling.
  const scale = (at: number) => Math.log2(1 + at / first)
  return seconds.map(at => scale(at) / scale(last))
}
