/** Formats attempts as aligned lines, with the columns that a terminal has room for. */
export type AttemptLine = {
  readonly atMs: number
  readonly type: string
  readonly receiver: string
  readonly attempt: number
  /** The response's status. Null if there was no response. */
  readonly status: number | null
  readonly errorCode: string | null
  readonly durationMs: number
}

const GREEN = 32
const YELLOW = 33
const RED = 31

type Column = {
  readonly title: string
  readonly width: number
  readonly isNumber?: boolean
  /** Columns with the highest are left out first. */
  readonly rank: number
  readonly text: (line: AttemptLine) => string
}

const COLUMNS: readonly Column[] = [
  { title: 'time', width: 8, isNumber: true, rank: 3, text: ({ atMs }) => `${(atMs / 1_000).toFixed(2)} s` },
  { title: 'type', width: 26, rank: 2, text: ({ type }) => type },
  { title: 'receiver', width: 8, rank: 5, text: ({ receiver }) => receiver },
  { title: 'attempt', width: 7, isNumber: true, rank: 1, text: ({ attempt }) => String(attempt) },
  {
    title: 'status',
    width: 17,
    rank: 0,
    text: ({ status, errorCode }) => (status === null ? (errorCode ?? 'no response') : String(status)),
  },
  { title: 'ms', width: 6, isNumber: true, rank: 4, text: ({ durationMs }) => String(Math.round(durationMs)) },
]
const GAP = '  '

/** @param columns width of the terminal */
export function tableHead(columns = Number.POSITIVE_INFINITY): string {
  return fitting(columns)
    .map(column => padded(column, column.title))
    .join(GAP)
}

export function formatAttempt(line: AttemptLine, colours: boolean, columns = Number.POSITIVE_INFINITY): string {
  const cells = fitting(columns).map(column => {
    const cell = padded(column, column.text(line))
    return colours && column.title === 'status' ? `\u001b[${colourOf(line.status)}m${cell}\u001b[0m` : cell
  })
  return cells.join(GAP)
}

function fitting(columns: number): readonly Column[] {
  const ranked = COLUMNS.toSorted((a, b) => a.rank - b.rank)
  let room = columns + GAP.length
  const shown = new Set(
    ranked.filter(({ width }) => {
      room -= width + GAP.length
      return room >= 0
    }),
  )
  return COLUMNS.filter(column => shown.has(column))
}

const padded = ({ width, isNumber = false }: Column, text: string) =>
  isNumber ? text.padStart(width) : text.padEnd(width)

function colourOf(status: number | null): number {
  if (status === null) return RED
  return status >= 200 && status < 300 ? GREEN : YELLOW
}
