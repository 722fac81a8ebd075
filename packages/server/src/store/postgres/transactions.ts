import pg from 'pg'
import type { Clock } from '../../base/clock.ts'
import { NotDurable, StoreUnavailable, type Transaction } from '../transaction.ts'
import { connectionOptions } from './connection.ts'
import { ConnectionPool, type PooledConnection } from './connection-pool.ts'
import { ask, drive } from './query.ts'
import { isAway, isTooSlow } from './server-errors.ts'
import { ServerTime } from './server-time.ts'

/** Connections of one node, and so its concurrent transactions. One of them writes what is published and settled. */
const MAX_CONNECTIONS = 8

/**
 * A commit also waits for disks, and for a synchronous standby. When we give up, the server keeps waiting and keeps its
 * connection. So each further commit in a row gets twice as long: otherwise they would use up all connections.
 */
const COMMIT_TIMEOUT_MS = 10_000
const LONGEST_COMMIT_TIMEOUT_MS = 60_000
/** How long a transaction keeps its locks if its client is cut off from the network, or was paused. */
const IDLE_IN_TRANSACTION_MS = 3_000

const INT8 = 20
const types = {
  getTypeParser: (oid: number, format?: 'text' | 'binary') =>
    oid === INT8 ? Number : pg.types.getTypeParser(oid, format as 'text'),
}

/** What a transaction is for, and how long each of its steps can take, in milliseconds. */
export type Mode = { readonly isRead: boolean; readonly timeoutMs: number }

/** What the server reports about itself at the beginning of each transaction. */
type Greeting = {
  readonly standby: boolean
  /** Milliseconds since 1970, with a fraction. */
  readonly now: string
  readonly fsync: string
  readonly synchronous_commit: string
}

/**
 * Sets everything that a transaction needs in the round trip of its begin, and for this transaction only. So it works
 * on whichever server connection a pooler lends us, and needs no startup parameters that poolers refuse.
 */
const beginText = ({ isRead, timeoutMs }: Mode) =>
  `begin${isRead ? ' read only' : ''};
   select set_config('search_path', 'posthorn', true), set_config('statement_timeout', '${timeoutMs}', true),
     set_config('idle_in_transaction_session_timeout', '${IDLE_IN_TRANSACTION_MS}', true),
     pg_is_in_recovery() as standby, extract(epoch from clock_timestamp()) * 1000 as now,
     current_setting('fsync') as fsync, current_setting('synchronous_commit') as synchronous_commit`

/** Throws if a 202, or a response of this server, would mean nothing. After a failover it can be another server. */
function requireFit({ standby, fsync, synchronous_commit: synchronousCommit }: Greeting): void {
  if (standby) throw new StoreUnavailable('The database is a standby, which can lag behind and takes no writes')
  const off = fsync === 'off' ? 'fsync' : synchronousCommit === 'off' ? 'synchronous_commit' : undefined
  if (off !== undefined) throw new NotDurable(`The database has ${off} turned off, so it can lose events: turn it on`)
}

/**
 * Transactions on pooled connections. Each begins by checking the server: what time it has, and whether it really keeps
 * what it commits.
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

  /** Throws StoreUnavailable, NotDurable, and what the transaction throws, or the server because of its data. */
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
      // After a fault of the server, no state of this connection can be trusted.
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
