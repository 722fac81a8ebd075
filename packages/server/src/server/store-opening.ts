/** The store that is configured, opened; and what can be in the way, said to the operator. */
import { existsSync } from 'node:fs'
import type { Clock } from '../base/clock.ts'
import { StartRefused } from '../base/start-refused.ts'
import type { Config } from '../config/config.ts'
import type { Bus } from '../store/bus.ts'
import { databaseFile, FolderInUse, openSqlite } from '../store/sqlite/driver.ts'
import { Store } from '../store/store.ts'
import { StoreUnavailable } from '../store/transaction.ts'

/** A store, and how the nodes on it tell each other; null where it can have one process only. */
export type Opened = { readonly store: Store; readonly bus: Bus | null }

const HOW_TO_MAKE = {
  POSTHORN_ENCRYPTION_KEY: 'make one with `openssl rand -base64 32`, keep a copy of it apart from the database',
  POSTHORN_API_KEY: 'make one with `openssl rand -hex 32`',
} as const

/** Throws StartRefused. `say` is told when the database is away and waited for. */
export async function openShared(config: Config, clock: Clock, say: (text: string) => unknown): Promise<Opened> {
  const url = config.databaseUrl?.reveal()
  if (url === undefined) {
    if (config.role !== 'all') {
      throw new StartRefused('The embedded store has one process only: leave role out, or set POSTHORN_DATABASE_URL.')
    }
    return { store: await openStore(config, clock), bus: null }
  }
  for (const [key, name] of [
    [config.encryptionKey, 'POSTHORN_ENCRYPTION_KEY'],
    [config.apiKey, 'POSTHORN_API_KEY'],
  ] as const) {
    if (key !== null) continue
    throw new StartRefused(`${name} is not set: ${HOW_TO_MAKE[name]}, and set it to the same on every node.`)
  }
  const store = await openStore(config, clock, say)
  const { PostgresBus } = await import('../store/postgres/bus.ts')
  return { store, bus: new PostgresBus(config.listenUrl?.reveal() ?? url, clock) }
}

type Where = Pick<Config, 'data' | 'databaseUrl'>

/** Throws StartRefused. `say` is told when the database is away and waited for. */
export async function openStore(
  { data, databaseUrl }: Where,
  clock: Clock,
  say: (text: string) => unknown = () => {},
): Promise<Store> {
  // Loaded here only: the embedded store needs nothing of it.
  if (databaseUrl !== null) return (await import('./database-opening.ts')).openDatabase(databaseUrl, clock, say)
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

/** For whoever doesn't want to make a new one in a folder that was mistyped. */
export function requireDatabaseFile(folder: string): void {
  if (existsSync(databaseFile(folder))) return
  throw new StartRefused(`There is no Posthorn in ${folder}: name the folder that serve was run on with --data.`)
}

/** Errors that a store's use can end with, as refusals. They lose their class in the store's thread; names stay. */
export async function storeRefusal(error: unknown, store: Store): Promise<unknown> {
  const { name, message } = error as Error
  if (name === 'StoreTooNew') return new StartRefused(message, { cause: error })
  if (store.engine === 'postgres' && error instanceof StoreUnavailable) {
    return (await import('./database-opening.ts')).databaseRefusal(error)
  }
  if (name !== 'StoreUnavailable') return error
  const said = `The store in the data folder cannot be used (${message}): check the disk and the file.`
  return new StartRefused(said, { cause: error })
}
