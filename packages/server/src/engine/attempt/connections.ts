import type { LookupAddress } from 'node:dns'
import type { Socket } from 'node:net'
import { createSecureContext, DEFAULT_CIPHERS, getCACertificates, type SecureContextOptions } from 'node:tls'
import { buildConnector, Client } from 'undici'
import type { Clock } from '../../base/clock.ts'
import { type DirectRule, isDirectAddress, isDirectHost } from '../../guard/direct-rule.ts'
import { type GuardedLookup, guardedLookup, type Resolver, TargetRefusedError } from '../../guard/lookup.ts'
import { addressAllowed, isLoopbackHost, type TargetPolicy } from '../../guard/target.ts'
import { AnswerGate } from './answer-gate.ts'
import { type OutgoingProxy, openTunnel, parseProxy } from './tunnel.ts'

/** A connection to a receiver, and the state of its socket. */
export type ReceiverConnection = {
  readonly client: Client
  readonly route: Route
  readonly gate: AnswerGate
  /** `address:port` of the current socket. Null before the first. */
  address: string | null
  /** TCP is connected. */
  isConnected: boolean
  /** TCP and TLS are ready, and the address was allowed. */
  isReady: boolean
  /** Monotonic milliseconds. */
  openedAtMs: number
  idleSinceMs: number
}

/** Where a request goes, and as whom. Connections are shared only if both are the same. */
export type Route = {
  /** Scheme, host and port. */
  readonly origin: string
  /** The client certificate for mutual TLS. Null for none. */
  readonly identity: Identity | null
}

/** A client certificate and its key, both PEM. */
export type Identity = {
  /** Equal only for the same certificate of the same endpoint. */
  readonly name: string
  readonly certificate: string
  readonly key: string
}

/** Settings, named as in the configuration. */
export type ConnectionSettings = TargetPolicy & {
  /** The URL of a proxy for all connections except to this machine. Null if there is none. */
  readonly proxy: { readonly reveal: () => string } | null
  /** Receivers that are connected to without the proxy. Default: none. */
  readonly noProxy?: readonly DirectRule[]
  readonly connectTimeoutMs: number
  /** Certificates of authorities to trust in addition to the default ones. */
  readonly extraCa: readonly { readonly pem: string }[]
}

/** How long a connection is kept. Its name isn't looked up again, so this limits how late a DNS change is noticed. */
const LONGEST_AGE_MS = 120_000
const LONGEST_IDLE_MS = 20_000
const SWEEP_MS = 5_000
const MAX_RESPONSE_HEAD_BYTES = 16_384
const IDENTITIES_KEPT = 1_000
/** No DHE: servers choose the group, and one of 10,000 bits blocks this thread for a third of a second each time. */
const CIPHERS = `${DEFAULT_CIPHERS}:!kDHE:!DHE`

/** There was no connection within `connectTimeoutMs`. */
class ConnectTimeout extends Error {
  readonly code = 'POSTHORN_CONNECT_TIMEOUT'
}

/**
 * Connections to receivers: the only place that opens sockets to addresses that tenants choose. Each is a client of its
 * own with at most one request at a time, so that an attempt knows which address it went to.
 *
 * The guard checks in three places: every address that a lookup returns, every address literal (which is never looked
 * up), and the address of the connected socket, before a byte of a request is sent (C3).
 *
 * A connection is new → in use (acquired) → idle (released) → in use, or closed because its request failed or it was
 * idle or open for too long.
 */
export class Connections {
  /** By origin and identity. */
  readonly #idle = new Map<string, ReceiverConnection[]>()
  readonly #trust: SecureContextOptions
  readonly #lookup: GuardedLookup
  readonly #proxy: OutgoingProxy | undefined
  readonly #noProxy: readonly DirectRule[]
  readonly #connect: buildConnector.connector
  readonly #connectAs = new Map<string, buildConnector.connector>()
  readonly #connectTimeoutMs: number
  readonly #policy: TargetPolicy
  readonly #clock: Clock
  #sweeper: { cancel(): void } | undefined

