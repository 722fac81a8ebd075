/** Looks after the history at start and every hour, on every node: the store sees to it that one does at a time. */

import type { Clock, Timer } from '../base/clock.ts'
import { HOUR_MS } from '../base/durations.ts'
import type { Logger } from '../base/logger.ts'
import type { HistoryReport } from '../store/driver.ts'
import type { Store } from '../store/store.ts'

const PAUSE_MS = HOUR_MS
/** After a fault, or when what is old was in use just then. */
const SHORT_PAUSE_MS = 60_000

export class HistoryKeeper {
  readonly #store: Pick<Store, 'keepHistory' | 'read'>
  readonly #clock: Clock
  readonly #log: Pick<Logger, 'info' | 'error'>
  readonly #retentionDays: number
  #timer: Timer | undefined
  #running: Promise<void> = Promise.resolve()
  #isStopped = false

  /** @param retentionDays how many days history is kept; 0: for ever */
  constructor(
    store: Pick<Store, 'keepHistory' | 'read'>,
    clock: Clock,
    log: Pick<Logger, 'info' | 'error'>,
    retentionDays: number,
  ) {
    this.#store = store
    this.#clock = clock
    this.#log = log
    this.#retentionDays = retentionDays
  }

  /** Doesn't wait for the first look: `migrate` has made what is needed to begin, and what is old can take its time. */
  start(): void {
    this.#running = this.#look()
  }

  /** After the look that is under way. */
  async stop(): Promise<void> {
    this.#isStopped = true
    this.#timer?.cancel()
    await this.#running
  }

  async #look(): Promise<void> {
    const isDone = await this.#keep()
    if (this.#isStopped) return
    this.#timer = this.#clock.after(isDone ? PAUSE_MS : SHORT_PAUSE_MS, () => {
      this.#running = this.#look()
    })
  }

  /** A day's tables are everybody's: a tenant with a longer age keeps them for it. The others' goes in steps then. */
  async #longestDays(): Promise<number> {
    if (this.#retentionDays === 0) return 0
    return Math.max(this.#retentionDays, await this.#store.read('readLongestRetention', {}))
  }

  async #keep(): Promise<boolean> {
    let report: HistoryReport
    try {
      report = await this.#store.keepHistory(await this.#longestDays())
    } catch (error) {
      this.#log.error({ err: error }, 'the tables of the history could not be looked after')
      return false
    }
    if (report.made + report.dropped.length > 0) this.#log.info(report, 'the tables of the history were looked after')
    return report.busy.length === 0
  }
}
