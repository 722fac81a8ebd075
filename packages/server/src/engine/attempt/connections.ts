import type { LookupAddress } from 'node:dns'
import type { Clock } from '../../base/clock.ts'
import type { DirectRule } from '../../guard/direct-rule.ts'
import { type GuardedLookup, guardedLookup, type Resolver } from '../../guard/lookup.ts'
import type { TargetPolicy } from '../../guard/target.ts'
import { HttpClient } from '../http/client.ts'
import { Dialer, type Lookup } from '../http/dialer.ts'
import type { DialTarget } from '../http/opening.ts'
import { TlsSetup } from '../http/tls.ts'
import { parseProxy } from '../http/tunnel.ts'
import { KeptConnections } from './kept-connections.ts'
import type { Route } from './route.ts'

/** A connection to a receiver. */
export type ReceiverConnection = {
  readonly client: HttpClient
  readonly route: Route
  /** Monotonic milliseconds. */
  readonly openedAtMs: number
  /** When it has been idle for too long. Monotonic milliseconds. */
  idleUntilMs: number
}

/** Settings, named as in the configuration. */
export type ConnectionSettings = TargetPolicy & {
  /** The URL of a proxy for all connections except to this machine. Null if there is none. */
  readonly proxy: { readonly reveal: () => string } | null
  /** Receivers that are connected to without the proxy. Default: none. */
  readonly noProxy?: readonly DirectRule[]
  readonly connectTimeoutMs: number
  /** Maximum number of requests in flight to one host, and of open connections as long as those leave room. */
  readonly maxInFlightPerHost: number
  /** Certificates of authorities to trust in addition to the default ones. */
  readonly extraCa: readonly { readonly pem: string }[]
}

/**
 * Connections to receivers. Each has at most one request at a time, so that an attempt knows which address it went to.
 * engine/http/ opens the sockets, behind the guard (C3).
 *
 * A connection is new → in use (acquired) → idle (released; kept-connections.ts) → in use, or closed because its request
 * failed, something arrived while it was idle, or it was idle or open for too long.
 */
export class Connections {
  readonly #kept: KeptConnections<ReceiverConnection>
  readonly #dialer: Dialer
  readonly #clock: Clock

  /**
   * @param resolver defaults to the system's
   * @param isShared whether several tenants are active. Default: never
   */
  constructor(settings: ConnectionSettings, clock: Clock, resolver?: Resolver, isShared?: () => boolean) {
    this.#clock = clock
    this.#kept = new KeptConnections(settings.maxInFlightPerHost, clock)
    this.#dialer = new Dialer({
      policy: settings,
      lookup: lookupWith(guardedLookup(settings, resolver)),
      proxyResolver: resolver,
      tls: new TlsSetup(
        settings.extraCa.map(({ pem }) => pem),
        clock,
      ),
      proxy: settings.proxy === null ? null : parseProxy(settings.proxy.reveal()),
      noProxy: settings.noProxy ?? [],
      clock,
      timeoutMs: settings.connectTimeoutMs,
      isShared,
    })
  }

  /** Returns a connection that is not in use: the one used last, or a new one. */
  acquire(route: Route): ReceiverConnection {
    return this.#kept.take(route) ?? this.open(route)
  }

  /** Returns a new connection. It is opened by its first request. */
  open(route: Route): ReceiverConnection {
    this.#kept.opened(route)
    const client = new HttpClient(targetOf(route), new URL(route.origin).host, this.#dialer)
    const openedAtMs = this.#clock.monotonicMs()
    const connection = { client, route, openedAtMs, idleUntilMs: Number.POSITIVE_INFINITY }
    client.onClose = () => this.#kept.lost(connection)
    return connection
  }

  /** Takes a connection back after its request. Keeps it if the request ended cleanly, otherwise destroys it. */
  release(connection: ReceiverConnection, isSound: boolean): void {
    const { client, route } = connection
    if (isSound && !client.destroyed) {
      this.#kept.keep(connection)
      return
    }
    this.#kept.ended(route)
    client.destroy()
  }

  close(): void {
    this.#kept.close()
  }
}

function targetOf({ origin, tenant, identity }: Route): DialTarget {
  const { protocol, hostname, port } = new URL(origin)
  const isSecure = protocol === 'https:'
  const host = hostname.replace(/^\[|\]$/g, '')
  return { host, port: port === '' ? (isSecure ? 443 : 80) : Number(port), isSecure, tenant, identity }
}

const lookupWith =
  (guarded: GuardedLookup): Lookup =>
  ({ host, tenant }, signal) => {
    const { promise, resolve, reject } = Promise.withResolvers<readonly LookupAddress[]>()
    guarded(host, { all: true, tenant, signal }, (error, answers) => {
      if (error === null) resolve(answers as LookupAddress[])
      else reject(error)
    })
    return promise
  }
