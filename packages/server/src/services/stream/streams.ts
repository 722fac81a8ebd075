import type { Clock, Timer } from '../../base/clock.ts'
import { PosthornError } from '../../base/errors.ts'
import type { Logger } from '../../base/logger.ts'
import { Loop } from '../../base/loop.ts'
import type { Endpoint, TenantId } from '../../base/model.ts'
import type { Store } from '../../store/store.ts'
import type { Noted } from '../../store/stream-notes.ts'
import { includes, isSameSnapshot, type Position, parsePosition, writePosition } from '../../store/stream-position.ts'
import type { Described } from '../endpoints/authentication.ts'
import { isWanted, mayWant, type StreamFilter, type StreamQuery, selectStream } from './filter.ts'
import { readRecords, type StreamRecord } from './records.ts'
import { LogGap, type Part, StreamLog } from './stream-log.ts'

/** How often the log is read while there are readers. What this node commits is read sooner. */
const LOOK_MS = 100
/** The least time between two readings. */
const GATHER_MS = 20
const RETRY_MS = 500
export const HEARTBEAT_MS = 15_000
/** What can wait for a reader before it is cut off. */
const MAX_WAITING_BYTES = 1024 * 1024
/** With more, a reader that catches up waits until it has been sent. */
const PACE_BYTES = 256 * 1024
/** Items that are read together, and the same if payloads are read, which can be large. */
const ITEMS = 200
const ITEMS_WITH_PAYLOADS = 16
/** Streams of one party, and of a node. */
export const MAX_STREAMS_OF_PARTY = 100
const MAX_STREAMS = 1_000
/** How often a log that no one reads any more is looked at. */
const CLEAR_MS = 300_000

/** Why a reader has to begin with the present. */
export type ResetReason = LogGap['reason']

export type PlacedRecord = { readonly position: string; readonly record: StreamRecord }

/** Where a stream is written to. */
export type Sink = {
  /** Bytes that have not been sent yet. */
  readonly waitingBytes: number
  send(records: readonly PlacedRecord[]): void
  reset(position: string, reason: ResetReason): void
  /** Nothing has happened up to a position. */
  rest(position: string): void
  /** Resolves when most of it has been sent, or the connection is closed. */
  drained(): Promise<void>
  /** No more follows. */
  end(): void
  /** The reader is too slow. */
  cut(): void
}

export type StreamRequest = {
  readonly filter: StreamFilter
  /** The position after which it continues, as the caller sent it; null: from now on. */
  readonly after: string | null
  /** Who counts for it. */
  readonly party: string
  /** Whether the caller's key still allows it. */
  readonly isAllowed: () => boolean
}

type Reader = {
  readonly filter: StreamFilter
  readonly party: string
  readonly isAllowed: () => boolean
  readonly sink: Sink
  at: Position
  /** `alone`: catching up. `joining`: has caught up, as far as it could alone. `live`: gets what all get. */
  state: 'alone' | 'joining' | 'live' | 'closed'
}

type Needs = {
  readonly store: Store
  readonly clock: Clock
  readonly logger: Logger
  readonly endpoints: { describe(endpoint: Endpoint): Promise<Described> }
}

/** How often it is checked that keys are still valid. With the relay's time, a revoked key ends within a second. */
const CHECK_MS = 250

/**
 * All streams of this node. One loop reads the log for all readers that have caught up, while there are any.
 *
 * A reader: alone → joining → live, or `closed` from each. A reader that joins gets what lies between its position and
 * the loop's at the end of one of the loop's readings, so that nothing is sent twice or left out.
 */
export class Streams {
  readonly #needs: Needs
  readonly #log: StreamLog
  readonly #readers = new Set<Reader>()
  readonly #loop: Loop
  readonly #clearing: Loop
  #at: Position | null = null
  #timers: Timer[] = []
  #wakeTimer: Timer | undefined
  #readAtMs = Number.NEGATIVE_INFINITY
  #isClosed = false

