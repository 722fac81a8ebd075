import { Socket } from 'node:net'
import pg from 'pg'
import type { Clock } from '../../base/clock.ts'
import { noteVersion } from './whole-timeout.ts'

/** How long connections in use can finish their work after a fault; then they are cut, with or without a response. */
const GRACE_MS = 30_000

export type PooledConnection = pg.PoolClient & {
  /** Returns it to the pool. `isSound` false: it is discarded, and so are all connections opened before the fault. */
  readonly giveBack: (isSound: boolean) => void
}

/** Knows the server's version once it is connected. */
class VersionedClient extends pg.Client {
  constructor(config?: string | pg.ClientConfig) {
    super(config)
    noteVersion(this)
  }
}

type Generation = { readonly pool: pg.Pool; readonly sockets: Set<Socket> }

/**
 * Connections to one database. If one of them fails, the others of its generation are likely dead too (the server is
 * gone, was demoted, or is behind a broken network where nothing ever responds). So all are replaced together, instead
 * of being tried one by one until each has timed out.
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

  /** Throws the error that connecting failed with. */
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
    const pool = new pg.Pool({ ...this.#config, stream, Client: VersionedClient })
    // An idle connection that breaks is replaced at the next use; without a listener its error would end the process.
    pool.on('error', () => {})
    // The same for one in use: its query fails and reports the error.
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

/** A connection over a broken network can't be closed gracefully: nothing responds to the goodbye. */
function cut(sockets: ReadonlySet<Socket>): void {
  for (const socket of sockets) socket.destroy()
}
