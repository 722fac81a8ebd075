import type { Clock } from '../base/clock.ts'
import { HOUR_MS } from '../base/durations.ts'
import type { Logger } from '../base/logger.ts'
import { Loop } from '../base/loop.ts'
import type { Store } from '../store/store.ts'

const PAUSE_MS = HOUR_MS
/** After a fault, or when what is old was in use just then. */
const SHORT_PAUSE_MS = 60_000

/** Looks after the history at start and every hour, on every node: the store sees to it that one does at a time. */
export class HistoryKeeper {
  readonly #store: Pick<Store, 'keepHistory' | 'read'>
  readonly #log: Pick<Logger, 'info' | 'error'>
  readonly #retentionDays: number
  readonly #loop: Loop

  /** @param retentionDays how many days history is kept; 0: for ever */
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
      onFailure: error => log.error({ err: error }, 'the tables of the history could not be looked after'),
    })
  }

  /** Doesn't wait for the first look: `migrate` has made what is needed to begin, and what is old can take its time. */
  start(): void {
    this.#loop.start()
  }

  /** After the look that is under way. */
  stop(): Promise<void> {
    return this.#loop.stop()
  }

  /** A day's tables are everybody's: a tenant with a longer age keeps them for it. The others' goes in steps then. */
  async #longestDays(): Promise<number> {
    if (this.#retentionDays === 0) return 0
    return Math.max(this.#retentionDays, await this.#store.read('readLongestRetention', {}))
  }

  /** Answers when to look again, where something old was in use. */
  async #keep(): Promise<number | undefined> {
    const report = await this.#store.keepHistory(await this.#longestDays())
    if (report.made + report.dropped.length > 0) this.#log.info(report, 'the tables of the history were looked after')
    return report.busy.length === 0 ? undefined : SHORT_PAUSE_MS
  }
}
