import { lookup } from 'node:dns/promises'
import { once } from 'node:events'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { CreatedApi } from '../api/api.ts'
import type { CloseReason } from '../api/http/connections.ts'
import { InnerFetch, type InnerRequestInit } from '../api/http/inner-fetch.ts'
import type { Clock } from '../base/clock.ts'
import { PosthornError } from '../base/errors.ts'
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

/** The API and the dashboard: listening on a port, within the process, or both. */
export class ApiServer {
  readonly #created: CreatedApi
  readonly #inner: InnerFetch
  readonly #clock: Clock
  #dashboard: Server | undefined
  #closed: Promise<void> | undefined

  constructor(created: CreatedApi, clock: Clock) {
    this.#created = created
    this.#inner = new InnerFetch(() => created.createServer('api'))
    this.#clock = clock
  }

  /** Gets ready without listening. */
  async open(): Promise<void> {
    await this.#created.api.ready()
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

  /** Makes a call from within the process, as the global `fetch` would make it over the network. */
  fetch(input: Request | string | URL, init?: InnerRequestInit): Promise<Response> {
    return this.#inner.fetch(input, init)
  }

  /** Handles a request that another server of this process has received. */
  handle(request: IncomingMessage, response: ServerResponse): void {
    this.#created.handle(request, response)
  }

  /** Whether it listens on a port. */
  get isListening(): boolean {
    return this.#created.api.server.listening
  }

  /** The URL it listens on. Throws PosthornError if it doesn't listen. */
  url(): string {
    return urlOf(this.#created.api.server)
  }

  /** The URL that a browser on this machine reaches the dashboard by, with a slash at its end. */
  dashboardUrl(): string {
    return reached(urlOf(this.#dashboard ?? this.#created.api.server))
  }

  /** The URL that a browser on this machine reaches the portal by, with a slash at its end. Only while listening. */
  portalUrl(): string {
    return reached(this.url())
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
    const { api } = this.#created
    // The framework leaves a server alone that has never listened. Without this, it would check its connections forever.
    if (!api.server.listening) api.server.close()
    this.#closed = api.close()
    // Awaited in `drain`.
    this.#closed.catch(() => {})
  }

  /**
   * Waits until all requests have their response. A connection that never finishes or never starts a request can't
   * delay the shutdown for longer than the timeout.
   */
  async drain(timeoutMs: number): Promise<void> {
    const { untilIdle, closeConnections } = this.#created
    const { promise: isOver, resolve: end } = Promise.withResolvers<void>()
    const cut = () => {
      this.#inner.refuse()
      closeConnections()
      end()
    }
    const late = this.#clock.after(timeoutMs, cut)
    void untilIdle()
      .then(async () => {
        // A call from within that was made a moment ago does not count as in progress yet: it would break off.
        this.#inner.refuse()
        await this.#inner.untilAnswered()
        await untilIdle()
      })
      .then(cut)
    // The framework waits for connections of its own server only.
    await Promise.all([this.#closed, isOver])
    this.#inner.close()
    late.cancel()
  }
}

function urlOf(server: Server): string {
  const bound = server.address() as AddressInfo | null
  if (bound === null) {
    throw new PosthornError(
      'conflict',
      'This server does not know its own URL. Set publicUrl to the URL it is mounted at.',
    )
  }
  const { address, family, port } = bound
  return family === 'IPv6' ? `http://[${address}]:${port}` : `http://${address}:${port}`
}

/** What listens on all addresses is reached on loopback too. */
const reached = (url: string): string => `${url.replace('//0.0.0.0:', '//127.0.0.1:').replace('//[::]:', '//[::1]:')}/`
