/** Pages of lists, and the parameters that select them. */
import { Buffer, isUtf8 } from 'node:buffer'
import { Type } from 'typebox'
import { type FieldError, PosthornError } from '../../base/errors.ts'
import { type IdPrefix, parseId } from '../../base/ids.ts'

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

type Range = { readonly from?: string; readonly to?: string }

/** Both bounds in whole milliseconds, such that `fromMs ≤ time < toMs` says the same as the parameters do. */
export function parseRange({ from, to }: Range): { fromMs: number | null; toMs: number | null } {
  const errors: FieldError[] = []
  const bound = (field: string, text: string | undefined): number | null => {
    if (text === undefined) return null
    const ms = parseTime(text)
    if (ms !== undefined) return ms
    errors.push({ field, detail: `${NO_TIME}; write the + of an offset as %2B.` })
    return null
  }
  const range = { fromMs: bound('from', from), toMs: bound('to', to) }
  if (errors.length > 0) throw refusal(errors)
  return range
}

const NO_TIME = 'It must be a time by RFC 3339, such as 2026-01-31T12:00:00Z'

/** Of a member of a body; null stays null. */
export function parseTimeOrRefuse(field: string, text: string | null): number | null {
  if (text === null) return null
  const ms = parseTime(text)
  if (ms !== undefined) return ms
  throw refusal([{ field, detail: `${NO_TIME}.` }])
}

const RFC_3339 =
  /^(?<date>\d{4}-\d\d-\d\d)T(?<time>(?:[01]\d|2[0-3]):[0-5]\d):(?<second>[0-5]\d|60)(?:\.(?<ms>\d{1,3})(?<finer>\d*))?(?:Z|(?<sign>[+-])(?<hours>[01]\d|2[0-3]):(?<minutes>[0-5]\d))$/i

/** Milliseconds since 1970 of a time by RFC 3339 §5.6, fractions of them rounded up; undefined for another text. */
export function parseTime(text: string): number | undefined {
  const parts = RFC_3339.exec(text)?.groups
  if (parts === undefined) return undefined
  const { date, time, second, ms = '', finer = '', sign, hours, minutes } = parts
  const minuteMs = Date.parse(`${date}T${time}:00Z`)
  // A day that the month has not: the parser refuses some and carries others over into the next month.
  if (Number.isNaN(minuteMs) || !new Date(minuteMs).toISOString().startsWith(date!)) return undefined
  const offsetMs = (Number(hours ?? 0) * 60 + Number(minutes ?? 0)) * 60_000
  // Second 60, a leap second, is the next minute's first, as computers count.
  const fractionMs = Number(ms.padEnd(3, '0')) + (/[1-9]/.test(finer) ? 1 : 0)
  return minuteMs + Number(second) * 1000 + fractionMs + (sign === '+' ? -offsetMs : offsetMs)
}

function refusal(fields: readonly FieldError[]): PosthornError {
  return new PosthornError('invalid', fields.map(({ field, detail }) => `${field}: ${detail}`).join(' '), { fields })
}
