/** Pages of lists, and the query parameters that select them. */
import { Buffer, isUtf8 } from 'node:buffer'
import { Type } from 'typebox'
import { type FieldError, PosthornError } from '../../base/errors.ts'
import { type IdPrefix, parseId } from '../../base/ids.ts'

export const PageQuery = {
  cursor: Type.Optional(Type.String({ description: 'Where to continue: the `nextCursor` of the previous page.' })),
  limit: Type.Integer({ minimum: 1, maximum: 1000, default: 50, description: 'Maximum number of items to return.' }),
}

export const RangeQuery = {
  from: Type.Optional(
    Type.String({ format: 'date-time', description: 'Only items created at or after this time (RFC 3339).' }),
  ),
  to: Type.Optional(
    Type.String({ format: 'date-time', description: 'Only items created before this time (RFC 3339).' }),
  ),
}

export type Page<Item> = { data: Item[]; nextCursor: string | null }

/** Builds a page from the items read: one item more than the limit means that there is another page. */
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

/** The id in a cursor; null if there is no cursor. Throws `invalid` for a text that is not a cursor of this list. */
export function decodeCursor(cursor: string | undefined, isId: (text: string) => boolean): string | null {
  if (cursor === undefined) return null
  const bytes = Buffer.from(cursor, 'base64url')
  // Decoding skips characters that are not base64url, so the result must encode to the same text.
  const id = isUtf8(bytes) && bytes.toString('base64url') === cursor ? bytes.toString() : ''
  if (isId(id)) return id
  throw refusal([
    {
      field: 'cursor',
      detail: 'The cursor is not valid for this list. Pass the nextCursor of the previous page unchanged.',
    },
  ])
}

export const isIdOf =
  (prefix: IdPrefix) =>
  (text: string): boolean =>
    parseId(prefix, text) !== undefined

type Range = { readonly from?: string; readonly to?: string }

/** Both bounds in whole milliseconds, such that `fromMs ≤ time < toMs` selects what the parameters describe. */
export function parseRange({ from, to }: Range): { fromMs: number | null; toMs: number | null } {
  const errors: FieldError[] = []
  const bound = (field: string, text: string | undefined): number | null => {
    if (text === undefined) return null
    const ms = parseTime(text)
    if (ms !== undefined) return ms
    errors.push({ field, detail: `${NO_TIME}. Encode the + of an offset as %2B.` })
    return null
  }
  const range = { fromMs: bound('from', from), toMs: bound('to', to) }
  if (errors.length > 0) throw refusal(errors)
  return range
}

const NO_TIME = 'The time must be in RFC 3339 format, such as 2026-01-31T12:00:00Z'

/** Parses a time in the request body; null stays null. Throws `invalid`. */
export function parseTimeOrRefuse(field: string, text: string | null): number | null {
  if (text === null) return null
  const ms = parseTime(text)
  if (ms !== undefined) return ms
  throw refusal([{ field, detail: `${NO_TIME}.` }])
}

const RFC_3339 =
  /^(?<date>\d{4}-\d\d-\d\d)T(?<time>(?:[01]\d|2[0-3]):[0-5]\d):(?<second>[0-5]\d|60)(?:\.(?<ms>\d{1,3})(?<finer>\d*))?(?:Z|(?<sign>[+-])(?<hours>[01]\d|2[0-3]):(?<minutes>[0-5]\d))$/i

/** An RFC 3339 §5.6 time in milliseconds since 1970, with fractions rounded up; undefined for any other text. */
export function parseTime(text: string): number | undefined {
  const parts = RFC_3339.exec(text)?.groups
  if (parts === undefined) return undefined
  const { date, time, second, ms = '', finer = '', sign, hours, minutes } = parts
  const minuteMs = Date.parse(`${date}T${time}:00Z`)
  // A day that the month doesn't have: the parser refuses some and carries others over into the next month.
  if (Number.isNaN(minuteMs) || !new Date(minuteMs).toISOString().startsWith(date!)) return undefined
  const offsetMs = (Number(hours ?? 0) * 60 + Number(minutes ?? 0)) * 60_000
  // Second 60, a leap second, becomes the first second of the next minute, as in POSIX time.
  const fractionMs = Number(ms.padEnd(3, '0')) + (/[1-9]/.test(finer) ? 1 : 0)
  return minuteMs + Number(second) * 1000 + fractionMs + (sign === '+' ? -offsetMs : offsetMs)
}

function refusal(fields: readonly FieldError[]): PosthornError {
  return new PosthornError('invalid', fields.map(({ field, detail }) => `${field}: ${detail}`).join(' '), { fields })
}
