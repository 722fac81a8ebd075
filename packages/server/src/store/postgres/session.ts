/**
 * What our SQL relies on in a session. An administrator can have set something else for the role, the database or the
 * server (`alter role … set …`), and a pooler can hand us a session that others have used. So each transaction sets it,
 * for itself only: that works on whichever server connection a pooler lends us, and needs no startup parameters, which
 * poolers refuse.
 *
 * All other settings are the administrator's, and change no result: our SQL has no backslash in a literal
 * (`standard_conforming_strings`); it prints and parses no dates, intervals or floating point numbers; the driver asks
 * for UTF-8 itself and reads bytes in both formats. `test/store/engines.ts` sets all of them to something else.
 */
import { NotDurable, StoreUnavailable } from '../transaction.ts'

/** What a transaction is for, and how long each of its steps can take, in milliseconds. */
export type Mode = { readonly isRead: boolean; readonly timeoutMs: number }

/** How long a transaction keeps its locks if its client is cut off from the network, or was paused. */
const IDLE_IN_TRANSACTION_MS = 3_000

/** What the server reports about itself at the beginning of each transaction. */
export type Greeting = {
  readonly standby: boolean
  /** Milliseconds since 1970, with a fraction. */
  readonly now: string
  readonly fsync: string
  readonly synchronous_commit: string
  /** Whether transactions are read-only unless they say otherwise, as ours do: `on` or `off`. */
  readonly read_only: string
}

/**
 * Sets everything that a transaction needs in the round trip of its begin. The timeout of statements comes first,
 * because the role's own applies until then. Without a time for locks, waits end with the statement (`limitLockWait`
 * shortens them). What is written is found along indexes: see `Dialect.isNamed`. A temporary table is looked for last, or one that is called like ours would be taken for it.
 * @param first statements for this server only
 */
export const beginText = ({ isRead, timeoutMs }: Mode, first: string): string =>
  `begin isolation level read committed, read ${isRead ? 'only' : 'write'}; ${first}
   set local statement_timeout = ${timeoutMs};
   select set_config('search_path', 'posthorn, pg_temp', true), set_config('lock_timeout', '0', true),
     set_config('idle_in_transaction_session_timeout', '${IDLE_IN_TRANSACTION_MS}', true),
     ${isRead ? '' : `set_config('enable_seqscan', 'off', true),`} pg_is_in_recovery() as standby, extract(epoch from clock_timestamp()) * 1000 as now,
     current_setting('fsync') as fsync, current_setting('synchronous_commit') as synchronous_commit,
     current_setting('default_transaction_read_only') as read_only`

/**
 * Goes into the first begin on a connection. The only setting that outlives a transaction: it ends sessions between
 * two, and the next one on a connection of the pool would fail.
 */
export const KEEP_SESSION = 'set idle_session_timeout = 0;'

export const onStandby = (cause?: unknown): StoreUnavailable =>
  new StoreUnavailable('The database is a standby, which can lag behind and takes no writes', { cause })

/** Throws if a 202, or a response of this server, would mean nothing. After a failover it can be another server. */
export function requireFit({ standby, fsync, synchronous_commit: synchronousCommit }: Greeting): void {
  if (standby) throw onStandby()
  const off = fsync === 'off' ? 'fsync' : synchronousCommit === 'off' ? 'synchronous_commit' : undefined
  if (off !== undefined) throw new NotDurable(`The database has ${off} turned off, so it can lose events: turn it on`)
}

/** Where `default_transaction_read_only` was set. */
export const READ_ONLY_SOURCE = `select source from pg_settings where name = 'default_transaction_read_only'`

/** Settings of the whole server, as `pg_settings` calls their sources. */
const SERVER_SOURCES: ReadonlySet<string> = new Set(['configuration file', 'command line', 'environment variable'])

/**
 * A role or database that is read-only by default doesn't matter: our transactions say what they are. But a whole server
 * is made read-only when its disk is nearly full, as hosting services do, or before a switchover.
 *
 * @throws StoreUnavailable if the setting is the server's
 */
export function requireWritable(source: string): void {
  if (!SERVER_SOURCES.has(source)) return
  throw new StoreUnavailable(
    'The database server is read-only: default_transaction_read_only is on in its configuration, which hosting ' +
      'services do when its disk is nearly full. Free space there, then turn it off',
    { isReported: true },
  )
}
