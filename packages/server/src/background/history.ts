import type { Clock } from '../base/clock.ts'
import { HOUR_MS } from '../base/durations.ts'
import type { Logger } from '../base/logger.ts'
import { Loop } from '../base/loop.ts'
import type { Store } from '../store/store.ts'

const PAUSE_MS = HOUR_MS
/** Pause after a failure, or if an old table was in use. */
const SHORT_PAUSE_MS = 60_000

/** Creates and drops history tables at startup and every hour, on every node; the store lets one do so at a time. */
export class HistoryKeeper {
  readonly #store: Pick<Store, 'keepHistory' | 'read'>
  readonly #log: Pick<Logger, 'info' | 'error'>
  readonly #retentionDays: number
  readonly #loop: Loop

  /** @param retentionDays how many days history is kept; 0 keeps it forever */
  constructor(
    store: Pick<Store, 'keepHistory' | 'read'>,
    clock: Clock,
    log: Pick<Logger, 'info' | 'error'>,
    retentionDays: number,
  ) {
    this.#store = store
    this.#log = log
    this.#retentionDays = retentionDays
    this.#loop = new Loop({
      clock,
      everyMs: PAUSE_MS,
      retryMs: SHORT_PAUSE_MS,
      run: () => this.#keep(),
      onFailure: error => log.error({ err: error }, 'maintaining the history tables failed; retrying'),
    })
  }

  /** Doesn't wait for the first run: `migrate` has created the tables needed to start, and dropping can wait. */
  start(): void {
    this.#loop.start()
  }

  /** Resolves after the current run. */
  stop(): Promise<void> {
    return this.#loop.stop()
  }

  /** All tenants share a day's tables, so the longest retention period applies. Other tenants' rows go in steps. */
  async #longestDays(): Promise<number> {
    if (this.#retentionDays === 0) return 0
    return Math.max(this.#retentionDays, await this.#store.read('readLongestRetention', {}))
  }

  /** Returns when to run again if an old table was in use. */
  async #keep(): Promise<number | undefined> {
    const report = await this.#store.keepHistory(await this.#longestDays())
    if (report.made + report.dropped.length > 0) this.#log.info(report, 'history tables created or dropped')
    return report.busy.length === 0 ? undefined : SHORT_PAUSE_MS
  }
}
