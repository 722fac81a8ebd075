import { type Position, writePosition } from '../../store/stream-position.ts'
import type { StreamFilter } from './filter.ts'
import type { StreamRecord } from './records.ts'
import type { LogGap } from './stream-log.ts'

/** Why a reader has to begin with the present. */
export type ResetReason = LogGap['reason']

export type PlacedRecord = { readonly position: string; readonly record: StreamRecord }

/** Where a stream is written to. */
export type Sink = {
  /** Bytes that have not been sent yet. */
  readonly waitingBytes: number
  /** @param records the same array for all readers with the same filter, so that its text is written once */
  send(records: readonly PlacedRecord[]): void
  reset(position: string, reason: ResetReason): void
  /** Nothing was left out up to a position, and nothing was sent. */
  rest(position: string): void
  /** Resolves when most of it has been sent, or the connection is closed. */
  drained(): Promise<void>
  /** No more follows. */
  end(): void
  /** The reader is too slow. */
  cut(): void
}

/** One open stream. */
export class Reader {
  readonly filter: StreamFilter
  /** Readers with the same text want the same records. */
  readonly wants: string
  /** Who counts for it. */
  readonly party: string
  /** Whether the caller's key still allows it. */
  readonly isAllowed: () => boolean
  readonly sink: Sink
  /** Resolves when the stream is closed. */
  readonly closed: Promise<void>
  /** Whether it has to get the open requests of the listeners that it listens to. */
  owesOpen = false
  /** Behind the last record that was sent, or further. */
  at: Position = { epoch: '', from: { next: 0, open: [] }, within: null }
  /** `opening`: has no position yet. `alone`: catching up. `joining`: has caught up, as far as it could alone. `live`: gets what all get. */
  state: 'opening' | 'alone' | 'joining' | 'live' | 'closed' = 'opening'
  #resolveClosed: () => void

  constructor(sink: Sink, { filter, party, isAllowed }: Pick<Reader, 'filter' | 'party' | 'isAllowed'>) {
    this.sink = sink
    this.filter = filter
    this.party = party
    this.isAllowed = isAllowed
    this.wants = textOf(filter)
    const { promise, resolve } = Promise.withResolvers<void>()
    this.closed = promise
    this.#resolveClosed = resolve
  }

  get isClosed(): boolean {
    return this.state === 'closed'
  }

  close(): void {
    this.state = 'closed'
    this.#resolveClosed()
  }

  rest(): void {
    this.sink.rest(writePosition(this.at))
  }

  /** Begins with the present, because the log has a gap. */
  reset(at: Position, reason: ResetReason): void {
    this.at = at
    this.owesOpen = this.filter.listen !== null
    this.sink.reset(writePosition(at), reason)
  }
}

function textOf({ tenant, kinds, types, endpoints, withPayloads, listen, seesSecrets }: StreamFilter): string {
  const list = (values: ReadonlySet<string> | null) => (values === null ? null : [...values].sort())
  const heard = listen === null ? null : [...listen.keys()].sort()
  return JSON.stringify([tenant, list(kinds), list(types), list(endpoints), withPayloads, heard, seesSecrets])
}
