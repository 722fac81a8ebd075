/**
 * How far long work has come: how much is done, at which rate, and the time left.
 *
 * A terminal shows it on one line, which is written again and again, with `say` for lines above it. Elsewhere, such as in
 * a log, it is a line every ten seconds. It belongs on standard error: standard output is for results.
 */
import { cut, plain, widthOf } from './widths.ts'

export type ProgressOutput = {
  write(text: string): unknown
  readonly isTTY?: boolean
  readonly columns?: number
}

export type ProgressClock = {
  monotonicMs(): number
  after(delayMs: number, fire: () => void): { cancel(): void }
}

export type ProgressOptions = {
  readonly output: ProgressOutput
  readonly clock: ProgressClock
  /** What is being done: `Moving`. */
  readonly label: string
  /** What is counted, in the plural: `events`. `bytes` are shown as MiB and the like. */
  readonly unit: string
  /** How much there is in all. Default: not known, so neither is the time left. */
  readonly total?: number | null
  /** What was done before: it counts for how much is left, and not for the rate. Default: 0. */
  readonly done?: number
  /** The part of all of it that was done before, if it is known otherwise than by `total`. */
  readonly fraction?: number | null
}

const DRAW_EVERY_MS = 200
const TELL_EVERY_MS = 10_000
/** The rate is that of this time. */
const WINDOW_MS = 10_000
const SAMPLE_EVERY_MS = 500
/** Before that, a rate would say little. */
const FIRST_RATE_MS = 1_000
const DEFAULT_COLUMNS = 80

type Sample = { readonly atMs: number; readonly done: number; readonly fraction: number }

export class Progress {
  readonly #options: ProgressOptions
  readonly #isLive: boolean
  #label: string
  #total: number | null
  #done: number
  #fraction: number | null = null
  #note = ''
  #samples: Sample[] = []
  #timer: { cancel(): void } | undefined
  #toldAtMs: number
  /** Width of the line that is shown. */
  #shown = 0
  #isOver = false

  constructor(options: ProgressOptions) {
    const { output, clock, label, total = null, done = 0, fraction = null } = options
    this.#options = options
    this.#isLive = output.isTTY === true
    this.#label = label
    this.#total = total
    this.#done = done
    this.#fraction = fraction
    this.#toldAtMs = clock.monotonicMs()
    this.#sample()
    this.#wait()
  }

  /** How much is done. */
  get done(): number {
    return this.#done
  }

  /**
   * Says how much is done.
   *
   * @param fraction the part of all of it, from 0 to 1, if it is known otherwise than by `total`: of a file, by bytes
   */
  reach(done: number, fraction: number | null = null): void {
    this.#done = done
    this.#fraction = fraction
  }

  /** More is done. */
  advance(by = 1): void {
    this.#done += by
  }

  setTotal(total: number | null): void {
    this.#total = total
  }

