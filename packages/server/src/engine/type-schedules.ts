import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import { Loop } from '../base/loop.ts'
import type { RetrySchedule } from '../base/model.ts'
import type { Store } from '../store/store.ts'

const RETRY_MS = 1_000

/** Schedules of the event types that have their own (C12), kept in memory and read again when the catalogue changes. */
export class TypeSchedules {
  readonly #store: Store
  #byType: ReadonlyMap<string, RetrySchedule> = new Map()
  readonly #loop: Loop

  constructor(store: Store, clock: Clock, log: Logger) {
    this.#store = store
    this.#loop = new Loop({
      clock,
      everyMs: null,
      retryMs: RETRY_MS,
      run: () => this.#read(),
      onFailure: error => log.warn({ err: error }, 'schedules of event types could not be read; retrying'),
    })
    store.changes.on(({ kind }) => {
      if (kind === 'catalogue' || kind === 'doubt') void this.#loop.fresh()
    })
  }

  /** Throws StoreUnavailable. */
  async start(): Promise<void> {
    await this.#read()
    this.#loop.start(null)
  }

  stop(): Promise<void> {
    return this.#loop.stop()
  }

  /** The event type's schedule. Null if it has none of its own. */
  of(type: string): RetrySchedule | null {
    return this.#byType.get(type) ?? null
  }

  async #read(): Promise<void> {
    this.#byType = await this.#store.read('readTypeSchedules', {})
  }
}
