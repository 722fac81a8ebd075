/** The store that is configured, opened; and what can be in the way, said to the operator. */
import { existsSync } from 'node:fs'
import type { Clock } from './clock.ts'
import type { Config } from './config.ts'
import { StartRefused } from './start-refused.ts'
import { openPostgres } from './store/postgres/driver.ts'
import { databaseFile, FolderInUse, openSqlite } from './store/sqlite/driver.ts'
import { Store } from './store/store.ts'

type Where = Pick<Config, 'data' | 'databaseUrl'>

/** Throws StartRefused. */
export async function openStore({ data, databaseUrl }: Where, clock: Clock): Promise<Store> {
  if (databaseUrl !== null) return openDatabase(databaseUrl, clock)
  try {
    return new Store(await openSqlite(data, clock), clock)
  } catch (error) {
    if (error instanceof FolderInUse) throw new StartRefused(error.message)
    const { message } = error as Error
    throw new StartRefused(
      `The data folder ${data} cannot be used (${message}): make it a folder that this user can write to.`,
      { cause: error },
    )
  }
}

/** Throws StartRefused. */
export async function openDatabase(url: NonNullable<Where['databaseUrl']>, clock: Clock): Promise<Store> {
  try {
    return new Store(await openPostgres(url.reveal(), clock), clock)
  } catch (error) {
    throw new StartRefused(`The database cannot be used (${(error as Error).message}): check POSTHORN_DATABASE_URL.`, {
      cause: error,
    })
  }
}

/** For whoever doesn't want to make a new one in a folder that was mistyped. */
export function requireDatabaseFile(folder: string): void {
  if (existsSync(databaseFile(folder))) return
  throw new StartRefused(`There is no Posthorn in ${folder}: name the folder that serve was run on with --data.`)
}

/** Errors that a store's use can end with, as refusals. They lose their class in the store's thread; names stay. */
export function storeRefusal(error: unknown, store: Store): unknown {
  const { name, message } = error as Error
  if (name === 'StoreTooNew') return new StartRefused(message, { cause: error })
  if (name !== 'StoreUnavailable') return error
  const said =
    store.engine === 'sqlite'
      ? `The store in the data folder cannot be used (${message}): check the disk and the file.`
      : `The database cannot be used (${message}): check it, and try again.`
  return new StartRefused(said, { cause: error })
}
