/** Pages of lists, and the query parameters that select them. */
import { Buffer, isUtf8 } from 'node:buffer'
import { Type } from 'typebox'
import { type FieldError, PosthornError } from '../../base/errors.ts'
import { type IdPrefix, idMs, parseId } from '../../base/ids.ts'
import type { Found, Slice } from '../../services/slices.ts'
import type { Place } from '../../store/where.ts'
import { TimeInput, time } from './shapes.ts'

export const PageQuery = {
  cursor: Type.Optional(
    Type.String({ description: 'Where to continue: the `nextCursor` or `prevCursor` of another page of this list.' }),
  ),
  limit: Type.Integer({ minimum: 1, maximum: 1000, default: 50, description: 'Maximum number of items to return.' }),
}

export const RangeQuery = {
  from: Type.Optional(TimeInput('Only items created at or after this time.')),
  to: Type.Optional(TimeInput('Only items created before this time.')),
}

export const JSON_TYPE = 'application/json; charset=utf-8'

/**
 * A page as JSON, of items that are JSON already.
 *
 * @param more further members of the page, its cursors among them
 */
export const writePage = (data: readonly string[], more: object): string =>
  `{"data":[${data.join(',')}],${JSON.stringify(more).slice(1)}`

/** The first items that were found, if a page is full with them. */
export function firstOf<Item>(found: Found<Item>, count: number, idOf: (item: Item) => string): Found<Item> {
  if (count >= found.items.length) return found
  const items = found.items.slice(0, count)
  return { items, goesOnAt: idOf(items.at(-1)!), isCutShort: false }
}

type Cursors = { nextCursor: string | null; prevCursor: string | null }

type Page<Item> = { data: Item[] } & Cursors

type Query = { readonly cursor?: string; readonly limit: number }

type Direction = 'on' | 'back'

/** How a list is ordered: whether going on means smaller ids (`before`) or greater ones, and what an id looks like. */
type Order = { readonly on: 'before' | 'after'; readonly isId: (text: string) => boolean }

/** The pager of a list that shows the newest items first. Throws `invalid` for a cursor of another list. */
export const newestFirst = (prefix: IdPrefix, query: Query): Pager =>
  new Pager({ on: 'before', isId: text => parseId(prefix, text) !== undefined }, query)

/** The pager of a list in the order of its ids, or names. Throws `invalid` for a cursor of another list. */
export const inOrder = (isId: (text: string) => boolean, query: Query): Pager => new Pager({ on: 'after', isId }, query)

/**
 * Turns the cursor of a call into a place to read from, and what was read there into a page with cursors in both
 * directions. A cursor names an item and a direction, so items that are added or removed in the meantime neither hide
 * nor repeat others.
 */
export class Pager {
  /** Where to read from. Items are read in the order in which the store returns them: the nearest first. */
  readonly place: Place
  /** The most items on the page. */
  readonly limit: number
  readonly #direction: Direction
  readonly #isFromEnd: boolean

  constructor({ on, isId }: Order, { cursor, limit }: Query) {
    const { direction, id } = decodeCursor(cursor, isId)
    const isBefore = (direction === 'on') === (on === 'before')
    this.place = isBefore ? { before: id } : { after: id }
    this.limit = limit
    this.#direction = direction
    this.#isFromEnd = id === null
  }

  /** How many items to read: one more than the page shows, to find out whether there is another page. */
  get count(): number {
    return this.limit + 1
  }

  /** For a list that is in memory as a whole, in the order of its ids: what lies behind the place, the nearest first. */
  behind<Item>(all: readonly Item[], idOf: (item: Item) => string): readonly Item[] {
    const { before, after } = this.place
    if (before === undefined) return after === null ? all : all.filter(item => idOf(item) > after!)
    return all.filter(item => before === null || idOf(item) < before).toReversed()
  }

  /** A page of what was read: up to `count` items, the nearest first. */
  page<Item, View>(read: readonly Item[], idOf: (item: Item) => string, view: (item: Item) => View): Page<View> {
    const shown = read.slice(0, this.limit)
    const goesOnAt = read.length > this.limit ? idOf(shown.at(-1)!) : null
    return { data: this.inListOrder(shown).map(view), ...this.cursors(shown.map(idOf), goesOnAt) }
  }

  /** A page of what was found in slices: it can have fewer items than there are. */
  slicedPage<Item, View>(
    { items, goesOnAt }: Slice<Item>,
    idOf: (item: Item) => string,
    view: (item: Item) => View,
  ): Page<View> {
    // More than the page shows, or the last ones: of a page that large items fill, neither.
    if (items.length > this.limit) return this.page(items, idOf, view)
    return { data: this.inListOrder(items).map(view), ...this.cursors(items.map(idOf), goesOnAt) }
  }

