import type { Clock, Timer } from '../../base/clock.ts'
import { PosthornError } from '../../base/errors.ts'
import type { Logger } from '../../base/logger.ts'
import { Loop } from '../../base/loop.ts'
import type { TenantId } from '../../base/model.ts'
import type { Store } from '../../store/store.ts'
import { type Position, parsePosition } from '../../store/stream-position.ts'
import { CatchingUp } from './catching-up.ts'
import { type StreamFilter, type StreamQuery, selectStream } from './filter.ts'
import { Listening, RENEW_LISTENING_MS } from './listening.ts'
import { Reader, type Sink } from './reader.ts'
import type { RecordSources } from './records.ts'
import { sharePart } from './sharing.ts'
import { LogGap, type Part, StreamLog } from './stream-log.ts'

/** How often the log is read while there are readers. What this node commits is read sooner. */
const LOOK_MS = 100
/** The least time between two readings. */
const GATHER_MS = 20
/** How long the log then rests for each millisecond of a reading, while several tenants have work, and at most. */
const REST_FACTOR = 3
const LONGEST_REST_MS = 500
const RETRY_MS = 500
export const HEARTBEAT_MS = 15_000
/** What can wait for a reader before it is read to on its own, and for all of a node before the slowest are cut off. */
const FULL_BYTES = 512 * 1024
const MAX_WAITING_BYTES = 64 * 1024 * 1024
/** Streams of one party, and of a node. */
export const MAX_STREAMS_OF_PARTY = 100
const MAX_STREAMS = 1_000
/** How often it is checked that keys are still valid. With the relay's time, a revoked key ends within a second. */
const CHECK_MS = 250
/** How often a log that no one reads any longer is looked at. */
const CLEAR_MS = 300_000

export type StreamRequest = {
  readonly filter: StreamFilter
  /** The position after which it continues, as the caller sent it; null: from now on. */
  readonly after: string | null
  /** Who counts for it. */
  readonly party: string
  /** Whether the caller's key still allows it. */
  readonly isAllowed: () => boolean
}

type Needs = {
  readonly store: Store
  readonly clock: Clock
  readonly logger: Logger
  readonly endpoints: RecordSources['endpoints']
  readonly keyring: RecordSources['keyring']
}

/**
 * All streams of this node. One loop reads the log for all readers that have caught up, while there are any.
 *
 * A reader: opening → alone → joining → live, `live` → `alone` if it doesn't take what it gets, or `closed` from each. A reader
 * that joins gets what lies between its position and the loop's at the end of one of the loop's readings, so that nothing
 * is sent twice or left out.
 */
export class Streams {
  readonly #needs: Needs
  readonly #log: StreamLog
  readonly #catchingUp: CatchingUp
  readonly #listening: Listening
  readonly #readers = new Set<Reader>()
  readonly #loop: Loop
  readonly #clearing: Loop
  #at: Position | null = null
  #timers: Timer[] = []
  #wakeTimer: Timer | undefined
  #readAtMs = Number.NEGATIVE_INFINITY
  #restsUntilMs = Number.NEGATIVE_INFINITY
  #isClosed = false

