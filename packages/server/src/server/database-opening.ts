/** A PostgreSQL, opened; and what can be in the way, said to the operator. */
import type { Clock } from '../base/clock.ts'
import { StartRefused } from '../base/start-refused.ts'
import type { Config } from '../config/config.ts'
import { openPostgres } from '../store/postgres/driver.ts'
import { isUntrusted, mayPass } from '../store/postgres/server-errors.ts'
import { Store } from '../store/store.ts'
import { NotDurable } from '../store/transaction.ts'

/** How long a database that is away is waited for: a failover mostly takes less. Supervisors do the rest. */
const DATABASE_WAIT_MS = 30_000
const DATABASE_PAUSE_MS = 1_000

/** Throws StartRefused. `say` is told when the database is away and waited for. */
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
      // One that restarts, or is just being replaced by its standby, is waited for.
      if (!mayPass(error) || clock.monotonicMs() >= endMs) throw databaseRefusal(error)
      if (tries === 1) say(`The database is away (${reasonOf(error)}): it is tried again for a while.\n`)
      await new Promise<void>(resolve => void clock.after(DATABASE_PAUSE_MS, resolve))
    }
  }
}

/** The innermost: the outer ones only say that something failed. */
function reasonOf(error: unknown): string {
  let at = error as Error
  while (at.cause instanceof Error) at = at.cause
  return at.message
}

/** What a fault of the database means for a command that needs it. */
export function databaseRefusal(error: unknown): StartRefused {
  if (error instanceof NotDurable) return new StartRefused(`${error.message}.`, { cause: error })
  const hint = isUntrusted(error)
    ? 'its certificate is not to be trusted as sslmode and sslrootcert in POSTHORN_DATABASE_URL have it'
    : 'check POSTHORN_DATABASE_URL'
  return new StartRefused(`The database cannot be used (${reasonOf(error)}): ${hint}.`, { cause: error })
}
