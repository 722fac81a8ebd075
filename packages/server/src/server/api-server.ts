import type { AddressInfo } from 'node:net'
import { promisify } from 'node:util'
import type { CreatedApi } from '../api/api.ts'
import type { Clock } from '../base/clock.ts'

/** The API, listening on its port. */
export class ApiServer {
  readonly #created: CreatedApi
  readonly #clock: Clock
  #closed: Promise<void> | undefined

  constructor(created: CreatedApi, clock: Clock) {
    this.#created = created
    this.#clock = clock
  }

  /** Rejects with the system's error if it can't listen on that address. */
  async listen({ host, port }: { readonly host: string; readonly port: number }): Promise<void> {
    await this.#created.api.listen({ host, port })
  }

  /** The URL it listens on. */
  url(): string {
    const { address, family, port } = this.#created.api.server.address() as AddressInfo
    return family === 'IPv6' ? `http://[${address}]:${port}` : `http://${address}:${port}`
  }

  /** The number of open connections. */
  connections(): Promise<number> {
    const { server } = this.#created.api
    return promisify(server.getConnections.bind(server))()
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
    const { api, untilIdle } = this.#created
    const cut = () => api.server.closeAllConnections()
    const late = this.#clock.after(timeoutMs, cut)
    void untilIdle().then(cut)
    await this.#closed
    late.cancel()
  }
}
