import { SYSTEM } from '../base/callers.ts'
import { HOUR_MS, MINUTE_MS } from '../base/durations.ts'
import type { Logger } from '../base/logger.ts'
import { LISTENER_KEPT_MS } from '../base/model.ts'
import { cancelAll } from '../store/in-steps.ts'
import type { UnseenListener } from '../store/operations/listeners/readers.ts'
import type { Store } from '../store/store.ts'
import type { BackgroundWork, Stepper } from './works.ts'

const EVERY_MS = MINUTE_MS
/** Time for listeners to come back after the installation was down, which can have been for more than a day. */
const FIRST_AFTER_MS = 5 * MINUTE_MS
const ROWS_A_STEP = 100
/** Longer than any request can be open. */
const STALE_MS = HOUR_MS

/**
 * Deletes listeners that no one has listened to for a day, as a call would, and removes what nodes that died have left of
 * streams and requests (decision 54).
 */
export class ListenersCleaner implements BackgroundWork {
  readonly name = 'listeners'
  readonly #store: Store
  readonly #log: Pick<Logger, 'info'>
  readonly #notBeforeMs: number

  constructor(store: Store, log: Pick<Logger, 'info'>) {
    this.#store = store
    this.#log = log
    this.#notBeforeMs = store.now() + FIRST_AFTER_MS
  }

  readonly isWanted = async (): Promise<boolean> => this.#store.now() >= this.#notBeforeMs

  async run(steps: Stepper): Promise<{ state: string; afterMs: number }> {
    const limit = ROWS_A_STEP
    for (const unseen of await steps.step(() => this.#findUnseen())) await steps.step(() => this.#delete(unseen))
    const stale = () => ({ beforeMs: this.#store.now() - STALE_MS, limit })
    while ((await steps.step(() => this.#store.write('dropStaleListening', stale()))) > 0);
    return { state: '', afterMs: EVERY_MS }
  }

  #findUnseen(): Promise<UnseenListener[]> {
    const nowMs = this.#store.now()
    return this.#store.read('findUnseenListeners', { beforeMs: nowMs - LISTENER_KEPT_MS, nowMs, limit: ROWS_A_STEP })
  }

  async #delete({ tenant, id }: UnseenListener): Promise<void> {
    const partition = await this.#store.write('deleteEndpoint', { tenant, id, by: SYSTEM, nowMs: this.#store.now() })
    if (partition === null) return
    const at = { tenant, endpoint: id, partition }
    // As for any endpoint that is deleted: its lane stops first.
    this.#store.changes.emit({ kind: 'endpoint', ...at })
    await cancelAll(this.#store, at)
    this.#store.changes.emit({ kind: 'lane', ...at })
    this.#log.info({ tenant, endpoint: id }, 'listener deleted; no one listened for a day')
  }
}
