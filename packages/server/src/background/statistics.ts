/** Removes statistics: those that are older than they are kept, and those of tenants that are gone. In small steps. */

import type { Clock, Timer } from '../base/clock.ts'
import { HOUR_MS } from '../base/durations.ts'
import type { Logger } from '../base/logger.ts'
import { removeAllStats } from '../store/in-steps.ts'
import { GRAIN_NAMES } from '../store/operations/stats.ts'
import type { Store } from '../store/store.ts'

const PAUSE_MS = HOUR_MS
const ROWS_A_COMMIT = 500

export class StatisticsCleaner {
  readonly #store: Store
  readonly #clock: Clock
  readonly #log: Pick<Logger, 'error'>
  readonly #isOurs: () => boolean
  #timer: Timer | undefined
  #running: Promise<void> = Promise.resolve()
  #isStopped = false

  /** @param isOurs whether this node is the one that does it */
  constructor(store: Store, clock: Clock, log: Pick<Logger, 'error'>, isOurs: () => boolean) {
    this.#store = store
    this.#clock = clock
    this.#log = log
    this.#isOurs = isOurs
  }

  start(): void {
    this.#running = this.#look()
  }

  /** After the step that is under way. */
  async stop(): Promise<void> {
    this.#isStopped = true
    this.#timer?.cancel()
    await this.#running
  }

  async #look(): Promise<void> {
    try {
      await this.#tidy()
    } catch (error) {
      this.#log.error({ err: error }, 'old statistics could not be removed; it is tried again')
    }
    if (!this.#isStopped) this.#timer = this.#clock.after(PAUSE_MS, () => this.start())
  }

  async #tidy(): Promise<void> {
    for (const grain of GRAIN_NAMES) {
      let gone = ROWS_A_COMMIT
      while (gone === ROWS_A_COMMIT && this.#mayGoOn()) {
        gone = await this.#store.write('dropOldStats', { grain, nowMs: this.#store.now(), limit: ROWS_A_COMMIT })
      }
    }
    if (!this.#mayGoOn()) return
    for (const tenant of await this.#store.read('tenantsWithStrayStats', {})) await removeAllStats(this.#store, tenant)
  }

  #mayGoOn(): boolean {
    return this.#isOurs() && !this.#isStopped
  }
}
