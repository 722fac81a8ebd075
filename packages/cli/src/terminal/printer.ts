/** What a command writes: tables and sentences for people, or JSON for scripts. */
import { once } from 'node:events'
import type { Writable } from 'node:stream'
import type { Pager } from './pager.ts'
import { type ColourChoice, type Paint, painter, wantsColours } from './paint.ts'
import { type Column, formatItem, type Show, Table } from './table.ts'
import type { Terminal } from './terminal.ts'
import { timeFormatter } from './times.ts'

export type PrinterFlags = {
  /** One JSON document a line, with the API's own member names, and nothing else on standard output. */
  readonly json?: boolean
  readonly utc?: boolean
  readonly color?: ColourChoice
  /** False with `--no-pager`. */
  readonly pager?: boolean
}

export type ListOptions = {
  /** The sentence for people if there is nothing, such as "There are no tenants." */
  readonly none: string
  /** The most items to show. If there are more, a note on standard error says so. Default: all. */
  readonly limit?: number
}

/** Rows that decide on the layout of a table. */
const FIRST_ROWS = 200

export class Printer {
  readonly isJson: boolean
  /** For standard output. */
  readonly paint: Paint
  /** For standard error. */
  readonly paintError: Paint
  readonly show: Show
  readonly #terminal: Terminal
  readonly #usesPager: boolean
  #pager: Pager | null = null
  #release: () => void = () => {}

  constructor(terminal: Terminal, { json = false, utc = false, color, pager = true }: PrinterFlags) {
    const { env, clock, isTty, stderr } = terminal
    this.#terminal = terminal
    this.isJson = json
    this.paint = painter(!json && wantsColours({ choice: color, env, isTty }))
    this.paintError = painter(wantsColours({ choice: color, env, isTty: stderr.isTTY === true }))
    this.show = { time: timeFormatter(() => clock.now(), utc) }
    this.#usesPager = pager && isTty && !json
  }

  /** Writes items as they come: a table, or a line of JSON each. Returns how many. */
  async list<Item>(
    items: AsyncIterable<Item> | Iterable<Item>,
    columns: readonly Column<Item>[],
    { none, limit = Infinity }: ListOptions,
  ): Promise<number> {
    const width = this.#terminal.columns ?? Infinity
    const table = new Table(columns, { show: this.show, paint: this.paint, width })
    let [count, waiting]: [number, Item[]] = [0, []]
    const write = async () => {
      if (waiting.length === 0) return
      this.#openPager()
      await this.#lines(table.lines(waiting))
      waiting = []
    }
    for await (const item of items) {
      if (count === limit) {
        await write()
        this.note('There are more: --all lists all of them.')
        break
      }
      count++
      if (this.isJson) await this.json(item)
      else if (waiting.push(item) >= FIRST_ROWS) await write()
    }
    await write()
    if (count === 0) await this.say(none)
    return count
  }

  /** Writes one item: a line for each of its fields, or its JSON. */
  async item<Item>(item: Item, fields: readonly Column<Item>[]): Promise<void> {
    if (this.isJson) return this.json(item)
    this.#openPager()
    await this.#lines(formatItem(item, fields, this))
  }

  /** Writes a sentence for people. With `--json` it writes nothing. */
  async say(sentence: string): Promise<void> {
    if (!this.isJson) await this.#lines([sentence])
  }

  /** Writes a document of JSON on a line. */
  async json(value: unknown): Promise<void> {
    await this.#lines([JSON.stringify(value)])
  }

  /** Writes text as it is, such as a script or a file. */
  async raw(text: string): Promise<void> {
    await this.#write(text)
  }

  /** Writes a sentence to standard error: about the output, or on the way to it. Also with `--json`. */
  note(sentence: string): void {
    this.#terminal.stderr.write(`${sentence}\n`)
  }

  /** Waits until the user has left the pager, if there is one. */
  async end(): Promise<void> {
    this.#pager?.input.end()
    await this.#pager?.closed
    this.#pager = null
    this.#release()
  }

  async #lines(lines: readonly string[]): Promise<void> {
    if (lines.length > 0) await this.#write(`${lines.join('\n')}\n`)
  }

  async #write(text: string): Promise<void> {
    const output: Writable = this.#pager?.input ?? this.#terminal.stdout
    if (output.destroyed || output.writableEnded || output.write(text)) return
    await Promise.race([once(output, 'drain').catch(() => undefined), ...(this.#pager ? [this.#pager.closed] : [])])
  }

  #openPager(): void {
    if (!this.#usesPager || this.#pager !== null) return
    this.#pager = this.#terminal.openPager()
    // Ctrl-C is for the pager, which ends when the user says so.
    if (this.#pager !== null) this.#release = this.#terminal.ignoreInterrupts()
  }
}
