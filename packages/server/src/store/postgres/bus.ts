import { randomUUID } from 'node:crypto'
import pg from 'pg'
import type { Clock, Timer } from '../../base/clock.ts'
import type { Bus } from '../bus.ts'
import { connectionOptions } from './connection.ts'
import { noteVersion, noWholeTimeout } from './whole-timeout.ts'

const CHANNEL = 'posthorn'
/** Pause between two attempts to reconnect. */
const PAUSE_MS = 500
const QUERY_TIMEOUT_MS = 3_000
/** How long our own message can take to arrive, and how long until the next one is sent. */
const ECHO_MS = 2_000
const CHECK_MS = 10_000

/**
 * One transaction, with the settings that it relies on, in one round trip. `idle_session_timeout` outlives it: otherwise
 * the server would end the session between two messages.
 */
const withSettings = (client: pg.Client, statement: string): string =>
  `begin isolation level read committed; ${noWholeTimeout(client)} set local statement_timeout = ${QUERY_TIMEOUT_MS}; set local lock_timeout = 0;
   set idle_session_timeout = 0; ${statement}; commit`

/**
 * Messages between nodes by LISTEN and NOTIFY, on a connection of its own. They only make things faster, and can get
 * lost. NOTIFY takes a database-wide lock at commit, so it is kept apart from all other work.
 *
 * From time to time the bus sends itself a message to check the connection: a cut connection reports no error, and a
 * pooler in transaction mode accepts LISTEN but never delivers a message.
 */
export class PostgresBus implements Bus {
  readonly #config: pg.ClientConfig
  readonly #clock: Clock
  readonly #echo = `echo ${randomUUID()}`
  #handle: (message: string) => void = () => {}
  #onLine: (areHeard: boolean) => void = () => {}
  #client: pg.Client | undefined
  /** For the next attempt to connect, or for the next check whether messages arrive: never both. */
  #timer: Timer | undefined
  /** Undefined: not known for this connection yet. */
  #areHeard: boolean | undefined
  #isEchoed = false
  #isClosed = false

  /** Throws an error that says what is wrong with the URL. */
  constructor(url: string, clock: Clock) {
    this.#config = { ...connectionOptions(url), application_name: 'posthorn bus', query_timeout: QUERY_TIMEOUT_MS }
    this.#clock = clock
  }

  async open(handler: (message: string) => void, onLine: (areHeard: boolean) => void): Promise<void> {
    this.#handle = handler
    this.#onLine = onLine
    await this.#connect()
  }

  async send(message: string): Promise<boolean> {
    const client = this.#client
    if (client === undefined) return false
    try {
      await client.query(withSettings(client, `select pg_notify('${CHANNEL}', ${client.escapeLiteral(message)})`))
      return true
    } catch {
      this.#lose(client)
      return false
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#timer?.cancel()
    const client = this.#client
    this.#client = undefined
    await client?.end().catch(() => {})
  }

  async #connect(): Promise<void> {
    const client = new pg.Client(this.#config)
    noteVersion(client)
    client.on('error', () => this.#lose(client))
    client.on('end', () => this.#lose(client))
    client.on('notification', ({ payload }) => {
      if (payload === this.#echo) this.#isEchoed = true
      else this.#handle(payload ?? '')
    })
    this.#client = client
    try {
      await client.connect()
      await client.query(withSettings(client, `listen ${CHANNEL}`))
    } catch {
      return this.#lose(client)
    }
    // Messages sent while there was no connection are lost.
    this.#areHeard = undefined
    void this.#check(client)
  }

  /** Sends ourselves a message, checks a little later whether it has arrived, and repeats this after a while. */
  async #check(client: pg.Client): Promise<void> {
    if (this.#client !== client) return
    this.#isEchoed = false
    if (!(await this.send(this.#echo)) || this.#client !== client) return
    this.#timer = this.#clock.after(ECHO_MS, () => {
      this.#tell(this.#isEchoed)
      this.#timer = this.#clock.after(CHECK_MS, () => void this.#check(client))
    })
  }

  #lose(client: pg.Client): void {
    client.end().catch(() => {})
    if (this.#client !== client || this.#isClosed) return
    this.#client = undefined
    this.#timer?.cancel()
    this.#timer = this.#clock.after(PAUSE_MS, () => void this.#connect())
    this.#tell(false)
  }

  #tell(areHeard: boolean): void {
    if (this.#areHeard === areHeard) return
    this.#areHeard = areHeard
    this.#onLine(areHeard)
  }
}
