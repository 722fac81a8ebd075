import { lookup } from 'node:dns/promises'
import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { CreatedApi } from '../api/api.ts'
import type { CloseReason } from '../api/http/connections.ts'
import type { Clock } from '../base/clock.ts'
import type { ListenAddress } from '../config/kinds.ts'

/** The dashboard's own address can't be listened on. */
export class DashboardNotListening extends Error {
  /** The system's code. */
  readonly code: string | undefined

  constructor(cause: NodeJS.ErrnoException) {
    super(cause.message, { cause })
    this.code = cause.code
  }
}

export type Listening = ListenAddress & {
  /** An address of its own for the dashboard. Null: it has the API's. */
  readonly dashboardListen: ListenAddress | null
}

/** The API, listening on its port, and the dashboard. */
export class ApiServer {
  readonly #created: CreatedApi
  readonly #clock: Clock
  #dashboard: Server | undefined
  #closed: Promise<void> | undefined

  constructor(created: CreatedApi, clock: Clock) {
    this.#created = created
    this.#clock = clock
  }

  /** Rejects with the system's error if it can't listen on that address. */
  async listen({ host, port, dashboardListen }: Listening): Promise<void> {
    await this.#created.api.listen({ host, port })
    if (host === 'localhost') await this.#listenOnOthers(host)
    if (dashboardListen === null) return
    this.#dashboard = this.#created.createServer('dashboard')
    this.#created.api.server.once('close', () => this.#dashboard?.close())
    this.#dashboard.listen(dashboardListen.port, dashboardListen.host)
    await once(this.#dashboard, 'listening').catch(error => {
      throw new DashboardNotListening(error)
    })
  }

  /** `localhost` can be 127.0.0.1 and ::1. The framework has taken the first; callers might try either. */
  async #listenOnOthers(host: string): Promise<void> {
    const main = this.#created.api.server
    const { address: taken, port } = main.address() as AddressInfo
    for (const { address } of await lookup(host, { all: true })) {
      if (address === taken) continue
      const server = this.#created.createServer('api')
      main.once('close', () => server.close())
      server.listen(port, address)
      // If it can't, the first one has to do.
      await once(server, 'listening').catch(() => {})
    }
  }

  /** The URL it listens on. */
  url(): string {
    return urlOf(this.#created.api.server)
  }

  /** The URL that a browser on this machine reaches the dashboard by, with a slash at its end. */
  dashboardUrl(): string {
    const url = urlOf(this.#dashboard ?? this.#created.api.server)
    // What listens on all addresses is reached on loopback too.
    return `${url.replace('//0.0.0.0:', '//127.0.0.1:').replace('//[::]:', '//[::1]:')}/`
  }

  /** The number of open connections. */
  connections(): number {
    return this.#created.connections()
  }

  /** The number of connections that were closed since startup, by reason. */
  closedConnections(): Readonly<Record<CloseReason, number>> {
    return this.#created.closedConnections()
  }

  /** The number of calls with a wrong key since startup. */
  failedAuthentications(): number {
    return this.#created.failedAuthentications()
  }

  /** Stops listening. Requests already being processed still get a response. */
  refuse(): void {
    this.#closed = this.#created.api.close()
    // Awaited in `drain`.
    this.#closed.catch(() => {})
  }

  /**
   * Waits until all requests have their response. A connection that never finishes or never starts a request can't
   * delay the shutdown for longer than the timeout.
   */
  async drain(timeoutMs: number): Promise<void> {
    const { untilIdle, closeConnections: cut } = this.#created
    const late = this.#clock.after(timeoutMs, cut)
    void untilIdle().then(cut)
    await this.#closed
    late.cancel()
  }
}

function urlOf(server: Server): string {
  const { address, family, port } = server.address() as AddressInfo
  return family === 'IPv6' ? `http://[${address}]:${port}` : `http://${address}:${port}`
}
