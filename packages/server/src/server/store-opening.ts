/** Opens the configured store, or tells the operator why it can't be opened. */
import { existsSync } from 'node:fs'
import type { Clock } from '../base/clock.ts'
import { StartRefused } from '../base/start-refused.ts'
import type { Config } from '../config/config.ts'
import type { Bus } from '../store/bus.ts'
import { FolderInUse, openSqlite } from '../store/sqlite/driver.ts'
import { databaseFile } from '../store/sqlite/private-store.ts'
import { Store } from '../store/store.ts'
import { StoreUnavailable } from '../store/transaction.ts'

/** A store, and the bus between the nodes that share it. The bus is null if the store allows only one process. */
export type Opened = { readonly store: Store; readonly bus: Bus | null }

const HOW_TO_MAKE = {
  POSTHORN_ENCRYPTION_KEY: 'generate one with `openssl rand -base64 32`, keep a copy of it apart from the database',
  POSTHORN_API_KEY: 'generate one with `openssl rand -hex 32`',
} as const

/** Throws StartRefused. Calls `say` once if the database is unavailable and has to be waited for. */
export async function openShared(config: Config, clock: Clock, say: (text: string) => unknown): Promise<Opened> {
  const url = config.databaseUrl?.reveal()
  if (url === undefined) {
    if (config.role !== 'all') {
      throw new StartRefused(
        'The embedded store allows only one process: leave role out, or set POSTHORN_DATABASE_URL.',
      )
    }
    return { store: await openStore(config, clock), bus: null }
  }
  for (const [key, name] of [
    [config.encryptionKey, 'POSTHORN_ENCRYPTION_KEY'],
    [config.apiKey, 'POSTHORN_API_KEY'],
  ] as const) {
    if (key !== null) continue
    throw new StartRefused(`${name} is not set: ${HOW_TO_MAKE[name]}, and set it to the same value on every node.`)
  }
  const store = await openStore(config, clock, say)
  const { PostgresBus } = await import('../store/postgres/bus.ts')
  return { store, bus: new PostgresBus(config.listenUrl?.reveal() ?? url, clock) }
}

type Where = Pick<Config, 'data' | 'databaseUrl'>

/** Throws StartRefused. Calls `say` once if the database is unavailable and has to be waited for. */
export async function openStore(
  { data, databaseUrl }: Where,
  clock: Clock,
  say: (text: string) => unknown = () => {},
): Promise<Store> {
  // Loaded only here: the embedded store doesn't need it.
  if (databaseUrl !== null) return (await import('./database-opening.ts')).openDatabase(databaseUrl, clock, say)
  try {
    return new Store(await openSqlite(data, clock), clock)
  } catch (error) {
    if (error instanceof FolderInUse) throw new StartRefused(error.message)
    const { message } = error as Error
    throw new StartRefused(
      `The data folder ${data} cannot be used (${message}): it must be a folder that this user can write to.`,
      { cause: error },
    )
  }
}

/** For commands that must not create a new store in a mistyped folder. */
export function requireDatabaseFile(folder: string): void {
  if (existsSync(databaseFile(folder))) return
  throw new StartRefused(`There is no Posthorn store in ${folder}: specify serve's data folder with --data.`)
}

/** Turns a store's errors into refusals. Errors lose their class in the store's thread, so they are told by name. */
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
