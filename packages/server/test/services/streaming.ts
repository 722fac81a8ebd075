/** Streams on a store, with readers that note what they get. */
import { pino } from 'pino'
import { expect, vi } from 'vitest'
import { type Clock, systemClock } from '../../src/base/clock.ts'
import { createKeyring, type Keyring } from '../../src/secrets/keyring.ts'
import { STREAM_KINDS, type StreamFilter } from '../../src/services/stream/filter.ts'
import type { PlacedRecord, ResetReason, Sink } from '../../src/services/stream/reader.ts'
import type { StreamRecord } from '../../src/services/stream/records.ts'
import { Streams } from '../../src/services/stream/streams.ts'
import type { Store } from '../../src/store/store.ts'

export const EVERYTHING: StreamFilter = {
  tenant: null,
  kinds: new Set(STREAM_KINDS),
  types: null,
  endpoints: null,
  withPayloads: false,
  listen: null,
  seesSecrets: false,
}

/** Lets what takes seconds take as many times less. Not how often the log is read, which the store's speed decides. */
export const hurried = (times: number): Clock => ({
  ...systemClock,
  after: (ms, fire) => systemClock.after(ms > 1_000 ? ms / times : ms, fire),
})

export function startStreams(
  store: Store,
  clock: Clock = systemClock,
  keyring: Pick<Keyring, 'open'> = createKeyring(new Uint8Array(32)),
): Streams {
  const endpoints = { describe: async () => ({}) as never }
  const streams = new Streams({ store, clock, logger: pino({ level: 'silent' }), endpoints, keyring })
  streams.start()
  return streams
}

/** A reader. Its connection can break after any record, and it continues behind the last one that it got. */
export class Reading implements Sink {
  waitingBytes = 0
  isAllowed = true
  isEnded = false
  isCut = false
  position: string | null = null
  readonly records: StreamRecord[] = []
  /** How many came together. */
  readonly batches: number[] = []
  readonly resets: ResetReason[] = []
  /** Breaks the connection after this many records. */
  breakAfter = Number.POSITIVE_INFINITY
  onBreak: () => void = () => {}
  #close: (() => void) | undefined
  #isOpen = false

  get isOpen(): boolean {
    return this.#isOpen
  }

  async open(streams: Streams, filter: Partial<StreamFilter> = {}, party = 'root'): Promise<this> {
    this.#isOpen = true
    const request = {
      filter: { ...EVERYTHING, ...filter },
      after: this.position,
      party,
      isAllowed: () => this.isAllowed,
    }
    const close = await streams.open(request, this)
    this.#close = close
    if (!this.#isOpen) close()
    return this
  }

  close(): void {
    this.#isOpen = false
    this.#close?.()
  }

  send(records: readonly PlacedRecord[]): void {
    if (this.#isOpen) this.batches.push(records.length)
    for (const { position, record } of records) {
      if (!this.#isOpen) return
      this.records.push(record)
      this.position = position
      if (--this.breakAfter > 0) continue
      this.close()
      this.onBreak()
      return
    }
  }

  reset(position: string, reason: ResetReason): void {
    if (!this.#isOpen) return
    this.position = position
    this.resets.push(reason)
  }

  rest(position: string): void {
    if (this.#isOpen) this.position = position
  }

  /** Nothing is ever taken of what waits. */
  async drained(): Promise<void> {
    if (this.waitingBytes > 0) await new Promise(() => {})
  }

  end(): void {
    this.isEnded = true
    this.#isOpen = false
  }

  cut(): void {
    this.isCut = true
    this.#isOpen = false
  }

  /** Ids of events, or of what has changed, as `kind id`; of deliveries with their state. */
  get seen(): string[] {
    return this.records.map(record => {
      if (record.kind === 'event') return `event ${record.event.id}`
      if (record.kind === 'delivery') return `delivery ${record.delivery.id} ${record.delivery.state}`
      if (record.kind === 'attempt') return `attempt ${record.delivery.id} ${record.attempt.number}`
      if (record.kind === 'request') return `request ${record.request.delivery} ${record.request.number}`
      return `endpoint ${record.id} ${record.change}`
    })
  }

  untilSeen(...wanted: readonly string[]): Promise<void> {
    const check = () => expect(this.seen).toEqual(expect.arrayContaining([...wanted]))
    return vi.waitFor(check, { timeout: 10_000, interval: 5 })
  }
}