  /** @param resolver defaults to the system's */
  constructor(settings: ConnectionSettings, clock: Clock, resolver?: Resolver) {
    this.#policy = settings
    this.#clock = clock
    this.#proxy = settings.proxy === null ? undefined : parseProxy(settings.proxy.reveal())
    this.#noProxy = settings.noProxy ?? []
    this.#lookup = guardedLookup(settings, resolver)
    // Created once: reading a hundred and fifty certificates for each connection would take milliseconds.
    const extra = settings.extraCa.map(({ pem }) => pem)
    const ca = extra.length > 0 ? { ca: [...getCACertificates('default'), ...extra] } : {}
    this.#trust = { minVersion: 'TLSv1.2', ciphers: CIPHERS, ...ca }
    this.#connectTimeoutMs = settings.connectTimeoutMs
    this.#connect = this.#createConnector(null)
  }

  #createConnector(identity: Identity | null): buildConnector.connector {
    const shown = identity === null ? {} : { cert: identity.certificate, key: identity.key }
    const base = {
      // Replaced by an exact timer of our own (#dial): undici's can be half a second late.
      timeout: 0,
      allowH2: false,
      minVersion: 'TLSv1.2' as const,
      secureContext: createSecureContext({ ...this.#trust, ...shown }),
      rejectUnauthorized: true,
      lookup: this.#lookup,
      // Sessions are cached by server name alone, and a resumed session keeps the identity it was created with.
      ...(identity === null ? {} : { maxCachedSessions: 0 }),
    }
    return buildConnector(base as buildConnector.BuildOptions)
  }

  #connectorOf(identity: Identity | null): buildConnector.connector {
    if (identity === null) return this.#connect
    let connector = this.#connectAs.get(identity.name)
    if (connector === undefined) {
      if (this.#connectAs.size >= IDENTITIES_KEPT) this.#connectAs.clear()
      connector = this.#createConnector(identity)
      this.#connectAs.set(identity.name, connector)
    }
    return connector
  }

  /** Returns a connection that is not in use: the one used last, or a new one. */
  acquire(route: Route): ReceiverConnection {
    const idle = this.#idle.get(keyOf(route))
    const nowMs = this.#clock.monotonicMs()
    for (let kept = idle?.pop(); kept !== undefined; kept = idle?.pop()) {
      if (nowMs - kept.openedAtMs < LONGEST_AGE_MS && !kept.client.destroyed) return kept
      void kept.client.destroy()
    }
    return this.#open(route)
  }

  /** Takes a connection back after its request. Keeps it if the request ended cleanly, otherwise destroys it. */
  release(connection: ReceiverConnection, isSound: boolean): void {
    if (!isSound || connection.client.destroyed) {
      void connection.client.destroy()
      return
    }
    connection.idleSinceMs = this.#clock.monotonicMs()
    const idle = this.#idle.get(keyOf(connection.route))
    if (idle === undefined) this.#idle.set(keyOf(connection.route), [connection])
    else idle.push(connection)
    this.#sweeper ??= this.#clock.after(SWEEP_MS, () => this.#sweep())
  }

  close(): void {
    this.#sweeper?.cancel()
    for (const idle of this.#idle.values()) for (const { client } of idle) void client.destroy()
    this.#idle.clear()
  }

  #sweep(): void {
    const nowMs = this.#clock.monotonicMs()
    for (const [key, idle] of this.#idle) {
      const kept = idle.filter(connection => {
        const isKept =
          nowMs - connection.idleSinceMs < LONGEST_IDLE_MS && nowMs - connection.openedAtMs < LONGEST_AGE_MS
        if (!isKept) void connection.client.destroy()
        return isKept
      })
      if (kept.length > 0) this.#idle.set(key, kept)
      else this.#idle.delete(key)
    }
    this.#sweeper = this.#idle.size > 0 ? this.#clock.after(SWEEP_MS, () => this.#sweep()) : undefined
  }

  #open(route: Route): ReceiverConnection {
    const client = new Client(route.origin, {
      connect: (options, callback) => this.#dial(connection, options, callback),
      pipelining: 1,
      allowH2: false,
      maxHeaderSize: MAX_RESPONSE_HEAD_BYTES,
      // Attempts have their own deadlines (deliver.ts); undici's are coarse.
      headersTimeout: 0,
      bodyTimeout: 0,
      keepAliveTimeout: LONGEST_IDLE_MS,
      keepAliveMaxTimeout: LONGEST_AGE_MS,
    })
    const connection: ReceiverConnection = {
      client,
      route,
      gate: new AnswerGate(),
      address: null,
      isConnected: false,
      isReady: false,
      openedAtMs: this.#clock.monotonicMs(),
      idleSinceMs: 0,
    }
    return connection
  }

