import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import type { RetrySchedule } from '../base/model.ts'
import type { Store } from '../store/store.ts'

const RETRY_MS = 1_000

/** The schedules of event types that have one of their own (C12), kept in memory and read again when the catalogue changes. */
export class TypeSchedules {
  readonly #store: Store
  #byType: ReadonlyMap<string, RetrySchedule> = new Map()
  #latest = 0

  constructor(store: Store, clock: Clock, log: Logger) {
    this.#store = store
    const reload = () => {
      this.load().catch(error => {
        log.warn({ err: error }, "the types' schedules could not be read; it is tried again")
        clock.after(RETRY_MS, reload)
      })
    }
    store.changes.on(({ kind }) => {
      if (kind === 'catalogue' || kind === 'doubt') reload()
    })
  }

  /** null: it has none. */
  of(type: string): RetrySchedule | null {
    return this.#byType.get(type) ?? null
  }

  async load(): Promise<void> {
    const mine = ++this.#latest
    const found = await this.#store.read('readTypeSchedules', {})
    // One that began later has seen more.
    if (mine === this.#latest) this.#byType = found
  }
}
