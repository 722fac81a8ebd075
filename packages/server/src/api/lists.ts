/** Pages of lists, and the parameters that select them. */
import { Buffer, isUtf8 } from 'node:buffer'
import { type Static, Type } from 'typebox'
import { type FieldError, PosthornError } from '../errors.ts'
import { type IdPrefix, parseId } from '../ids.ts'

export const PageQuery = {
  cursor: Type.Optional(Type.String({ description: 'Where to go on: `nextCursor` of the page before.' })),
  limit: Type.Integer({ minimum: 1, maximum: 1000, default: 50, description: 'The most items to answer with.' }),
}

export const RangeQuery = {
  from: Type.Optional(Type.String({ format: 'date-time', description: 'Made at this time or later (RFC 3339).' })),
  to: Type.Optional(Type.String({ format: 'date-time', description: 'Made before this time (RFC 3339).' })),
}

export type Page<Item> = { data: Item[]; nextCursor: string | null }

/** A page out of what was read: one item more than the limit tells that there is another page. */
export function toPage<Item, View>(
  items: readonly Item[],
  limit: number,
  idOf: (item: Item) => string,
  view: (item: Item) => View,
): Page<View> {
  const shown = items.slice(0, limit)
  const nextCursor = items.length > limit ? encodeCursor(idOf(shown.at(-1)!)) : null
  return { data: shown.map(view), nextCursor }
}

export function encodeCursor(id: string): string {
  return Buffer.from(id).toString('base64url')
}

/** The id in a cursor, or null without one. Throws `invalid` for a text that no list has given out. */
export function decodeCursor(cursor: string | undefined, isId: (text: string) => boolean): string | null {
  if (cursor === undefined) return null
  const bytes = Buffer.from(cursor, 'base64url')
  // What is not base64url is skipped when decoding, so it must read back the same.
  const id = isUtf8(bytes) && bytes.toString('base64url') === cursor ? bytes.toString() : ''
  if (isId(id)) return id
  throw refusal([{ field: 'cursor', detail: 'Use the nextCursor of a page of this list as it is.' }])
}

export const isIdOf =
  (prefix: IdPrefix) =>
  (text: string): boolean =>
    parseId(prefix, text) !== undefined

type Range = Static<ReturnType<typeof rangeType>>
const rangeType = () => Type.Object(RangeQuery)

/** Both bounds in whole milliseconds, such that `fromMs ≤ time < toMs` says the same as the parameters do. */
export function parseRange({ from, to }: Range): { fromMs: number | null; toMs: number | null } {
  const errors: FieldError[] = []
  const bound = (field: string, text: string | undefined): number | null => {
    if (text === undefined) return null
    const ms = parseTime(text)
    if (ms !== undefined) return ms
    const detail = 'It must be a time by RFC 3339, such as 2026-01-31T12:00:00Z; write the + of an offset as %2B.'
    errors.push({ field, detail })
    return null
  }
  const range = { fromMs: bound('from', from), toMs: bound('to', to) }
  if (errors.length > 0) throw refusal(errors)
  return range
}

const RFC_3339 = /^(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(\.\d+)?(?:[Zz]|([+-])([01]\d|2[0-3]):([0-5]\d))$/

/** Milliseconds since 1970 of a time by RFC 3339 §5.6, fractions of them rounded up; undefined for another text. */
export function parseTime(text: string): number | undefined {
  const match = RFC_3339.exec(text)
  if (match === null) return undefined
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ]
  // Second 60: a leap second. Time as computers count it goes on with the next minute.
  if (hour > 23 || minute > 59 || second > 60) return undefined
  const date = new Date(0)
  date.setUTCFullYear(year, month - 1, day)
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return undefined
  date.setUTCHours(hour, minute, second)
  const fractionMs = match[7] === undefined ? 0 : Math.ceil(Number(`${match[7].slice(1).slice(0, 3).padEnd(3, '0')}`))
  const isCut = match[7] !== undefined && /[1-9]/.test(match[7].slice(4))
  const offsetMs = match[8] === undefined ? 0 : (Number(match[9]) * 60 + Number(match[10])) * 60_000
  return date.getTime() + fractionMs + (isCut ? 1 : 0) + (match[8] === '+' ? -offsetMs : offsetMs)
}

function refusal(fields: readonly FieldError[]): PosthornError {
  return new PosthornError('invalid', fields.map(({ field, detail }) => `${field}: ${detail}`).join(' '), { fields })
}