  constructor(needs: Needs) {
    const { store, clock, logger } = needs
    this.#needs = needs
    this.#log = new StreamLog(store, clock)
    this.#catchingUp = new CatchingUp({
      ...needs,
      sources: needs,
      log: this.#log,
      onJoining: () => this.#loop.wake(),
      cut: reader => this.#cut(reader),
    })
    this.#listening = new Listening({ ...needs, end: reader => this.#end(reader) })
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
  async open(request: StreamRequest, sink: Sink): Promise<() => void> {
    this.#checkRoom(request.party)
    const reader = new Reader(sink, request)
    const close = () => this.#close(reader)
    // Counted from here on, or many could be opened at the same time.
    this.#readers.add(reader)
    try {
      await this.#place(reader, request.after)
      // After its position is known: what is handed over from here on is behind it.
      await this.#listening.begin(reader)
    } catch (error) {
      close()
      throw error
    }
    if (this.#isClosed) {
      close()
      throw shuttingDown()
    }
    this.#startTimers()
    this.#catchingUp.begin(reader)
    return close
  }

  /** Refuses further streams, and ends those that are open. */
  refuse(): void {
    this.#isClosed = true
    this.endAll()
  }

  /** Ends those that are open. Their readers can open them again. */
  endAll(): void {
    for (const reader of this.#readers) this.#end(reader)
  }

  async stop(): Promise<void> {
    this.refuse()
    this.#wakeTimer?.cancel()
    await Promise.all([this.#loop.stop(), this.#clearing.stop(), this.#catchingUp.ended()])
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

  /** Says where a stream begins. The first bytes show its caller that it is open. */
  async #place(reader: Reader, after: string | null): Promise<void> {
    const now = await this.#log.now()
    const wanted = after === null ? now : parsePosition(after)
    if (wanted === undefined) return reader.reset(now, 'unknown')
    reader.at = wanted
    reader.rest()
  }

  #close(reader: Reader): void {
    reader.close()
    this.#listening.end(reader)
    this.#readers.delete(reader)
    if (this.#readers.size > 0) return
    for (const timer of this.#timers.splice(0)) timer.cancel()
    this.#at = null
  }

  #end(reader: Reader): void {
    // One that is being opened has no response yet: `open` refuses it, or it is ended a moment later.
    if (reader.isClosed || reader.state === 'opening') return
    this.#close(reader)
    reader.sink.end()
  }

  #cut(reader: Reader): void {
    if (reader.isClosed) return
    this.#close(reader)
    reader.sink.cut()
    this.#needs.logger.warn({ party: reader.party }, 'stream closed; its reader is too slow')
  }

  #startTimers(): void {
    if (this.#timers.length > 0 || this.#readers.size === 0) return
    this.#repeat(0, HEARTBEAT_MS, () => {
      for (const reader of this.#readers) if (reader.state !== 'opening') reader.rest()
    })
    this.#repeat(1, CHECK_MS, () => this.#check())
    this.#repeat(2, RENEW_LISTENING_MS, () => void this.#listening.renew())
  }

  #repeat(place: number, everyMs: number, run: () => void): void {
    this.#timers[place] = this.#needs.clock.after(everyMs, () => {
      run()
      if (this.#readers.size > 0) this.#repeat(place, everyMs, run)
    })
  }

  #check(): void {
    let waitingBytes = 0
    for (const reader of this.#readers) {
      if (reader.isAllowed()) waitingBytes += reader.sink.waitingBytes
      else this.#end(reader)
    }
    if (waitingBytes <= MAX_WAITING_BYTES) return
    const slowest = [...this.#readers].sort((a, b) => b.sink.waitingBytes - a.sink.waitingBytes)
    for (const reader of slowest) {
      if (waitingBytes <= MAX_WAITING_BYTES) return
      waitingBytes -= reader.sink.waitingBytes
      this.#cut(reader)
    }
  }

  /** Reads what this process has committed, after a moment in which more can come. */
  #wake(): void {
    if (this.#wakeTimer !== undefined) return
    const { clock } = this.#needs
    const nextMs = Math.max(this.#readAtMs + GATHER_MS, this.#restsUntilMs)
    this.#wakeTimer = clock.after(Math.max(0, nextMs - clock.monotonicMs()), () => {
      this.#wakeTimer = undefined
      this.#loop.wake()
    })
  }

  /** One reading of the log for all. */
  async #look(): Promise<number> {
    if (this.#readers.size === 0) return 2 ** 30
    this.#readAtMs = this.#needs.clock.monotonicMs()
    try {
      await this.#readOn()
    } catch (error) {
      if (!(error instanceof LogGap)) throw error
      const now = await this.#log.now()
      this.#at = now
      for (const reader of this.#live()) {
        reader.reset(now, 'interrupted')
        if (reader.owesOpen) this.#catchingUp.begin(reader)
      }
    }
    return this.#rest()
  }

  /** Leaves time to others: many streams of one tenant must not take it all. Returns the pause until the next reading. */
  #rest(): number {
    const nowMs = this.#needs.clock.monotonicMs()
    const tookMs = nowMs - this.#readAtMs
    const restMs = this.#needs.store.isShared ? Math.min(tookMs * REST_FACTOR, LONGEST_REST_MS) : 0
    this.#restsUntilMs = nowMs + restMs
    return Math.max(LOOK_MS, restMs)
  }

  async #readOn(): Promise<void> {
    this.#at ??= await this.#log.now()
    while (true) {
      const part = await this.#log.after(this.#at)
      await this.#share(part)
      if (part.isLast) break
    }
    for (const reader of this.#readers) {
      if (reader.state !== 'joining') continue
      // All were closed in the meantime, and this one is new.
      if (this.#at === null) break
      await this.#catchingUp.join(reader, this.#at)
    }
    await this.#log.tidy()
  }

  /** Sends a part of the log to all readers that have caught up. */
  async #share(part: Part): Promise<void> {
    await sharePart(this.#needs, part, {
      readers: () => this.#live(),
      fullBytes: FULL_BYTES,
      onFull: reader => this.#catchingUp.begin(reader),
      onPosition: position => {
        this.#at = position
      },
    })
    this.#at = part.end
  }

  #live(): Reader[] {
    return [...this.#readers].filter(({ state }) => state === 'live')
  }
}

const shuttingDown = (): PosthornError => new PosthornError('shutting_down', 'The server is shutting down. Try again.')
