import type { AddressInfo } from 'node:net'
import { promisify } from 'node:util'
import type { CreatedApi } from '../api/api.ts'
import type { Clock } from '../base/clock.ts'

/** The API on its port. */
export class ApiServer {
  readonly #created: CreatedApi
  readonly #clock: Clock
  #closed: Promise<void> | undefined

  constructor(created: CreatedApi, clock: Clock) {
    this.#created = created
    this.#clock = clock
  }

  /** Rejects with the system's error where it can't listen there. */
  async listen({ host, port }: { readonly host: string; readonly port: number }): Promise<void> {
    await this.#created.api.listen({ host, port })
  }

  /** Where it listens. */
  url(): string {
    const { address, family, port } = this.#created.api.server.address() as AddressInfo
    return family === 'IPv6' ? `http://[${address}]:${port}` : `http://${address}:${port}`
  }

  /** Open connections. */
  connections(): Promise<number> {
    const { server } = this.#created.api
    return promisify(server.getConnections.bind(server))()
  }

  /** Calls with a wrong key since the start. */
  failedAuthentications(): number {
    return this.#created.failedAuthentications()
  }

  /** Listens no more. Calls that have begun are answered. */
  refuse(): void {
    this.#closed = this.#created.api.close()
    // It is awaited in `drain`.
    this.#closed.catch(() => {})
  }

  /**
   * Answers calls to their end; one that never ends its request, or never begins one, can't hold up the stop for longer
   * than the time-out.
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