  #dial(connection: ReceiverConnection, options: buildConnector.Options, callback: buildConnector.Callback): void {
    connection.address = null
    connection.isConnected = false
    connection.isReady = false
    connection.openedAtMs = this.#clock.monotonicMs()
    const host = options.hostname.replace(/^\[|\]$/g, '')
    const refused = this.#refusalOfLiteral(host)
    if (refused !== undefined) {
      // Not from within this call: undici doesn't expect the callback before it has returned.
      queueMicrotask(() => callback(refused, null))
      return
    }
    const isLocal = this.#policy.dev && isLoopbackHost(host)
    const isDirect = isLocal || isDirectHost(this.#noProxy, host, portOf(options))
    if (this.#proxy === undefined || isDirect) this.#dialDirectly(connection, host, options, callback)
    else this.#dialThrough(this.#proxy, connection, host, options, callback)
  }

  #dialDirectly(
    connection: ReceiverConnection,
    host: string,
    options: buildConnector.Options,
    callback: buildConnector.Callback,
    timeoutMs = this.#connectTimeoutMs,
  ): void {
    const timer = this.#clock.after(timeoutMs, () => socket?.destroy(new ConnectTimeout()))
    const connector = this.#connectorOf(connection.route.identity)
    const socket = connector(options, (error, ready) => {
      timer.cancel()
      if (error !== null) return callback(error, null)
      const address = ready.remoteAddress ?? ''
      const reason = addressAllowed(address, this.#policy, host)
      if (reason !== undefined) {
        ready.destroy()
        return callback(new TargetRefusedError(address, reason), null)
      }
      connection.address = formatAddress(address, ready.remotePort)
      connection.isReady = true
      connection.gate.attach(ready)
      return callback(null, ready)
    }) as unknown as Socket | undefined
    socket?.once('connect', () => {
      connection.isConnected = true
      connection.address = formatAddress(socket.remoteAddress ?? '', socket.remotePort)
    })
  }

  /**
   * Connects through the proxy: checks all the host's addresses, tunnels to the first, and speaks TLS inside. If all of
   * them are in networks that need no proxy, connects directly to the first: the name isn't looked up again, since
   * another answer could lead past the proxy.
   */
  #dialThrough(
    proxy: OutgoingProxy,
    connection: ReceiverConnection,
    host: string,
    options: buildConnector.Options,
    callback: buildConnector.Callback,
  ): void {
    let current: Socket | undefined
    let isLate = false
    const untilMs = this.#clock.monotonicMs() + this.#connectTimeoutMs
    const timer = this.#clock.after(this.#connectTimeoutMs, () => {
      isLate = true
      if (current === undefined) callback(new ConnectTimeout(), null)
      else current.destroy(new ConnectTimeout())
    })
    const fail = (error: Error) => {
      timer.cancel()
      callback(error, null)
    }
    this.#lookup(host, { all: true }, (error, answers) => {
      if (isLate) return
      if (error !== null) return fail(error)
      const found = answers as [LookupAddress, ...LookupAddress[]]
      const [{ address }] = found
      const port = portOf(options)
      if (found.every(answer => isDirectAddress(this.#noProxy, answer.address, port))) {
        timer.cancel()
        const pinned = { ...options, hostname: address, servername: host }
        this.#dialDirectly(connection, host, pinned, callback, untilMs - this.#clock.monotonicMs())
        return
      }
      current = openTunnel(proxy, address, port, (refusal, tunnel) => {
        if (refusal !== null) return fail(refusal)
        connection.isConnected = true
        connection.address = formatAddress(address, port)
        const connector = this.#connectorOf(connection.route.identity)
        current = connector({ ...options, httpSocket: tunnel }, (fault, ready) => {
          if (fault !== null) return fail(fault)
          timer.cancel()
          connection.isReady = true
          connection.gate.attach(ready)
          return callback(null, ready)
        }) as unknown as Socket | undefined
      })
    })
  }

  #refusalOfLiteral(host: string): TargetRefusedError | undefined {
    if (!/^[\d.]+$|:/.test(host)) return undefined
    const reason = addressAllowed(host, this.#policy, host)
    return reason === undefined ? undefined : new TargetRefusedError(host, reason)
  }
}

const portOf = ({ port, protocol }: buildConnector.Options): number =>
  Number(port || (protocol === 'https:' ? 443 : 80))

const keyOf = ({ origin, identity }: Route): string => (identity === null ? origin : `${origin} ${identity.name}`)

const formatAddress = (address: string, port: number | undefined): string =>
  address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
