/** How numbers, times and ids are written on the pages, in the language of the pages. */
import { language } from './language.ts'

/** Between groups of thousands, and before fractions. */
const SEPARATORS = { en: [',', '.'], de: ['.', ','] } as const

/**
 * As many digits after the point as given. By hand: the first `Intl.NumberFormat` of a page takes as long as drawing it,
 * 0.2 s on a slow phone (`npm run first-load`).
 */
function fixed(value: number, digits: number): string {
  const [group, point] = SEPARATORS[language()]
  const [whole = '', fraction] = value.toFixed(digits).split('.')
  const grouped = whole.replace(/\B(?=(?:\d{3})+$)/g, group)
  return fraction === undefined ? grouped : `${grouped}${point}${fraction}`
}

/** As many digits after the point as needed, and no more than given. */
function rounded(value: number, most: number): string {
  const [, fraction = ''] = String(Math.round(value * 10 ** most) / 10 ** most).split('.')
  return fixed(value, fraction.length)
}

/** `1,204` */
export function formatNumber(value: number): string {
  return rounded(value, 3)
}

const LARGE = {
  en: [
    [1e9, 'bn'],
    [1e6, 'M'],
    [1e3, 'k'],
  ],
  // A thousand has no short form.
  de: [
    [1e9, '\u00a0Mrd.'],
    [1e6, '\u00a0Mio.'],
  ],
} as const

/** `1,204`, and from 100,000 on `120k`. For figures and axes. */
export function formatCompact(value: number): string {
  const size = Math.abs(value)
  // What would be rounded up to 1,000k is 1M.
  const large = size < 100_000 ? undefined : LARGE[language()].find(([unit]) => size >= unit * 0.99995)
  return large === undefined ? formatNumber(value) : `${rounded(value / large[0], 1)}${large[1]}`
}

/** A share from 0 to 1 as `99.7 %`. Never rounds up to 100 or down to 0 what isn't. */
export function formatPercent(share: number): string {
  const percent = share * 100
  if (percent === 0 || percent === 100) return `${percent} %`
  const digits = percent > 99 || percent < 1 ? 2 : 1
  const low = 10 ** -digits
  return `${fixed(Math.min(100 - low, Math.max(low, percent)), digits)} %`
}

/** `12 ms`, `1.2 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`. */
export function formatDuration(ms: number): string {
  const duration = Math.max(0, ms)
  if (duration < 999.5) return `${Math.round(duration)} ms`
  if (duration < 9_950) return `${fixed(duration / 1_000, 1)} s`
  const seconds = Math.round(duration / 1_000)
  if (seconds < 60) return `${seconds} s`
  if (seconds < 3_600) return two(Math.floor(seconds / 60), 'min', seconds % 60, 's')
  const minutes = Math.round(seconds / 60)
  if (minutes < 1_440) return two(Math.floor(minutes / 60), 'h', minutes % 60, 'min')
  const hours = Math.round(minutes / 60)
  return two(Math.floor(hours / 24), 'd', hours % 24, 'h')
}

