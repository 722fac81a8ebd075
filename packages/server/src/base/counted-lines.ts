import type { Clock, Timer } from './clock.ts'
import type { Logger } from './logger.ts'

/** The shortest time between two lines of a kind. */
const PAUSE_MS = 1_000

type Level = 'info' | 'warn' | 'error'

type Line = { readonly level: Level; readonly message: string; readonly fields: object }

type Kind = {
  readonly timer: Timer
  /** The latest one that is not logged yet, and how many there are. */
  last: Line | undefined
  count: number
}

/**
 * Logs what others can make happen as often as they like: at most one line a second for each kind. The first line comes
 * immediately, each later one at the end of its second, with the fields of the latest occurrence and `count`, the number
 * of occurrences that it stands for. None is left out of the counts.
 */
export class CountedLines {
  readonly #logger: Logger
  readonly #clock: Clock
  readonly #kinds = new Map<string, Kind>()

  constructor(logger: Logger, clock: Clock) {
    this.#logger = logger
    this.#clock = clock
  }

  /** @param kind one of a few that the code chooses: each takes memory for a second */
  add(kind: string, level: Level, message: string, fields: object): void {
    const line = { level, message, fields }
    const known = this.#kinds.get(kind)
    if (known === undefined) {
      this.#write(line, 1)
      this.#pause(kind)
      return
    }
    known.last = line
    known.count++
  }

  /** Logs what is counted so far, so that no timer delays the end of the process. */
  close(): void {
    for (const { timer, last, count } of this.#kinds.values()) {
      timer.cancel()
      if (last !== undefined) this.#write(last, count)
    }
    this.#kinds.clear()
  }

  #pause(kind: string): void {
    const timer = this.#clock.after(PAUSE_MS, () => {
      const { last, count } = this.#kinds.get(kind)!
      this.#kinds.delete(kind)
      if (last === undefined) return
      this.#write(last, count)
      this.#pause(kind)
    })
    this.#kinds.set(kind, { timer, last: undefined, count: 0 })
  }

  #write({ level, message, fields }: Line, count: number): void {
    this.#logger[level]({ ...fields, count }, message)
  }
}
