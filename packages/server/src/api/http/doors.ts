/**
 * The doors to the API: keys work under `/v1`, sessions under `/session/v1`, and sessions of a portal under
 * `/portal/v1`. What comes in by one of these has its prefix taken off before the router sees it, so all have the same
 * routes and handlers.
 */
import type { IncomingMessage } from 'node:http'
import { toOriginForm } from './http-faults.ts'

/** Which kind of session a door is for. */
export type SessionKind = 'session' | 'portal'

/** What stands before the paths of a door for sessions. */
export const PREFIXES: Readonly<Record<SessionKind, string>> = { session: '/session', portal: '/portal' }
const KINDS = ['session', 'portal'] as const

export type DoorOptions = {
  /** The path of `publicUrl`, with a slash at both ends. Requests can come with it or without. */
  readonly basePath: string
  /**
   * Where the dashboard is: at the API's address (`shared`), at one of its own, so that the API's has neither pages nor
   * sessions (`apart`), or nowhere (`none`).
   */
  readonly dashboard: 'shared' | 'apart' | 'none'
  /** Whether there is a portal. It is at the API's address: the dashboard's own is for the operator's people. */
  readonly portal: boolean
}

export class Doors {
  readonly #options: DoorOptions
  readonly #kinds = new WeakMap<IncomingMessage, SessionKind>()
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
    const kind = KINDS.find(each => isUnder(`${PREFIXES[each]}/v1`, url))
    if (kind === undefined || !this.has(kind, request)) return url
    this.#kinds.set(request, kind)
    return url.slice(PREFIXES[kind].length)
  }

  /** The kind of session that the door which the request came in by is for. Undefined: it is the door for keys. */
  kindOf(request: IncomingMessage): SessionKind | undefined {
    return this.#kinds.get(request)
  }

  /** Whether the address that the request arrived at has the dashboard (`session`), or the portal. */
  has(kind: SessionKind, request: IncomingMessage): boolean {
    const { dashboard, portal } = this.#options
    if (kind === 'portal') return portal && !this.#atDashboard.has(request)
    return dashboard === 'shared' || (dashboard === 'apart' && this.#atDashboard.has(request))
  }

  /** Whether the API's own paths don't exist for the request. */
  isPagesOnly(request: IncomingMessage): boolean {
    return this.#options.dashboard === 'apart' && this.#atDashboard.has(request) && !this.#kinds.has(request)
  }

  #withoutBase(url: string): string {
    const { basePath } = this.#options
    if (basePath === '/') return url
    if (url.startsWith(basePath)) return url.slice(basePath.length - 1)
    return url === basePath.slice(0, -1) ? '/' : url
  }
}

const isUnder = (path: string, url: string): boolean =>
  url.startsWith(path) && /^(?:[/?#]|$)/.test(url.slice(path.length))