/** The greatest unit alone: `3 min`, `2 h`, `5 d`. */
export function formatAge(ms: number): string {
  const seconds = Math.floor(Math.max(0, ms) / 1_000)
  if (seconds < 60) return `${seconds} s`
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min`
  if (seconds < 86_400) return `${Math.floor(seconds / 3_600)} h`
  return `${formatNumber(Math.floor(seconds / 86_400))} d`
}

/** From where on a time to come is said in whole units of this size. */
const UNITS_MS = [86_400_000, 3_600_000, 60_000]

/** What is set to 30 days has not 29 left a moment later. Of few units, only a moment is added. */
function toWhole(ms: number): number {
  const unit = UNITS_MS.find(one => ms >= one - one / 60)
  if (unit === undefined) return ms
  const units = ms / unit
  return (units >= 10 ? Math.round(units) : Math.floor(units + 1 / 60)) * unit
}

/** `now`, `2 min ago`, `in 3 h`, `in 143 days`. What has passed is rounded down, what is to come as `toWhole`. */
export function formatRelative(at: number, now: number): string {
  const distance = at - now
  const size = distance < 0 ? -distance : toWhole(distance)
  if (size < 1_000) return said().now
  const age = size >= 10 * 86_400_000 ? said().days(formatNumber(Math.floor(size / 86_400_000))) : formatAge(size)
  return distance < 0 ? said().ago(age) : said().in(age)
}

/** How long until `formatRelative` reads differently, in milliseconds. */
export function untilNextReading(at: number, now: number): number {
  const size = Math.abs(at - now)
  if (size < 60_000) return 1_000
  return size < 3_600_000 ? 15_000 : 60_000
}

/** `512 B`, `1.2 kB`, `3.4 MB` (powers of 1,000). */
export function formatBytes(bytes: number): string {
  if (bytes < 1_000) return `${bytes} B`
  if (bytes < 999_950) return `${fixed(bytes / 1_000, 1)} kB`
  if (bytes < 999_950_000) return `${fixed(bytes / 1_000_000, 1)} MB`
  return `${fixed(bytes / 1_000_000_000, 1)} GB`
}

/** `14:02:11` today, `29 Nov 14:02:11` in this year, `2025-11-29 14:02` before; local time. */
export function formatClock(at: number, now: number): string {
  const date = new Date(at)
  const today = new Date(now)
  const time = `${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())}`
  if (date.toDateString() === today.toDateString()) return time
  if (date.getFullYear() === today.getFullYear()) return `${dayOf(date)} ${time}`
  return `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())} ${time.slice(0, 5)}`
}

/** `22 Apr 2027`; local time. */
export function formatDay(at: number): string {
  const date = new Date(at)
  return `${dayOf(date)} ${date.getFullYear()}`
}

/** To the millisecond, with the zone's offset: `2026-11-29 14:02:11.482 +01:00`. */
export function formatLocal(at: number): string {
  const date = new Date(at)
  const offset = -date.getTimezoneOffset()
  const day = `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}`
  const time = `${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())}.${pad(date.getMilliseconds(), 3)}`
  const zone = `${offset < 0 ? '−' : '+'}${pad(Math.floor(Math.abs(offset) / 60))}:${pad(Math.abs(offset) % 60)}`
  return `${day} ${time} ${zone}`
}

/** To the millisecond: `2026-11-29 13:02:11.482 UTC`. */
export function formatUtc(at: number): string {
  return `${new Date(at).toISOString().replace('T', ' ').slice(0, -1)} UTC`
}

/** `dlv_01m8…b99j`: the beginning and the end. Short texts stay whole. */
export function shortenId(id: string): string {
  const points = Array.from(id)
  if (points.length <= 18) return id
  return `${points.slice(0, 8).join('')}…${points.slice(-4).join('')}`
}

/** How times are said. Not with the other words: these are needed before a dictionary is known. */
// cspell:ignore jetzt Tagen März Juni Juli Okt Dez
const TIMES = {
  en: {
    now: 'now',
    ago: (age: string) => `${age} ago`,
    in: (age: string) => `in ${age}`,
    days: (n: string) => `${n} days`,
  },
  de: {
    now: 'jetzt',
    ago: (age: string) => `vor ${age}`,
    in: (age: string) => `in ${age}`,
    days: (n: string) => `${n} Tagen`,
  },
} as const

const said = () => TIMES[language()]

const MONTHS = {
  en: ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'],
  de: ['Jan.', 'Feb.', 'März', 'Apr.', 'Mai', 'Juni', 'Juli', 'Aug.', 'Sep.', 'Okt.', 'Nov.', 'Dez.'],
} as const

/** `29 Nov`, `29. Nov.` */
function dayOf(date: Date): string {
  const month = MONTHS[language()][date.getMonth()]
  return language() === 'de' ? `${date.getDate()}. ${month}` : `${date.getDate()} ${month}`
}

function pad(value: number, length = 2): string {
  return String(value).padStart(length, '0')
}

function two(high: number, highUnit: string, low: number, lowUnit: string): string {
  return low === 0 ? `${high} ${highUnit}` : `${high} ${highUnit} ${low} ${lowUnit}`
}
