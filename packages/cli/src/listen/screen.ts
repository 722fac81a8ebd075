import { cut } from '../terminal/index.ts'

/** Erases the line that the cursor is on. */
const ERASE = '\r\u001b[K'
/** Erases the screen and what was scrolled off it. */
const CLEAR = '\u001b[2J\u001b[3J\u001b[H'

type Output = {
  /** Resolves when there is room for more. */
  readonly write: (text: string) => Promise<void>
  /** The width of the terminal. Null if there is none. */
  readonly columns: () => number | null
}

/** Lines that scroll, above one at the bottom that stays: what was typed, or a state. Only a terminal has the latter. */
export class Screen {
  readonly #output: Output
  #bottom = ''

  constructor(output: Output) {
    this.#output = output
  }

  /** The width that lines are fitted to. Infinity without a terminal. */
  get width(): number {
    return this.#output.columns() ?? Number.POSITIVE_INFINITY
  }

  lines(lines: readonly string[]): Promise<void> {
    return this.#output.write(`${this.#erased()}${lines.map(line => `${line}\n`).join('')}${this.#bottom}`)
  }

  /** Shows text without escape sequences at the bottom; an empty one removes it. Without a terminal it does nothing. */
  setBottom(text: string): void {
    const columns = this.#output.columns()
    if (columns === null) return
    const erased = this.#erased()
    // At the very end of a line, some terminals would go on to the next.
    this.#bottom = cut(text, columns - 1)
    if (erased !== '' || this.#bottom !== '') void this.#output.write(erased + this.#bottom)
  }

  clear(): void {
    if (this.#output.columns() !== null) void this.#output.write(CLEAR + this.#bottom)
  }

  #erased(): string {
    return this.#bottom === '' ? '' : ERASE
  }
}
