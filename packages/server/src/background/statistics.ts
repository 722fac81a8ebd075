import type { Clock } from '../base/clock.ts'
import { HOUR_MS } from '../base/durations.ts'
import type { Logger } from '../base/logger.ts'
import { Loop } from '../base/loop.ts'
import { removeAllStats } from '../store/in-steps.ts'
import { GRAIN_NAMES } from '../store/operations/stats.ts'
import type { Store } from '../store/store.ts'

const PAUSE_MS = HOUR_MS
const ROWS_A_COMMIT = 500

/** Removes statistics past their retention period and those of deleted tenants, in small steps. */
export class StatisticsCleaner {
  readonly #store: Store
  readonly #isOurs: () => boolean
  readonly #loop: Loop

  /** @param isOurs whether this node is the one to do it */
  constructor(store: Store, clock: Clock, log: Pick<Logger, 'error'>, isOurs: () => boolean) {
    this.#store = store
    this.#isOurs = isOurs
    this.#loop = new Loop({
      clock,
      everyMs: PAUSE_MS,
      run: () => this.#tidy(),
      onFailure: error => log.error({ err: error }, 'removing old statistics failed; retrying'),
    })
  }

  start(): void {
    this.#loop.start()
  }

  /** Resolves after the current step. */
  stop(): Promise<void> {
    return this.#loop.stop()
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
    return this.#isOurs() && !this.#loop.isStopped
  }
}