  constructor(needs: Needs) {
    const { store, clock, logger } = needs
    this.#needs = needs
    this.#log = new StreamLog(store, clock)
    this.#loop = new Loop({
      clock,
      everyMs: LOOK_MS,
      retryMs: RETRY_MS,
      run: () => this.#look(),
      onFailure: error => logger.debug({ err: error }, 'stream not read; retrying'),
    })
    this.#clearing = new Loop({
      clock,
      everyMs: CLEAR_MS,
      run: async () => void (await store.write('clearStreamLog', {})),
    })
    store.observations.on(({ kind }) => {
      if (kind === 'commit' && this.#readers.size > 0) this.#wake()
    })
  }

  /** The number of open streams. */
  get size(): number {
    return this.#readers.size
  }

  start(): void {
    this.#loop.start(null)
    this.#clearing.start(CLEAR_MS)
  }

  /** What a caller wants. Throws not_found and `invalid`. */
  select(tenant: TenantId | null, isParameter: boolean, query: StreamQuery): Promise<StreamFilter> {
    return selectStream(this.#needs.store, tenant, isParameter, query)
  }

  /**
   * Begins a stream. Returns what is to be called when its connection is closed.
   * Throws rate_limited, overloaded, shutting_down, `busy` and StoreUnavailable.
   */
  async open({ filter, after, party, isAllowed }: StreamRequest, sink: Sink): Promise<() => void> {
    this.#checkRoom(party)
    const nowhere: Position = { epoch: '', from: { next: 0, open: [] }, within: null }
    const reader: Reader = { filter, party, isAllowed, sink, at: nowhere, state: 'alone' }
    const close = () => this.#close(reader)
    // Counted from here on, or many could be opened at the same time.
    this.#readers.add(reader)
    try {
      reader.at = await this.#log.now()
      const wanted = after === null ? null : (parsePosition(after) ?? 'unknown')
      if (wanted === 'unknown') sink.reset(writePosition(reader.at), 'unknown')
      else if (wanted !== null) reader.at = wanted
      else sink.rest(writePosition(reader.at))
    } catch (error) {
      close()
      throw error
    }
    if (this.#isClosed) {
      close()
      throw shuttingDown()
    }
    this.#startTimers()
    void this.#catchUp(reader)
    return close
  }

  /** Refuses further streams, and ends those that are open. */
  refuse(): void {
    this.#isClosed = true
    this.endAll()
  }

  endAll(): void {
    for (const reader of this.#readers) this.#end(reader)
  }

  async stop(): Promise<void> {
    this.refuse()
    this.#wakeTimer?.cancel()
    await Promise.all([this.#loop.stop(), this.#clearing.stop()])
  }

  #checkRoom(party: string): void {
    if (this.#isClosed) throw shuttingDown()
    if (this.#readers.size >= MAX_STREAMS) {
      throw new PosthornError('overloaded', 'The server has too many open streams. Try again.')
    }
    let own = 0
    for (const reader of this.#readers) if (reader.party === party) own++
    if (own < MAX_STREAMS_OF_PARTY) return
    const detail = `This API key has ${MAX_STREAMS_OF_PARTY} open streams, which is the limit. Close one, or read several things in one stream.`
    throw new PosthornError('rate_limited', detail, { retryAfterSeconds: 1 })
  }

  #close(reader: Reader): void {
    reader.state = 'closed'
    this.#readers.delete(reader)
    if (this.#readers.size > 0) return
    for (const timer of this.#timers.splice(0)) timer.cancel()
    this.#at = null
  }

  #end(reader: Reader): void {
    if (reader.state === 'closed') return
    this.#close(reader)
    reader.sink.end()
  }

  #startTimers(): void {
    if (this.#timers.length > 0 || this.#readers.size === 0) return
    this.#repeat(0, HEARTBEAT_MS, () => {
      for (const reader of this.#readers) if (reader.state === 'live') reader.sink.rest(writePosition(reader.at))
    })
    this.#repeat(1, CHECK_MS, () => {
      for (const reader of this.#readers) if (!reader.isAllowed()) this.#end(reader)
    })
  }

  #repeat(place: number, everyMs: number, run: () => void): void {
    this.#timers[place] = this.#needs.clock.after(everyMs, () => {
      run()
      if (this.#readers.size > 0) this.#repeat(place, everyMs, run)
    })
  }

  /** Reads what this process has committed, after a moment in which more can come. */
  #wake(): void {
    if (this.#wakeTimer !== undefined) return
    const { clock } = this.#needs
    const restMs = Math.max(0, this.#readAtMs + GATHER_MS - clock.monotonicMs())
    this.#wakeTimer = clock.after(restMs, () => {
      this.#wakeTimer = undefined
      this.#loop.wake()
    })
  }

  /** One reading of the log for all. */
  async #look(): Promise<number | undefined> {
    if (this.#readers.size === 0) return 2 ** 30
    this.#readAtMs = this.#needs.clock.monotonicMs()
    try {
      this.#at ??= await this.#log.now()
      while (true) {
        const part = await this.#log.after(this.#at)
        await this.#share(part)
        if (part.isLast) break
      }
      for (const reader of this.#readers) if (reader.state === 'joining') await this.#join(reader)
      await this.#log.tidy()
    } catch (error) {
      if (!(error instanceof LogGap)) throw error
      this.#at = await this.#log.now()
      const position = this.#at
      for (const reader of this.#readers) {
        if (reader.state !== 'live') continue
        reader.at = position
        reader.sink.reset(writePosition(position), 'interrupted')
      }
    }
    return undefined
  }

  /** Sends a part of the log to all readers that have caught up. */
  async #share(part: Part): Promise<void> {
    const live = () => [...this.#readers].filter(({ state }) => state === 'live')
    await this.#readPart(part, live, position => {
      this.#at = position
    })
    this.#at = part.end
    for (const reader of live()) reader.at = part.end
  }

  /**
   * Sends a part of the log.
   *
   * @param readers those who get it. Asked each time, since a reader can be closed at any moment
   * @param onPosition called with each position that was reached by all of them
   */
  async #readPart(
    part: Part,
    readers: () => readonly Reader[],
    onPosition: (position: Position) => void,
    pace?: () => Promise<void>,
  ): Promise<void> {
    const items = part.rows.flatMap(row =>
      row.items.map((noted, index) => ({ noted, position: part.position(row.id, index + 1) })),
    )
    for (let at = 0; at < items.length; ) {
      const withPayloads = readers().some(({ filter }) => filter.withPayloads && filter.kinds.has('event'))
      const chunk = items.slice(at, at + (withPayloads ? ITEMS_WITH_PAYLOADS : ITEMS))
      at += chunk.length
      const wanted = chunk.filter(({ noted }) => readers().some(({ filter }) => mayWant(filter, noted)))
      if (wanted.length > 0) {
        const records = await readRecords(
          this.#needs,
          wanted.map(({ noted }) => noted),
          withPayloads,
        )
        for (const reader of readers()) this.#sendTo(reader, wanted, records)
      }
      const { position } = chunk.at(-1)!
      for (const reader of readers()) reader.at = position
      onPosition(position)
      await pace?.()
    }
  }

  #sendTo(
    reader: Reader,
    items: readonly { readonly noted: Noted; readonly position: Position }[],
    records: readonly (StreamRecord | null)[],
  ): void {
    const { filter, sink } = reader
    const own: PlacedRecord[] = []
    for (const [index, { noted, position }] of items.entries()) {
      const record = records[index] ?? null
      if (record === null || !mayWant(filter, noted) || !isWanted(filter, record)) continue
      own.push({ position: positionText(position), record })
    }
    if (own.length === 0) return
    if (sink.waitingBytes > MAX_WAITING_BYTES) {
      this.#close(reader)
      sink.cut()
      this.#needs.logger.warn({ party: reader.party }, 'stream closed; its reader is too slow')
    } else sink.send(own)
  }

  /** Reads on for one reader until it has caught up, at its own pace. */
  async #catchUp(reader: Reader): Promise<void> {
    const self = () => (reader.state === 'closed' ? [] : [reader])
    while (reader.state === 'alone') {
      try {
        let hasWaited = false
        const part = await this.#log.after(reader.at)
        await this.#readPart(
          part,
          self,
          () => {},
          async () => {
            if (reader.sink.waitingBytes <= PACE_BYTES) return
            hasWaited = true
            await reader.sink.drained()
          },
        )
        if (self().length === 0) return
        reader.at = part.end
        if (part.isLast && !hasWaited) reader.state = 'joining'
      } catch (error) {
        if (self().length === 0) return
        if (error instanceof LogGap) await this.#restart(reader, error.reason)
        else await new Promise<void>(resolve => void this.#needs.clock.after(RETRY_MS, resolve))
      }
    }
    this.#loop.wake()
  }

  /** The log can't be continued where the reader is. */
  async #restart(reader: Reader, reason: ResetReason): Promise<void> {
    try {
      reader.at = await this.#log.now()
      reader.sink.reset(writePosition(reader.at), reason)
    } catch {
      // Tried again: the position is still the one that can't be continued.
      await new Promise<void>(resolve => void this.#needs.clock.after(RETRY_MS, resolve))
    }
  }

  /** Brings a reader from its position to the loop's. Called between two readings. */
  async #join(reader: Reader): Promise<void> {
    try {
      await this.#joinAt(reader)
    } catch (error) {
      if (!(error instanceof LogGap)) throw error
      reader.state = 'alone'
      void this.#catchUp(reader)
    }
  }

  async #joinAt(reader: Reader): Promise<void> {
    const to = this.#at
    if (to === null) return
    if (to.epoch !== reader.at.epoch) throw new LogGap('unknown')
    // It has read further than the loop has: the next reading decides.
    if (!includes(to.from, reader.at.from)) return
    while (!isSameSnapshot(to.from, reader.at.from) || reader.at.within !== null) {
      const part = await this.#log.after(reader.at, to.from)
      await this.#readPart(
        part,
        () => (reader.state === 'closed' ? [] : [reader]),
        () => {},
      )
      reader.at = part.end
      if (reader.state === 'closed') return
    }
    reader.state = 'live'
  }
}

const shuttingDown = (): PosthornError => new PosthornError('shutting_down', 'The server is shutting down. Try again.')

/** Each is written once, however many readers there are. */
const texts = new WeakMap<Position, string>()

function positionText(position: Position): string {
  let text = texts.get(position)
  if (text === undefined) {
    text = writePosition(position)
    texts.set(position, text)
  }
  return text
}
