/** Reads the times that people type: `06:00`, `yesterday 18:30`, `2h`, `2026-11-28`, or RFC 3339. */
import { EXIT } from '../exit.ts'
import { Problem } from '../problem.ts'
import { formatClock, formatDay, formatMoment, formatOffset, gapAt, momentsOf, offsetAt, wallOf } from './zones.ts'

export type Now = {
  /** Milliseconds since 1970. */
  readonly nowMs: number
  /** The zone that times without one are in. */
  readonly zone: string
}

const DAY_MS = 86_400_000
const EXAMPLES = '06:00, yesterday 18:30, 2h, 2026-11-28 06:00 or 2026-11-28T06:00:00Z'
const UNITS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: DAY_MS, w: 7 * DAY_MS }
const UNIT = `(?:s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?|d|days?|w|weeks?)`
const LAST_MS = 253_402_300_799_999

/**
 * The moment that a text stands for, in milliseconds since 1970. A time of day alone is today's, a date alone is its
 * beginning, a duration is that long ago. Times are in the zone unless they say otherwise. Throws Problem for anything
 * that is not one moment in the past (or now).
 */
export function readMoment(typed: string, now: Now): number {
  const text = typed.trim().replace(/\s+/g, ' ')
  const atMs = parse(text, now)
  if (atMs === undefined) {
    throw refusal(`"${shorten(text)}" is not a time. Write one such as ${EXAMPLES}.`)
  }
  if (!(atMs >= 0 && atMs <= LAST_MS)) throw refusal(`${shorten(text)} is out of range. Write a time since 1970.`)
  if (atMs > now.nowMs) throw refusal(inFuture(text, atMs, now))
  return atMs
}

const refusal = (message: string) => new Problem(message, EXIT.usage)

function inFuture(text: string, atMs: number, { nowMs, zone }: Now): string {
  const isToday = /^(?:today )?\d/i.test(text) && !/^\d{4}-/.test(text)
  const hint = isToday ? ` For yesterday's, write "yesterday ${text.replace(/^today /i, '')}".` : ''
  return `${text} is in the future: that is ${formatMoment(atMs, zone)}, and now it is ${formatMoment(floor(nowMs), zone)}.${hint}`
}

const floor = (ms: number): number => Math.floor(ms / 1_000) * 1_000
const shorten = (text: string): string => (text.length > 60 ? `${text.slice(0, 60)}…` : text)

function parse(text: string, now: Now): number | undefined {
  if (/^now$/i.test(text)) return now.nowMs
  return parseDuration(text, now) ?? parseAbsolute(text) ?? parseLocal(text, now)
}

function parseDuration(text: string, { nowMs }: Now): number | undefined {
  const whole = new RegExp(`^(?:\\d+(?:\\.\\d+)? ?${UNIT} ?)+(?: ?ago)?$`, 'i')
  if (!whole.test(text)) return undefined
  let durationMs = 0
  for (const [, count, unit] of text.matchAll(new RegExp(`(\\d+(?:\\.\\d+)?) ?(${UNIT})`, 'gi'))) {
    durationMs += Number(count) * UNITS[unit!.charAt(0).toLowerCase()]!
  }
  return Math.floor(nowMs - durationMs)
}

/** With a zone of its own: RFC 3339, also with a space for the T, and without seconds. */
function parseAbsolute(text: string): number | undefined {
  const found = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d)(:\d\d)?(\.\d+)? ?(Z|UTC|[+-]\d\d:?\d\d)$/i.exec(text)
  if (found === null) return undefined
  const [, day, time, seconds = ':00', fraction = '', zone] = found
  checkDay(day!)
  checkTime(`${time}${seconds}`)
  const offset = /^(?:Z|UTC)$/i.test(zone!) ? 'Z' : zone!.replace(/^(...):?/, '$1:')
  const atMs = Date.parse(`${day}T${time}${seconds}${fraction.slice(0, 4)}${offset}`)
  if (Number.isNaN(atMs)) throw refusal(`${zone} is not an offset from UTC. Write one such as +01:00, or Z for UTC.`)
  return atMs
}

