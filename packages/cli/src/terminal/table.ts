/** Lays out rows for people: as a table where the width allows it, otherwise one field a line. */
import type { Paint, Tone } from './paint.ts'
import type { FormatTime } from './times.ts'
import { cut, pad, padStart, plain, widthOf } from './widths.ts'

/** What a cell can use: times as the flags ask for them. */
export type Show = { readonly time: FormatTime }

export type Column<Item> = {
  /** The API's own word, in capitals and with spaces: `endpointId` is `ENDPOINT ID` or, where it is clear, `ENDPOINT`. */
  readonly title: string
  /** The cell, without colours. Control characters in it are shown as escapes. */
  readonly text: (item: Item, show: Show) => string
  readonly tone?: (item: Item) => Tone | undefined
  readonly align?: 'right'
  /** Whether it can be cut to fit the terminal. Ids can't, as people copy them. Default: false. */
  readonly canBeCut?: boolean
  /** Where it is left out of a table that doesn't fit: the highest number first. Default: never. */
  readonly extra?: number
}

type Layout = { readonly columns: readonly number[]; readonly widths: readonly number[] } | 'stacked'

const GAP = '  '
/** A column isn't cut to less than this. */
const LEAST_WIDTH = 8

/** Decides how to lay out rows once, by the first of them. The others follow, however wide they are. */
export class Table<Item> {
  readonly #columns: readonly Column<Item>[]
  readonly #show: Show
  readonly #paint: Paint
  readonly #width: number
  #layout: Layout | undefined

  /** @param width of the terminal; Infinity where lines are not fitted */
  constructor(columns: readonly Column<Item>[], { show, paint, width }: { show: Show; paint: Paint; width: number }) {
    this.#columns = columns
    this.#show = show
    this.#paint = paint
    this.#width = width
  }

  /** The lines of some rows; of the first ones with the titles above. */
  lines(items: readonly Item[]): string[] {
    const rows = items.map(item => this.#columns.map(column => plain(column.text(item, this.#show))))
    const isFirst = this.#layout === undefined
    this.#layout ??= fit(this.#columns, rows, this.#width)
    const layout = this.#layout
    if (layout === 'stacked') {
      return rows.flatMap((row, at) => [...(isFirst && at === 0 ? [] : ['']), ...this.#stack(row, items[at]!)])
    }
    const head = layout.columns.map(at => this.#columns[at]!.title)
    const lines = rows.map((row, index) => {
      const cells = layout.columns.map((at, place) => this.#cell(row[at]!, at, layout.widths[place]!, items[index]!))
      return cells.join(GAP).trimEnd()
    })
    if (!isFirst) return lines
    const titles = head.map((title, place) => this.#align(title, layout.columns[place]!, layout.widths[place]!))
    return [this.#paint('quiet', titles.join(GAP).trimEnd()), ...lines]
  }

  #cell(text: string, at: number, width: number, item: Item): string {
    const column = this.#columns[at]!
    const shown = column.canBeCut === true ? cut(text, width) : text
    const tone = column.tone?.(item)
    const aligned = this.#align(shown, at, width)
    return tone === undefined ? aligned : aligned.replace(shown, () => this.#paint(tone, shown))
  }

  #align(text: string, at: number, width: number): string {
    return this.#columns[at]!.align === 'right' ? padStart(text, width) : pad(text, width)
  }

  #stack(row: readonly string[], item: Item): string[] {
    return this.#columns.map(({ title, tone }, at) => {
      const colour = tone?.(item)
      const value = row[at]!
      return `${this.#paint('quiet', `${title}:`)} ${colour === undefined ? value : this.#paint(colour, value)}`
    })
  }
}

/** Cuts columns that can be cut, then leaves out extra ones, until the rest fits. */
function fit<Item>(columns: readonly Column<Item>[], rows: readonly (readonly string[])[], width: number): Layout {
  const wanted = columns.map(({ title }, at) => Math.max(widthOf(title), ...rows.map(row => widthOf(row[at]!))))
  let left = columns.map((_, at) => at)
  for (;;) {
    const widths = shrink(left, columns, wanted, width)
    if (widths !== undefined) return { columns: left, widths }
    const extras = left.filter(at => columns[at]!.extra !== undefined)
    if (extras.length === 0) return 'stacked'
    const last = extras.reduce((a, b) => (columns[b]!.extra! >= columns[a]!.extra! ? b : a))
    left = left.filter(at => at !== last)
  }
}

/** The widths of columns that fit together, of which the widest have given up most. Undefined if there are none. */
function shrink<Item>(
  places: readonly number[],
  columns: readonly Column<Item>[],
  wanted: readonly number[],
  width: number,
): number[] | undefined {
  const widths = places.map(at => wanted[at]!)
  let over = widths.reduce((sum, each) => sum + each, 0) + GAP.length * (places.length - 1) - width
  const least = places.map(at => Math.max(LEAST_WIDTH, widthOf(columns[at]!.title)))
  while (over > 0) {
    let widest = -1
    for (const [place, at] of places.entries()) {
      const canShrink = columns[at]!.canBeCut === true && widths[place]! > least[place]!
      if (canShrink && (widest < 0 || widths[place]! > widths[widest]!)) widest = place
    }
    if (widest < 0) return undefined
    widths[widest]!--
    over--
  }
  return widths
}

/** A title and its value a line, values aligned, for one item. */
export function formatItem<Item>(
  item: Item,
  columns: readonly Column<Item>[],
  { show, paint }: { show: Show; paint: Paint },
): string[] {
  const width = Math.max(...columns.map(({ title }) => widthOf(title)))
  return columns.map(column => {
    const text = plain(column.text(item, show))
    const tone = column.tone?.(item)
    return `${paint('quiet', pad(column.title, width))}${GAP}${tone === undefined ? text : paint(tone, text)}`.trimEnd()
  })
}
