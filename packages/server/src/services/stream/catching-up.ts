import type { Clock } from '../../base/clock.ts'
import type { Logger } from '../../base/logger.ts'
import { Seats } from '../../base/seats.ts'
import { includes, isSameSnapshot, type Position, writePosition } from '../../store/stream-position.ts'
import type { Reader } from './reader.ts'
import { type RecordSources, readRecords } from './records.ts'
import { sharePart } from './sharing.ts'
import { LogGap, type Part, type StreamLog } from './stream-log.ts'

/** With more that waits, a reader gets nothing further until it has taken it. */
const PACE_BYTES = 256 * 1024
/** How long it can take for that, before it is cut off. */
const TAKE_MS = 10_000
/** Readers that are read for at the same time, each its own part of the log, and how long others wait. */
const READERS = 4
const PATIENCE_MS = 30_000
const RETRY_MS = 500
/** Open requests that are read together, each with its payload. */
const OPEN_TOGETHER = 16

type Needs = {
  readonly sources: RecordSources
  readonly log: StreamLog
  readonly clock: Clock
  readonly logger: Logger
  /** A reader has caught up as far as it could alone. */
  readonly onJoining: () => void
  /** Closes a reader that is too slow. */
  readonly cut: (reader: Reader) => void
}

/** Reads on for readers that are not where the others are, each at its own pace, until they have caught up. */
export class CatchingUp {
  readonly #needs: Needs
  readonly #seats: Seats
  readonly #running = new Set<Promise<void>>()

  constructor(needs: Needs) {
    this.#needs = needs
    this.#seats = new Seats({ clock: needs.clock, count: READERS, patienceMs: PATIENCE_MS })
  }

  /** Begins with a reader, from where it is. */
  begin(reader: Reader): void {
    if (reader.isClosed) return
    reader.state = 'alone'
    const running = this.#catchUp(reader).finally(() => this.#running.delete(running))
    this.#running.add(running)
  }

  /** Brings a reader from its position to that of all others. Called while they don't move. */
  async join(reader: Reader, to: Position): Promise<void> {
    try {
      await this.#join(reader, to)
    } catch (error) {
      if (!(error instanceof LogGap)) throw error
      this.begin(reader)
    }
  }

  /** Resolves when all are done. Their readers have to be closed before. */
  async ended(): Promise<void> {
    await Promise.all(this.#running)
  }

  async #catchUp(reader: Reader): Promise<void> {
    while (reader.state === 'alone') {
      try {
        const isFull = await this.#seats.run(() => (reader.owesOpen ? this.#sendOpen(reader) : this.#readOn(reader)))
        if (isFull) await this.#untilTaken(reader)
      } catch (error) {
        if (reader.isClosed) return
        if (error instanceof LogGap) await this.#restart(reader, error)
        else await this.#pause(reader, error)
      }
    }
    this.#needs.onJoining()
  }

  /** Sends what is open of the requests that a reader listens to: it was handed over before. Returns as #readOn does. */
  async #sendOpen(reader: Reader): Promise<boolean> {
    const { sources } = this.#needs
    const { tenant, listen } = reader.filter
    if (tenant === null || listen === null) return false
    const items = await sources.store.read('findOpenRequests', { tenant, endpoints: [...listen.keys()] })
    const position = writePosition(reader.at)
    for (let at = 0; at < items.length; at += OPEN_TOGETHER) {
      const records = await readRecords(sources, items.slice(at, at + OPEN_TOGETHER), false)
      for (const record of records) if (record !== null && !reader.isClosed) reader.sink.send([{ position, record }])
      if (reader.sink.waitingBytes > PACE_BYTES) await this.#untilTaken(reader)
      if (reader.isClosed) return false
    }
    reader.owesOpen = false
    return reader.sink.waitingBytes > PACE_BYTES
  }

  /** Reads one part. Returns whether the reader has to take what was sent before it gets more. */
  async #readOn(reader: Reader): Promise<boolean> {
    if (reader.isClosed) return false
    const part = await this.#needs.log.after(reader.at)
    const isFull = await this.#send(reader, part)
    if (!isFull && part.isLast && !reader.isClosed) reader.state = 'joining'
    return isFull
  }

  async #send(reader: Reader, part: Part): Promise<boolean> {
    let isFull = false
    await sharePart(this.#needs.sources, part, {
      readers: () => (isFull || reader.isClosed ? [] : [reader]),
      fullBytes: PACE_BYTES,
      onFull: () => {
        isFull = true
      },
    })
    return isFull
  }

  async #untilTaken(reader: Reader): Promise<void> {
    const { clock, cut } = this.#needs
    const { promise, resolve } = Promise.withResolvers<'late'>()
    const timer = clock.after(TAKE_MS, () => resolve('late'))
    const end = await Promise.race([reader.sink.drained(), reader.closed, promise])
    timer.cancel()
    if (end === 'late') cut(reader)
  }

  /** The log can't be continued where the reader is. */
  async #restart(reader: Reader, { reason }: LogGap): Promise<void> {
    try {
      const now = await this.#needs.log.now()
      if (!reader.isClosed) reader.reset(now, reason)
    } catch (error) {
      // Tried again: the position is still the one that can't be continued.
      await this.#pause(reader, error)
    }
  }

  async #pause(reader: Reader, error: unknown): Promise<void> {
    const { clock, logger } = this.#needs
    logger.debug({ err: error }, 'stream not read; retrying')
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = clock.after(RETRY_MS, resolve)
    await Promise.race([promise, reader.closed])
    timer.cancel()
  }

  async #join(reader: Reader, to: Position): Promise<void> {
    if (to.epoch !== reader.at.epoch) throw new LogGap('unknown')
    // It has read further than the others have: their next reading decides.
    if (!includes(to.from, reader.at.from)) return
    while (!isSameSnapshot(to.from, reader.at.from) || reader.at.within !== null) {
      const part = await this.#needs.log.after(reader.at, to.from)
      const isFull = await this.#send(reader, part)
      if (reader.isClosed) return
      if (isFull) return this.begin(reader)
    }
    reader.state = 'live'
  }
}
