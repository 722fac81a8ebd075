/**
 * The log for people: a line of JSON becomes time, level, what happened, and the fields next to it.
 *
 * Values come from receivers and callers, so nothing in them reaches the terminal that it would act on.
 */
import { type Paint, painter, type Tone, wantsColours } from '@posthorn/cli/paint'
import { plain } from '@posthorn/cli/widths'
import type { Output } from './output.ts'

export const LOG_FORMATS = ['auto', 'json', 'text'] as const
/** `auto`: `text` on a terminal, otherwise `json`. */
export type LogFormat = (typeof LOG_FORMATS)[number]

/** Makes a line for people, or several, of a line of JSON. Both end with a line break. */
export type FormatLine = (json: string) => string

export type LinesStyle = {
  /** Whether the time is the time of day alone, as a person in front of a terminal needs it. */
  readonly isForTerminal: boolean
  readonly isColoured: boolean
  /** Width of the terminal. Undefined: lines are not wrapped. */
  readonly columns: () => number | undefined
  /** How far local time is ahead of UTC at a moment, in minutes. */
  readonly offsetMinutes: (ms: number) => number
}

type Fields = Readonly<Record<string, unknown>>

const LEVEL_TONES: Readonly<Record<string, Tone>> = {
  trace: 'quiet',
  debug: 'quiet',
  warn: 'doubtful',
  error: 'bad',
  fatal: 'bad',
}
const LEVEL_WIDTH = 5
/** Below it, what is continued on another line is indented by little instead of standing under its beginning. */
const WIDE_COLUMNS = 80
const LITTLE_INDENT = 2
/** Fields that have a place of their own, or, like the name of the log, are the same in each line. */
const OWN_PLACE: ReadonlySet<string> = new Set(['level', 'time', 'name', 'msg', 'err'])
const MINUTE_MS = 60_000

/** @returns undefined for JSON */
export function chooseLines(
  format: LogFormat,
  stdout: Pick<Output, 'isTTY' | 'columns'> | null,
  environment: Readonly<Record<string, string | undefined>>,
): FormatLine | undefined {
  const isForTerminal = stdout?.isTTY === true
  if (format === 'json' || (format === 'auto' && !isForTerminal)) return undefined
  return createLines({
    isForTerminal,
    isColoured: wantsColours({ env: environment, isTty: isForTerminal }),
    columns: () => (isForTerminal ? stdout.columns : undefined),
    offsetMinutes: ms => -new Date(ms).getTimezoneOffset(),
  })
}

export function createLines(style: LinesStyle): FormatLine {
  return json => {
    let fields: Fields
    try {
      fields = JSON.parse(json) as Fields
    } catch {
      return `${plain(json)}\n`
    }
    return formatFields(fields, style)
  }
}

function formatFields(fields: Fields, style: LinesStyle): string {
  const paint: Paint = painter(style.isColoured)
  const level = String(fields.level)
  const time = timeOf(Date.parse(String(fields.time)), style)
  const head = `${time}  ${level.toUpperCase().padEnd(LEVEL_WIDTH)}  `
  const [tone, word] = [LEVEL_TONES[level], level.toUpperCase().padEnd(LEVEL_WIDTH)]
  const painted = `${paint('quiet', time)}  ${tone === undefined ? word : paint(tone, word)}  `
  const lines = new Wrapping(head.length, style.columns())
  for (const word of plain(String(fields.msg ?? '')).split(' ')) lines.add(word, word)
  const error = [fields.err, fields.error].find(each => typeof each === 'object' && each !== null) as
    | PlainError
    | undefined
  const others = Object.entries(fields).filter(
    ([name, value]) => !OWN_PLACE.has(name) && value !== null && value !== error,
  )
  for (const [name, value] of [...others, ...(error === undefined ? [] : [['error', sentenceOf(error)] as const])]) {
    const [key, text] = [`${plain(name)}=`, shown(value)]
    lines.add(` ${key}${text}`, ` ${paint('quiet', key)}${text}`)
  }
  return `${painted}${lines.text}\n${error === undefined ? '' : paint('quiet', stackOf(error))}`
}

/** Puts words on lines that are no longer than the terminal is wide. A longer word gets a line of its own. */
class Wrapping {
  text = ''
  readonly #columns: number
  readonly #indent: number
  #length: number
  #isBeginning = true

  constructor(indent: number, columns = Number.POSITIVE_INFINITY) {
    this.#columns = columns
    this.#indent = columns < WIDE_COLUMNS ? LITTLE_INDENT : indent
    this.#length = indent
  }

  /** @param painted the word with its colours, which take no room */
  add(word: string, painted: string): void {
    const isNew = !this.#isBeginning && this.#length + 1 + word.length > this.#columns
    if (isNew) {
      this.text += `\n${' '.repeat(this.#indent)}${painted.trimStart()}`
      this.#length = this.#indent + word.trimStart().length
    } else {
      this.text += `${this.#isBeginning ? '' : ' '}${painted}`
      this.#length += word.length + (this.#isBeginning ? 0 : 1)
    }
    this.#isBeginning = false
  }
}

/** Times in a file are kept for longer than a day, and read elsewhere: they have the date and the offset from UTC. */
function timeOf(ms: number, { isForTerminal, offsetMinutes }: LinesStyle): string {
  if (Number.isNaN(ms)) return '-'
  const offset = offsetMinutes(ms)
  const local = new Date(ms + offset * MINUTE_MS).toISOString()
  if (isForTerminal) return local.slice(11, 23)
  const [hours, minutes] = [Math.floor(Math.abs(offset) / 60), Math.abs(offset) % 60]
  return `${local.slice(0, 23)}${offset < 0 ? '-' : '+'}${twoDigits(hours)}:${twoDigits(minutes)}`
}

const twoDigits = (value: number) => String(value).padStart(2, '0')

/** Text is quoted if it has more than one word, so that it can be told from the next field. */
function shown(value: unknown): string {
  if (typeof value === 'string' && /^[^\s"=]+$/.test(value)) return plain(value)
  return plain(JSON.stringify(value) ?? '')
}

/** As the logger writes errors. */
type PlainError = {
  readonly message?: unknown
  readonly code?: unknown
  readonly stack?: unknown
  readonly cause?: PlainError
}

function sentenceOf({ message, code, cause }: PlainError): string {
  const own = code === undefined ? String(message) : `${String(message)} (${String(code)})`
  return cause === undefined ? own : `${own}: ${sentenceOf(cause)}`
}

/** Only the places: the stack begins with the message, which is in the line. */
function stackOf({ stack }: PlainError): string {
  const places = String(stack ?? '')
    .split('\n')
    .filter(line => line.startsWith('    at '))
  return places.map(place => `${plain(place)}\n`).join('')
}
