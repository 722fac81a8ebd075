/** The store as doctor opens it, on either engine. */
import type { Clock } from '../../base/clock.ts'
import type { Config } from '../../config/config.ts'
import type { CheckedStore } from '../../server/checks/installation.ts'
import { openDatabase } from '../../server/database-opening.ts'
import { inspect } from '../../store/sqlite/inspection.ts'
import { databaseFile } from '../../store/sqlite/private-store.ts'

export type LookedAt = CheckedStore & { close(): Promise<void> }

/** Throws StartRefused, StoreUnavailable. */
export async function lookAt(config: Config, clock: Clock): Promise<LookedAt> {
  if (config.databaseUrl !== null) {
    const store = await openDatabase(config.databaseUrl, clock)
    return {
      engine: 'postgres',
      read: store.read.bind(store),
      now: () => store.now(),
      durability: () => store.durability(),
      checkPages: async () => 'ok',
      tryWriting: () => store.write('writeMeta', { key: 'doctor_ms', value: String(store.now()) }),
      close: () => store.close(),
    }
  }
  const inspection = inspect(databaseFile(config.data))
  return {
    engine: 'sqlite',
    read: inspection.read,
    now: () => clock.now(),
    durability: async () => ({ journal_mode: inspection.pragma('journal_mode') }),
    checkPages: () => inspection.read('checkPages', {}),
    tryWriting: async () => {},
    close: async () => inspection.close(),
  }
}
