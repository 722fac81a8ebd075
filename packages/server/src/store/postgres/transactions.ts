import pg from 'pg'
import type { Clock } from '../../base/clock.ts'
import { NotDurable, StoreUnavailable, type Transaction } from '../transaction.ts'
import { connectionOptions } from './connection.ts'
import { ConnectionPool, type PooledConnection } from './connection-pool.ts'
import { ask, drive } from './query.ts'
import { isAway, isTooSlow } from './server-errors.ts'
import { ServerTime } from './server-time.ts'

/** To one node: so many transactions at once, of which one writes what is published and settled. */
const MAX_CONNECTIONS = 8

/**
 * A commit also waits for disks, and for a synchronous standby. What it left behind when we gave up waits on in the
 * server, with its connection: so each further one in a row is given twice as long, lest they use up all connections.
 */
const COMMIT_TIMEOUT_MS = 10_000
const LONGEST_COMMIT_TIMEOUT_MS = 60_000
/** A transaction whose client is behind a cut line, or was paused, keeps its locks from everybody else no longer. */
const IDLE_IN_TRANSACTION_MS = 3_000

const INT8 = 20
const types = {
  getTypeParser: (oid: number, format?: 'text' | 'binary') =>
    oid === INT8 ? Number : pg.types.getTypeParser(oid, format as 'text'),
}

/** What a transaction is for, and how long each step of it can take, milliseconds. */
export type Mode = { readonly isRead: boolean; readonly timeoutMs: number }

/** What the server says of itself at the begin of each transaction. */
type Greeting = {
  readonly standby: boolean
  /** Milliseconds since 1970, with a fraction. */
  readonly now: string
  readonly fsync: string
  readonly synchronous_commit: string
}

/**
 * Everything that a transaction needs to have set, in the round trip of its begin, and for this transaction only: so it
 * holds whichever server connection a pooler lends us, and start-up parameters that poolers refuse aren't needed.
 */
const beginText = ({ isRead, timeoutMs }: Mode) =>
  `begin${isRead ? ' read only' : ''};
   select set_config('search_path', 'posthorn', true), set_config('statement_timeout', '${timeoutMs}', true),
     set_config('idle_in_transaction_session_timeout', '${IDLE_IN_TRANSACTION_MS}', true),
     pg_is_in_recovery() as standby, extract(epoch from clock_timestamp()) * 1000 as now,
     current_setting('fsync') as fsync, current_setting('synchronous_commit') as synchronous_commit`

/** What a server must not be if a 202, or what it answers, is to mean something. After a failover it is another one. */
function requireFit({ standby, fsync, synchronous_commit: synchronousCommit }: Greeting): void {
  if (standby)
    throw new StoreUnavailable('The database server is a standby, which can lag behind and accepts no writes')
  const off = fsync === 'off' ? 'fsync' : synchronousCommit === 'off' ? 'synchronous_commit' : undefined
  if (off !== undefined) throw new NotDurable(`The database has ${off} turned off, so it can lose events: turn it on`)
}

/**
 * Transactions on connections of a pool. Each begins with a look at the server: what time it has, and whether it keeps
 * what it says that it keeps.
 */
export class Transactions {
  readonly pool: ConnectionPool
  readonly time: ServerTime
  readonly #clock: Clock
  #commitTimeoutMs = COMMIT_TIMEOUT_MS

  constructor(url: string, clock: Clock) {
    this.pool = new ConnectionPool(
      { ...connectionOptions(url), max: MAX_CONNECTIONS, types, application_name: 'posthorn' },
      clock,
    )
    this.time = new ServerTime(clock)
    this.#clock = clock
  }

  /** Throws StoreUnavailable, NotDurable, and what the transaction, or the server over its data, throws. */
  async transact<Result>(mode: Mode, run: () => Transaction<Result>): Promise<Result> {
    let client: PooledConnection
    try {
      client = await this.pool.connect()
    } catch (error) {
      throw new StoreUnavailable('The database cannot be reached', { cause: error })
    }
    try {
      await this.#begin(client, mode)
      const result = await drive(client, run(), mode.timeoutMs)
      await this.#commit(client, mode)
      client.giveBack(true)
      return result
    } catch (error) {
      const away = isAway(error)
      // After a fault of the server nothing that this connection believes is believed any more.
      const isSound = !away || isTooSlow(error)
      client.giveBack(isSound && (await rollBack(client, mode)))
      if (!away || error instanceof NotDurable) throw error
      throw new StoreUnavailable('The database failed during a transaction', { cause: error })
    }
  }

  async #begin(client: pg.PoolClient, mode: Mode): Promise<void> {
    const askedAtMs = this.#clock.monotonicMs()
    const answers = (await ask(client, { text: beginText(mode) }, mode.timeoutMs)) as unknown as pg.QueryResult[]
    const greeting = answers[1]!.rows[0] as Greeting
    requireFit(greeting)
    this.time.learn(Number(greeting.now), askedAtMs)
  }

  async #commit(client: pg.PoolClient, { isRead, timeoutMs }: Mode): Promise<void> {
    if (isRead) return void (await ask(client, { text: 'commit' }, timeoutMs))
    try {
      await ask(client, { text: 'commit' }, this.#commitTimeoutMs)
      this.#commitTimeoutMs = COMMIT_TIMEOUT_MS
    } catch (error) {
      this.#commitTimeoutMs = Math.min(this.#commitTimeoutMs * 2, LONGEST_COMMIT_TIMEOUT_MS)
      throw error
    }
  }
}

async function rollBack(client: pg.PoolClient, { timeoutMs }: Mode): Promise<boolean> {
  return ask(client, { text: 'rollback' }, timeoutMs).then(
    () => true,
    () => false,
  )
}
