/** What must be true of a store before serve uses it, and what each startup writes to it. */

import type { Clock } from '../base/clock.ts'
import { DAY_MS } from '../base/durations.ts'
import { StartRefused } from '../base/start-refused.ts'
import { starterCatalogue } from '../catalogue/starter-catalogue.ts'
import { takeSteps } from '../store/migrate.ts'
import { MOVE_MARK } from '../store/operations/move.ts'
import { KEY_LIFE_META } from '../store/postgres/publish-function.ts'
import type { Store } from '../store/store.ts'

/** Migrates the store to this version's schema. Throws StartRefused if serve can't use it. */
export async function prepareStore(store: Store, clock: Clock): Promise<void> {
  await takeSteps(store, clock)
  await requireWhole(store)
  await requireDurability(store)
}

/** @param idempotencyDays stored for publishing from SQL, which can't read the settings */
export async function seedStore(
  store: Store,
  { idempotencyDays }: { readonly idempotencyDays: number },
): Promise<void> {
  await store.write('seedCatalogue', { types: starterCatalogue, nowMs: store.now() })
  await store.write('writeMeta', { key: KEY_LIFE_META, value: String(idempotencyDays * DAY_MS) })
}

/** A partly moved installation would send only part of the pending deliveries. */
async function requireWhole(store: Store): Promise<void> {
  if ((await store.read('readMeta', { key: MOVE_MARK })) === null) return
  throw new StartRefused('A move into this database is not finished: run the same `posthorn move` again.')
}

/**
 * Checks that the store reports durable settings: otherwise a 202 would promise nothing. PostgreSQL is checked in each
 * transaction.
 */
async function requireDurability(store: Store): Promise<void> {
  if (store.engine === 'postgres') return
  // 2 is FULL.
  const { synchronous, journal_mode: journalMode } = await store.durability()
  if (synchronous !== '2' || journalMode !== 'wal') {
    throw new StartRefused(
      `The store would not be durable (synchronous ${synchronous}, journal ${journalMode}): ` +
        'put the data folder on a local disk where SQLite can use a write-ahead log.',
    )
  }
}
