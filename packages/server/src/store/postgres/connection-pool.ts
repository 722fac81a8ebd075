import { Socket } from 'node:net'
import pg from 'pg'
import type { Clock } from '../../base/clock.ts'

/** After a fault, connections that are in use may end what they do; then they are cut, answer or not. */
const GRACE_MS = 30_000

export type PooledConnection = pg.PoolClient & {
  /** Gives it back. `isSound` false: nothing is believed any more of it, nor of those that were opened before it. */
  readonly giveBack: (isSound: boolean) => void
}

type Generation = { readonly pool: pg.Pool; readonly sockets: Set<Socket> }

/**
 * Connections to one database. A fault of one says that the others of its time are likely dead too (the server is gone,
 * was demoted, or is behind a cut line where nothing ever answers): they are not tried one by one, each for as long as
 * its time-out, but replaced together.
 */
export class ConnectionPool {
  readonly #config: pg.PoolConfig
  readonly #clock: Clock
  readonly #retired = new Set<Generation>()
  #current: Generation

  constructor(config: pg.PoolConfig, clock: Clock) {
    this.#config = config
    this.#clock = clock
    this.#current = this.#open()
  }

  /** Throws what connecting failed with. */
  async connect(): Promise<PooledConnection> {
    const generation = this.#current
    const client = await generation.pool.connect()
    const giveBack = (isSound: boolean) => {
      client.release(!isSound)
      if (!isSound && generation === this.#current) this.#renew()
    }
    return Object.assign(client, { giveBack })
  }

  async end(): Promise<void> {
    const ended = this.#current.pool.end()
    for (const { sockets } of this.#retired) cut(sockets)
    await ended
  }

  #open(): Generation {
    const sockets = new Set<Socket>()
    const stream = () => {
      const socket = new Socket()
      sockets.add(socket)
      return socket.once('close', () => sockets.delete(socket))
    }
    const pool = new pg.Pool({ ...this.#config, stream })
    // An idle connection that breaks is replaced at the next use; without a listener it would end the process.
    pool.on('error', () => {})
    // The same for one that is in use: its query fails, and that is told.
    pool.on('connect', client => client.on('error', () => {}))
    return { pool, sockets }
  }

  #renew(): void {
    const old = this.#current
    this.#current = this.#open()
    this.#retired.add(old)
    void old.pool.end().catch(() => {})
    this.#clock.after(GRACE_MS, () => {
      cut(old.sockets)
      this.#retired.delete(old)
    })
  }
}

/** A connection behind a cut line can't be ended politely: nobody answers the goodbye. */
function cut(sockets: ReadonlySet<Socket>): void {
  for (const socket of sockets) socket.destroy()
}