  /** A page of what a list found that was searched in slices, and how far it looked, as the time of an id. */
  foundPage<Item, View>(
    found: Found<Item>,
    idOf: (item: Item) => string,
    view: (item: Item) => View,
  ): Page<View> & { searchedTo: string | null } {
    const isCutShort = found.isCutShort && found.items.length <= this.limit
    return { ...this.slicedPage(found, idOf, view), searchedTo: isCutShort ? time(idMs(found.goesOnAt!)) : null }
  }

  /** Items that were read from the place on, as the list shows them. */
  inListOrder<Item>(read: readonly Item[]): Item[] {
    return this.#direction === 'on' ? [...read] : read.toReversed()
  }

  /**
   * The cursors of a page.
   *
   * @param ids of the page's items, the nearest first
   * @param goesOnAt the id behind which reading continues in this direction; null if there is nothing more
   */
  cursors(ids: readonly string[], goesOnAt: string | null): Cursors {
    const onward = goesOnAt === null ? null : encodeCursor(this.#direction, goesOnAt)
    const other = this.#direction === 'on' ? 'back' : 'on'
    // Without items, the way back begins where reading ended: what the caller has seen lies on it.
    const opposite = this.#isFromEnd ? null : encodeCursor(other, ids[0] ?? goesOnAt ?? '')
    return this.#direction === 'on'
      ? { nextCursor: onward, prevCursor: opposite }
      : { nextCursor: opposite, prevCursor: onward }
  }
}

/** @param id empty: from that end of the list */
function encodeCursor(direction: Direction, id: string): string {
  // The id alone, if it says everything, as in cursors that were handed out before there was a way back. No id has a
  // space in it.
  const text = direction === 'on' && id !== '' ? id : `${direction} ${id}`
  return Buffer.from(text).toString('base64url')
}

/** Throws `invalid` for a text that is not a cursor of this list. */
function decodeCursor(
  cursor: string | undefined,
  isId: (text: string) => boolean,
): { direction: Direction; id: string | null } {
  if (cursor === undefined) return { direction: 'on', id: null }
  const bytes = Buffer.from(cursor, 'base64url')
  // Decoding skips characters that are not base64url, so the result must encode to the same text.
  const text = isUtf8(bytes) && bytes.toString('base64url') === cursor ? bytes.toString() : ''
  const { word = 'on', id } = /^(?:(?<word>on|back) )?(?<id>.*)$/s.exec(text)!.groups!
  if (isId(id!)) return { direction: word as Direction, id: id! }
  if (id === '' && text !== '') return { direction: word as Direction, id: null }
  const detail =
    'The cursor is not valid for this list. Pass the nextCursor or prevCursor of a page of this list unchanged.'
  throw refusal([{ field: 'cursor', detail }])
}

type Range = { readonly from?: string; readonly to?: string }

/**
 * Both bounds in whole milliseconds, such that `fromMs ≤ time < toMs` selects what the parameters describe. Throws
 * `invalid` for bounds that nothing can lie between.
 */
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
  if (range.fromMs !== null && range.toMs !== null && range.fromMs >= range.toMs) {
    errors.push({ field: 'from', detail: '`from` must be before `to`.' })
  }
  if (errors.length > 0) throw refusal(errors)
  return range
}

const NO_TIME =
  'The time must be in RFC 3339 format, such as 2026-01-31T12:00:00Z, or a date, such as 2026-01-31 for midnight UTC'

/** Parses a time in the request body; null stays null. Throws `invalid`. */
export function parseTimeOrRefuse(field: string, text: string | null): number | null {
  if (text === null) return null
  const ms = parseTime(text)
  if (ms !== undefined) return ms
  throw refusal([{ field, detail: `${NO_TIME}.` }])
}

const RFC_3339 =
  /^(?<date>\d{4}-\d\d-\d\d)(?:T(?<time>(?:[01]\d|2[0-3]):[0-5]\d):(?<second>[0-5]\d|60)(?:\.(?<ms>\d{1,3})(?<finer>\d*))?(?:Z|(?<sign>[+-])(?<hours>[01]\d|2[0-3]):(?<minutes>[0-5]\d)))?$/i

/**
 * An RFC 3339 §5.6 time in milliseconds since 1970, with fractions rounded up. A date alone is its midnight in UTC.
 * Undefined for any other text.
 */
export function parseTime(text: string): number | undefined {
  const parts = RFC_3339.exec(text)?.groups
  if (parts === undefined) return undefined
  const { date, time = '00:00', second = '00', ms = '', finer = '', sign, hours, minutes } = parts
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
