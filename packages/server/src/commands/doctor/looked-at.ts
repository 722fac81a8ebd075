/** The store as the doctor sees it, whichever engine it is on. */
import type { Clock } from '../../base/clock.ts'
import type { Config } from '../../config/config.ts'
import { openDatabase } from '../../server/database-opening.ts'
import { databaseFile } from '../../store/sqlite/driver.ts'
import { type Inspection, inspect } from '../../store/sqlite/inspection.ts'
import type { Store } from '../../store/store.ts'

export type LookedAt = {
  readonly engine: 'sqlite' | 'postgres'
  readonly read: Store['read']
  /** The store's time, milliseconds since 1970. */
  now(): number
  /** SQLite: what it says of itself. */
  readonly inspection: Inspection | null
  /** PostgreSQL. */
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
