/** The log of the stream as one node reads it: kept on while it is needed, and read part by part (decision 47). */
import { randomBytes } from 'node:crypto'
import type { Clock } from '../../base/clock.ts'
import { PosthornError } from '../../base/errors.ts'
import type { KeepStreamOn, LogRow, StreamState } from '../../store/operations/stream/log.ts'
import type { Store } from '../../store/store.ts'
import { includes, type Position, type Snapshot } from '../../store/stream-position.ts'

/** How long the stream stays on after the last reader has left, and how long before its end it is renewed. */
const ON_MS = 240_000
const RENEW_MS = 120_000
/** A renewal this close to the end could be too late for other nodes, and one that took this long could have been. */
const MARGIN_MS = 30_000
const LATE_MS = 20_000
/** How long opening waits for the transactions that began before, and how often it looks. */
const WRITERS_MS = 10_000
const WRITERS_LOOK_MS = 10
/** How often the beginning of the log is removed. */
const TIDY_MS = 10_000
/** Rows that are read together, each of one transaction. */
const ROWS = 64
/** Nothing is beyond it: a difference from here on is empty. */
const END: Snapshot = { next: Number.MAX_SAFE_INTEGER, open: [] }

/** The log can't be continued from a position: the reader has to begin with the present. */
export class LogGap extends Error {
  readonly reason: 'unknown' | 'expired' | 'interrupted'

  constructor(reason: LogGap['reason']) {
    super(`The log has a gap: ${reason}`)
    this.reason = reason
  }
}

export type Part = {
  readonly rows: readonly LogRow[]
  /** The position behind a number of items of a row. */
  position(row: number, items: number): Position
  /** The position behind all of it. */
  readonly end: Position
  /** Whether there was nothing beyond it when it was read. */
  readonly isLast: boolean
}

export class StreamLog {
  readonly #store: Store
  readonly #clock: Clock
  #epoch: string | null = null
  /** Until when the stream is on, at least (monotonic). */
  #untilMs = 0
  #tidiedAtMs = Number.NEGATIVE_INFINITY
  #turning: Promise<string> | undefined

  constructor(store: Store, clock: Clock) {
    this.#store = store
    this.#clock = clock
  }

  /** Sees to it that the stream is on, and returns its epoch. Throws StoreUnavailable and `busy`. */
  keepOn(): Promise<string> {
    if (this.#epoch !== null && this.#untilMs - this.#clock.monotonicMs() > RENEW_MS)
      return Promise.resolve(this.#epoch)
    this.#turning ??= this.#turnOn().finally(() => {
      this.#turning = undefined
    })
    return this.#turning
  }

  async #turnOn(): Promise<string> {
    let given: string | null = null
    while (true) {
      const askedAtMs = this.#clock.monotonicMs()
      const fresh = randomBytes(8).toString('hex')
      const args: KeepStreamOn = { forMs: ON_MS, marginMs: MARGIN_MS, epoch: fresh, given }
      const { epoch, untilMs, nowMs }: StreamState = await this.#store.write('keepStreamOn', args)
      if (epoch !== fresh && this.#clock.monotonicMs() - askedAtMs > LATE_MS) {
        given = epoch
        continue
      }
      // Even if another node has turned it on: it might still be waiting for the same.
      if (epoch !== this.#epoch) await this.#untilAllKnow()
      this.#epoch = epoch
      this.#untilMs = askedAtMs + untilMs - nowMs
      return epoch
    }
  }

  /** Resolves when every transaction has ended that might not know that the stream is on. */
  async #untilAllKnow(): Promise<void> {
    const find = () => this.#store.read('findStreamWriters', {})
    const writers = await find()
    if (writers === null) return
    await this.#pause(writers.afterMs)
    const endsAtMs = this.#clock.monotonicMs() + WRITERS_MS
    let before = (await find())?.transactions ?? []
    while (before.length > 0) {
      if (this.#clock.monotonicMs() > endsAtMs) {
        const detail = 'A long transaction of Posthorn delays the beginning of the stream. Try again.'
        throw new PosthornError('busy', detail, { retryAfterSeconds: 1 })
      }
      await this.#pause(WRITERS_LOOK_MS)
      const now = new Set((await find())?.transactions)
      before = before.filter(transaction => now.has(transaction))
    }
  }

  #pause(ms: number): Promise<void> {
    return new Promise(resolve => void this.#clock.after(ms, resolve))
  }

  /** The present position. */
  async now(): Promise<Position> {
    const epoch = await this.keepOn()
    const { to } = await this.#store.read('readStreamLog', { from: END, to: null, after: null, rows: 1 })
    return { epoch, from: to, within: null }
  }

  /**
   * What follows on a position. Throws LogGap, and StoreUnavailable.
   *
   * @param until the snapshot up to which it is read. Default: the present one
   */
  async after(position: Position, until: Snapshot | null = null): Promise<Part> {
    const epoch = await this.keepOn()
    if (position.epoch !== epoch) throw new LogGap('unknown')
    const { from, within } = position
    // A row that was begun is read again.
    const after = within === null ? null : within.items === 0 ? within.row : within.row - 1
    const part = await this.#store.read('readStreamLog', { from, to: within?.to ?? until, after, rows: ROWS })
    if (part.epoch !== epoch || part.untilMs <= part.nowMs) {
      this.#epoch = null
      throw new LogGap('interrupted')
    }
    const { to } = part
    // Of a store that was restored from a backup, or made up.
    if (within === null && until === null && from.next > to.next) throw new LogGap('unknown')
    if (!includes(from, part.kept)) throw new LogGap('expired')
    const rows = part.rows.map(row =>
      row.id === within?.row ? { id: row.id, items: row.items.slice(within.items) } : row,
    )
    const skipped = (row: number) => (row === within?.row ? within.items : 0)
    const last = rows.at(-1)
    const isEnd = (row: number, items: number) => !part.isCut && row === last?.id && items === last.items.length
    const end: Position = { epoch, from: to, within: null }
    return {
      rows,
      position: (row, items) =>
        isEnd(row, items) ? end : { epoch, from, within: { to, row, items: skipped(row) + items } },
      end: part.isCut && last !== undefined ? { epoch, from, within: { to, row: last.id, items: 0 } } : end,
      isLast: !part.isCut && within === null && until === null,
    }
  }

  /** Removes what is no longer needed of the log, if that was not done a moment ago. */
  async tidy(): Promise<void> {
    const nowMs = this.#clock.monotonicMs()
    if (nowMs - this.#tidiedAtMs < TIDY_MS) return
    this.#tidiedAtMs = nowMs
    await this.#store.write('cutStreamLog', {})
  }
}