  /** What else to say, such as that the server doesn't respond. Empty for nothing. */
  note(text: string): void {
    this.#note = text
    if (this.#isLive) this.#draw()
  }

  /**
   * Begins another step of the same work, with amounts and a rate of its own.
   *
   * @param done what was done of it before
   */
  step(label: string, total: number | null = null, done = 0): void {
    this.#label = label
    this.#total = total
    this.#done = done
    this.#fraction = null
    this.#note = ''
    this.#samples = []
    this.#sample()
    if (this.#isLive) this.#draw()
  }

  /** Writes a line of its own, above the line that shows the progress. */
  say(line: string): void {
    this.#erase()
    this.#options.output.write(`${line}\n`)
    if (this.#isLive && !this.#isOver) this.#draw()
  }

  /** Takes the line away until it is drawn again, for what is written to the same terminal by others. */
  hide(): void {
    this.#erase()
  }

  /** The work has ended, in whatever way: takes the line away. A second call does nothing. */
  end(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#timer?.cancel()
    this.#erase()
  }

  [Symbol.dispose](): void {
    this.end()
  }

  /** Things done a second, lately. Null if it isn't known yet. */
  get rate(): number | null {
    return this.#speed()?.rate ?? null
  }

  /** How long the rest takes at the rate of late, in milliseconds. Null if it isn't known. */
  get leftMs(): number | null {
    const speed = this.#speed()
    if (speed === undefined || !(speed.fractionRate > 0)) return null
    return ((1 - this.#currentFraction()) / speed.fractionRate) * 1_000
  }

  #currentFraction(): number {
    if (this.#fraction !== null) return Math.min(this.#fraction, 1)
    return this.#total === null ? Number.NaN : this.#total === 0 ? 1 : Math.min(this.#done / this.#total, 1)
  }

  #speed(): { readonly rate: number; readonly fractionRate: number } | undefined {
    const [oldest] = this.#samples
    const seconds = (this.#options.clock.monotonicMs() - oldest!.atMs) / 1_000
    if (seconds * 1_000 < FIRST_RATE_MS) return undefined
    return {
      rate: (this.#done - oldest!.done) / seconds,
      fractionRate: (this.#currentFraction() - oldest!.fraction) / seconds,
    }
  }

  #sample(): void {
    const atMs = this.#options.clock.monotonicMs()
    const last = this.#samples.at(-1)
    if (last !== undefined && atMs - last.atMs < SAMPLE_EVERY_MS) return
    this.#samples.push({ atMs, done: this.#done, fraction: this.#currentFraction() })
    while (this.#samples.length > 1 && atMs - this.#samples[1]!.atMs >= WINDOW_MS) this.#samples.shift()
  }

  #wait(): void {
    this.#timer = this.#options.clock.after(DRAW_EVERY_MS, () => {
      const nowMs = this.#options.clock.monotonicMs()
      if (this.#isLive) this.#draw()
      else if (nowMs - this.#toldAtMs >= TELL_EVERY_MS) {
        this.#toldAtMs = nowMs
        this.#options.output.write(`${this.#forms()[0]!}\n`)
      }
      this.#sample()
      this.#wait()
    })
  }

  #draw(): void {
    // One column stays free: a terminal would begin a new line after the last one.
    const columns = (this.#options.output.columns ?? DEFAULT_COLUMNS) - 1
    const forms = this.#forms()
    const text = forms.find(form => widthOf(form) <= columns) ?? cut(forms.at(-1)!, Math.max(columns, 0))
    const width = widthOf(text)
    this.#options.output.write(`\r${text}${' '.repeat(Math.max(0, Math.min(this.#shown, columns) - width))}`)
    this.#shown = width
  }

  #erase(): void {
    if (this.#shown === 0) return
    this.#options.output.write(`\r${' '.repeat(this.#shown)}\r`)
    this.#shown = 0
  }

  /** The same with less and less in it, for narrower and narrower terminals. */
  #forms(): string[] {
    const { unit } = this.#options
    const amount = (value: number) => (unit === 'bytes' ? formatBytes(value) : formatCount(value))
    const [rate, leftMs, fraction] = [this.rate, this.leftMs, this.#currentFraction()]
    const percent = Number.isNaN(fraction) ? '' : `${Math.floor(fraction * 100)}%`
    const ofAll = this.#total === null ? '' : ` of ${amount(this.#total)}`
    const named = unit === 'bytes' ? '' : ` ${unit}`
    const speed = rate === null ? '' : `${amount(rate)}/s`
    const left = leftMs === null ? '' : `${formatLeft(leftMs)} left`
    const note = plain(this.#note)
    const label = this.#label
    const has = unit !== 'bytes' || this.#done > 0 || this.#total !== null
    const done = has ? `${amount(this.#done)}${ofAll}${named}` : ''
    const join = (...parts: string[]) => parts.filter(part => part !== '').join('  ')
    return [
      join(label, done, percent, speed, left, note),
      join(label, has ? `${amount(this.#done)}${named}` : '', percent, speed, left, note),
      join(has ? amount(this.#done) : '', percent, speed, left, note),
      join(has ? amount(this.#done) : label, percent, left, note),
    ]
  }
}

export function formatCount(value: number): string {
  const rounded = value < 10 ? Math.round(value * 10) / 10 : Math.round(value)
  return rounded.toLocaleString('en-GB')
}

const BYTE_UNITS = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB']

/** `512 bytes`, `1.5 GiB`. */
export function formatBytes(bytes: number): string {
  let [value, at] = [bytes, 0]
  while (value >= 1_024 && at < BYTE_UNITS.length - 1) [value, at] = [value / 1_024, at + 1]
  return `${at === 0 ? Math.round(value) : value.toFixed(value < 100 ? 1 : 0)} ${BYTE_UNITS[at]}`
}

/** A duration in its two largest units: `42 s`, `1 min 24 s`, `3 h 5 min`, `2 d 1 h`. */
export function formatLeft(ms: number): string {
  const seconds = Math.ceil(ms / 1_000)
  if (seconds < 60) return `${seconds} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`
  const hours = Math.floor(minutes / 60)
  if (hours < 24) return `${hours} h ${minutes % 60} min`
  return `${Math.floor(hours / 24)} d ${hours % 24} h`
}
