import pg from 'pg'
import type { Clock } from '../../base/clock.ts'
import { type Note, packNotes } from '../stream-notes.ts'
import { NotDurable, StoreUnavailable, type Transaction, text } from '../transaction.ts'
import { connectionOptions } from './connection.ts'
import { ConnectionPool, type PooledConnection } from './connection-pool.ts'
import { postgresDialect } from './dialect.ts'
import { ask, drive } from './query.ts'
import { isAway, isReported, isStandbyFault, isTooSlow } from './server-errors.ts'
import { ServerTime } from './server-time.ts'
import {
  beginText,
  type Greeting,
  KEEP_SESSION,
  type Mode,
  onStandby,
  READ_ONLY_SOURCE,
  requireFit,
  requireWritable,
} from './session.ts'
import { type Begun, StreamFlag } from './stream-flag.ts'
import { noWholeTimeout } from './whole-timeout.ts'

/** Connections of one node, and so its concurrent transactions. One of them writes what is published and settled. */
const MAX_CONNECTIONS = 8

/**
 * A commit also waits for disks, and for a synchronous standby. When we give up, the server keeps waiting and keeps its
 * connection. So each further commit in a row gets twice as long: otherwise they would use up all connections.
 */
const COMMIT_TIMEOUT_MS = 10_000
const LONGEST_COMMIT_TIMEOUT_MS = 60_000

const INT8 = 20
const types = {
  getTypeParser: (oid: number, format?: 'text' | 'binary') =>
    oid === INT8 ? Number : pg.types.getTypeParser(oid, format as 'text'),
}

/**
 * Transactions on pooled connections. Each begins by checking the server: what time it has, and whether it really keeps
 * what it commits.
 */
export class Transactions {
  readonly pool: ConnectionPool
  readonly time: ServerTime
  readonly #clock: Clock
  readonly #stream: StreamFlag
  /** Connections that have committed a transaction. */
  readonly #known = new WeakSet<pg.PoolClient>()
  #commitTimeoutMs = COMMIT_TIMEOUT_MS

  constructor(url: string, clock: Clock) {
    this.pool = new ConnectionPool(
      { ...connectionOptions(url), max: MAX_CONNECTIONS, types, application_name: 'posthorn' },
      clock,
    )
    this.time = new ServerTime(clock)
    this.#stream = new StreamFlag(clock)
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
      const begun = await this.#begin(client, mode)
      const notes: Note['note'][] = []
      const result = await drive(client, run(), mode.timeoutMs, notes)
      if (notes.length > 0 && (await this.#stream.isOn(client, mode, begun))) await addToStream(client, mode, notes)
      await this.#commit(client, mode)
      this.#known.add(client)
      client.giveBack(true)
      return result
    } catch (error) {
      const away = isAway(error)
      // After a fault of the server, no state of this connection can be trusted.
      const isSound = !away || isTooSlow(error)
      client.giveBack(isSound && (await rollBack(client, mode)))
      if (!away || error instanceof NotDurable) throw error
      throw new StoreUnavailable('The database failed during a transaction', {
        cause: error,
        isReported: isReported(error),
      })
    }
  }

  async #begin(client: pg.PoolClient, mode: Mode): Promise<Begun> {
    const first = noWholeTimeout(client) + (this.#known.has(client) ? '' : KEEP_SESSION)
    const begin = beginText(mode, first)
    const askedAtMs = this.#clock.monotonicMs()
    const answers = (await ask(client, { text: begin }, mode.timeoutMs).catch(error => {
      throw isStandbyFault(error) ? onStandby(error) : error
    })) as unknown as pg.QueryResult[]
    const greeting = answers.at(-1)!.rows[0] as Greeting
    requireFit(greeting)
    this.time.learn(Number(greeting.now), askedAtMs)
    await this.#checkWritable(client, mode, greeting)
    return { atMs: askedAtMs, serverMs: Number(greeting.now) }
  }

  /** Only a few servers need this further round trip. */
  async #checkWritable(client: pg.PoolClient, { isRead, timeoutMs }: Mode, greeting: Greeting): Promise<void> {
    if (isRead || greeting.read_only === 'off') return
    const { rows } = await ask(client, { text: READ_ONLY_SOURCE }, timeoutMs)
    requireWritable(text(rows[0]!.source))
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

/** Writes what a transaction has changed to the log of the stream: last, when it holds all its locks. */
async function addToStream(client: pg.PoolClient, { timeoutMs }: Mode, notes: readonly Note['note'][]): Promise<void> {
  const entries = packNotes(notes)
  if (entries !== undefined) await ask(client, { text: postgresDialect.addToStream, values: [entries] }, timeoutMs)
}

async function rollBack(client: pg.PoolClient, { timeoutMs }: Mode): Promise<boolean> {
  return ask(client, { text: 'rollback' }, timeoutMs).then(
    () => true,
    () => false,
  )
}