const DAY = String.raw`today|yesterday|tomorrow|\d{4}-\d\d?-\d\d?`
const TIME = String.raw`\d{1,2}(?::\d\d){1,2}(?: ?[ap]m)?|\d{1,2} ?[ap]m`
const LOCAL = new RegExp(
  `^(?:(?<day>${DAY})(?:(?:[T ]| at )(?<time>${TIME}))?|(?<only>${TIME})(?: (?<its>today|yesterday))?)$`,
  'i',
)

function parseLocal(text: string, now: Now): number | undefined {
  const groups = LOCAL.exec(text)?.groups
  if (groups === undefined) return undefined
  const dayWallMs = readDay(groups.day ?? groups.its ?? 'today', now)
  const clock = groups.time ?? groups.only
  if (clock === undefined) return beginningOf(dayWallMs, now.zone)
  return momentOf(dayWallMs + readTime(clock), now.zone)
}

/** The beginning of a day as its clocks show it, as if it were UTC. */
function readDay(day: string, { nowMs, zone }: Now): number {
  const today = nowMs + offsetAt(nowMs, zone)
  const midnight = today - (((today % DAY_MS) + DAY_MS) % DAY_MS)
  if (/^today$/i.test(day)) return midnight
  if (/^yesterday$/i.test(day)) return midnight - DAY_MS
  if (/^tomorrow$/i.test(day)) return midnight + DAY_MS
  return checkDay(day)
}

function checkDay(text: string): number {
  const [year, month, day] = text.split('-').map(Number) as [number, number, number]
  const wallMs = wallOf(year, month, day)
  const date = new Date(wallMs)
  if (date.getUTCMonth() + 1 === month && date.getUTCDate() === day && day > 0) return wallMs
  throw refusal(`${text} is not a date: there is no such day. Write year, month and day, such as 2026-11-28.`)
}

/** Milliseconds since midnight. */
function readTime(text: string): number {
  const [, digits, half] = /^([\d:]+) ?([ap]m)?$/i.exec(text)!
  const [hour = 0, ...others] = digits!.split(':').map(Number)
  if (half === undefined) return checkTime(text)
  if (hour < 1 || hour > 12) throw refusal(`${text} is not a time of day: hours with am or pm are from 1 to 12.`)
  const shown = (hour % 12) + (/^p/i.test(half) ? 12 : 0)
  return checkTime([shown, ...(others.length === 0 ? [0] : others)].join(':'))
}

function checkTime(text: string): number {
  const [hour = 0, minute = 0, second = 0] = text.split(':').map(Number)
  if (hour < 24 && minute < 60 && second < 60) return ((hour * 60 + minute) * 60 + second) * 1_000
  const hint = hour === 24 && minute === 0 ? ' Midnight is 00:00 of the next day.' : ''
  throw refusal(`${text} is not a time of day: they go from 00:00 to 23:59:59.${hint}`)
}

/** The first moment of a day, which is not midnight where clocks skip it. */
function beginningOf(dayWallMs: number, zone: string): number {
  return momentsOf(dayWallMs, zone)[0] ?? gapAt(dayWallMs, zone).atMs
}

function momentOf(wallMs: number, zone: string): number {
  const moments = momentsOf(wallMs, zone)
  const shown = `${formatClock(wallMs)} on ${formatDay(wallMs)}`
  if (moments.length === 1) return moments[0]!
  if (moments.length === 0) {
    const { fromWallMs, toWallMs } = gapAt(wallMs, zone)
    throw refusal(
      `There is no ${shown} in ${zone}: clocks go from ${formatClock(fromWallMs)} to ${formatClock(toWallMs)} there. ` +
        `Write ${formatClock(toWallMs)} or later, or a time before ${formatClock(fromWallMs)}.`,
    )
  }
  const choices = moments.map(atMs => {
    const text = `${formatDay(wallMs)}T${formatClock(wallMs)}`
    return `${text}${formatOffset(offsetAt(atMs, zone))}`
  })
  throw refusal(`${shown} comes twice in ${zone}, because clocks are put back then. Write ${choices.join(' or ')}.`)
}
