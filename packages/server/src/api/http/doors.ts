/**
 * The two doors to the API: keys work under `/v1`, sessions under `/session/v1`. What comes in by the second has its
 * prefix taken off before the router sees it, so both have the same routes and handlers.
 */
import type { IncomingMessage } from 'node:http'
import { toOriginForm } from './http-faults.ts'

export const SESSION_PREFIX = '/session'
const SESSION_PATH = `${SESSION_PREFIX}/v1`

export type DoorOptions = {
  /** The path of `publicUrl`, with a slash at both ends. Requests can come with it or without. */
  readonly basePath: string
  /**
   * Where the dashboard is: at the API's address (`shared`), at one of its own, so that the API's has neither pages nor
   * sessions (`apart`), or nowhere (`none`).
   */
  readonly dashboard: 'shared' | 'apart' | 'none'
}

export class Doors {
  readonly #options: DoorOptions
  readonly #sessions = new WeakSet<IncomingMessage>()
  readonly #atDashboard = new WeakSet<IncomingMessage>()

  constructor(options: DoorOptions) {
    this.#options = options
  }

  /** A request has arrived at the dashboard's own address. */
  arriveAtDashboard(request: IncomingMessage): void {
    this.#atDashboard.add(request)
  }

  /** The path and query that the router sees. */
  enter(request: IncomingMessage): string {
    const url = this.#withoutBase(toOriginForm(request.url ?? '/'))
    if (!url.startsWith(SESSION_PATH) || !/^(?:[/?#]|$)/.test(url.slice(SESSION_PATH.length))) return url
    if (!this.hasPages(request)) return url
    this.#sessions.add(request)
    return url.slice(SESSION_PREFIX.length)
  }

  /** Whether the request came in by the door for sessions. */
  isSession(request: IncomingMessage): boolean {
    return this.#sessions.has(request)
  }

  /** Whether the address that the request arrived at has the dashboard. */
  hasPages(request: IncomingMessage): boolean {
    const { dashboard } = this.#options
    return dashboard === 'shared' || (dashboard === 'apart' && this.#atDashboard.has(request))
  }

  /** Whether the API's own paths don't exist for the request. */
  isPagesOnly(request: IncomingMessage): boolean {
    return this.#options.dashboard === 'apart' && this.#atDashboard.has(request) && !this.#sessions.has(request)
  }

  #withoutBase(url: string): string {
    const { basePath } = this.#options
    if (basePath === '/') return url
    if (url.startsWith(basePath)) return url.slice(basePath.length - 1)
    return url === basePath.slice(0, -1) ? '/' : url
  }
}
