import type { Socket } from 'node:net'
import { createSecureContext, getCACertificates, type SecureContextOptions } from 'node:tls'
import { buildConnector, Client } from 'undici'
import type { Clock } from '../clock.ts'
import { guardedLookup, type Resolver, TargetRefusedError } from '../guard/lookup.ts'
import { addressAllowed, type TargetPolicy } from '../guard/target.ts'
import { AnswerGate } from './answer-gate.ts'

/**
 * Connections to receivers: the only place that opens sockets to addresses which tenants choose. Each is a client of
 * its own with at most one request at a time, so that an attempt knows the address it went to.
 *
 * The guard stands at three places: every answer of the look-up, every address literal (which is never looked up),
 * and the address of the connected socket, before a byte of a request is sent (C3).
 */
export type Connection = {
  readonly client: Client
  readonly origin: string
  readonly gate: AnswerGate
  /** `address:port` of the socket in use; null before the first. */
  address: string | null
  /** TCP is connected. */
  isConnected: boolean
  /** TCP and TLS are ready, and the address was allowed. */
  isReady: boolean
  /** Monotonic milliseconds. */
  openedAtMs: number
  idleSinceMs: number
}

export type ConnectionOptions = {
  readonly policy: TargetPolicy
  readonly connectTimeoutMs: number
  /** PEM certificates of authorities trusted on top of the default ones. */
  readonly extraCa: readonly string[]
  readonly resolver?: Resolver
}

/** A kept connection isn't looked up again: so it is not kept longer than this, and a changed DNS answer is followed. */
const LONGEST_AGE_MS = 120_000
const LONGEST_IDLE_MS = 20_000
const SWEEP_MS = 5_000
const MAX_RESPONSE_HEAD_BYTES = 16_384

class ConnectTimeout extends Error {
  readonly code = 'POSTHORN_CONNECT_TIMEOUT'
}

export class Connections {
  readonly #idle = new Map<string, Connection[]>()
  readonly #connect: buildConnector.connector
  readonly #connectTimeoutMs: number
  readonly #policy: TargetPolicy
  readonly #clock: Clock
  #sweeper: { cancel(): void } | undefined

  constructor(options: ConnectionOptions, clock: Clock) {
    this.#policy = options.policy
    this.#clock = clock
    const trust: SecureContextOptions = { minVersion: 'TLSv1.2' }
    // Made once: reading a hundred and fifty certificates for each connection would take milliseconds.
    if (options.extraCa.length > 0) trust.ca = [...getCACertificates('default'), ...options.extraCa]
    this.#connectTimeoutMs = options.connectTimeoutMs
    const base = {
      // An exact timer of our own stands in for it (#dial): undici's can be half a second late.
      timeout: 0,
      allowH2: false,
      minVersion: 'TLSv1.2' as const,
      secureContext: createSecureContext(trust),
      rejectUnauthorized: true,
      lookup: guardedLookup(options.policy, options.resolver),
    }
    this.#connect = buildConnector(base as buildConnector.BuildOptions)
  }

  /** A connection to an origin that nobody is using: the one used last, or a new one. */
  take(origin: string): Connection {
    const idle = this.#idle.get(origin)
    const nowMs = this.#clock.monotonicMs()
    for (let kept = idle?.pop(); kept !== undefined; kept = idle?.pop()) {
      if (nowMs - kept.openedAtMs < LONGEST_AGE_MS && !kept.client.destroyed) return kept
      void kept.client.destroy()
    }
    return this.#open(origin)
  }

  /** Gives a connection back after its request has ended well; one that failed is destroyed. */
  giveBack(connection: Connection, isSound: boolean): void {
    if (!isSound || connection.client.destroyed) {
      void connection.client.destroy()
      return
    }
    connection.idleSinceMs = this.#clock.monotonicMs()
    const idle = this.#idle.get(connection.origin)
    if (idle === undefined) this.#idle.set(connection.origin, [connection])
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
    for (const [origin, idle] of this.#idle) {
      const kept = idle.filter(connection => {
        const isKept =
          nowMs - connection.idleSinceMs < LONGEST_IDLE_MS && nowMs - connection.openedAtMs < LONGEST_AGE_MS
        if (!isKept) void connection.client.destroy()
        return isKept
      })
      if (kept.length > 0) this.#idle.set(origin, kept)
      else this.#idle.delete(origin)
    }
    this.#sweeper = this.#idle.size > 0 ? this.#clock.after(SWEEP_MS, () => this.#sweep()) : undefined
  }

  #open(origin: string): Connection {
    const client = new Client(origin, {
      connect: (options, callback) => this.#dial(connection, options, callback),
      pipelining: 1,
      allowH2: false,
      maxHeaderSize: MAX_RESPONSE_HEAD_BYTES,
      // Deadlines are the attempt's own (deliver.ts); undici's are coarse.
      headersTimeout: 0,
      bodyTimeout: 0,
      keepAliveTimeout: LONGEST_IDLE_MS,
      keepAliveMaxTimeout: LONGEST_AGE_MS,
    })
    const connection: Connection = {
      client,
      origin,
      gate: new AnswerGate(),
      address: null,
      isConnected: false,
      isReady: false,
      openedAtMs: this.#clock.monotonicMs(),
      idleSinceMs: 0,
    }
    return connection
  }

  #dial(connection: Connection, options: buildConnector.Options, callback: buildConnector.Callback): void {
    connection.address = null
    connection.isConnected = false
    connection.isReady = false
    connection.openedAtMs = this.#clock.monotonicMs()
    const host = options.hostname.replace(/^\[|\]$/g, '')
    const refused = this.#refusalOfLiteral(host)
    if (refused !== undefined) {
      // Not in this call: undici doesn't expect an answer before it has returned.
      queueMicrotask(() => callback(refused, null))
      return
    }
    const timer = this.#clock.after(this.#connectTimeoutMs, () => socket?.destroy(new ConnectTimeout()))
    const socket = this.#connect(options, (...[error, ready]: Parameters<buildConnector.Callback>) => {
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

  #refusalOfLiteral(host: string): TargetRefusedError | undefined {
    if (!/^[\d.]+$|:/.test(host)) return undefined
    const reason = addressAllowed(host, this.#policy, host)
    return reason === undefined ? undefined : new TargetRefusedError(host, reason)
  }
}

const formatAddress = (address: string, port: number | undefined): string =>
  address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
