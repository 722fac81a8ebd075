/**
 * What became of each line. Lines end in any order, as the server responds; they are counted and reported in the order
 * of the input, so that there is always one place before which all is done, and the counts are those of exactly these
 * lines: that place and its counts are what a run continues from.
 */
import type { Line } from './lines.ts'
import { type Counts, type LastLine, NO_COUNTS } from './run-file.ts'

export type Outcome =
  | { readonly kind: Exclude<keyof Counts, 'refused' | 'broken'> }
  | { readonly kind: 'refused' | 'broken'; readonly why: string; readonly field: string | null }

export type BadLine = { readonly number: number } & Extract<Outcome, { readonly why: string }>

type Entry = { readonly line: Pick<Line, 'number' | 'start' | 'end' | 'checksum'>; outcome: Outcome | undefined }

export type OutcomesOptions = {
  readonly counts: Counts
  readonly last: LastLine | null
  /** Called with each bad line, in order. Returns whether the lines after it count. */
  readonly onBadLine: (line: BadLine) => boolean
}

const REMOVED_AT_ONCE = 1_000

export class Outcomes {
  readonly #options: OutcomesOptions
  /** Lines that are not counted, in order. */
  readonly #waiting: Entry[] = []
  /** How many at the beginning of `#waiting` are counted: they are removed many at a time. */
  #counted = 0
  readonly #counts: { -readonly [Kind in keyof Counts]: number }
  #last: LastLine | null
  /** Where the line after `last` begins. */
  #end = 0
  #isStopped = false
  #onProgress: (() => void) | undefined

  constructor(options: OutcomesOptions) {
    this.#options = options
    this.#counts = { ...NO_COUNTS, ...options.counts }
    this.#last = options.last
    this.#end = options.last?.start ?? 0
  }

  get counts(): Counts {
    return { ...this.#counts }
  }

  get last(): LastLine | null {
    return this.#last
  }

  /** Bytes of the input that are done with. */
  get bytes(): number {
    return this.#end
  }

  /** Whether a bad line has ended the run. */
  get isStopped(): boolean {
    return this.#isStopped
  }

  /** Lines that are read and not counted. */
  get waiting(): number {
    return this.#waiting.length - this.#counted
  }

  /** Takes the next line of the input. Returns what is to be called with its outcome. */
  expect({ number, start, end, checksum }: Line): (outcome: Outcome) => void {
    const entry: Entry = { line: { number, start, end, checksum }, outcome: undefined }
    this.#waiting.push(entry)
    return outcome => {
      entry.outcome = outcome
      this.#count()
    }
  }

  /** Resolves when more lines are counted, or the run is stopped. */
  async progress(): Promise<void> {
    await new Promise<void>(resolve => {
      this.#onProgress = resolve
    })
  }

  #count(): void {
    const before = this.#last
    while (!this.#isStopped && this.#counted < this.#waiting.length) {
      const { line, outcome } = this.#waiting[this.#counted]!
      if (outcome === undefined) break
      if ('why' in outcome && !this.#options.onBadLine({ number: line.number, ...outcome })) {
        this.#isStopped = true
        break
      }
      this.#counts[outcome.kind]++
      this.#last = { number: line.number, start: line.start, checksum: line.checksum }
      this.#end = line.end
      this.#counted++
    }
    if (this.#counted > REMOVED_AT_ONCE) {
      this.#waiting.splice(0, this.#counted)
      this.#counted = 0
    }
    if (this.#last !== before || this.#isStopped) {
      this.#onProgress?.()
      this.#onProgress = undefined
    }
  }
}
