import { MINUTE_MS } from '../base/durations.ts'
import type { Store } from '../store/store.ts'
import type { BackgroundWork, Stepper } from './works.ts'

const EVERY_MS = MINUTE_MS
const ROWS_A_STEP = 500

/**
 * Removes calls with an `Idempotency-Key` once they have expired, and the responses that contained secrets long before
 * that. A call that is due but still there is not shown either, so nothing depends on when this runs.
 */
export class IdempotentCallsCleaner implements BackgroundWork {
  readonly name = 'idempotent calls'
  readonly #store: Pick<Store, 'read' | 'write' | 'now'>

  constructor(store: Pick<Store, 'read' | 'write' | 'now'>) {
    this.#store = store
  }

  readonly isWanted = (): Promise<boolean> => this.#store.read('findDueCalls', { nowMs: this.#store.now() })

  async run(steps: Stepper): Promise<{ state: string; afterMs: number }> {
    const limit = ROWS_A_STEP
    for (const drop of ['dropSealedResponses', 'dropExpiredCalls'] as const) {
      while ((await steps.step(() => this.#store.write(drop, { nowMs: this.#store.now(), limit }))) > 0);
    }
    return { state: '', afterMs: EVERY_MS }
  }
}
