import type { Clock } from '../base/clock.ts'
import { MIGRATIONS } from './migrations/index.ts'
import type { Migration } from './migrations/migration.ts'
import type { Store } from './store.ts'
import { StoreContended, StoreUnavailable } from './transaction.ts'

const MAX_TRIES = 30
const PAUSE_MS = 1_000

/**
 * Migrates the store to this Posthorn's schema, each step in its own transaction; returns how many steps were taken. A
 * step that is blocked by other transactions gives way and is retried. Throws StoreTooNew, StoreUnavailable.
 */
export async function takeSteps(store: Store, clock: Clock, steps: readonly Migration[] = MIGRATIONS): Promise<number> {
  let taken = 0
  for (let tries = 1; ; ) {
    try {
      const count = await store.write('migrate', { steps, limit: 1 })
      if (count === 0) return taken
      taken += count
      tries = 1
    } catch (error) {
      const isPassing = error instanceof StoreUnavailable || error instanceof StoreContended
      if (!isPassing || tries++ === MAX_TRIES) throw error
      await new Promise<void>(resolve => void clock.after(PAUSE_MS, resolve))
    }
  }
}
