/** Wall-clock times of a time zone, and the moments that they stand for. */

const MINUTE_MS = 60_000
const DAY_MS = 24 * 60 * MINUTE_MS

/** The name of the zone that this process is in, such as `Europe/Berlin`. It follows `TZ`. */
export const localZone = (): string => new Intl.DateTimeFormat().resolvedOptions().timeZone

const formats = new Map<string, Intl.DateTimeFormat>()

function formatOf(zone: string): Intl.DateTimeFormat {
  const known = formats.get(zone)
  if (known !== undefined) return known
  const format = new Intl.DateTimeFormat('en', {
    timeZone: zone,
    hourCycle: 'h23',
    calendar: 'gregory',
    numberingSystem: 'latn',
    era: 'short',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  })
  formats.set(zone, format)
  return format
}

/** What clocks in the zone show at a moment, as if it were UTC: milliseconds since 1970, in whole seconds. */
function wallAt(atMs: number, zone: string): number {
  const parts = Object.fromEntries(
    formatOf(zone)
      .formatToParts(atMs)
      .map(({ type, value }) => [type, value]),
  )
  const numberOf = (name: string) => Number(parts[name])
  const year = parts.era === 'BC' ? 1 - numberOf('year') : numberOf('year')
  return wallOf(year, numberOf('month'), numberOf('day'), numberOf('hour'), numberOf('minute'), numberOf('second'))
}

/** `Date.UTC`, which takes years before 100 for those of the twentieth century. */
export function wallOf(year: number, month: number, day: number, hour = 0, minute = 0, second = 0): number {
  return new Date(Date.UTC(2000, month - 1, day, hour, minute, second)).setUTCFullYear(year, month - 1, day)
}

/** How far the zone's clocks are ahead of UTC at a moment, in milliseconds. */
export const offsetAt = (atMs: number, zone: string): number => wallAt(atMs, zone) - Math.floor(atMs / 1_000) * 1_000

/** The moments at which clocks in the zone show this: usually one; none where they skip it, two where they repeat it. */
export function momentsOf(wallMs: number, zone: string): number[] {
  const offsets = [-DAY_MS, 0, DAY_MS].map(distance => offsetAt(wallMs + distance, zone))
  const moments = [...new Set(offsets)].map(offset => wallMs - offset)
  return moments.filter(atMs => wallAt(atMs, zone) === wallMs).sort((a, b) => a - b)
}

/** Where the zone's clocks skip a time. */
export type Gap = {
  /** The moment at which they do. */
  readonly atMs: number
  /** What they would have shown, and what they show instead, as if it were UTC. */
  readonly fromWallMs: number
  readonly toWallMs: number
}

/** The gap that a time is in. Only for times without a moment. */
export function gapAt(wallMs: number, zone: string): Gap {
  let before = wallMs - DAY_MS - offsetAt(wallMs, zone)
  let after = before + 2 * DAY_MS
  const offset = offsetAt(before, zone)
  while (after - before > 1_000) {
    const middle = Math.floor((before + after) / 2_000) * 1_000
    if (wallAt(middle, zone) >= wallMs) after = middle
    else before = middle
  }
  return { atMs: after, fromWallMs: after + offset, toWallMs: wallAt(after, zone) }
}

const two = (value: number): string => String(value).padStart(2, '0')

/** `+01:00`, or `+00:00`. */
export function formatOffset(offsetMs: number): string {
  const minutes = Math.round(Math.abs(offsetMs) / MINUTE_MS)
  return `${offsetMs < 0 ? '-' : '+'}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`
}

/** `06:00`, or with seconds if there are some. */
export function formatClock(wallMs: number): string {
  const text = new Date(wallMs).toISOString().slice(11, 19)
  return text.endsWith(':00') ? text.slice(0, 5) : text
}

/** `2026-11-30`. */
export const formatDay = (wallMs: number): string => new Date(wallMs).toISOString().slice(0, 10)

/** `2026-11-30 06:00 +01:00 (Europe/Berlin)`, and for UTC `2026-11-30 06:00 UTC`. */
export function formatMoment(atMs: number, zone: string): string {
  const offset = offsetAt(atMs, zone)
  const wallMs = atMs + offset
  const text = `${formatDay(wallMs)} ${formatClock(wallMs)}`
  return zone === 'UTC' ? `${text} UTC` : `${text} ${formatOffset(offset)} (${zone})`
}
