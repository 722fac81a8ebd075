import type pg from 'pg'
import type { Clock } from '../../base/clock.ts'
import { IS_STREAMED } from '../stream-state.ts'
import { postgresDialect, STREAM_KNOWN_MS } from './dialect.ts'
import { ask } from './query.ts'
import type { Mode } from './session.ts'

const QUERY = `select exists (${IS_STREAMED(postgresDialect.nowMs)}) as streamed`

/** When a transaction began, by this process's clock and by the server's. */
export type Begun = { readonly atMs: number; readonly serverMs: number }

/**
 * Whether the stream is on, as this process knows (decision 47). Reading it in each transaction would cost a tenth of a
 * millisecond of the server's time, so what was read is believed for a moment. The node that turns the stream on waits
 * longer.
 */
export class StreamFlag {
  readonly #clock: Clock
  #isOn = false
  /** Before it was read, by both clocks: one of them can stand still while a machine is suspended. */
  #read: Begun = { atMs: Number.NEGATIVE_INFINITY, serverMs: Number.NEGATIVE_INFINITY }

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Whether what a transaction has changed is to be logged. To be asked after its last change. */
  async isOn(client: pg.PoolClient, { timeoutMs }: Mode, begun: Begun): Promise<boolean> {
    const atMs = this.#clock.monotonicMs()
    const serverMs = begun.serverMs + atMs - begun.atMs
    if (Math.max(atMs - this.#read.atMs, serverMs - this.#read.serverMs) <= STREAM_KNOWN_MS) return this.#isOn
    const { rows } = await ask(client, { text: QUERY }, timeoutMs)
    const [row] = rows as unknown as { readonly streamed: boolean }[]
    this.#read = { atMs, serverMs }
    this.#isOn = row!.streamed
    return this.#isOn
  }
}
