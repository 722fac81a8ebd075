/** `posthorn migrate`. */
import type { Config } from '../config/config.ts'
import { openStore, requireDatabaseFile, storeRefusal } from '../server/store-opening.ts'
import { takeSteps } from '../store/migrate.ts'
import type { CommandIo } from './command-io.ts'

/** Migrates the configured store to this version's schema and reports both versions. Throws StartRefused. */
export async function migrateStore(config: Config, { stdout, clock }: CommandIo): Promise<void> {
  if (config.databaseUrl === null) requireDatabaseFile(config.data)
  const store = await openStore(config, clock)
  try {
    const steps = await takeSteps(store, clock)
    const to = Number(await store.read('readMeta', { key: 'schema_version' }))
    const said =
      steps === 0 ? `is already at schema version ${to}` : `was migrated from schema version ${to - steps} to ${to}`
    stdout.write(`The store ${said}.\n`)
  } catch (error) {
    throw await storeRefusal(error, store)
  } finally {
    await store.close()
  }
}
