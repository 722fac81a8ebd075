/** Writes a stream of server-sent events (WHATWG HTML §9.2) as the body of a response. */
import { Buffer } from 'node:buffer'
import type { ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import type { Clock } from '../../base/clock.ts'
import type { PlacedRecord, ResetReason, Sink } from '../../services/stream/reader.ts'

export const EVENT_STREAM = 'text/event-stream; charset=utf-8'

/** What can be left when a reader has taken most of it, and how often that is looked at. */
const DRAINED_BYTES = 64 * 1024
const LOOK_MS = 20
/** How long a reader has to take what was sent before the stream ended. */
const LAST_MS = 500

/** Of records that go to many readers: their bytes are made once, and shared by all that wait for them. */
const written = new WeakMap<readonly PlacedRecord[], Buffer>()

/** The body of a response. `write` makes JSON of a record. */
export class EventStream implements Sink {
  readonly body: Readable
  readonly #response: ServerResponse
  readonly #write: (record: PlacedRecord['record']) => string
  readonly #clock: Pick<Clock, 'after'>

  constructor(
    response: ServerResponse,
    clock: Pick<Clock, 'after'>,
    write: (record: PlacedRecord['record']) => string,
  ) {
    this.#response = response
    this.#clock = clock
    this.#write = write
    this.body = new Readable({ read: () => {}, highWaterMark: 64 * 1024 })
  }

  get waitingBytes(): number {
    return this.body.readableLength + this.#response.writableLength
  }

  send(records: readonly PlacedRecord[]): void {
    let bytes = written.get(records)
    if (bytes === undefined) {
      const frames = records.map(({ position, record }) => frame(position, record.kind, this.#write(record)))
      bytes = Buffer.from(frames.join(''))
      written.set(records, bytes)
    }
    this.#push(bytes)
  }

  reset(position: string, reason: ResetReason): void {
    this.#push(Buffer.from(frame(position, 'reset', JSON.stringify({ reason }))))
  }

  rest(position: string): void {
    this.#push(Buffer.from(`:\nid: ${position}\n\n`))
  }

  async drained(): Promise<void> {
    while (!this.#response.closed && this.waitingBytes > DRAINED_BYTES) {
      await new Promise<void>(resolve => void this.#clock.after(LOOK_MS, resolve))
    }
  }

  end(): void {
    if (!this.body.destroyed) this.body.push(null)
    // Otherwise a reader that doesn't read would delay the shutdown.
    const timer = this.#clock.after(LAST_MS, () => this.cut())
    this.#response.once('close', () => timer.cancel())
  }

  cut(): void {
    if (!this.#response.closed && !this.#response.writableFinished) this.#response.destroy()
  }

  #push(bytes: Buffer): void {
    if (!this.body.destroyed && !this.#response.closed) this.body.push(bytes)
  }
}

/** A payload is copied in as it was published, line breaks included: each of its lines gets a field of its own. */
function frame(id: string, event: string, data: string): string {
  const lines = /[\r\n]/.test(data) ? data.split(/\r\n|\r|\n/).join('\ndata: ') : data
  return `id: ${id}\nevent: ${event}\ndata: ${lines}\n\n`
}
