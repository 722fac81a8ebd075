/** Opens a PostgreSQL database, or tells the operator why it can't be opened. */
import type { Clock } from '../base/clock.ts'
import { StartRefused } from '../base/start-refused.ts'
import type { Config } from '../config/config.ts'
import { openPostgres } from '../store/postgres/driver.ts'
import { isUntrusted, mayPass } from '../store/postgres/server-errors.ts'
import { Store } from '../store/store.ts'
import { NotDurable } from '../store/transaction.ts'

/** How long to wait for an unavailable database. Most failovers take less; supervisors restart serve after that. */
const DATABASE_WAIT_MS = 30_000
const DATABASE_PAUSE_MS = 1_000

/** Throws StartRefused. Calls `say` once if the database is unavailable and has to be waited for. */
export async function openDatabase(
  url: NonNullable<Config['databaseUrl']>,
  clock: Clock,
  say: (text: string) => unknown = () => {},
): Promise<Store> {
  const endMs = clock.monotonicMs() + DATABASE_WAIT_MS
  for (let tries = 1; ; tries++) {
    try {
      return new Store(await openPostgres(url.reveal(), clock), clock)
    } catch (error) {
      // Wait for a database that is restarting or failing over to its standby.
      if (!mayPass(error) || clock.monotonicMs() >= endMs) throw databaseRefusal(error)
      if (tries === 1) say(`The database is unavailable (${reasonOf(error)}). Retrying for a while.\n`)
      await new Promise<void>(resolve => void clock.after(DATABASE_PAUSE_MS, resolve))
    }
  }
}

/** The message of the innermost cause: the outer ones only say that something failed. */
function reasonOf(error: unknown): string {
  let at = error as Error
  while (at.cause instanceof Error) at = at.cause
  return at.message
}

/** Turns a database error into a message for the operator of a command that needs the database. */
export function databaseRefusal(error: unknown): StartRefused {
  if (error instanceof NotDurable) return new StartRefused(`${error.message}.`, { cause: error })
  const hint = isUntrusted(error)
    ? 'its certificate is not trusted with the sslmode and sslrootcert in POSTHORN_DATABASE_URL'
    : 'check POSTHORN_DATABASE_URL'
  return new StartRefused(`The database cannot be used (${reasonOf(error)}): ${hint}.`, { cause: error })
}
