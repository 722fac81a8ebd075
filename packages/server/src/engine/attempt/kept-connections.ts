import type { Clock, Timer } from '../../base/clock.ts'
import { type Route, routeKey } from './route.ts'

/** What has to be known of a connection to keep it. */
export type KeptConnection = {
  readonly client: { readonly destroyed: boolean; readonly keepAliveSeconds: number | null; destroy(): void }
  readonly route: Route
  /** Monotonic milliseconds. */
  readonly openedAtMs: number
  /** When it has been idle for too long. Monotonic milliseconds. */
  idleUntilMs: number
}

/** How long a connection is kept. Its name isn't looked up again, so this limits how late a DNS change is noticed. */
const LONGEST_AGE_MS = 120_000
const LONGEST_IDLE_MS = 20_000
/** How long before the receiver would close an idle connection it is no longer used. */
const KEEP_ALIVE_MARGIN_MS = 1_000
const SWEEP_MS = 5_000
/** Maximum number of idle connections, about 60 KB each, of one tenant and of all tenants. */
const MAX_IDLE_OF_TENANT = 1_024
const MAX_IDLE = 4_096

/**
 * Open connections: those in use are counted, those that are idle are kept for the next request on the same route.
 *
 * A connection is in use (`opened`, or taken) → idle (kept) → in use, or gone: ended by its user, by the receiver, by
 * age, or because room is needed. A route includes the tenant, so a receiver that many tenants use could fill the
 * process with idle connections: at each origin there are at most `maxPerHost` open ones as long as requests leave room,
 * and the one that has been idle longest makes way.
 */
export class KeptConnections<C extends KeptConnection> {
  readonly #maxPerHost: number
  readonly #clock: Clock
  /** By route, the one used last at the end. */
  readonly #idle = new Map<string, C[]>()
  /** Idle connections, the one that has been idle longest first: all, by origin and by tenant. */
  readonly #all = new Set<C>()
  readonly #byOrigin = new Map<string, Set<C>>()
  readonly #byTenant = new Map<string, Set<C>>()
  readonly #inUse = new Map<string, number>()
  #sweeper: Timer | undefined

  constructor(maxPerHost: number, clock: Clock) {
    this.#maxPerHost = maxPerHost
    this.#clock = clock
  }

  /** Number of idle connections. */
  get size(): number {
    return this.#all.size
  }

  /** Takes the idle connection that was used last on this route. Undefined if there is none. */
  take(route: Route): C | undefined {
    const key = routeKey(route)
    const nowMs = this.#clock.monotonicMs()
    for (let last = this.#idle.get(key)?.at(-1); last !== undefined; last = this.#idle.get(key)?.at(-1)) {
      this.#remove(last)
      if (!isTooOld(last, nowMs) && !last.client.destroyed) {
        this.#use(route.origin, 1)
        return last
      }
      last.client.destroy()
    }
    return undefined
  }

  /** A connection is about to be opened: ends idle ones, so that the origin's stay within their bound. */
  opened({ origin }: Route): void {
    this.#use(origin, 1)
    const idle = this.#byOrigin.get(origin)
    while (idle !== undefined && idle.size > 0 && this.#openAt(origin) > this.#maxPerHost) this.#endOldest(idle)
  }

  /** A connection in use has ended. */
  ended({ origin }: Route): void {
    this.#use(origin, -1)
  }

  /** Keeps a connection whose request has ended, as long as the receiver keeps it too. */
  keep(connection: C): void {
    const { route, client } = connection
    this.#use(route.origin, -1)
    const idleMs = Math.min(LONGEST_IDLE_MS, keepAliveMs(client.keepAliveSeconds))
    if (idleMs <= 0) {
      client.destroy()
      return
    }
    connection.idleUntilMs = this.#clock.monotonicMs() + idleMs
    const sameRoute = this.#idle.get(routeKey(route))
    if (sameRoute === undefined) this.#idle.set(routeKey(route), [connection])
    else sameRoute.push(connection)
    this.#all.add(connection)
    addTo(this.#byOrigin, route.origin, connection)
    const ofTenant = addTo(this.#byTenant, route.tenant, connection)
    if (ofTenant.size > MAX_IDLE_OF_TENANT) this.#endOldest(ofTenant)
    if (this.#all.size > MAX_IDLE) this.#endOldest(this.#all)
    this.#sweeper ??= this.#clock.after(SWEEP_MS, () => this.#sweep())
  }

  /** The receiver has ended a connection. Does nothing unless the connection is idle. */
  lost(connection: C): void {
    if (this.#all.has(connection)) this.#end(connection)
  }

  close(): void {
    this.#sweeper?.cancel()
    for (const connection of [...this.#all]) this.#end(connection)
  }

  #sweep(): void {
    const nowMs = this.#clock.monotonicMs()
    for (const connection of [...this.#all]) if (isTooOld(connection, nowMs)) this.#end(connection)
    this.#sweeper = this.#all.size > 0 ? this.#clock.after(SWEEP_MS, () => this.#sweep()) : undefined
  }

  #openAt(origin: string): number {
    return (this.#inUse.get(origin) ?? 0) + (this.#byOrigin.get(origin)?.size ?? 0)
  }

  #use(origin: string, change: 1 | -1): void {
    const count = (this.#inUse.get(origin) ?? 0) + change
    if (count > 0) this.#inUse.set(origin, count)
    else this.#inUse.delete(origin)
  }

  #endOldest(idle: ReadonlySet<C>): void {
    const [oldest] = idle
    this.#end(oldest!)
  }

  #end(connection: C): void {
    this.#remove(connection)
    connection.client.destroy()
  }

  #remove(connection: C): void {
    const { route } = connection
    const key = routeKey(route)
    const sameRoute = this.#idle.get(key)!
    sameRoute.splice(sameRoute.lastIndexOf(connection), 1)
    if (sameRoute.length === 0) this.#idle.delete(key)
    this.#all.delete(connection)
    removeFrom(this.#byOrigin, route.origin, connection)
    removeFrom(this.#byTenant, route.tenant, connection)
  }
}

function addTo<C>(sets: Map<string, Set<C>>, key: string, connection: C): Set<C> {
  let set = sets.get(key)
  if (set === undefined) {
    set = new Set()
    sets.set(key, set)
  }
  return set.add(connection)
}

function removeFrom<C>(sets: Map<string, Set<C>>, key: string, connection: C): void {
  const set = sets.get(key)!
  set.delete(connection)
  if (set.size === 0) sets.delete(key)
}

const isTooOld = ({ idleUntilMs, openedAtMs }: KeptConnection, nowMs: number): boolean =>
  nowMs >= idleUntilMs || nowMs - openedAtMs >= LONGEST_AGE_MS

const keepAliveMs = (seconds: number | null): number =>
  seconds === null ? Number.POSITIVE_INFINITY : 1_000 * seconds - KEEP_ALIVE_MARGIN_MS
