/** HTTP dates (RFC 9110 §5.6.7). `Date.parse` won't do: it reads asctime as local time, and accepts much else. */

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
const TIME = '(?<hour>\\d{2}):(?<minute>\\d{2}):(?<second>\\d{2})'
const MONTH = `(?<month>${MONTHS.join('|')})`

const FORMS = [
  // Sun, 06 Nov 1994 08:49:37 GMT
  new RegExp(`^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), (?<day>\\d{2}) ${MONTH} (?<year>\\d{4}) ${TIME} GMT$`),
  // Sunday, 06-Nov-94 08:49:37 GMT
  new RegExp(`^(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day, (?<day>\\d{2})-${MONTH}-(?<year>\\d{2}) ${TIME} GMT$`),
  // Sun Nov  6 08:49:37 1994
  new RegExp(`^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) ${MONTH} (?<day>[ \\d]\\d) ${TIME} (?<year>\\d{4})$`),
]

/** A two-digit year that appears to be further ahead than this is in the past. */
const MAX_YEARS_AHEAD = 50

/** Returns milliseconds since 1970; undefined if the text has none of the three forms. The weekday is not checked. */
export function parseHttpDate(text: string, nowMs: number): number | undefined {
  const groups = FORMS.map(form => form.exec(text)?.groups).find(found => found !== undefined)
  if (groups === undefined) return undefined
  const [day, hour, minute, second] = [groups.day, groups.hour, groups.minute, groups.second].map(Number)
  const month = MONTHS.indexOf(groups.month!)
  const year = groups.year!.length === 2 ? fullYear(Number(groups.year), nowMs) : Number(groups.year)
  // 60: a leap second.
  if (hour! > 23 || minute! > 59 || second! > 60) return undefined
  const date = new Date(0)
  date.setUTCFullYear(year, month, day!)
  if (date.getUTCMonth() !== month || date.getUTCDate() !== day) return undefined
  return date.setUTCHours(hour!, minute!, second!)
}

function fullYear(twoDigits: number, nowMs: number): number {
  const thisYear = new Date(nowMs).getUTCFullYear()
  const year = thisYear - (thisYear % 100) + twoDigits
  if (year > thisYear + MAX_YEARS_AHEAD) return year - 100
  return year <= thisYear + MAX_YEARS_AHEAD - 100 ? year + 100 : year
}
