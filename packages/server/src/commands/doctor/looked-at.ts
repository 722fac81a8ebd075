/** The store as doctor sees it, on either engine. */
import type { Clock } from '../../base/clock.ts'
import type { Config } from '../../config/config.ts'
import { openDatabase } from '../../server/database-opening.ts'
import { type Inspection, inspect } from '../../store/sqlite/inspection.ts'
import { databaseFile } from '../../store/sqlite/private-store.ts'
import type { Store } from '../../store/store.ts'

export type LookedAt = {
  readonly engine: 'sqlite' | 'postgres'
  readonly read: Store['read']
  /** The store's time, in milliseconds since 1970. */
  now(): number
  /** Read access to the SQLite file. Null on PostgreSQL. */
  readonly inspection: Inspection | null
  /** The PostgreSQL store. Null on SQLite. */
  readonly store: Store | null
  close(): Promise<void>
}

/** Throws StartRefused, StoreUnavailable. */
export async function lookAt(config: Config, clock: Clock): Promise<LookedAt> {
  if (config.databaseUrl !== null) {
    const store = await openDatabase(config.databaseUrl, clock)
    return {
      engine: 'postgres',
      read: store.read.bind(store),
      now: () => store.now(),
      inspection: null,
      store,
      close: () => store.close(),
    }
  }
  const inspection = inspect(databaseFile(config.data))
  return {
    engine: 'sqlite',
    read: inspection.read,
    now: () => clock.now(),
    inspection,
    store: null,
    close: async () => inspection.close(),
  }
}
