import type { LookupAddress } from 'node:dns'
import type { Clock } from '../../base/clock.ts'
import { type GuardedLookup, guardedLookup, type Resolver } from '../../guard/lookup.ts'
import type { TargetPolicy } from '../../guard/target.ts'
import { HttpClient } from '../http/client.ts'
import { Dialer, type Lookup } from '../http/dialer.ts'
import type { DialTarget } from '../http/opening.ts'
import { type Identity, TlsSetup } from '../http/tls.ts'
import { parseProxy } from '../http/tunnel.ts'

/** A connection to a receiver. */
export type ReceiverConnection = {
  readonly client: HttpClient
  readonly route: Route
  /** Monotonic milliseconds. */
  readonly openedAtMs: number
  /** When it is too old to be idle. Monotonic milliseconds. */
  idleUntilMs: number
}

/** Where a request goes, and as whom. Connections are shared only if both are the same. */
export type Route = {
  /** Scheme, host and port. */
  readonly origin: string
  /** The client certificate for mutual TLS. Null for none. */
  readonly identity: Identity | null
}

/** Settings, named as in the configuration. */
export type ConnectionSettings = TargetPolicy & {
  /** The URL of a proxy for all connections except to this machine. Null if there is none. */
  readonly proxy: { readonly reveal: () => string } | null
  readonly connectTimeoutMs: number
  /** Certificates of authorities to trust in addition to the default ones. */
  readonly extraCa: readonly { readonly pem: string }[]
}

/** How long a connection is kept. Its name isn't looked up again, so this limits how late a DNS change is noticed. */
const LONGEST_AGE_MS = 120_000
const LONGEST_IDLE_MS = 20_000
/** How long before the receiver would close an idle connection it is no longer used. */
const KEEP_ALIVE_MARGIN_MS = 1_000
const SWEEP_MS = 5_000

/**
 * Connections to receivers. Each has at most one request at a time, so that an attempt knows which address it went to.
 * engine/http/ opens the sockets, behind the guard (C3).
 *
 * A connection is new → in use (acquired) → idle (released) → in use, or closed because its request failed, something
 * arrived while it was idle, or it was idle or open for too long.
 */
export class Connections {
  /** By origin and identity. */
  readonly #idle = new Map<string, ReceiverConnection[]>()
  readonly #dialer: Dialer
  readonly #clock: Clock
  #sweeper: { cancel(): void } | undefined

  /** @param resolver defaults to the system's */
  constructor(settings: ConnectionSettings, clock: Clock, resolver?: Resolver) {
    this.#clock = clock
    this.#dialer = new Dialer({
      policy: settings,
      lookup: lookupWith(guardedLookup(settings, resolver)),
      tls: new TlsSetup(
        settings.extraCa.map(({ pem }) => pem),
        clock,
      ),
      proxy: settings.proxy === null ? null : parseProxy(settings.proxy.reveal()),
      clock,
      timeoutMs: settings.connectTimeoutMs,
    })
  }

  /** Returns a connection that is not in use: the one used last, or a new one. */
  acquire(route: Route): ReceiverConnection {
    const idle = this.#idle.get(keyOf(route))
    const nowMs = this.#clock.monotonicMs()
    for (let kept = idle?.pop(); kept !== undefined; kept = idle?.pop()) {
      if (nowMs - kept.openedAtMs < LONGEST_AGE_MS && nowMs < kept.idleUntilMs && !kept.client.destroyed) return kept
      kept.client.destroy()
    }
    return this.open(route)
  }

  /** Returns a new connection. It is opened by its first request. */
  open(route: Route): ReceiverConnection {
    const client = new HttpClient(targetOf(route), new URL(route.origin).host, this.#dialer)
    return { client, route, openedAtMs: this.#clock.monotonicMs(), idleUntilMs: Number.POSITIVE_INFINITY }
  }

  /** Takes a connection back after its request. Keeps it if the request ended cleanly, otherwise destroys it. */
  release(connection: ReceiverConnection, isSound: boolean): void {
    const { client, route } = connection
    const idleMs = Math.min(LONGEST_IDLE_MS, keepAliveMs(client.keepAliveSeconds))
    if (!isSound || client.destroyed || idleMs <= 0) {
      client.destroy()
      return
    }
    connection.idleUntilMs = this.#clock.monotonicMs() + idleMs
    const idle = this.#idle.get(keyOf(route))
    if (idle === undefined) this.#idle.set(keyOf(route), [connection])
    else idle.push(connection)
    this.#sweeper ??= this.#clock.after(SWEEP_MS, () => this.#sweep())
  }

  close(): void {
    this.#sweeper?.cancel()
    for (const idle of this.#idle.values()) for (const { client } of idle) client.destroy()
    this.#idle.clear()
  }

  #sweep(): void {
    const nowMs = this.#clock.monotonicMs()
    for (const [key, idle] of this.#idle) {
      const kept = idle.filter(({ client, idleUntilMs, openedAtMs }) => {
        const isKept = !client.destroyed && nowMs < idleUntilMs && nowMs - openedAtMs < LONGEST_AGE_MS
        if (!isKept) client.destroy()
        return isKept
      })
      if (kept.length > 0) this.#idle.set(key, kept)
      else this.#idle.delete(key)
    }
    this.#sweeper = this.#idle.size > 0 ? this.#clock.after(SWEEP_MS, () => this.#sweep()) : undefined
  }
}

const keyOf = ({ origin, identity }: Route): string => (identity === null ? origin : `${origin} ${identity.name}`)

function targetOf({ origin, identity }: Route): DialTarget {
  const { protocol, hostname, port } = new URL(origin)
  const isSecure = protocol === 'https:'
  const host = hostname.replace(/^\[|\]$/g, '')
  return { host, port: port === '' ? (isSecure ? 443 : 80) : Number(port), isSecure, identity }
}

const keepAliveMs = (seconds: number | null): number =>
  seconds === null ? Number.POSITIVE_INFINITY : 1_000 * seconds - KEEP_ALIVE_MARGIN_MS

const lookupWith =
  (guarded: GuardedLookup): Lookup =>
  ({ host }) => {
    const { promise, resolve, reject } = Promise.withResolvers<readonly LookupAddress[]>()
    guarded(host, { all: true }, (error, answers) => {
      if (error === null) resolve(answers as LookupAddress[])
      else reject(error)
    })
    return promise
  }
